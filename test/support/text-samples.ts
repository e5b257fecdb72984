/**
 * Texts by seed, for tokenizers: the same bytes for the same seed on every machine, so that a checked-in hash stands for them.
 * Whatever changes here changes the texts: the golden vectors are to be made again then (scripts/golden/make_text.ts).
 */
import { CODE, CONTRACTIONS, PUNCTUATION, SCRIPTS, WORDS } from './text-words.js';

/** Numbers by seed (mulberry32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** 0 <= n < limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }
  /** Small numbers are likelier. */
  small(limit: number): number {
    return this.below(this.below(limit) + 1);
  }
  of<T>(list: ArrayLike<T>): T {
    return list[this.below(list.length)]!;
  }
}

export const KINDS = ['english', 'scripts', 'code', 'unicode', 'bytes', 'runs', 'tokens'] as const;
export type Kind = (typeof KINDS)[number];

/** What a text may take from the vocabulary it is for. */
export interface Material {
  /** Tokens as the bytes they stand for. */
  readonly tokens: readonly Uint8Array[];
  /** Added tokens as text: whole and in fragments. */
  readonly added: readonly string[];
}

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);

/** One text: about `parts` words, signs, tokens, or whatever the kind is made of. May be invalid UTF-8 (kinds bytes, tokens). */
export function sample(kind: Kind, seed: number, parts: number, material?: Material): Uint8Array {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(KINDS.indexOf(kind) + 1, 0x85ebca6b));
  switch (kind) {
    case 'english':
      return bytesOf(english(random, parts));
    case 'scripts':
      return bytesOf(times(parts, () => scriptWord(random)));
    case 'code':
      return bytesOf(times(parts, () => random.of(CODE) + (random.below(4) === 0 ? blank(random) : '')));
    case 'unicode':
      return bytesOf(times(parts, () => anyCodePoint(random)));
    case 'bytes':
      return concat(Array.from({ length: parts }, () => anyBytes(random)));
    case 'runs':
      return bytesOf(times(parts, () => run(random)));
    case 'tokens':
      if (material === undefined) throw new Error('Texts of tokens need the tokens.');
      return concat(Array.from({ length: parts }, () => tokenPart(random, material)));
  }
}

/** The text that a reference which takes strings sees: each maximal invalid part becomes U+FFFD, nothing is dropped. */
export function repaired(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** The same text with a blank for each byte that ends a line: for references that read lines. */
export function linesOnly(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte === 0x0a ? 0x20 : byte));
}

function times(count: number, part: () => string): string {
  return Array.from({ length: count }, part).join('');
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function english(random: Random, words: number): string {
  let text = '';
  for (let i = 0, start = true; i < words; i++) {
    const word = random.of(WORDS);
    text += start ? word.charAt(0).toUpperCase() + word.slice(1) : word;
    if (random.below(12) === 0) text += random.of(CONTRACTIONS);
    start = random.below(11) === 0;
    if (start) text += random.of(['. ', '.\n', '?" ', '!  ', '.\n\n', '... ']);
    else text += random.below(10) === 0 ? random.of([', ', '; ', ' - ', '--', "' "]) : ' ';
    if (random.below(25) === 0) text += `${random.below(10 ** (1 + random.below(7)))} `;
  }
  return text;
}

function scriptWord(random: Random): string {
  const script = random.of(SCRIPTS);
  let word = '';
  for (let i = 1 + random.below(9); i > 0; i--) {
    const [first, last] = random.of(script);
    word += String.fromCodePoint(first + random.below(last - first + 1));
  }
  return word + (random.below(3) === 0 ? random.of(PUNCTUATION) : random.below(4) === 0 ? '' : ' ');
}

function anyCodePoint(random: Random): string {
  const limit = random.of([0x80, 0x100, 0x300, 0x3000, 0x10000, 0x20000, 0x110000]);
  const code = random.below(limit);
  return code >= 0xd800 && code < 0xe000 ? '\u{feff}' : String.fromCodePoint(code);
}

/** Whole and broken UTF-8: bytes of any value, code points cut short, surrogates and overlong forms written as UTF-8. */
function anyBytes(random: Random): Uint8Array {
  switch (random.below(5)) {
    case 0:
      return Uint8Array.from({ length: 1 + random.below(6) }, () => random.below(256));
    case 1: {
      const whole = bytesOf(anyCodePoint(random));
      return whole.subarray(0, 1 + random.below(whole.length));
    }
    case 2:
      return Uint8Array.of(
        random.of([0xc0, 0xe0, 0xed, 0xf0, 0xf4, 0xf8]),
        0x80 + random.below(64),
        random.below(256),
      );
    default:
      return bytesOf(random.of(WORDS) + (random.below(2) === 0 ? ' ' : ''));
  }
}

const BLANKS = ' \t\n\r\v\f\u{a0}\u{85}\u{1680}\u{180e}\u{2009}\u{200b}\u{2028}\u{2029}\u{3000}\u{feff}';

function blank(random: Random): string {
  const one = random.below(3) > 0 ? random.of(' \n\r\t') : random.of(BLANKS);
  return one.repeat(1 + random.small(6));
}

const RUNS = [
  ...'aA0 (\n\t_-=.*#\'"\u{4e2d}\u{301}\u{e9}\u{fffd}\u{2581}\u{1f600}',
  'aA',
  'ab',
  '\r\n ',
  ' \n',
  "'s",
  ' a',
  '12',
];

function run(random: Random): string {
  return random.of(RUNS).repeat(1 + random.small(random.of([4, 30, 200])));
}

/** What breaks tokenizers: tokens side by side that would not stand so in a text, cut tokens, and what pre-tokenizers look at. */
function tokenPart(random: Random, { tokens, added }: Material): Uint8Array {
  const token = random.of(tokens);
  switch (random.below(14)) {
    case 0:
      return token.subarray(0, 1 + random.below(token.length));
    case 1:
      return token.subarray(random.below(token.length));
    case 2:
      return bytesOf(blank(random));
    case 3:
      return bytesOf(random.of(CONTRACTIONS));
    case 4:
      return bytesOf(String(random.below(10 ** (1 + random.below(9)))));
    case 5:
      return bytesOf(String.fromCodePoint(0x300 + random.below(0x70)));
    case 6: {
      if (added.length === 0) return bytesOf(' ');
      const text = random.of(added);
      const cut = random.below(3);
      if (cut === 0) return bytesOf(text);
      const at = random.below(text.length + 1);
      return bytesOf(cut === 1 ? text.slice(0, at) : text.slice(at)).filter((byte) => byte < 0x80);
    }
    case 7:
      return bytesOf(random.of(PUNCTUATION));
    case 8:
      return concat([token, token]);
    default:
      return token;
  }
}
