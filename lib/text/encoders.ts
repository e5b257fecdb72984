/** The native encoders of a tokenizer, one per set of options, and the way of ids from them to callers. */
import { markAsUntransferable } from 'node:worker_threads';
import { OnpathError } from '../errors.js';
import type {
  NativeEncoder,
  NativeTemplateItem,
  NativeTextOptions,
  NativeTextStream,
  NativeTokenizer,
} from '../native-text.js';
import type { SpecialOptions, StreamOptions, TextInput } from './options.js';

/** Sets of special tokens that callers name are unbounded; the encoders kept for them are not. */
const MOST_ENCODERS = 64;
const POLICIES = [undefined, 'parse', 'refuse', 'text'] as const;

/** Up to so many ids lie in memory shared with other results, which costs a tenth of memory of their own. */
const POOLED_IDS = 512;
/** The larger, the less often one is made; the smaller, the less memory a single result keeps. */
const POOL_IDS = 8192;
let pool = newPool();
let used = 0;

function newPool(): ArrayBuffer {
  const made = new ArrayBuffer(POOL_IDS * 4);
  // Another result's memory goes nowhere because one was transferred.
  markAsUntransferable(made);
  return made;
}

/** Where there is room for one more result: also where somebody took the memory for himself, as `ArrayBuffer.transfer` does. */
function poolPlace(): number {
  if (used + POOLED_IDS > POOL_IDS || pool.byteLength === 0) {
    pool = newPool();
    used = 0;
  }
  return used;
}

/** The ids of a text, or the first `most` of them. */
export function idsOf(encoder: NativeEncoder, text: TextInput, most?: number): Uint32Array {
  const from = poolPlace();
  const found = encoder.encode(encoder.number, text, pool, from, from + POOLED_IDS, most);
  if (typeof found !== 'number') return found;
  used = from + found;
  return new Uint32Array(pool, from * 4, found);
}

/** What a push gives. */
export function pushTo<Tokens>(stream: NativeTextStream<Tokens>, text: TextInput): Tokens | Uint32Array {
  const from = poolPlace();
  const found = stream.push(stream.number, text, pool, from, from + POOLED_IDS);
  if (typeof found !== 'number') return found;
  used = from + found;
  return new Uint32Array(pool, from * 4, found);
}

/** Ids before and behind a text. */
interface Around {
  readonly prefix: Uint32Array;
  readonly suffix: Uint32Array;
}

/** Of a template for one text, which has it once: others are refused when they are loaded. */
function aroundOf(single: readonly NativeTemplateItem[]): Around {
  const at = single.findIndex(({ sequence }) => sequence !== undefined);
  const ids = (items: readonly NativeTemplateItem[]) => Uint32Array.from(items.flatMap((item) => item.ids));
  return { prefix: ids(single.slice(0, at)), suffix: ids(single.slice(at + 1)) };
}

export class Encoders {
  readonly #native: NativeTokenizer;
  readonly #around: Around;
  readonly #simple: (NativeEncoder | undefined)[] = [];
  readonly #others = new Map<string, NativeEncoder>();

  constructor(native: NativeTokenizer, single: readonly NativeTemplateItem[]) {
    this.#native = native;
    this.#around = aroundOf(single);
  }

  /** With the template's tokens around the text if `around`. */
  get(options: SpecialOptions | undefined, around: boolean, detailed: boolean): NativeEncoder {
    const allowed = options?.allowedSpecial;
    const index = POLICIES.indexOf(options?.special) * 4 + (around ? 2 : 0) + (detailed ? 1 : 0);
    if (allowed !== undefined)
      return this.#other(`${index} ${JSON.stringify(allowed)}`, options!, around, detailed);
    let encoder = this.#simple[index];
    if (encoder === undefined) {
      encoder = this.#native.encoder(this.options(options, around, detailed));
      this.#simple[index] = encoder;
    }
    return encoder;
  }

  options<Detailed extends boolean>(
    options: StreamOptions | undefined,
    around: boolean,
    detailed: Detailed,
  ): NativeTextOptions & { detailed: Detailed } {
    const allowed = options?.allowedSpecial?.map((token) => this.#idOf(token));
    return {
      detailed,
      special: options?.special,
      allowedSpecial: allowed === undefined ? undefined : Uint32Array.from(allowed),
      prefix: around ? this.#around.prefix : undefined,
      suffix: around ? this.#around.suffix : undefined,
      capBytes: options?.capBytes,
    };
  }

  #other(key: string, options: SpecialOptions, around: boolean, detailed: boolean): NativeEncoder {
    let encoder = this.#others.get(key);
    if (encoder === undefined) {
      encoder = this.#native.encoder(this.options(options, around, detailed));
      if (this.#others.size >= MOST_ENCODERS) this.#others.clear();
      this.#others.set(key, encoder);
    }
    return encoder;
  }

  #idOf(token: string): number {
    const id = this.#native.tokenToId(token);
    if (id !== undefined) return id;
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `options.allowedSpecial: ${JSON.stringify(token)} is no token of this vocabulary. specialTokens lists those there are.`,
    );
  }
}
