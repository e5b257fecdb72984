/** Sends images as RTP packets, paced: onpath chunks or raw video (RFC 4175). */

import { memoryEnd, parseHostPort, requireSameVersion } from './address.js';
import { Dataplane } from './dataplane.js';
import { OnpathError } from './errors.js';
import { type NativeSender, type NativeSenderConfig, native } from './native.js';
import { Pipeline } from './pipeline.js';
import { dpdkEnd, type OwnEnd } from './plane-config.js';
import { type ParsedSenderSpec, type SenderSpec, senderSpec } from './schema.js';
import { Serialization } from './serialization.js';
import { parse, shown } from './validate.js';

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
 * One RTP stream.
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
  static async open(spec: SenderSpec): Promise<Sender> {
    const parsed = parse(senderSpec, spec, 'sender');
    const to = parseHostPort(parsed.to, 'sender.to');
    const own = ownEnd(parsed, to.address);
    const from = parsed.from === undefined ? own : parseHostPort(parsed.from, 'sender.from');
    if (from.address !== undefined) requireSameVersion(to.address, 'sender.to', from.address, 'sender.from');
    const { width, height, format } = parsed;
    // The schema has seen that there is one or the other.
    const serialization =
      parsed.serialization ?? Serialization.rowMajor({ width: width!, height: height!, format: format! });
    const sender = native().openSender({
      port: senderPort(parsed, from),
      address: to.address,
      udpPort: to.port,
      sourceAddress: from.address,
      sourceUdpPort: from.port,
      destinationMac: undefined,
      payload: parsed.payload,
      ...serialization.image,
      program: serialization.pipeline && Pipeline.programOf(serialization.pipeline),
      sendDims: parsed.sendDims,
      payloadType: parsed.payloadType,
      ssrc: parsed.ssrc,
      maxPayloadBytes: parsed.maxPayloadBytes,
      bitsPerSecond: parsed.bitsPerSecond,
      queuedSamples: parsed.queuedSamples,
    });
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

  /** Abandons what has not been sent. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#native.close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function request64(requestId: bigint | number): bigint {
  const valid =
    typeof requestId === 'bigint' || (typeof requestId === 'number' && Number.isSafeInteger(requestId));
  const value = valid ? BigInt(requestId) : -1n;
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `requestId must be a whole number from 0 to 2^64 - 1 (bigint above 2^53), received ${shown(requestId)}.`,
    );
  }
  return value;
}

/** Where packets come from if the specification does not say: any address for sockets. */
function ownEnd(spec: ParsedSenderSpec, peer: string): OwnEnd {
  if (spec.via === undefined) return { address: peer.includes(':') ? '::' : '0.0.0.0', port: 0 };
  return 'plane' in spec.via ? dpdkEnd(portOf(spec.via), peer, 'sender.to') : memoryEnd(peer);
}

type ViaPlane = Extract<ParsedSenderSpec['via'], { plane: unknown }>;

/** The plane's port, which must be one that senders can leave by. */
function portOf({ plane, port: name }: ViaPlane) {
  const { ports } = Dataplane.partsOf(plane);
  const port = ports.find((one) => one.name === name);
  if (port === undefined) {
    throw new OnpathError(
      'INVALID_SPEC',
      `sender.via.port: no port of the plane is called "${name}". There are: ${ports.map((one) => one.name).join(', ')}.`,
    );
  }
  if (port.type !== 'dpdk') {
    throw new OnpathError(
      'INVALID_SPEC',
      `sender.via.port: "${name}" is a ${port.type} port, expected a dpdk port. Senders open memory links and sockets of their own.`,
    );
  }
  if (port.senders === 0) {
    throw new OnpathError(
      'INVALID_SPEC',
      `sender.via.port: "${name}" keeps no queue for senders. Start the plane with \`senders: 1\` or more on it.`,
    );
  }
  return port;
}

function senderPort(spec: ParsedSenderSpec, from: OwnEnd): NativeSenderConfig['port'] {
  if (spec.via === undefined) {
    return {
      type: 'udp',
      name: 'sender',
      address: from.address!,
      port: from.port,
      queues: 1,
      receiveBufferBytes: 65536,
      maxBytes: spec.maxPayloadBytes,
      offload: true,
    };
  }
  if ('plane' in spec.via) {
    return { type: 'plane', plane: Dataplane.partsOf(spec.via.plane).native, name: portOf(spec.via).name };
  }
  const clean = { loss: 0, duplicate: 0, corrupt: 0, reorderSpan: 0, seed: 1 };
  return { type: 'memory', name: 'sender', queues: 1, ...clean, ...spec.via };
}
