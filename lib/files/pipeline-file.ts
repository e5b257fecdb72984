/** Pipelines in files: what code gives as objects, a file names as files or expressions. */
import * as z from 'zod';
import { OnpathError } from '../errors.js';
import { LookupTable } from '../lookup-table.js';
import { Pipeline } from '../pipeline.js';
import { PipelineFamily } from '../pipeline-family.js';
import { dtype, type PipelineFamilySpec, type PipelineSpec, type TextPipelineSpec } from '../schema.js';
import { TextPipeline } from '../text-pipeline.js';
import { Tokenizer } from '../tokenizer.js';
import { parse, shown } from '../validate.js';
import { parseExpression } from './expression.js';
import type { SpecFile } from './spec-file.js';
import { readTable } from './table-file.js';

export type AnyPipeline = Pipeline | PipelineFamily | TextPipeline;

const tableSource = z.union([
  z.strictObject({ file: z.string().min(1), dtype: dtype.optional() }),
  z.strictObject({ expression: z.string().min(1), dtype, channels: z.int().min(1).max(4).default(1) }),
]);
const tokenizerSource = z.strictObject({ file: z.string().min(1), encoding: z.string().min(1).optional() });

/** `table: { file }` or `{ expression, dtype }`. @throws OnpathError */
export function tableFrom(source: unknown, file: SpecFile, what: string): LookupTable {
  const read = parse(tableSource, source, what);
  if ('file' in read) return readTable(file.fileNamed(read.file), { dtype: read.dtype });
  return LookupTable.fromFunction(parseExpression(read.expression), read);
}

/** `tokenizer: { file, encoding? }`. @throws OnpathError */
export function tokenizerFrom(source: unknown, file: SpecFile, what: string): Tokenizer {
  const read = parse(tokenizerSource, source, what);
  return Tokenizer.fromFile(
    file.fileNamed(read.file),
    read.encoding === undefined ? {} : { encoding: read.encoding },
  );
}

/** What stages may refer to by name. */
export interface Named {
  readonly tables: ReadonlyMap<string, LookupTable>;
  readonly tokenizers: ReadonlyMap<string, Tokenizer>;
}

const nothingNamed: Named = { tables: new Map(), tokenizers: new Map() };

/** Compiles what stands at `at` of the file. @throws OnpathError naming file, line and field */
export function compilePipeline(
  file: SpecFile,
  at: readonly PropertyKey[] = [],
  named: Named = nothingNamed,
): AnyPipeline {
  return file.located((value) => {
    const spec = at.reduce<unknown>((parent, key) => (parent as Record<PropertyKey, unknown>)[key], value);
    if (!isRecord(spec)) {
      throw new OnpathError(
        'INVALID_SPEC',
        'A pipeline is a mapping with the fields input, stages and output.',
      );
    }
    const stages = Array.isArray(spec.stages)
      ? spec.stages.map((stage, i) => resolved(stage, i, file, named))
      : spec.stages;
    const full = { ...spec, ...(stages === undefined ? {} : { stages }) };
    const input = isRecord(spec.input) ? spec.input : {};
    if (input.kind === 'text') return TextPipeline.compile(full as unknown as TextPipelineSpec);
    if ('maxWidth' in input || 'maxHeight' in input) {
      return PipelineFamily.compile(full as unknown as PipelineFamilySpec);
    }
    return Pipeline.compile(full as unknown as PipelineSpec);
  }, at);
}

/** What of a specification is looked at before the schema has seen it. */
interface Raw {
  readonly stages?: unknown;
  readonly input?: unknown;
  readonly kind?: unknown;
  readonly table?: unknown;
  readonly tokenizer?: unknown;
}

function resolved(stage: unknown, index: number, file: SpecFile, named: Named): unknown {
  if (!isRecord(stage)) return stage;
  const what = `stages[${index}]`;
  if (typeof stage.table === 'string')
    return { ...stage, table: found(named.tables, stage.table, `${what}.table`) };
  if (typeof stage.tokenizer === 'string') {
    return { ...stage, tokenizer: found(named.tokenizers, stage.tokenizer, `${what}.tokenizer`) };
  }
  if (isRecord(stage.table)) return { ...stage, table: tableFrom(stage.table, file, `${what}.table`) };
  if (isRecord(stage.tokenizer)) {
    return { ...stage, tokenizer: tokenizerFrom(stage.tokenizer, file, `${what}.tokenizer`) };
  }
  return stage;
}

/** @throws OnpathError INVALID_SPEC with the names there are */
export function found<T>(all: ReadonlyMap<string, T>, name: string, what: string): T {
  const one = all.get(name);
  if (one !== undefined) return one;
  throw new OnpathError(
    'INVALID_SPEC',
    `${what} is ${shown(name)}, which is not there. There are: ${[...all.keys()].join(', ') || 'none'}.`,
  );
}

function isRecord(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
