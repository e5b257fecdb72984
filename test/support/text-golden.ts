/** Golden vectors of tokenizers: which texts, how results are abbreviated, how the file lies. Knows neither references nor ours. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { concat, KINDS, type Kind, type Material, sample } from './text-samples.js';
import type { Special } from './text-tokenizer.js';

export const TEXTS_OF_A_KIND = 250;

/** Some texts as they are, so that a difference can be read. */
export const LITERALS: readonly string[] = [
  'This is an example of an input prompt',
  "I'll say: don't, DON'T, it's they'Ve we\u{2019}re 'tis ''s",
  '12 345 6789 1234567890 3.14 0x1F \u{663}\u{664}\u{665} \u{bd}\u{2173}',
  ' leading, trailing, double  triple   blanks  \t\ttabs \u{a0}\u{3000}wide ',
  'line\nline\r\nline\n\n\nparagraph\n \n  x\r\r y',
  'na\u{ef}ve cafe\u{301} \u{c5}ngstr\u{f6}m A\u{30a}ngstro\u{308}m \u{fb01}\u{fb00} \u{2460}\u{ff21}',
  '\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}\u{3002} \u{3053}\u{3093}\u{306b}\u{3061}\u{306f} \u{c548}\u{b155} \u{1112}\u{1161}\u{11ab}',
  '\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442} \u{3b3}\u{3b5}\u{3b9}\u{3ac} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627} \u{e2a}\u{e27}\u{e31}',
  '\u{1f600}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f44d}\u{1f3fd} \u{2764}\u{fe0f}',
  'for (int i = 0; i < n; ++i) {\n\tsum += a[i]; // HTTPServer2Go snake_case camelCase\n}',
  '\u{feff}bom \u{180e}mvs \u{200b}zwsp \u{85}nel \u{2028}ls \u{fffd} \u{2581}meta \u{0}nul',
  '<|endoftext|> <|endoftext <s></s> [CLS] [MASK] <mask> <unk> <|im_start|>',
  'word wordless swords <mask>word <ma <right> x  <both>  whale whales',
  'a'.repeat(64),
  ' '.repeat(17),
  '((((((((((!!!!!!!!!!----------==========',
  '',
];

/** Results of a reference for the texts of one kind, abbreviated one by one. */
export interface GoldenKind {
  readonly kind: Kind;
  /** `parse`: added tokens of the text become their ids; `text`: tiktoken's encode without special tokens; `default`: SentencePiece has no choice. */
  readonly special: Special;
  readonly template: boolean;
  /** Four characters a text: see digest. */
  readonly ids: string;
  /** Where the reference has them, in code points. */
  readonly offsets?: string;
}

export interface GoldenVocabulary {
  readonly name: string;
  /** Of the vocabulary's file, in hexadecimal: another file has other results. */
  readonly sha256: string;
  readonly kinds: readonly GoldenKind[];
  /** Ids of LITERALS without template. */
  readonly literals: readonly (readonly number[])[];
}

export interface GoldenText {
  readonly references: Readonly<Record<string, string>>;
  readonly vocabularies: readonly GoldenVocabulary[];
}

/** Tests run from the root of the repository. */
export function goldenText(file: 'text-small.json' | 'text-published.json'): GoldenText {
  return JSON.parse(readFileSync(`test/golden/${file}`, 'utf8')) as GoldenText;
}

/** Text number i of a kind; the last of a kind are the longest. */
export function goldenSample(kind: Kind, i: number, material: Material): Uint8Array {
  return sample(kind, i + 1, 1 + Math.floor((i * i) / 900), material);
}

export function goldenSamples(kind: Kind, material: Material): Uint8Array[] {
  return Array.from({ length: TEXTS_OF_A_KIND }, (_, i) => goldenSample(kind, i, material));
}

/** Four characters for some numbers: one in 16 million differences is not seen. */
export function digest(numbers: Uint32Array): string {
  const bytes = concat([new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)]);
  return createHash('sha256').update(bytes).digest().subarray(0, 3).toString('base64');
}

/** The numbers of texts whose digests differ. */
export function differing(expected: string, results: readonly Uint32Array[]): number[] {
  return results.flatMap((numbers, i) => (digest(numbers) === expected.slice(4 * i, 4 * i + 4) ? [] : [i]));
}

export function sha256OfFile(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Everything that is compared for a vocabulary of the format. */
export function goldenPlan(format: string): Omit<GoldenKind, 'ids' | 'offsets'>[] {
  const special =
    format === 'sentencepiece' ? 'default' : ['tiktoken', 'tekken'].includes(format) ? 'text' : 'parse';
  const plain = KINDS.map((kind) => ({ kind, special, template: false }) as const);
  if (format === 'tiktoken') return [...plain, { kind: 'tokens', special: 'parse', template: false }];
  if (format === 'tokenizer.json') return [...plain, { kind: 'tokens', special: 'parse', template: true }];
  return plain;
}
