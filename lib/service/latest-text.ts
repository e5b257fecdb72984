/** A text made small enough to be shown: its first tokens with what each adds to the text. */
import type { DecodeStream } from '../text/token-stream.js';
import type { TextPart, TextSample } from '../text-sample.js';
import type { Tokenizer } from '../tokenizer.js';
import type { LatestText, LatestToken } from './latest.js';

const MOST_TOKENS = 512;
/** Of a text that was not made into tokens. */
const MOST_BYTES = 4096;

/** A text of which parts come. */
export class TextLook {
  readonly #versionNumber: number;
  readonly #decode: DecodeStream | undefined;
  readonly #tokens: LatestToken[] = [];
  readonly #utf8 = new TextDecoder();
  #text = '';
  #bytes = 0;
  #total = 0;

  constructor({ versionNumber }: TextSample, tokenizer: Tokenizer | undefined) {
    this.#versionNumber = versionNumber;
    this.#decode = tokenizer?.decodeStream();
  }

  /** @param ended Nothing follows. */
  add({ ids, bytes }: TextSample, ended: boolean): void {
    this.#total += ids.length + bytes.length;
    for (const id of ids.subarray(0, MOST_TOKENS - this.#tokens.length)) {
      this.#tokens.push({ id, text: this.#decode?.push(id) ?? '' });
    }
    const piece = bytes.subarray(0, MOST_BYTES - this.#bytes);
    this.#bytes += piece.length;
    this.#text += this.#utf8.decode(piece, { stream: true });
    const last = this.#tokens.at(-1);
    if (ended && last !== undefined && this.#tokens.length === this.#total) {
      this.#tokens[this.#tokens.length - 1] = { id: last.id, text: last.text + (this.#decode?.end() ?? '') };
    }
  }

  latest(at: number): LatestText {
    return {
      kind: 'text',
      at,
      versionNumber: this.#versionNumber,
      total: this.#total,
      tokens: [...this.#tokens],
      text: this.#decode === undefined ? this.#text : undefined,
    };
  }
}

/** Which text a part is of. */
export function keyOf({ source, requestId, timestamp }: TextPart): string {
  return `${source.address} ${source.port} ${source.ssrc} ${requestId} ${timestamp}`;
}
