/** The golden encodings of test/golden/encodings.json, read. */
import { readFileSync } from 'node:fs';
import type { Encoding } from '../../lib/index.js';
import type { NativeTemplateItem } from '../../lib/native-text.js';
import type { EncodeOptions, PaddingOptions, TruncationOptions } from '../../lib/text/options.js';

export interface GoldenColumns {
  ids: number[];
  typeIds: number[];
  offsets: number[];
  words: number[];
  special: number[];
  attention: number[];
  sequences?: number[];
  overflow?: GoldenColumns[];
}

export interface EncodingCase {
  vocabulary: 'words' | 'bytes';
  /** The vocabulary's own if absent. */
  processor?: string;
  inputs: ([string] | [string, string])[];
  addSpecialTokens: boolean;
  truncation?: TruncationOptions;
  padding?: PaddingOptions;
  /** The own tokens of each text, in code points. */
  texts: { ids: number[]; offsets: number[]; words: number[] }[][];
  expected: GoldenColumns[];
}

type Piece = { SpecialToken?: { id: string; type_id: number }; Sequence?: { id: string; type_id: number } };
interface Template {
  single: Piece[];
  pair: Piece[];
  special_tokens: Record<string, { ids: number[] }>;
}

const golden = JSON.parse(readFileSync('test/golden/encodings.json', 'utf8')) as {
  processors: Record<string, object | null>;
  cases: EncodingCase[];
};

export const encodingCases: readonly EncodingCase[] = golden.cases;

/** The tokenizer.json of a case. */
export function definitionOf(one: EncodingCase): Buffer {
  const file = readFileSync(`test/data/text/tiny-${one.vocabulary}.json`, 'utf8');
  const definition = JSON.parse(file) as Record<string, unknown>;
  if (one.processor !== undefined) definition['post_processor'] = golden.processors[one.processor];
  return Buffer.from(JSON.stringify(definition));
}

export function optionsOf(one: EncodingCase): EncodeOptions {
  return {
    addSpecialTokens: one.addSpecialTokens,
    truncation: one.truncation ?? false,
    padding: one.padding ?? false,
  };
}

/** The templates that a case's post-processor comes to. */
export function templatesOf(one: EncodingCase): { single: NativeTemplateItem[]; pair: NativeTemplateItem[] } {
  const a = (typeId: number): NativeTemplateItem => ({ sequence: 0, ids: [], typeId });
  const b = (typeId: number): NativeTemplateItem => ({ sequence: 1, ids: [], typeId });
  const special = (id: number, typeId: number): NativeTemplateItem => ({ ids: [id], typeId });
  if (one.processor === undefined) {
    return one.vocabulary === 'words'
      ? {
          single: [special(2, 0), a(0), special(3, 0)],
          pair: [special(2, 0), a(0), special(3, 0), b(1), special(3, 1)],
        }
      : {
          single: [special(0, 0), a(0), special(2, 0)],
          pair: [special(0, 0), a(0), special(2, 0), special(2, 0), b(0), special(2, 0)],
        };
  }
  const processor = golden.processors[one.processor];
  if (processor === null || processor === undefined) return { single: [a(0)], pair: [a(0), b(1)] };
  const nested = (processor as { processors?: Template[] }).processors;
  const template = nested?.at(-1) ?? (processor as Template);
  const items = (pieces: Piece[]) =>
    pieces.map(({ Sequence, SpecialToken }) => {
      if (Sequence !== undefined) return Sequence.id === 'A' ? a(Sequence.type_id) : b(Sequence.type_id);
      const { id, type_id } = SpecialToken!;
      return { ids: template.special_tokens[id]!.ids, typeId: type_id };
    });
  return { single: items(template.single), pair: items(template.pair) };
}

/** An encoding as the golden file has it. */
export function columnsOf(encoding: Encoding, expected: GoldenColumns): GoldenColumns {
  const overflow = encoding.overflow.map((part, i) => columnsOf(part, expected.overflow?.[i] ?? expected));
  return {
    ids: [...encoding.ids],
    typeIds: [...encoding.typeIds],
    offsets: [...encoding.offsets],
    words: [...encoding.wordIds],
    special: [...encoding.specialTokensMask],
    attention: [...encoding.attentionMask],
    ...(expected.sequences === undefined ? {} : { sequences: [...encoding.sequenceIds] }),
    ...(overflow.length > 0 ? { overflow } : {}),
  };
}

/** Whether a case's post-processor trims spans. */
export function isTrimming(one: EncodingCase): boolean {
  return one.vocabulary === 'bytes' && (one.processor === undefined || one.processor === 'sequence');
}

const vocabularies = new Map<string, Map<number, string>>();

/** A token as the vocabulary of a case has it. */
export function tokenOf(one: EncodingCase, id: number): string | undefined {
  let vocabulary = vocabularies.get(one.vocabulary);
  if (vocabulary === undefined) {
    const file = JSON.parse(readFileSync(`test/data/text/tiny-${one.vocabulary}.json`, 'utf8')) as {
      model: { vocab: Record<string, number> };
    };
    vocabulary = new Map(Object.entries(file.model.vocab).map(([text, own]) => [own, text]));
    vocabularies.set(one.vocabulary, vocabulary);
  }
  return vocabulary.get(id);
}
