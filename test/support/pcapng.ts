/** Reads pcapng files strictly: what a capture writes, and nothing else, is taken. */
import assert from 'node:assert/strict';

export interface CapturedInterface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly name: string;
  readonly description: string;
  readonly tsresol: number;
}

export interface CapturedPacket {
  readonly interface: number;
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  readonly bytes: Buffer;
  readonly length: number;
  readonly dropped: number;
}

export interface CapturedFile {
  readonly application: string;
  readonly interfaces: CapturedInterface[];
  readonly packets: CapturedPacket[];
  readonly statistics: { readonly received: number; readonly dropped: number }[];
}

export function parsePcapng(file: Buffer): CapturedFile {
  const result: CapturedFile & { application: string } = {
    application: '',
    interfaces: [],
    packets: [],
    statistics: [],
  };
  for (let at = 0; at < file.length; ) {
    const type = file.readUInt32LE(at);
    const length = file.readUInt32LE(at + 4);
    assert.equal(length % 4, 0);
    assert.equal(file.readUInt32LE(at + length - 4), length, 'a block has its length at both ends');
    assert.equal(type === 0x0a0d0d0a, at === 0, 'one section, at the beginning');
    const body = file.subarray(at + 8, at + length - 4);
    at += length;
    switch (type) {
      case 0x0a0d0d0a:
        assert.equal(body.readUInt32LE(0), 0x1a2b3c4d);
        assert.deepEqual([body.readUInt16LE(4), body.readUInt16LE(6)], [1, 0]);
        result.application = options(body.subarray(16)).get(4)?.toString() ?? '';
        break;
      case 1: {
        const found = options(body.subarray(8));
        result.interfaces.push({
          linkType: body.readUInt16LE(0),
          snapLength: body.readUInt32LE(4),
          name: found.get(2)?.toString() ?? '',
          description: found.get(3)?.toString() ?? '',
          tsresol: found.get(9)?.[0] ?? 6,
        });
        break;
      }
      case 6: {
        const captured = body.readUInt32LE(12);
        const found = options(body.subarray(20 + Math.ceil(captured / 4) * 4));
        assert.equal(found.get(2)?.readUInt32LE(), 1, 'inbound');
        result.packets.push({
          interface: body.readUInt32LE(0),
          time: (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
          bytes: body.subarray(20, 20 + captured),
          length: body.readUInt32LE(16),
          dropped: Number(found.get(4)?.readBigUInt64LE() ?? 0n),
        });
        break;
      }
      case 5: {
        const found = options(body.subarray(12));
        result.statistics.push({
          received: Number(found.get(4)!.readBigUInt64LE()),
          dropped: Number(found.get(5)!.readBigUInt64LE()),
        });
        break;
      }
      default:
        assert.fail(`block of unknown type ${type}`);
    }
  }
  return result;
}

function options(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; ; ) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (code === 0) {
      assert.equal(at + 4, bytes.length, 'nothing follows the options');
      return found;
    }
    found.set(code, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
}
