/** What the addon's senders take and give. */
import type { NativePlane, NativePortConfig, NativeProgram } from './native.js';
import type { InputFormat } from './schema.js';

/** Packets that are kept to be sent again, and how many a second may be. */
export interface NativeResend {
  packets: number;
  packetsPerSecond: number;
}

export interface NativeSenderConfig {
  /** Opened for the sender, or one of a running plane's: the sender is closed with that plane. */
  port: NativePortConfig | { type: 'plane'; plane: NativePlane; name: string };
  address: string;
  udpPort: number;
  sourceAddress: string | undefined;
  sourceUdpPort: number;
  destinationMac: Uint8Array | undefined;
  payload: 'chunk' | 'rfc4175';
  /** Texts are sent; then program and image are not read. */
  texts: boolean;
  /** What it takes is sent; without one, row-major images of width, height and format. */
  program: NativeProgram | undefined;
  width: number;
  height: number;
  format: InputFormat;
  sendDims: boolean;
  payloadType: number;
  ssrc: number;
  maxPayloadBytes: number;
  bitsPerSecond: number;
  /** 0: what the rate gives in a millisecond. */
  burstBytes: number;
  resend: NativeResend | undefined;
  queuedSamples: number;
}

/** What a receiver of a sender reported last (RFC 3550 section 6.4.1). */
export interface NativeReceiverReport {
  /** Of the receiver. */
  ssrc: number;
  /** 0 to 1, since its report before. */
  fractionLost: number;
  /** Since it began; negative if more packets came than were sent. */
  packetsLost: number;
  /** Extended by the cycles of the 16-bit number. */
  highestSequence: number;
  /** How much packets' travel time varies. */
  jitterMs: number;
  /** undefined: no sender report has reached it yet. */
  roundTripMs: number | undefined;
}

/** Counters of a sender with `resend`: packets asked for and sent again, what receivers reported last. */
export interface NativeSenderStats {
  /** Packets that receivers asked for, as often as they did: `resent` + `refused`. */
  nacksReceived: number;
  resent: number;
  /** Gone, never sent, sent again just before, beyond the rate, or not taken by the port. */
  refused: number;
  /** Last packets that left again because nothing followed them. */
  probes: number;
  /** Datagrams that came to the sender's own port and were no RTCP of its receiver. */
  rtcpDropped: number;
  /** By receiver; of 16 at most. */
  reports: NativeReceiverReport[];
}

export interface NativeSender {
  readonly ssrc: number;
  /** `bytes` is referenced until the promise settles. requestId fits 64 bits unsigned. */
  send(
    bytes: Uint8Array,
    requestId: bigint,
    /** Of a sender for texts. `timestamp`: of the report of the text's first part; length 0: not known. */
    place?: { offset: number; timestamp: number | undefined; last: boolean; length: number },
  ): Promise<{ packets: number; bytes: number; refused: number; timestamp: number }>;
  close(): Promise<void>;
  stats(): NativeSenderStats;
}
