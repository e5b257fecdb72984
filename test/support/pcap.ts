/** Ethernet frames around UDP payloads, and files of them (classic pcap, microseconds, Ethernet). */
import { readFileSync, writeFileSync } from 'node:fs';

export interface Ends {
  readonly sourceMac?: string;
  readonly destinationMac?: string;
  /** IPv4. */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort: number;
}

/** Ethernet, IPv4 and UDP around a payload, both checksums filled. */
export function udpFrame(ends: Ends, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(42 + payload.length);
  macBytes(ends.destinationMac ?? 'ff:ff:ff:ff:ff:ff').copy(frame, 0);
  macBytes(ends.sourceMac ?? '02:00:00:00:00:99').copy(frame, 6);
  frame.writeUInt16BE(0x0800, 12);
  const ip = frame.subarray(14, 34);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + payload.length, 2);
  ip[8] = 64;
  ip[9] = 17;
  addressBytes(ends.source).copy(ip, 12);
  addressBytes(ends.destination).copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  const udp = frame.subarray(34);
  udp.writeUInt16BE(ends.sourcePort ?? 40_000, 0);
  udp.writeUInt16BE(ends.destinationPort, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  udp.set(payload, 8);
  const pseudo = Buffer.concat([ip.subarray(12, 20), Buffer.from([0, 17]), udp.subarray(4, 6)]);
  udp.writeUInt16BE(checksum(Buffer.concat([pseudo, udp])) || 0xffff, 6);
  return frame;
}

/** Where the UDP payload of such a frame is. */
export function udpPayload(frame: Buffer): Buffer {
  if (frame.readUInt16BE(12) !== 0x0800 || frame[14] !== 0x45 || frame[23] !== 17) {
    throw new Error(`not a plain UDP frame over IPv4: ${frame.subarray(0, 34).toString('hex')}`);
  }
  return frame.subarray(42, 34 + frame.readUInt16BE(38));
}

export function writePcap(file: string, frames: readonly Uint8Array[]): void {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const records = frames.flatMap((frame, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(i, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, frame];
  });
  writeFileSync(file, Buffer.concat([header, ...records]));
}

export function readPcap(file: string): Buffer[] {
  const bytes = readFileSync(file);
  const frames: Buffer[] = [];
  for (let at = 24; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8);
    frames.push(bytes.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const macBytes = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');
const addressBytes = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
