/** Tokens that are found in a text before anything else is done with it. */
import * as z from 'zod';
import type { NativeAddedToken } from '../native-text.js';
import { parse } from '../validate.js';
import type { OffsetUnit } from './encoding.js';
import type { TextInput } from './options.js';

/** A token that is found in a text before anything else is done with it. */
export interface AddedToken {
  readonly id: number;
  readonly text: string;
  /** Only where no letter or digit is beside it. */
  readonly singleWord: boolean;
  /** Blanks before it, or behind it, are part of it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Found in the normalized text, otherwise in the text as it came. */
  readonly normalized: boolean;
  /** Decoding leaves it out on request, and policies for special tokens apply to it. */
  readonly special: boolean;
}

/** A token to add; `normalized` is true unless it is special, all else false by default. */
export type NewToken = Pick<AddedToken, 'text'> & Partial<Omit<AddedToken, 'id' | 'text'>>;

const flag = z.boolean().optional();
const newTokens = z.array(
  z.union([
    z.string().min(1),
    z.strictObject({
      text: z.string().min(1),
      singleWord: flag,
      lstrip: flag,
      rstrip: flag,
      normalized: flag,
      special: flag,
    }),
  ]),
);

export function addedTokens(tokens: readonly (string | NewToken)[]): NativeAddedToken[] {
  return parse(newTokens, tokens, 'tokens', 'INVALID_ARGUMENT').map((token) => {
    const given = typeof token === 'string' ? { text: token } : token;
    const { text, singleWord, lstrip, rstrip, normalized, special }: NewToken = given as NewToken;
    return {
      text,
      singleWord: singleWord ?? false,
      lstrip: lstrip ?? false,
      rstrip: rstrip ?? false,
      normalized: normalized ?? !(special ?? false),
      special: special ?? false,
    };
  });
}

/**
 * Whether token `id` at [begin, end) of a text was found as an added token: a model may give the same id for what it does not know, but not
 * for that text.
 */
export function isAddedAt(
  added: AddedToken | undefined,
  text: TextInput,
  unit: OffsetUnit,
  begin: number,
  end: number,
): boolean {
  if (added === undefined) return false;
  const covered = slice(text, unit, begin, end).trim();
  return covered === added.text.trim() || (added.normalized && covered.length > 0 && !added.special);
}

function slice(text: TextInput, unit: OffsetUnit, begin: number, end: number): string {
  if (unit === 'codepoint') {
    const characters = [...(typeof text === 'string' ? text : Buffer.from(text).toString())];
    return characters.slice(begin, end).join('');
  }
  if (unit === 'utf16')
    return (typeof text === 'string' ? text : Buffer.from(text).toString()).slice(begin, end);
  return Buffer.from(typeof text === 'string' ? Buffer.from(text) : text)
    .subarray(begin, end)
    .toString();
}
