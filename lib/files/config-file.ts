/** A data plane in a file: what `Dataplane.start` takes, with tables, tokenizers and pipelines by name. */
import * as z from 'zod';
import type { LookupTable } from '../lookup-table.js';
import { nativePlaneConfig } from '../plane-config.js';
import { type DataplaneSpec, dataplaneSpec } from '../schema.js';
import type { Tokenizer } from '../tokenizer.js';
import { parse } from '../validate.js';
import { type AnyPipeline, compilePipeline, found, tableFrom, tokenizerFrom } from './pipeline-file.js';
import { SpecFile } from './spec-file.js';

const named = z.record(z.string().min(1).max(64), z.unknown());

/** The parts that are the file's own; everything else is `Dataplane.start`'s. */
const ownParts = z.looseObject({
  version: z.literal(1).describe('Of this format.'),
  tables: named
    .default({})
    .describe('Lookup tables by name: { file, dtype? } or { expression, dtype, channels? }.'),
  tokenizers: named.default({}).describe('Tokenizers by name: { file, encoding? }.'),
  pipelines: named.default({}).describe('Pipelines by name; stages refer to tables and tokenizers by name.'),
  routes: z.array(z.looseObject({ pipeline: z.string().describe('The name of a pipeline.') })).default([]),
});

export interface Config {
  readonly file: SpecFile;
  readonly tables: ReadonlyMap<string, LookupTable>;
  readonly tokenizers: ReadonlyMap<string, Tokenizer>;
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  /** Which pipeline a route runs, by name. */
  readonly pipelineOf: ReadonlyMap<string, string>;
  /** What `Dataplane.start` takes. */
  readonly spec: DataplaneSpec;
}

/**
 * Reads, compiles and checks a configuration; starts nothing.
 * @throws OnpathError naming file, line and field
 */
export function readConfig(path: string): Config {
  const file = SpecFile.read(path);
  return file.located(() => configOf(file));
}

function configOf(file: SpecFile): Config {
  const own = parse(ownParts, file.value, 'config');
  const {
    version: _version,
    tables: _tables,
    tokenizers: _tokenizers,
    pipelines: _pipelines,
    routes,
    ...rest
  } = own;
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
  const tokenizers = make('tokenizers', tokenizerFrom);
  const pipelines = new Map(
    Object.keys(own.pipelines).map((name) => [
      name,
      at(['pipelines', name], () => compilePipeline(file, ['pipelines', name], { tables, tokenizers })),
    ]),
  );
  const full = routes.map((route, i) => ({
    ...route,
    pipeline: at(['routes', i, 'pipeline'], () => found(pipelines, route.pipeline, `routes[${i}].pipeline`)),
  }));
  const spec = { ...rest, routes: full } as unknown as DataplaneSpec;
  // What only the whole can tell: names of ports, who may send.
  nativePlaneConfig(parse(dataplaneSpec, spec, 'config'));
  const pipelineOf = new Map(routes.map((route, i) => [nameOf(route, i), route.pipeline]));
  return { file, tables, tokenizers, pipelines, pipelineOf, spec };
}

function nameOf(route: Readonly<Record<string, unknown>>, index: number): string {
  const { name } = route as { name?: unknown };
  return typeof name === 'string' ? name : String(index);
}
