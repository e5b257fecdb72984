/** Sends images and texts as RTP packets, paced: onpath chunks or raw video (RFC 4175). */

import { native } from './native.js';
import type {
  NativeSender,
  NativeReceiverReport as ReceiverReport,
  NativeSenderStats as SenderStats,
} from './native-sender.js';
import { Pipeline } from './pipeline.js';
import { type SenderSpec, senderSpec } from './schema.js';
import { nativeSenderConfig, request64 } from './sender-config.js';
import { Serialization } from './serialization.js';
import { TextSender } from './text-sender.js';
import { parse } from './validate.js';

type TextSenderSpec = Extract<SenderSpec, { readonly text: true }>;
type ImageSenderSpec = Exclude<SenderSpec, TextSenderSpec>;

export type { ReceiverReport, SenderStats };

/** What was sent for one sample. */
export interface SendReport {
  readonly packets: number;
  /** UDP payload bytes. */
  readonly bytes: number;
  /** Packets that the port did not take. The others were handed to it; whether they arrived, UDP does not say. */
  readonly refused: number;
  /** RTP timestamp that names the sample on the wire. */
  readonly timestamp: number;
}

/**
 * One RTP stream of images; with `text: true`, `open` gives a `TextSender`.
 *
 * @example
 * await using sender = await Sender.open({ to: '127.0.0.1:5004', width: 1280, height: 720, format: 'rgb' });
 * await sender.send(image, { requestId: 7n });
 *
 * @example
 * const serialization = Serialization.plan(pipeline, { order: 'tile-major', skipUnread: true });
 * await using sparing = await Sender.open({ to: '127.0.0.1:5004', serialization });
 */
export class Sender {
  readonly serialization: Serialization;
  readonly #native: NativeSender;
  #closing: Promise<void> | undefined;
  #nextRequest = 1n;

  private constructor(sender: NativeSender, serialization: Serialization) {
    this.#native = sender;
    this.serialization = serialization;
  }

  /**
   * @throws OnpathError INVALID_SPEC, UNSUPPORTED (RFC 4175 of another order than row-major), PORT_FAILED, PERMISSION_DENIED, BUSY (memory link side already open, or every queue that the dpdk port
   * keeps for senders taken), CLOSED (the plane is)
   */
  static open(spec: TextSenderSpec): Promise<TextSender>;
  static open(spec: ImageSenderSpec): Promise<Sender>;
  static open(spec: SenderSpec): Promise<Sender | TextSender>;
  static async open(spec: SenderSpec): Promise<Sender | TextSender> {
    const parsed = parse(senderSpec, spec, 'sender');
    if (parsed.text === true) return TextSender.ofSpec(parsed);
    const { width, height, format } = parsed;
    // The schema has seen that there is one or the other.
    const serialization =
      parsed.serialization ?? Serialization.rowMajor({ width: width!, height: height!, format: format! });
    const program = serialization.pipeline && Pipeline.programOf(serialization.pipeline);
    const sender = native().openSender(
      nativeSenderConfig(parsed, { texts: false, ...serialization.image, program }),
    );
    return new Sender(sender, serialization);
  }

  /** RTP synchronization source of this stream. */
  get ssrc(): number {
    return this.#native.ssrc;
  }

  /**
   * Sends one image, in the order of `serialization`; resolves when its last packet has left. Leave the image untouched, and its ArrayBuffer where it is,
   * until then.
   * @param options.requestId Carried through to the receiver with chunks (64 bits); default: 1, 2, 3, ...
   * @throws OnpathError INVALID_ARGUMENT, BUSY, CLOSED, UNREACHABLE (by a dpdk port: no neighbour answered)
   */
  async send(
    image: ArrayBufferView | ArrayBuffer,
    options: { requestId?: bigint | number; stride?: number } = {},
  ): Promise<SendReport> {
    const { requestId, ...layout } = options;
    const bytes = this.serialization.serialize(image, layout);
    return this.#native.send(bytes, requestId === undefined ? this.#nextRequest++ : request64(requestId));
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
