/** Sends texts as RTP packets, paced: whole, or as they are made. */
import { OnpathError } from './errors.js';
import { native } from './native.js';
import type { NativeSender } from './native-sender.js';
import type { ParsedSenderSpec } from './schema.js';
import type { SenderStats, SendReport } from './sender.js';
import { nativeSenderConfig, request64 } from './sender-config.js';
import { byteView } from './tensor.js';

/** A string, or bytes of UTF-8. */
export type TextPiece = string | ArrayBufferView | ArrayBuffer;
/** A text, or what gives its pieces: a Readable, a fetch body, a generator. */
export type TextSource = TextPiece | AsyncIterable<TextPiece> | Iterable<TextPiece>;

/**
 * One RTP stream of texts.
 *
 * @example
 * await using sender = await Sender.open({ to: '127.0.0.1:5004', text: true });
 * await sender.send('An example of an input prompt', { requestId: 7n });
 * await sender.send(process.stdin);
 */
export class TextSender {
  readonly #native: NativeSender;
  #closing: Promise<void> | undefined;
  #nextRequest = 1n;

  private constructor(sender: NativeSender) {
    this.#native = sender;
  }

  /** @internal `Sender.open` with `text: true`. */
  static ofSpec(parsed: ParsedSenderSpec): TextSender {
    const image = { program: undefined, width: 0, height: 0, format: 'gray' } as const;
    return new TextSender(native().openSender(nativeSenderConfig(parsed, { texts: true, ...image })));
  }

  /** RTP synchronization source of this stream. */
  get ssrc(): number {
    return this.#native.ssrc;
  }

  /**
   * Sends one text; resolves when its last packet has left. Of a source, each piece leaves as soon as it is there, and the length is told
   * with the end; if the source fails, the text has no end and the receiver gives it up at its deadline. Several texts may be under way.
   * Leave bytes untouched until they have left.
   * @param options.requestId Carried through to the receiver (64 bits); default: 1, 2, 3, ...
   * @throws OnpathError INVALID_ARGUMENT, BUSY, CLOSED, UNREACHABLE (by a dpdk port: no neighbour answered); what the source throws
   */
  async send(text: TextSource, options: { requestId?: bigint | number } = {}): Promise<SendReport> {
    const id = options.requestId === undefined ? this.#nextRequest++ : request64(options.requestId);
    if (isPiece(text)) {
      const bytes = bytesOf(text, 'text');
      return this.#native.send(bytes, id, {
        offset: 0,
        timestamp: undefined,
        last: true,
        length: bytes.byteLength,
      });
    }
    return this.#sendPieces(text, id);
  }

  async #sendPieces(source: AsyncIterable<TextPiece> | Iterable<TextPiece>, id: bigint): Promise<SendReport> {
    if (
      typeof source !== 'object' ||
      source === null ||
      !(Symbol.asyncIterator in source || Symbol.iterator in source)
    ) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        'text must be a string, bytes, or a source of them such as a Readable.',
      );
    }
    let all: SendReport | undefined;
    let offset = 0;
    const push = async (bytes: Uint8Array, last: boolean) => {
      const place = { offset, timestamp: all?.timestamp, last, length: last ? offset + bytes.byteLength : 0 };
      const report = await this.#native.send(bytes, id, place);
      offset += bytes.byteLength;
      all = {
        packets: report.packets + (all?.packets ?? 0),
        bytes: report.bytes + (all?.bytes ?? 0),
        refused: report.refused + (all?.refused ?? 0),
        timestamp: report.timestamp,
      };
      return all;
    };
    let surrogate = '';
    for await (const piece of source) {
      let one: TextPiece = piece;
      if (typeof one === 'string') {
        // A character may be cut in two by the pieces of a string.
        one = surrogate + one;
        surrogate = /[\ud800-\udbff]$/.test(one) ? one.slice(-1) : '';
        one = one.slice(0, one.length - surrogate.length);
      } else if (surrogate !== '') {
        await push(bytesOf(surrogate, 'text'), false);
        surrogate = '';
      }
      const bytes = bytesOf(one, 'a piece of the text');
      if (bytes.byteLength > 0) await push(bytes, false);
    }
    return push(bytesOf(surrogate, 'text'), true);
  }

  /** What receivers asked for and reported since the sender was opened; zeros without `resend`. */
  stats(): SenderStats {
    return this.#native.stats();
  }

  /** Abandons what has not been sent. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#native.close();
    return this.#closing;
  }

  /** As close(). */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const encoder = new TextEncoder();

function isPiece(text: TextSource): text is TextPiece {
  return typeof text === 'string' || ArrayBuffer.isView(text) || text instanceof ArrayBuffer;
}

function bytesOf(piece: TextPiece, what: string): Uint8Array {
  return typeof piece === 'string' ? encoder.encode(piece) : byteView(piece, what);
}
