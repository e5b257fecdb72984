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

const path = z.string().min(1);

/** What a file has for a LookupTable. */
export const tableSource = z.union([
  z.strictObject({
    file: path.describe('.npy, .csv or .json, from the folder of this file.'),
    dtype: dtype.optional().describe('Type of the entries; needed where the file does not say.'),
  }),
  z.strictObject({
    expression: z
      .string()
      .min(1)
      .describe('Of x, the byte, and c, the channel: `onpath table build --help`.'),
    dtype,
    channels: z.int().min(1).max(4).default(1).describe('1: one table for every channel.'),
  }),
]);

/** What a file has for a Tokenizer. */
export const tokenizerSource = z.strictObject({
  file: path.describe('A vocabulary of any format, from the folder of this file.'),
  encoding: z.string().min(1).optional().describe('Of a .tiktoken file whose name does not tell.'),
});

/** `table: { file }` or `{ expression, dtype }`. @throws OnpathError */
export function tableFrom(source: unknown, file: SpecFile, what: string): LookupTable {
  const read = parse(tableSource, source, what);
  if ('file' in read) return readTable(file.fileNamed(read.file), { dtype: read.dtype });
  return LookupTable.fromFunction(parseExpression(read.expression), read);
}

/** `tokenizer: { file, encoding? }`, from those that were read before if it is among them. @throws OnpathError */
export function tokenizerFrom(
  source: unknown,
  file: SpecFile,
  what: string,
  ready: ReadyTokenizers = new Map(),
): Tokenizer {
  const read = parse(tokenizerSource, source, what);
  const { path, options } = vocabularyOf(read, file);
  return ready.get(keyOf(read)) ?? Tokenizer.fromFile(path, options);
}

/** By their source. */
export type ReadyTokenizers = ReadonlyMap<string, Tokenizer>;

/**
 * Reads the vocabularies that the sources name off the event loop. One that cannot be read is not among them: it fails where it is used,
 * where the message knows the line.
 */
export async function readyTokenizers(sources: readonly unknown[], file: SpecFile): Promise<ReadyTokenizers> {
  const ready = new Map<string, Tokenizer>();
  for (const source of sources) {
    const { data, success } = tokenizerSource.safeParse(source);
    if (!success || ready.has(keyOf(data))) continue;
    const { path, options } = vocabularyOf(data, file);
    const tokenizer = await Tokenizer.fromFileAsync(path, options).catch(() => undefined);
    if (tokenizer !== undefined) ready.set(keyOf(data), tokenizer);
  }
  return ready;
}

type TokenizerSource = z.infer<typeof tokenizerSource>;

const keyOf = ({ file, encoding }: TokenizerSource): string => JSON.stringify([file, encoding]);

function vocabularyOf({ file: name, encoding }: TokenizerSource, file: SpecFile) {
  return { path: file.fileNamed(name), options: encoding === undefined ? {} : { encoding } };
}

/** What stages may refer to, by name or by source. */
export interface Named {
  readonly tables: ReadonlyMap<string, LookupTable>;
  readonly tokenizers: ReadonlyMap<string, Tokenizer>;
  readonly ready: ReadyTokenizers;
}

const nothingNamed: Named = { tables: new Map(), tokenizers: new Map(), ready: new Map() };

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
    // Names stay names, so that they can be exchanged later.
    const tables: Record<string, LookupTable> = Object.create(null);
    const vocabularies: Record<string, Tokenizer> = Object.create(null);
    const stages = resolved(spec.stages, at, file, named, { tables, vocabularies });
    const full = { ...spec, ...(stages === undefined ? {} : { stages }) };
    const input = isRecord(spec.input) ? spec.input : {};
    if (input.kind === 'text')
      return TextPipeline.compile(full as unknown as TextPipelineSpec, { vocabularies });
    if ('maxWidth' in input || 'maxHeight' in input) {
      return PipelineFamily.compile(full as unknown as PipelineFamilySpec, { tables });
    }
    return Pipeline.compile(full as unknown as PipelineSpec, { tables });
  }, at);
}

interface Used {
  readonly tables: Record<string, LookupTable>;
  readonly vocabularies: Record<string, Tokenizer>;
}

/** What of a specification is looked at before the schema has seen it. */
interface Raw {
  readonly stages?: unknown;
  readonly input?: unknown;
  readonly kind?: unknown;
  readonly table?: unknown;
  readonly tokenizer?: unknown;
}

/** The stages with what they name as files or expressions; what they call by name goes to `used`. */
function resolved(stages: unknown, at: readonly PropertyKey[], file: SpecFile, named: Named, used: Used) {
  if (!Array.isArray(stages)) return stages;
  const part = (value: unknown, index: number, field: 'table' | 'tokenizer') => {
    const what = `stages[${index}].${field}`;
    return file.located(() => {
      if (field === 'table') {
        if (typeof value === 'string') used.tables[value] = found(named.tables, value, what);
        return isRecord(value) && !('values' in value) ? tableFrom(value, file, what) : value;
      }
      if (typeof value === 'string') used.vocabularies[value] = found(named.tokenizers, value, what);
      return isRecord(value) ? tokenizerFrom(value, file, what, named.ready) : value;
    }, [...at, 'stages', index, field]);
  };
  return stages.map((stage: unknown, i) => {
    if (!isRecord(stage)) return stage;
    const { table, tokenizer } = stage;
    return {
      ...stage,
      ...(table !== undefined && { table: part(table, i, 'table') }),
      ...(tokenizer !== undefined && { tokenizer: part(tokenizer, i, 'tokenizer') }),
    };
  });
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
