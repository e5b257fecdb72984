/** From a validated specification of a pipeline to what the addon takes: every default filled in, tables as raw bytes. */
import { LookupTable } from './lookup-table.js';
import { namedParts, type PartKind } from './named-parts.js';
import type { NativePipelineSpec, NativeStageSpec } from './native.js';
import type { ParsedPipelineSpec } from './schema.js';

/** Lookup tables by the names that stages call them. */
export type NamedTables = ReadonlyMap<string, LookupTable>;

export const tableKind: PartKind<LookupTable> = {
  option: 'tables',
  expected: 'a LookupTable',
  is: (value) => value instanceof LookupTable,
};

/** The tables that a specification names, from `options.tables`. @throws OnpathError INVALID_SPEC, INVALID_ARGUMENT */
export function tablesOf(
  { stages }: Pick<ParsedPipelineSpec, 'stages'>,
  given: Readonly<Record<string, LookupTable>> | undefined,
): NamedTables {
  const used = stages.flatMap((stage) =>
    stage.stage === 'lookup' && typeof stage.table === 'string' ? [stage.table] : [],
  );
  return namedParts(tableKind, given, new Set(used));
}

/** What a specification is to the addon. */
export function nativeSpec(
  { stages, output, limits }: Omit<ParsedPipelineSpec, 'input'>,
  input: NativePipelineSpec['input'],
  tables: NamedTables = new Map(),
): NativePipelineSpec {
  return {
    input,
    stages: stages.map((stage) => nativeStage(stage, tables)),
    output: { name: output.name, dtype: output.dtype, layout: output.layout },
    maxStateBytes: limits.stateBytes,
  };
}

function nativeStage(stage: ParsedPipelineSpec['stages'][number], tables: NamedTables): NativeStageSpec {
  switch (stage.stage) {
    case 'resize': {
      const { width = 0, height = 0, shortestEdge = 0, longestEdge = 0 } = stage;
      return { ...stage, width, height, shortestEdge, longestEdge };
    }
    case 'pad': {
      const { left = 0, top = 0, right = 0, bottom = 0, width = 0, height = 0 } = stage;
      return { ...stage, left, top, right, bottom, width, height, value: [stage.value].flat() };
    }
    case 'normalize':
      return { ...stage, mean: [stage.mean].flat(), std: [stage.std].flat() };
    case 'lookup': {
      const given = typeof stage.table === 'string' ? tables.get(stage.table)! : stage.table;
      const table =
        given instanceof LookupTable ? given : LookupTable.from(given.values, { dtype: given.dtype });
      return {
        stage: 'lookup',
        dtype: table.dtype,
        tables: table.channels,
        data: LookupTable.bytesOf(table),
      };
    }
    default:
      return stage;
  }
}
