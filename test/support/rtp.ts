/** RTP packets, onpath chunks and RFC 4175 payloads, written and read from their descriptions. */
import { createHash } from 'node:crypto';

export interface RtpFields {
  readonly version?: number;
  readonly payloadType?: number;
  readonly marker?: boolean;
  readonly sequence?: number;
  readonly timestamp?: number;
  readonly ssrc?: number;
  readonly csrcs?: readonly number[];
  /** Words of a header extension. */
  readonly extension?: readonly number[];
  /** Bytes of padding to add, count included. */
  readonly padding?: number;
}

export function rtpPacket(fields: RtpFields, payload: Uint8Array): Buffer {
  const { csrcs = [], extension, padding = 0 } = fields;
  const header = Buffer.alloc(12 + 4 * csrcs.length);
  header[0] =
    ((fields.version ?? 2) << 6) |
    (padding > 0 ? 0x20 : 0) |
    (extension === undefined ? 0 : 0x10) |
    csrcs.length;
  header[1] = (fields.marker ? 0x80 : 0) | (fields.payloadType ?? 96);
  header.writeUInt16BE((fields.sequence ?? 0) & 0xffff, 2);
  header.writeUInt32BE((fields.timestamp ?? 0) >>> 0, 4);
  header.writeUInt32BE((fields.ssrc ?? 1) >>> 0, 8);
  csrcs.forEach((csrc, i) => {
    header.writeUInt32BE(csrc, 12 + 4 * i);
  });
  const parts: Uint8Array[] = [header];
  if (extension !== undefined) {
    const words = Buffer.alloc(4 + 4 * extension.length);
    words.writeUInt16BE(0xbede, 0);
    words.writeUInt16BE(extension.length, 2);
    extension.forEach((word, i) => {
      words.writeUInt32BE(word, 4 + 4 * i);
    });
    parts.push(words);
  }
  parts.push(payload);
  if (padding > 0) parts.push(Buffer.alloc(padding, 0).fill(padding, padding - 1));
  return Buffer.concat(parts);
}

export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

/** Reads a plain packet: no CSRCs, extension or padding. */
export function readRtp(packet: Buffer): RtpPacket {
  if (packet[0] !== 0x80) throw new Error(`not a plain RTP packet: first byte ${packet[0]}`);
  return {
    payloadType: packet[1]! & 0x7f,
    marker: packet[1]! >= 0x80,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    payload: packet.subarray(12),
  };
}

/** First 32 bits of the SHA-256 of a sample format's canonical text. */
export function digestOf(format: string): number {
  return createHash('sha256')
    .update(`onpath-sample/1 dtype=uint8 channels=${format} order=row-major`)
    .digest()
    .readUInt32BE(0);
}

export interface ChunkFields {
  readonly version?: number;
  readonly output?: number;
  readonly sequenceHigh?: number;
  readonly digest: number;
  readonly requestId?: bigint;
  readonly offset?: bigint;
  readonly length?: bigint;
  readonly dims?: readonly number[];
}

export function chunkPayload(fields: ChunkFields, bytes: Uint8Array): Buffer {
  const { dims = [] } = fields;
  const header = Buffer.alloc(32 + 4 * dims.length);
  header[0] = ((fields.version ?? 1) << 4) | dims.length;
  header[1] = fields.output ?? 0;
  header.writeUInt16BE(fields.sequenceHigh ?? 0, 2);
  header.writeUInt32BE(fields.digest, 4);
  header.writeBigUInt64BE(fields.requestId ?? 0n, 8);
  header.writeBigUInt64BE(fields.offset ?? 0n, 16);
  header.writeBigUInt64BE(fields.length ?? 0n, 24);
  dims.forEach((dim, i) => {
    header.writeUInt32BE(dim, 32 + 4 * i);
  });
  return Buffer.concat([header, bytes]);
}

export interface Chunk extends Required<ChunkFields> {
  readonly bytes: Buffer;
}

export function readChunk(payload: Buffer): Chunk {
  const rank = payload[0]! & 0x0f;
  return {
    version: payload[0]! >> 4,
    output: payload[1]!,
    sequenceHigh: payload.readUInt16BE(2),
    digest: payload.readUInt32BE(4),
    requestId: payload.readBigUInt64BE(8),
    offset: payload.readBigUInt64BE(16),
    length: payload.readBigUInt64BE(24),
    dims: Array.from({ length: rank }, (_, i) => payload.readUInt32BE(32 + 4 * i)),
    bytes: payload.subarray(32 + 4 * rank),
  };
}

/** A sample's packets: chunks of at most `bytes` sample bytes each. */
export function chunkPackets(
  sample: Uint8Array,
  rtp: RtpFields,
  chunk: ChunkFields,
  bytes: number,
): Buffer[] {
  const packets: Buffer[] = [];
  for (let offset = 0; offset < sample.length; offset += bytes) {
    const part = sample.subarray(offset, offset + bytes);
    const marker = offset + part.length === sample.length;
    const fields = { length: BigInt(sample.length), ...chunk, offset: BigInt(offset) };
    packets.push(
      rtpPacket(
        { ...rtp, marker, sequence: (rtp.sequence ?? 0) + packets.length },
        chunkPayload(fields, part),
      ),
    );
  }
  return packets;
}

export interface LineHeader {
  /** Bytes. */
  readonly length: number;
  readonly line: number;
  /** Pixels. */
  readonly offset: number;
  readonly field?: boolean;
  /** Default: set on all but the last. */
  readonly continues?: boolean;
}

export function videoPayload(lines: readonly LineHeader[], data: Uint8Array, sequenceHigh = 0): Buffer {
  const header = Buffer.alloc(2 + 6 * lines.length);
  header.writeUInt16BE(sequenceHigh, 0);
  lines.forEach(({ length, line, offset, field, continues }, i) => {
    header.writeUInt16BE(length, 2 + 6 * i);
    header.writeUInt16BE((field ? 0x8000 : 0) | line, 4 + 6 * i);
    header.writeUInt16BE(((continues ?? i < lines.length - 1) ? 0x8000 : 0) | offset, 6 + 6 * i);
  });
  return Buffer.concat([header, data]);
}

/** A frame's packets, one line each. */
export function videoPackets(frame: Uint8Array, lineBytes: number, rtp: RtpFields): Buffer[] {
  const lines = frame.length / lineBytes;
  return Array.from({ length: lines }, (_, line) =>
    rtpPacket(
      { ...rtp, marker: line === lines - 1, sequence: (rtp.sequence ?? 0) + line },
      videoPayload(
        [{ length: lineBytes, line, offset: 0 }],
        frame.subarray(line * lineBytes, (line + 1) * lineBytes),
      ),
    ),
  );
}
