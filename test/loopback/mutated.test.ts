// Good packets, cut and bent in every place: whatever becomes of them is counted, and good samples come through exact.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Pipeline } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { noiseImage, Random } from '../support/images.js';
import { assertBooksBalance, dropsOf, PlainSocket, settled, startPlane, take } from '../support/plane.js';
import { chunkPackets, digestOf, videoPackets } from '../support/rtp.js';

const WIDTH = 8;
const HEIGHT = 4;
const MUTATIONS = 4000;
const GOOD_SSRC = 0x600d600d;
const pipeline = Pipeline.compile({
  input: { kind: 'image', width: WIDTH, height: HEIGHT, format: 'rgb' },
  stages: [{ stage: 'resize', width: 5, height: 3 }],
});

const makers = {
  chunk: (image: Uint8Array, ssrc: number, timestamp: number) =>
    chunkPackets(image, { ssrc, timestamp }, { digest: digestOf('rgb'), dims: [HEIGHT, WIDTH] }, 48),
  rfc4175: (image: Uint8Array, ssrc: number, timestamp: number) =>
    videoPackets(image, WIDTH * 3, { ssrc, timestamp }),
};

for (const payload of ['chunk', 'rfc4175'] as const) {
  describe(`bent packets to a ${payload} route`, () => {
    const make = makers[payload];

    async function through(bent: readonly Uint8Array[]): Promise<void> {
      await using plane = await startPlane({
        ports: [{ type: 'udp', name: 'in' }],
        routes: [
          {
            name: 'r',
            port: 'in',
            payload,
            payloadType: 96,
            pipeline,
            openSamples: 32,
            slots: 128,
          },
        ],
      });
      await using socket = await PlainSocket.open();
      let sent = 0;
      let good = 0;
      const arriving = new Map<number, Uint8Array>();
      const receiving = (async () => {
        for await (using sample of plane.samples('r')) {
          const image = arriving.get(sample.timestamp);
          if (sample.source.ssrc !== GOOD_SSRC || image === undefined) continue;
          assertSameBytes(sample.data, pipeline.run(image).data);
          good++;
        }
      })();
      const batches = Math.ceil(bent.length / 100);
      for (let batch = 0; batch < batches; batch++) {
        const timestamp = 77_000 + batch * 3000;
        const image = noiseImage(WIDTH, HEIGHT, 'rgb', batch);
        arriving.set(timestamp, image);
        const packets = [...bent.slice(batch * 100, batch * 100 + 100), ...make(image, GOOD_SSRC, timestamp)];
        await socket.send(plane.address('in'), packets);
        sent += packets.length;
        await settled(plane, sent);
      }
      await plane.close();
      await receiving;
      assertBooksBalance(plane.stats());
      assert.equal(plane.stats().ports[0]!.rxPackets, sent);
      assert.equal(good, batches, 'good samples that came');
    }

    test('every truncation of every packet of a sample', async () => {
      const packets = make(noiseImage(WIDTH, HEIGHT, 'rgb', 1), 1, 1);
      await through(
        packets.flatMap((packet) => Array.from(packet, (_, length) => packet.subarray(0, length))),
      );
    });

    test('every byte of a packet set to 0, to 255, and with each bit flipped', async () => {
      const [packet] = make(noiseImage(WIDTH, HEIGHT, 'rgb', 1), 1, 1);
      const changes = [
        () => 0,
        () => 255,
        ...Array.from({ length: 8 }, (_, bit) => (byte: number) => byte ^ (1 << bit)),
      ];
      await through(
        changes.flatMap((change) =>
          Array.from(packet!, (byte, at) => {
            const bent = Buffer.from(packet!);
            bent[at] = change(byte);
            return bent;
          }),
        ),
      );
    });

    test(`${MUTATIONS} packets with random bytes, cuts and tails`, async () => {
      const random = new Random(payload.length);
      const packets = make(noiseImage(WIDTH, HEIGHT, 'rgb', 1), 1, 1);
      await through(
        Array.from({ length: MUTATIONS }, () => {
          const bent = Buffer.concat([
            random.pick(packets),
            new Uint8Array(random.pick([0, 0, 0, 1, 3, 48, 1500])),
          ]);
          for (let left = random.between(1, 4); left > 0; left--) {
            // Mostly headers: that is where lies are told.
            bent[random.between(0, Math.min(bent.length - 1, 60))] = random.pick([
              0,
              1,
              127,
              128,
              255,
              random.uint32(),
            ]);
          }
          return random.between(0, 9) === 0 ? bent.subarray(0, random.between(0, bent.length)) : bent;
        }),
      );
    });
  });
}

describe('datagrams longer than the port takes', () => {
  test('are `truncated`, and the next sample is exact', async () => {
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in', maxBytes: 256 }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using socket = await PlainSocket.open();
    const image = noiseImage(WIDTH, HEIGHT, 'rgb', 1);
    const long = [257, 1500, 9000, 60_000].map((length) => Buffer.alloc(length, 0x80));
    const packets = [...long, ...makers.chunk(image, 1, 1)];
    await socket.send(plane.address('in'), packets);
    const stats = await settled(plane, packets.length);
    assert.deepEqual(dropsOf(stats), { truncated: long.length });
    const [sample] = await take(plane, 'r', 1);
    assertSameBytes(sample!.data, pipeline.run(image).data);
    sample!.release();
  });
});
