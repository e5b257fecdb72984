/** Texts that come in pieces, and text as ids come. */
import type { NativeDecodeStream, NativeDetailed, NativeTextStream } from '../native-text.js';
import { concat } from './columns.js';
import { pushTo } from './encoders.js';
import { idArray, type TextInput } from './options.js';

/** Tokens that became final, with their spans. */
export interface StreamedTokens {
  readonly ids: Uint32Array;
  /** begin, end of each token in the whole text; 0, 0 for tokens of the template. */
  readonly offsets: Uint32Array;
}

/**
 * One text, piece by piece: each `push` gives the tokens that no continuation can change, and all of them together are those of the whole
 * text, wherever it was cut, also inside a character.
 */
export class TokenStream<Tokens = Uint32Array> {
  readonly #native: NativeTextStream<Uint32Array | NativeDetailed>;
  /** The first half of a character that a string was cut in. */
  #half = '';

  /** @internal */
  constructor(native: NativeTextStream<Uint32Array | NativeDetailed>) {
    this.#native = native;
  }

  /**
   * Small results lie in memory shared with others, as those of `encode` do.
   * @param text The next bytes of UTF-8, or characters.
   * @throws OnpathError INVALID_ARGUMENT, RUN_TOO_LONG, SPECIAL_TOKEN, CLOSED after `end()` or a refusal
   */
  push(text: TextInput): Tokens {
    if (typeof text !== 'string') {
      if (this.#half === '' || !(text instanceof Uint8Array)) return pushTo(this.#native, text) as Tokens;
      return pushTo(this.#native, Buffer.concat([Buffer.from(this.#takeHalf()), text])) as Tokens;
    }
    let whole = this.#takeHalf() + text;
    const last = whole.charCodeAt(whole.length - 1);
    if (last >= 0xd800 && last < 0xdc00) {
      this.#half = whole.slice(-1);
      whole = whole.slice(0, -1);
    }
    return pushTo(this.#native, whole) as Tokens;
  }

  /** The rest. @throws OnpathError as `push` */
  end(): Tokens {
    if (this.#half === '') return this.#native.end() as Tokens;
    const first = pushTo(this.#native, this.#takeHalf());
    return joinTokens(first, this.#native.end()) as Tokens;
  }

  /** Starts another text. */
  begin(): void {
    this.#half = '';
    this.#native.begin();
  }

  /** Bytes that wait for a decision. */
  get heldBytes(): number {
    return this.#native.heldBytes() + (this.#half === '' ? 0 : 3);
  }

  #takeHalf(): string {
    const half = this.#half;
    this.#half = '';
    return half;
  }
}

function joinTokens<Tokens extends Uint32Array | NativeDetailed>(a: Tokens, b: Tokens): Tokens {
  if (a instanceof Uint32Array) return concat<Uint32Array>(Uint32Array, a, b as Uint32Array) as Tokens;
  const [first, second] = [a as NativeDetailed, b as NativeDetailed];
  return {
    ids: concat(Uint32Array, first.ids, second.ids),
    offsets: concat(Uint32Array, first.offsets, second.offsets),
    words: concat(Uint32Array, first.words, second.words),
  } as Tokens;
}

/** Text as ids come: the pieces together are what `decode` gives for all ids. No piece ends inside a character. */
export class DecodeStream {
  readonly #native: NativeDecodeStream;

  /** @internal */
  constructor(native: NativeDecodeStream) {
    this.#native = native;
  }

  /** @param ids One id or several. @throws OnpathError INVALID_ARGUMENT, CLOSED after `end()` */
  push(ids: number | Uint32Array | readonly number[]): string {
    return this.#native.push(idArray(ids));
  }

  /** What was still open. @throws OnpathError CLOSED if called twice */
  end(): string {
    return this.#native.end();
  }
}
