/** A data plane in a file: what `Dataplane.start` takes, with tables, tokenizers and pipelines by name, and what serves it. */
import * as z from 'zod';
import { OnpathError } from '../errors.js';
import type { LookupTable } from '../lookup-table.js';
import { nativePlaneConfig } from '../plane-config.js';
import { dataplaneSpec, type ParsedDataplaneSpec } from '../schema.js';
import type { Tokenizer } from '../tokenizer.js';
import { parse } from '../validate.js';
import { LONGEST_SOCKET, type LogLevel, ownFields } from './config-schema.js';
import {
  type AnyPipeline,
  compilePipeline,
  found,
  type ReadyTokenizers,
  readyTokenizers,
  tableFrom,
  tokenizerFrom,
} from './pipeline-file.js';
import { SpecFile } from './spec-file.js';

/** The parts that are the file's own; everything else is `Dataplane.start`'s. */
const ownParts = z.looseObject({
  ...ownFields,
  routes: z.array(z.looseObject({ pipeline: z.string() })).default([]),
});

export interface Config {
  readonly file: SpecFile;
  readonly tables: ReadonlyMap<string, LookupTable>;
  readonly tokenizers: ReadonlyMap<string, Tokenizer>;
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  /** Which pipeline a route runs, by name. */
  readonly pipelineOf: ReadonlyMap<string, string>;
  /** What `Dataplane.start` takes, with all defaults. */
  readonly spec: ParsedDataplaneSpec;
  /** The path is absolute. */
  readonly control: { readonly socket: string } | undefined;
  readonly metrics: { readonly listen: string } | undefined;
  readonly page: { readonly listen: string } | undefined;
  readonly log: { readonly level: LogLevel };
  readonly drainMs: number;
  /** What stands above the file, also when it is read again. */
  readonly overrides: Overrides;
}

/** Given beside the file, such as by flags. */
export type Overrides = Partial<Pick<Config, 'control' | 'metrics' | 'page' | 'log'>>;

/**
 * Reads, compiles and checks a configuration; starts nothing.
 * @throws OnpathError naming file, line and field
 */
export function readConfig(path: string, overrides: Overrides = {}): Config {
  const file = SpecFile.read(path);
  return file.located(() => configOf(file, overrides));
}

/** The same; vocabularies, which take up to a second each, are read off the event loop. @throws OnpathError as `readConfig` */
export async function readConfigAsync(path: string, overrides: Overrides = {}): Promise<Config> {
  const file = SpecFile.read(path);
  const ready = await readyTokenizers(tokenizerSources(file.value), file);
  return file.located(() => configOf(file, overrides, ready));
}

/** What may be sources of tokenizers, before anything is checked. */
function tokenizerSources(value: unknown): unknown[] {
  const { success, data } = ownParts.safeParse(value);
  if (!success) return [];
  const stages = Object.values(data.pipelines).flatMap(
    (pipeline) => (pipeline as { stages?: unknown } | null)?.stages ?? [],
  );
  return [
    ...Object.values(data.tokenizers),
    ...stages.map((stage) => (stage as { tokenizer?: unknown } | null)?.tokenizer),
  ];
}

function configOf(file: SpecFile, overrides: Overrides, ready: ReadyTokenizers = new Map()): Config {
  const {
    $schema: _schema,
    version: _version,
    routes,
    control,
    metrics,
    page,
    log,
    drainMs,
    ...own
  } = parse(ownParts, file.value, 'config');
  const { tables: _tables, tokenizers: _tokenizers, pipelines: _pipelines, ...rest } = own;
  const at = <T>(field: readonly PropertyKey[], make: () => T): T => {
    try {
      return make();
    } catch (error) {
      throw file.explained(error, field);
    }
  };
  const make = <T>(
    part: 'tables' | 'tokenizers',
    one: (source: unknown, file: SpecFile, what: string) => T,
  ) =>
    new Map(
      Object.entries(own[part]).map(([name, source]) => [
        name,
        at([part, name], () => one(source, file, `${part}.${name}`)),
      ]),
    );
  const tables = make('tables', tableFrom);
  const tokenizers = make('tokenizers', (source, of, what) => tokenizerFrom(source, of, what, ready));
  const parts = { tables, tokenizers, ready };
  const pipelines = new Map(
    Object.keys(own.pipelines).map((name) => [
      name,
      at(['pipelines', name], () => compilePipeline(file, ['pipelines', name], parts)),
    ]),
  );
  const full = routes.map((route, i) => ({
    ...route,
    pipeline: at(['routes', i, 'pipeline'], () => found(pipelines, route.pipeline, `routes[${i}].pipeline`)),
  }));
  const spec = parse(dataplaneSpec, { ...rest, routes: full }, 'config');
  // What only the whole can tell: names of ports, who may send.
  checkWhole(spec, file);
  const pipelineOf = new Map(routes.map((route, i) => [nameOf(route, i), route.pipeline]));
  const socket = control && at(['control', 'socket'], () => socketPath(file.fileNamed(control.socket)));
  return {
    ...{ file, tables, tokenizers, pipelines, pipelineOf, spec, metrics, page, log, drainMs },
    control: socket === undefined ? undefined : { socket },
    ...overrides,
    overrides,
  };
}

/** @throws OnpathError whose message begins with the field, as errors of planes do */
function checkWhole(spec: ParsedDataplaneSpec, file: SpecFile): void {
  try {
    nativePlaneConfig(spec);
  } catch (error) {
    if (!(error instanceof OnpathError)) throw error;
    const field = /^dataplane((?:\.\w+|\[\d+\])+)/.exec(error.message)?.[1] ?? '';
    const path = [...field.matchAll(/\w+/g)].map(([part]) => (/^\d/.test(part) ? Number(part) : part));
    const message = error.message.replace(/^dataplane\./, 'config.');
    throw file.explained(new OnpathError(error.code, message, { cause: error }), path);
  }
}

/** @throws OnpathError INVALID_SPEC (too long) */
export function socketPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_SOCKET) return path;
  throw new OnpathError(
    'INVALID_SPEC',
    `The socket's path ${path} has ${bytes} bytes; the system takes at most ${LONGEST_SOCKET}. Choose a shorter one.`,
  );
}

function nameOf(route: Readonly<Record<string, unknown>>, index: number): string {
  const { name } = route as { name?: unknown };
  return typeof name === 'string' ? name : String(index);
}
