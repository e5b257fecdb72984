/** Options of calls on texts: their types, what they may be, and what they come to for one tokenizer. */
import * as z from 'zod';
import { OnpathError } from '../errors.js';
import type { NativePadding, NativeTruncation } from '../native-text.js';
import { parse, shown } from '../validate.js';
import type { OffsetUnit } from './encoding.js';

/** A string, or bytes of UTF-8: bytes that are none count as U+FFFD. */
export type TextInput = string | Uint8Array;

/**
 * What becomes of special tokens that stand in a text: 'parse' makes them their ids, 'refuse' throws SPECIAL_TOKEN, 'text' takes them as any
 * other text. The default is that of the format: 'refuse' for .tiktoken, 'text' for tekken.json and SentencePiece, 'parse' for the others.
 */
export type SpecialPolicy = 'parse' | 'refuse' | 'text';

/** How texts that are too long are cut. */
export interface TruncationOptions {
  /** Tokens, those of the template included. */
  readonly maxLength: number;
  /** Tokens that a part shares with the part before it. Default 0. */
  readonly stride?: number;
  /** Which of two texts is cut. Default 'longestFirst'. */
  readonly strategy?: 'longestFirst' | 'onlyFirst' | 'onlySecond';
  /** Where tokens are cut off. Default 'right'. */
  readonly side?: 'left' | 'right';
}

/** How short texts are made as long as others. */
export interface PaddingOptions {
  /** Tokens; default: as many as the longest of the batch has. */
  readonly length?: number;
  /** The length is rounded up to a multiple of this. */
  readonly multipleOf?: number;
  /** Where padding is put. Default 'right'. */
  readonly side?: 'left' | 'right';
  /** Default: the file's, otherwise that of the tokenizer's padding token, otherwise 0. */
  readonly id?: number;
  /** Default 0. */
  readonly typeId?: number;
}

/** What becomes of special tokens. */
export interface SpecialOptions {
  /** Whether the template's tokens ([CLS], <s>, ...) are put around the text. Default true. */
  readonly addSpecialTokens?: boolean;
  readonly special?: SpecialPolicy;
  /** Special tokens that are parsed although `special` refuses them or takes them as text. */
  readonly allowedSpecial?: readonly string[];
}

/** Options of `tokenizer.encode`. */
export interface EncodeOptions extends SpecialOptions {
  /** Default: as the file says; false: none. */
  readonly truncation?: TruncationOptions | false;
  /** Default: as the file says; false: none; true: the file's, otherwise to the longest of the batch. */
  readonly padding?: PaddingOptions | boolean;
}

/** Options of `tokenizer.tokenize`. */
export interface TokenizeOptions extends EncodeOptions {
  /** A second text, for models that take two. */
  readonly pair?: TextInput;
  /** How `offsets` count. Default 'utf16', as strings do. */
  readonly offsets?: OffsetUnit;
}

/** Options of `tokenizer.encodeBatch`. */
export interface BatchOptions extends EncodeOptions {
  /** Threads beside the event loop's. Default: as many as there are CPUs. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Options of `tokenizer.tokenizeBatch`. */
export interface TokenizeBatchOptions extends BatchOptions {
  readonly offsets?: OffsetUnit;
}

/** Options of `tokenizer.stream`. */
export interface StreamOptions extends SpecialOptions {
  /** Bytes that may wait for a decision before the text is refused with RUN_TOO_LONG. Default 1 MiB. */
  readonly capBytes?: number;
  /** With it every push gives spans beside the ids. */
  readonly offsets?: OffsetUnit;
}

const count = z.int().min(0).max(0xffff_ffff);
const side = z.enum(['left', 'right']);

const special = {
  addSpecialTokens: z.boolean().optional(),
  special: z.enum(['parse', 'refuse', 'text']).optional(),
  allowedSpecial: z.array(z.string()).optional(),
};
const encode = {
  ...special,
  truncation: z
    .union([
      z.literal(false),
      z.strictObject({
        maxLength: count,
        stride: count.optional(),
        strategy: z.enum(['longestFirst', 'onlyFirst', 'onlySecond']).optional(),
        side: side.optional(),
      }),
    ])
    .optional(),
  padding: z
    .union([
      z.boolean(),
      z.strictObject({
        length: count.max(1 << 24).optional(),
        multipleOf: count.max(1 << 24).optional(),
        side: side.optional(),
        id: count.optional(),
        typeId: count.optional(),
      }),
    ])
    .optional(),
};
const offsets = z.enum(['utf16', 'byte', 'codepoint']).optional();
const batch = {
  ...encode,
  threads: z.int().min(1).max(256).optional(),
  signal: z
    .custom<AbortSignal>((value) => value instanceof AbortSignal, 'expected an AbortSignal')
    .optional(),
};

const schemas = {
  special: z.strictObject(special),
  encode: z.strictObject(encode),
  // The texts themselves are looked at where they are read.
  tokenize: z.strictObject({ ...encode, pair: z.unknown().optional(), offsets }),
  batch: z.strictObject(batch),
  tokenizeBatch: z.strictObject({ ...batch, offsets }),
  stream: z.strictObject({
    ...special,
    capBytes: z
      .int()
      .min(64)
      .max(1 << 30)
      .optional(),
    offsets,
  }),
};

/** Throws INVALID_ARGUMENT unless `options` are those of that call. */
export function checkOptions(call: keyof typeof schemas, options: object | undefined): void {
  if (options !== undefined) parse(schemas[call], options, 'options', 'INVALID_ARGUMENT');
}

/** Whether only `addSpecialTokens` and `special` are given, rightly: what can be told without the cost of a schema. */
export function isSimple(options: EncodeOptions): boolean {
  for (const key in options) {
    if (key === 'addSpecialTokens') {
      if (typeof options.addSpecialTokens !== 'boolean') return false;
    } else if (key === 'special') {
      const { special: policy } = options;
      if (policy !== 'parse' && policy !== 'refuse' && policy !== 'text') return false;
    } else return false;
  }
  return true;
}

/** What the file says, if anything: where options leave something open. */
export interface Defaults {
  readonly truncation: NativeTruncation | undefined;
  readonly padding: NativePadding | undefined;
  readonly padId: number | undefined;
}

export function truncationOf(
  wanted: TruncationOptions | false | undefined,
  defaults: Defaults,
): NativeTruncation | undefined {
  if (wanted === undefined) return defaults.truncation;
  if (wanted === false) return undefined;
  const { maxLength, stride = 0, strategy = 'longestFirst', side = 'right' } = wanted;
  return { maxLength, stride, strategy, side };
}

export interface Padding {
  readonly length: number | undefined;
  readonly multipleOf: number;
  readonly side: 'left' | 'right';
  readonly id: number;
  readonly typeId: number;
}

export function paddingOf(
  wanted: PaddingOptions | boolean | undefined,
  defaults: Defaults,
): Padding | undefined {
  if (wanted === false) return undefined;
  const file = defaults.padding;
  if (wanted === undefined && file === undefined) return undefined;
  const given = typeof wanted === 'object' ? wanted : undefined;
  // The file's length is for its own way of padding: options that are given have theirs, or the longest.
  const { length, multipleOf = 0 } = given ?? file ?? {};
  return {
    length,
    multipleOf,
    side: given?.side ?? file?.side ?? 'right',
    id: given?.id ?? file?.id ?? defaults.padId ?? 0,
    typeId: given?.typeId ?? file?.typeId ?? 0,
  };
}

/** The length that padding brings the longest of `lengths` to. */
export function paddedLength({ length, multipleOf }: Padding, lengths: readonly number[]): number {
  const longest = length ?? lengths.reduce((most, one) => Math.max(most, one), 0);
  const rest = multipleOf > 0 ? longest % multipleOf : 0;
  return rest === 0 ? longest : longest + multipleOf - rest;
}

/** Token ids as an array of 32-bit numbers, or a typed error. */
export function idArray(ids: unknown, what = 'ids'): Uint32Array {
  if (ids instanceof Uint32Array) return ids;
  if (typeof ids === 'number') return idArray([ids], what);
  if (!Array.isArray(ids) && (!ArrayBuffer.isView(ids) || ids instanceof DataView)) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${what} must be a Uint32Array or an array of token ids, received ${shown(ids)}.`,
    );
  }
  return Uint32Array.from(ids as ArrayLike<number>, (id, i) => {
    const number: unknown = typeof id === 'bigint' ? Number(id) : id;
    if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff)
      return number;
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${what}[${i}] must be a token id, a whole number from 0 to 4294967295, received ${shown(id)}.`,
    );
  });
}
