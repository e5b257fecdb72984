/** From a validated specification of a pipeline to what the addon takes: every default filled in, tables as raw bytes. */
import { LookupTable } from './lookup-table.js';
import type { NativePipelineSpec, NativeStageSpec } from './native.js';
import type { ParsedPipelineSpec } from './schema.js';

/** What a specification is to the addon. */
export function nativeSpec(
  { stages, output, limits }: Omit<ParsedPipelineSpec, 'input'>,
  input: NativePipelineSpec['input'],
): NativePipelineSpec {
  return {
    input,
    stages: stages.map(nativeStage),
    output: { name: output.name, dtype: output.dtype, layout: output.layout },
    maxStateBytes: limits.stateBytes,
  };
}

function nativeStage(stage: ParsedPipelineSpec['stages'][number]): NativeStageSpec {
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
      const table =
        stage.table instanceof LookupTable
          ? stage.table
          : LookupTable.from(stage.table.values, { dtype: stage.table.dtype });
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
