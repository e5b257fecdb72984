/** What a configuration changes of a service: pipelines, which can be swapped, and everything else, which cannot. */
import { isDeepStrictEqual } from 'node:util';
import type { Dataplane } from '../dataplane.js';
import { OnpathError } from '../errors.js';
import type { Config } from '../files/config-file.js';
import { LookupTable } from '../lookup-table.js';
import { PipelineFamily } from '../pipeline-family.js';
import type { Change, RoutePipeline } from '../swaps.js';
import { TextPipeline } from '../text-pipeline.js';
import { fieldText, shown } from '../validate.js';

type Path = readonly PropertyKey[];

/** Something that a reload gave another content. */
export type Changed =
  | { readonly route: string }
  | { readonly table: string }
  | { readonly vocabulary: string }
  | { readonly setting: string };

interface Difference {
  readonly path: Path;
  /** As a clause behind the name of the field. */
  readonly what: string;
}

/**
 * Routes that run another pipeline than `next` says.
 * @throws OnpathError INVALID_SPEC naming everything that needs a restart, each with file and line
 */
export function swapsTo(plane: Dataplane, now: Config, next: Config): Change[] {
  const pipelines = next.spec.routes.map(({ name, pipeline }) => ({ route: name, pipeline }));
  const fixed = [
    ...serverDifferences(now, next),
    ...differences(fixedPart(now), fixedPart(next), []).map(named),
    ...pipelines.flatMap(({ route, pipeline }, i) => {
      // Routes that come or go are told of as such.
      if (now.spec.routes[i]?.name !== route) return [];
      const why = unfit(plane.pipeline(route), pipeline);
      const path = ['routes', i, 'pipeline'];
      return why === undefined
        ? []
        : [{ path, what: `would be ${shown(next.pipelineOf.get(route))}, ${why}` }];
    }),
  ];
  if (fixed.length > 0) throw needsRestart(next, fixed);
  return pipelines.filter(({ route, pipeline }) => !isSame(plane.pipeline(route), pipeline));
}

/** Why a route that runs `now` cannot go on with `next`; undefined if it can. */
export function unfit(now: RoutePipeline, next: RoutePipeline): string | undefined {
  const [takes, would] = [inputOf(now), inputOf(next)];
  return takes === would ? undefined : `which takes ${would}, but the route takes ${takes}`;
}

function inputOf(pipeline: RoutePipeline): string {
  if (pipeline instanceof TextPipeline) return 'texts';
  const { input } = pipeline;
  if (pipeline instanceof PipelineFamily) {
    const { maxWidth, maxHeight, format } = pipeline.input;
    return `${format} images of up to ${maxWidth}x${maxHeight}`;
  }
  const { width, height, format, order, skipUnread, bytes } = input as Exclude<
    typeof input,
    { maxWidth: number }
  >;
  return `${format} images of ${width}x${height}, ${order}${skipUnread ? ` without unread pixels (${bytes} bytes)` : ''}`;
}

/** Names and content: what is exchanged later goes by the names. */
function isSame(now: RoutePipeline, next: RoutePipeline): boolean {
  if (now.hash !== next.hash) return false;
  if (now instanceof TextPipeline || next instanceof TextPipeline) {
    return isDeepStrictEqual((now as TextPipeline).vocabularies, (next as TextPipeline).vocabularies);
  }
  if (!isDeepStrictEqual(now.tables, next.tables)) return false;
  // The hash of a family is of its largest size only.
  return (
    !(now instanceof PipelineFamily && next instanceof PipelineFamily) ||
    isDeepStrictEqual(PipelineFamily.partsOf(now).spec, PipelineFamily.partsOf(next).spec)
  );
}

/** Tables and vocabularies whose content the swaps change. */
export function changedParts(plane: Dataplane, swaps: readonly Change[]): Changed[] {
  const tables = new Set<string>();
  const vocabularies = new Set<string>();
  for (const { route, pipeline: next } of swaps) {
    const now = plane.pipeline(route);
    if (now instanceof TextPipeline || next instanceof TextPipeline) {
      const isOther = (now as TextPipeline).tokenizer?.hash !== (next as TextPipeline).tokenizer?.hash;
      for (const name of (next as TextPipeline).vocabularies) if (isOther) vocabularies.add(name);
    } else {
      for (const [name, table] of next.namedTables)
        if (!isSameTable(now.namedTables.get(name), table)) tables.add(name);
    }
  }
  return [
    ...[...tables].map((table) => ({ table })),
    ...[...vocabularies].map((vocabulary) => ({ vocabulary })),
  ];
}

function isSameTable(a: LookupTable | undefined, b: LookupTable): boolean {
  const same = a !== undefined && a.dtype === b.dtype;
  return same && isDeepStrictEqual(LookupTable.bytesOf(a), LookupTable.bytesOf(b));
}

/** What `Dataplane.start` was given, but for pipelines. */
function fixedPart({ spec }: Config): Fields {
  const { routes, ...rest } = spec;
  return { ...rest, routes: routes.map(({ pipeline: _, ...route }) => route) };
}

/** What is applied without a swap. */
export function changedSettings(now: Config, next: Config): Changed[] {
  return [
    ...(now.drainMs === next.drainMs ? [] : [{ setting: 'drainMs' }]),
    ...(now.log.level === next.log.level ? [] : [{ setting: 'log.level' }]),
  ];
}

function serverDifferences(now: Config, next: Config): Difference[] {
  return (['control', 'metrics', 'page'] as const).flatMap((field) =>
    differences(now[field], next[field], [field]).map(named),
  );
}

interface Values {
  readonly path: Path;
  readonly now: unknown;
  readonly next: unknown;
}

/** The deepest fields that differ; of lists with names that have other members, the list. */
function differences(now: unknown, next: unknown, path: Path): Values[] {
  if (isDeepStrictEqual(now, next)) return [];
  const isList = Array.isArray(now) && Array.isArray(next);
  const inner = isList ? isDeepStrictEqual(namesOf(now), namesOf(next)) : isRecord(now) && isRecord(next);
  if (!inner) return [{ path, now, next }];
  const keys = isList ? now.keys() : new Set([...Object.keys(now as object), ...Object.keys(next as object)]);
  return [...keys].flatMap((key) => differences((now as Fields)[key], (next as Fields)[key], [...path, key]));
}

type Fields = Readonly<Record<PropertyKey, unknown>>;

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** Names of ports and routes; of other lists nothing but their length. */
const namesOf = (list: readonly unknown[]): unknown[] =>
  list.map((item) => (isRecord(item) ? item['name'] : undefined));

function named({ path, now, next }: Values): Difference {
  return { path, what: `would be ${described(next)}, and runs with ${described(now)}` };
}

function described(value: unknown): string {
  if (!Array.isArray(value)) return isRecord(value) ? cut(JSON.stringify(value)) : shown(value);
  const names = namesOf(value);
  return `[${(names.includes(undefined) ? value.map(described) : names).join(', ')}]`;
}

const cut = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text);

function needsRestart({ file }: Config, fixed: readonly Difference[]): OnpathError {
  const all = fixed.map(({ path, what }) => `${file.where(path)}: ${fieldText(path)} ${what}`);
  return new OnpathError(
    'INVALID_SPEC',
    `${all.join('; ')}. A reload cannot change ${all.length === 1 ? 'this' : 'these'}; nothing was changed. Restart, or put ${all.length === 1 ? 'it' : 'them'} back.`,
  );
}
