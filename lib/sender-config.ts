/** From a validated specification of a sender to what the addon takes. */
import { memoryEnd, parseHostPort, requireSameVersion } from './address.js';
import { Dataplane } from './dataplane.js';
import { OnpathError } from './errors.js';
import type { NativeSenderConfig } from './native-sender.js';
import { dpdkEnd, type OwnEnd } from './plane-config.js';
import type { ParsedSenderSpec } from './schema.js';
import { shown } from './validate.js';

/** What a sender sends. */
type Sent = Pick<NativeSenderConfig, 'texts' | 'program' | 'width' | 'height' | 'format'>;

/** @throws OnpathError INVALID_SPEC */
export function nativeSenderConfig(parsed: ParsedSenderSpec, sent: Sent): NativeSenderConfig {
  const to = parseHostPort(parsed.to, 'sender.to');
  const own = ownEnd(parsed, to.address);
  const from = parsed.from === undefined ? own : parseHostPort(parsed.from, 'sender.from');
  if (from.address !== undefined) requireSameVersion(to.address, 'sender.to', from.address, 'sender.from');
  return {
    port: senderPort(parsed, from),
    address: to.address,
    udpPort: to.port,
    sourceAddress: from.address,
    sourceUdpPort: from.port,
    destinationMac: undefined,
    payload: parsed.payload,
    ...sent,
    sendDims: parsed.sendDims,
    payloadType: parsed.payloadType,
    ssrc: parsed.ssrc,
    maxPayloadBytes: parsed.maxPayloadBytes,
    bitsPerSecond: parsed.bitsPerSecond,
    burstBytes: parsed.burstBytes,
    resend: parsed.resend,
    queuedSamples: parsed.queuedSamples,
  };
}

/** @throws OnpathError INVALID_ARGUMENT */
export function request64(requestId: bigint | number): bigint {
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
  return { type: 'memory', name: 'sender', queues: 1, ...spec.via };
}
