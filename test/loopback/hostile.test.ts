// Lies in every field of a packet: each is counted under its one reason, and the next valid packets make a sample.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Dataplane, type DropReason, Pipeline } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import { assertBooksBalance, dropsOf, PlainSocket, settled, startPlane, takeOne } from '../support/plane.js';
import {
  type ChunkFields,
  chunkPackets,
  chunkPayload,
  digestOf,
  type RtpFields,
  rtpPacket,
  videoPackets,
  videoPayload,
} from '../support/rtp.js';

const WIDTH = 8;
const HEIGHT = 4;
const LINE = WIDTH * 3;
const BYTES = LINE * HEIGHT;
const digest = digestOf('rgb');
const MAX = 2n ** 64n - 1n;

type Row = [claim: string, packet: (timestamp: number) => Uint8Array, reason: DropReason];

const chunk = (fields: Partial<ChunkFields>, bytes = 3, rtp: RtpFields = {}) => {
  const payload = chunkPayload({ digest, length: BigInt(BYTES), ...fields }, new Uint8Array(bytes));
  return (timestamp: number) => rtpPacket({ timestamp, ...rtp }, payload);
};
const payload = (bytes: Uint8Array, rtp: RtpFields = {}) => {
  return (timestamp: number) => rtpPacket({ timestamp, ...rtp }, bytes);
};
/** A good chunk whose bytes are then changed. */
const changed = (change: (packet: Buffer) => Buffer | undefined) => (timestamp: number) => {
  const packet = chunk({})(timestamp);
  return change(packet) ?? packet;
};
const with0 = (byte: number) =>
  changed((packet) => {
    packet[0] = byte;
    return packet;
  });

const rtpLies: Row[] = [
  ['an empty datagram', () => new Uint8Array(0), 'bad_rtp_header'],
  ['one byte', () => Uint8Array.of(0x80), 'bad_rtp_header'],
  ['eleven bytes', changed((packet) => packet.subarray(0, 11)), 'bad_rtp_header'],
  ['RTP version 0', with0(0x00), 'bad_rtp_header'],
  ['RTP version 1', with0(0x40), 'bad_rtp_header'],
  ['RTP version 3', with0(0xc0), 'bad_rtp_header'],
  [
    '15 CSRCs that are not there',
    (t) => rtpPacket({ timestamp: t }, new Uint8Array(8)).fill(0x8f, 0, 1),
    'bad_rtp_header',
  ],
  [
    'an extension that is not there',
    (t) => rtpPacket({ timestamp: t }, new Uint8Array(3)).fill(0x90, 0, 1),
    'bad_rtp_header',
  ],
  [
    'an extension of 65535 words',
    changed((packet) => {
      packet[0] = 0x90;
      packet.writeUInt16BE(0xffff, 14);
      return packet;
    }),
    'bad_rtp_header',
  ],
  [
    'padding of a packet without payload',
    (t) => rtpPacket({ timestamp: t }, new Uint8Array(0)).fill(0xa0, 0, 1),
    'bad_rtp_padding',
  ],
  ['a padding count of 0', with0(0xa0), 'bad_rtp_padding'],
  [
    'a padding count past the payload',
    changed((packet) => {
      packet[0] = 0xa0;
      packet[packet.length - 1] = 255;
      return packet;
    }),
    'bad_rtp_padding',
  ],
  ['padding and nothing else', payload(new Uint8Array(0), { padding: 40 }), 'empty'],
  ['an RTCP sender report', () => Buffer.from('80c80006000000010000000000000000', 'hex'), 'rtcp'],
  ['the shortest RTCP packet', () => Buffer.from('80cb0000', 'hex'), 'rtcp'],
  ['another payload type', chunk({}, 3, { payloadType: 33 }), 'no_route'],
];

const chunkLies: Row[] = [
  ...rtpLies,
  ['no payload', payload(new Uint8Array(0)), 'empty'],
  ['one byte of chunk header', payload(Uint8Array.of(0x10)), 'bad_payload_header'],
  [
    '31 bytes of chunk header',
    payload(chunkPayload({ digest }, new Uint8Array(0)).subarray(0, 31)),
    'bad_payload_header',
  ],
  ['a chunk header and nothing else', chunk({}, 0), 'empty'],
  ['chunk version 0', chunk({ version: 0 }), 'bad_payload_header'],
  ['chunk version 2', chunk({ version: 2 }), 'bad_payload_header'],
  ['chunk version 15', chunk({ version: 15 }), 'bad_payload_header'],
  [
    'rank 15 without dimensions',
    payload(chunkPayload({ digest }, new Uint8Array(3)).fill(0x1f, 0, 1)),
    'bad_payload_header',
  ],
  ['a digest of another format', chunk({ digest: digestOf('bgr') }), 'wrong_format'],
  ['digest 0', chunk({ digest: 0 }), 'wrong_format'],
  ['output 1', chunk({ output: 1 }), 'wrong_format'],
  ['output 255', chunk({ output: 255 }), 'wrong_format'],
  ['rank 1', chunk({ dims: [BYTES] }), 'wrong_shape'],
  ['rank 15', chunk({ dims: new Array(15).fill(1) }), 'wrong_shape'],
  ['width and height exchanged', chunk({ dims: [WIDTH, HEIGHT] }), 'wrong_shape'],
  ['dimensions of 0', chunk({ dims: [0, 0] }), 'wrong_shape'],
  ['dimensions of 2^32 - 1', chunk({ dims: [0xffffffff, 0xffffffff] }), 'wrong_shape'],
  // 2^16 x 2^17 x 3 is 0 modulo 2^32; 4 + 2^30 x 8 x 3 is 96 with 32 bits.
  ['dimensions whose product wraps', chunk({ dims: [HEIGHT + 2 ** 30, WIDTH] }), 'wrong_shape'],
  ['a length one byte short', chunk({ length: BigInt(BYTES - 1) }), 'wrong_shape'],
  ['a length one pixel long', chunk({ length: BigInt(BYTES + 3) }), 'wrong_shape'],
  ['length 2^64 - 1', chunk({ length: MAX }), 'wrong_shape'],
  ['length 2^32 + the right one', chunk({ length: 2n ** 32n + BigInt(BYTES) }), 'wrong_shape'],
  ['an offset at the end', chunk({ offset: BigInt(BYTES) }), 'out_of_range'],
  ['an offset past the end', chunk({ offset: BigInt(BYTES + 3) }), 'out_of_range'],
  ['offset 2^32', chunk({ offset: 2n ** 32n }), 'out_of_range'],
  ['offset 2^63', chunk({ offset: 2n ** 63n }), 'out_of_range'],
  ['offset 2^64 - 1', chunk({ offset: MAX }), 'out_of_range'],
  ['an offset whose end wraps to 0', chunk({ offset: MAX - 2n }), 'out_of_range'],
  ['an end past the sample', chunk({ offset: BigInt(BYTES - 3) }, 6), 'out_of_range'],
  ['more bytes than a sample', chunk({}, BYTES + 3), 'out_of_range'],
  ['offset 2^63 and no length', chunk({ offset: 2n ** 63n, length: 0n }), 'out_of_range'],
  ['offset 2^64 - 1 and no length', chunk({ offset: MAX, length: 0n }), 'out_of_range'],
  ['an offset past the plan and no length', chunk({ offset: BigInt(BYTES), length: 0n }), 'out_of_range'],
  ['an offset inside a pixel', chunk({ offset: 1n }), 'misaligned'],
  ['an end inside a pixel', chunk({}, 4), 'misaligned'],
  ['one byte', chunk({}, 1), 'misaligned'],
];

const video = (lines: Parameters<typeof videoPayload>[0], bytes: number) =>
  payload(videoPayload(lines, new Uint8Array(bytes)));
const line = { length: LINE, line: 0, offset: 0 };

const videoLies: Row[] = [
  ...rtpLies.filter(([claim]) => !claim.includes('padding of') && !claim.includes('a padding count past')),
  ['no payload', payload(new Uint8Array(0)), 'empty'],
  ['one byte of payload', payload(Uint8Array.of(0)), 'bad_payload_header'],
  ['a sequence number and nothing else', payload(new Uint8Array(2)), 'bad_payload_header'],
  ['five bytes of a line header', payload(new Uint8Array(7)), 'bad_payload_header'],
  ['a continuation that does not come', video([{ ...line, continues: true }], 0), 'bad_payload_header'],
  ['a continuation inside the data', video([{ ...line, continues: true }], 4), 'bad_payload_header'],
  ['the field bit', video([{ ...line, field: true }], LINE), 'interlaced'],
  [
    'the field bit in a second line',
    video([line, { ...line, line: 1, field: true }], 2 * LINE),
    'interlaced',
  ],
  ['a line past the frame', video([{ ...line, line: HEIGHT }], LINE), 'out_of_range'],
  ['line 32767', video([{ ...line, line: 0x7fff }], LINE), 'out_of_range'],
  ['a pixel past the line', video([{ length: 3, line: 0, offset: WIDTH }], 3), 'out_of_range'],
  ['pixel 32767', video([{ length: 3, line: 0, offset: 0x7fff }], 3), 'out_of_range'],
  ['a length past the line', video([{ length: LINE + 3, line: 0, offset: 0 }], LINE + 3), 'out_of_range'],
  ['a length past the line behind an offset', video([{ ...line, offset: 1 }], LINE), 'out_of_range'],
  ['length 65535', video([{ length: 65535, line: 0, offset: 0 }], LINE), 'out_of_range'],
  ['a length inside a pixel', video([{ length: 4, line: 0, offset: 0 }], 4), 'misaligned'],
  ['a length of which the data is missing', video([line], LINE - 3), 'bad_payload_header'],
  [
    'a second line of which the data is missing',
    video([line, { ...line, line: 1 }], LINE),
    'bad_payload_header',
  ],
  ['data that no line header names', video([line], LINE + 3), 'bad_payload_header'],
  [
    'lines of length 0',
    video(
      [
        { ...line, length: 0 },
        { ...line, line: 1, length: 0 },
      ],
      0,
    ),
    'empty',
  ],
  [
    'more separate runs than are taken',
    video(
      Array.from({ length: 40 }, (_, i) => ({
        length: 3,
        line: i % 2 === 0 ? 0 : 3,
        offset: (i >> 1) % WIDTH,
      })),
      120,
    ),
    'bad_payload_header',
  ],
];

for (const [format, lies] of [
  ['chunk', chunkLies],
  ['rfc4175', videoLies],
] as const) {
  describe(`lies to a ${format} route`, () => {
    const pipeline = Pipeline.compile({
      input: { kind: 'image', width: WIDTH, height: HEIGHT, format: 'rgb' },
      stages: [{ stage: 'resize', width: 5, height: 3 }],
    });
    let plane: Dataplane;
    let socket: PlainSocket;
    let timestamp = 0;
    let packets = 0;

    before(async () => {
      plane = await startPlane({
        ports: [{ type: 'udp', name: 'in' }],
        routes: [{ name: 'r', port: 'in', payload: format, payloadType: 96, pipeline }],
      });
      socket = await PlainSocket.open();
    });
    after(async () => {
      await socket.close();
      await plane.close();
    });

    async function deliver(sent: readonly Uint8Array[]): Promise<void> {
      await socket.send(plane.address('in'), sent);
      packets += sent.length;
      await settled(plane, packets);
    }

    for (const [claim, lie, reason] of lies) {
      test(`${claim}: one packet dropped as ${reason}, the next sample is exact`, async () => {
        const earlier = dropsOf(plane.stats());
        timestamp += 1000;
        await deliver([lie(timestamp)]);
        const stats = plane.stats();
        assert.deepEqual(dropsOf(stats), { ...earlier, [reason]: (earlier[reason] ?? 0) + 1 });
        assert.equal(stats.routes[0]!.samplesOpen, 0, 'no sample was opened by a lie');

        const image = noiseImage(WIDTH, HEIGHT, 'rgb', timestamp);
        const rtp = { timestamp };
        await deliver(
          format === 'chunk' ? chunkPackets(image, rtp, { digest }, 30) : videoPackets(image, LINE, rtp),
        );
        using sample = await takeOne(plane, 'r');
        assertSameBytes(sample.data, pipeline.run(image).data);
      });
    }

    test('no lie is unaccounted for', async () => {
      await plane.close();
      assertBooksBalance(plane.stats());
      assert.equal(plane.stats().ports[0]!.rxPackets, packets);
    });
  });
}
