/** Which format a vocabulary file has, and what else must be known to read it. */
import { basename } from 'node:path';
import * as z from 'zod';
import { OnpathError } from '../errors.js';
import type { NativeVocabulary } from '../native-text.js';
import { parse, shown } from '../validate.js';

/** @internal */
export const vocabularyFormat = z.enum([
  'tokenizer.json',
  'tiktoken',
  'sentencepiece',
  'tekken',
  'vocab.txt',
  'compiled',
]);

/** The formats of vocabulary files: tokenizer.json, tiktoken, sentencepiece, tekken, vocab.txt, compiled. */
export type VocabularyFormat = z.infer<typeof vocabularyFormat>;

/** What must be known to read a vocabulary, where its file does not say. */
export interface LoadOptions {
  /** Default: told from the content and the file's name. */
  readonly format?: VocabularyFormat;
  /**
   * .tiktoken: a known encoding (cl100k_base, o200k_base, o200k_harmony, p50k_base, p50k_edit, r50k_base, gpt2), or the pattern that splits
   * text and the special tokens. Default: the file's name, if it is a known one.
   */
  readonly encoding?:
    | string
    | { readonly pattern: string; readonly specialTokens?: Readonly<Record<string, number>> };
  /** vocab.txt: whether text is lowercased and stripped of accents. Default true. */
  readonly lowercase?: boolean;
  /** Bytes of the cache of words that each thread has. Default 16 MiB. */
  readonly cacheBytes?: number;
}

const id = z.int().min(0).max(0xffff_ffff);
const loadOptions = z.strictObject({
  format: vocabularyFormat.optional(),
  encoding: z
    .union([
      z.string().min(1),
      z.strictObject({ pattern: z.string().min(1), specialTokens: z.record(z.string(), id).optional() }),
    ])
    .optional(),
  lowercase: z.boolean().optional(),
  cacheBytes: z
    .int()
    .min(1 << 16)
    .max(2 ** 34)
    .optional(),
});

const COMPILED = Buffer.from('onpathT\n', 'latin1');
const TIKTOKEN_LINE = /^[A-Za-z0-9+/]+={0,2} \d+\r?\n/;

/** What the addon needs to know of `bytes`; `path`, if they come from a file. */
export function vocabularyOf(bytes: Uint8Array, options: LoadOptions, path = ''): NativeVocabulary {
  const known = parse(loadOptions, options, 'options', 'INVALID_ARGUMENT');
  const format = known.format ?? detected(bytes, basename(path));
  const { encoding } = known;
  const named =
    typeof encoding === 'object' ? '' : (encoding ?? /^(\w+)\.tiktoken$/.exec(basename(path))?.[1]);
  if (format === 'tiktoken' && named === undefined) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      "options.encoding: a .tiktoken file holds no pattern and no special tokens. Name the encoding ('cl100k_base', 'o200k_base', ...), or pass { pattern, specialTokens }.",
    );
  }
  return {
    format,
    encoding: named ?? '',
    pattern: typeof encoding === 'object' ? encoding.pattern : '',
    specials:
      typeof encoding === 'object'
        ? Object.entries(encoding.specialTokens ?? {}).map(([text, id]) => ({ text, id }))
        : [],
    lowercase: known.lowercase ?? true,
    cacheBytes: known.cacheBytes ?? 16 << 20,
  };
}

/** Whether the bytes begin as a compiled form does. */
export function isCompiled(bytes: Uint8Array): boolean {
  return bytes.length >= COMPILED.length && COMPILED.equals(bytes.subarray(0, COMPILED.length));
}

function detected(bytes: Uint8Array, name: string): VocabularyFormat {
  if (isCompiled(bytes)) return 'compiled';
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = content.toString('latin1', 0, 4096);
  if (/^(\xef\xbb\xbf)?\s*\{/.test(head)) {
    return content.includes('"default_num_special_tokens"') && content.includes('"token_bytes"')
      ? 'tekken'
      : 'tokenizer.json';
  }
  if (name.endsWith('.txt')) return 'vocab.txt';
  if (name.endsWith('.tiktoken') || TIKTOKEN_LINE.test(head)) return 'tiktoken';
  // A message of protobuf whose first field is a message: a list of pieces.
  if (name.endsWith('.model') || (head.startsWith('\n') && head.charCodeAt(2) === 0x0a))
    return 'sentencepiece';
  throw new OnpathError(
    'INVALID_VOCABULARY',
    `${name === '' ? 'The bytes are' : `${shown(name)} is`} no tokenizer.json, .tiktoken, SentencePiece model, tekken.json or compiled tokenizer, as far as the first bytes tell. Pass options.format if they are, 'vocab.txt' for a list of WordPiece tokens.`,
  );
}
