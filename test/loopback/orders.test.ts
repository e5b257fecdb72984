// Samples that travel in other orders than row-major, and without the pixels that nobody reads.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Pipeline, type RouteSpec, Sender, Serialization } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { noiseImage, Random } from '../support/images.js';
import {
  assertBooksBalance,
  dropsOf,
  eventually,
  linkName,
  PlainSocket,
  settled,
  startPlane,
  take,
  takeOne,
} from '../support/plane.js';
import { chunkPackets } from '../support/rtp.js';

const input = { kind: 'image', width: 161, height: 90, format: 'rgb' } as const;
const plain = (profile: 'pillow' | 'exact4') =>
  Pipeline.compile({
    input,
    stages: [
      { stage: 'crop', left: 1, top: 4, width: 150, height: 80 },
      { stage: 'resize', width: 28, height: 28, profile },
      { stage: 'normalize', mean: 0.5, std: 0.5 },
    ],
    output: { layout: 'chw' },
  });
const tiles = { order: 'tile-major', skipUnread: true } as const;
const SAMPLES = 6;
const images = Array.from({ length: SAMPLES }, (_, seed) => noiseImage(161, 90, 'rgb', seed));

describe('serialization orders on the wire', () => {
  for (const profile of ['pillow', 'exact4'] as const) {
    for (const choice of [tiles, { order: 'tile-major' }, { order: 'planar', skipUnread: true }] as const) {
      const name = `${choice.order}${'skipUnread' in choice ? ' without unread pixels' : ''}`;
      test(`a sender's ${name} samples for ${profile} arrive exact`, async () => {
        const link = linkName();
        const serialization = Serialization.plan(plain(profile), choice);
        await using plane = await startPlane({
          ports: [{ type: 'memory', name: 'in', link }],
          routes: [{ name: 'r', port: 'in', pipeline: serialization.pipeline }],
        });
        await using sender = await Sender.open({
          to: '192.0.2.2:5004',
          via: { link },
          serialization,
          sendDims: true,
          maxPayloadBytes: 500,
        });
        assert.equal(sender.serialization, serialization);
        for (const [i, image] of images.entries()) {
          const report = await sender.send(image, { requestId: i });
          assert.equal(report.refused, 0);
          const element = serialization.elementBytes;
          const chunk = Math.floor((500 - 12 - 32 - 8) / element) * element;
          assert.equal(report.packets, Math.ceil(serialization.bytes / chunk));
          using sample = await takeOne(plane, 'r');
          assertSameBytes(sample.data, plain(profile).run(image).data);
        }
        await plane.close();
        assert.deepEqual(dropsOf(plane.stats()), {});
        assertBooksBalance(plane.stats());
      });
    }
  }

  test('duplicated and shuffled packets of tiles give the same bits', async () => {
    const serialization = Serialization.plan(plain('exact4'), tiles);
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline: serialization.pipeline }],
    });
    await using socket = await PlainSocket.open();
    const random = new Random(3);
    let sent = 0;
    for (const [seed, image] of images.entries()) {
      const packets = chunkPackets(
        serialization.serialize(image),
        { ssrc: 7, timestamp: seed },
        { digest: serialization.digest, requestId: BigInt(seed) },
        // Cuts inside tiles: five pixels.
        15,
      );
      const twice = random.shuffle([...packets, ...random.shuffle(packets).slice(0, 60)]);
      for (let at = 0; at < twice.length; at += 50) {
        const some = twice.slice(at, at + 50);
        await socket.send(plane.address('in'), some);
        sent += some.length;
        await settled(plane, sent);
      }
      using sample = await takeOne(plane, 'r');
      assert.equal(sample.requestId, BigInt(seed));
      assertSameBytes(sample.data, plain('exact4').run(image).data);
    }
    await plane.close();
    assertBooksBalance(plane.stats());
  });

  test('chunks of another plan are the wrong format', async () => {
    const link = linkName();
    const right = Serialization.plan(plain('exact4'), tiles);
    const route: RouteSpec = { name: 'r', port: 'in', pipeline: right.pipeline };
    await using plane = await startPlane({ ports: [{ type: 'memory', name: 'in', link }], routes: [route] });
    const others = [
      Serialization.plan(plain('pillow'), tiles),
      Serialization.plan(plain('exact4'), 'tile-major'),
      Serialization.plan(plain('exact4'), 'planar'),
      Serialization.of(plain('exact4')),
      // As many bytes in as many tiles, but the crop begins a pixel further.
      Serialization.plan(
        Pipeline.compile({
          input,
          stages: [
            { stage: 'crop', left: 2, top: 4, width: 150, height: 80 },
            { stage: 'resize', width: 28, height: 28, profile: 'exact4' },
          ],
        }),
        tiles,
      ),
    ];
    assert.equal(others.at(-1)!.bytes, right.bytes);
    let packets = 0;
    for (const serialization of others) {
      await using sender = await Sender.open({ to: '192.0.2.2:5004', via: { link }, serialization });
      packets += (await sender.send(images[0]!)).packets;
    }
    await eventually('all packets were dropped', () => {
      const drops = dropsOf(plane.stats());
      return drops['wrong_format'] === packets;
    });
    await using sender = await Sender.open({ to: '192.0.2.2:5004', via: { link }, serialization: right });
    await sender.send(images[0]!);
    for (const sample of await take(plane, 'r', 1)) sample.release();
    await plane.close();
    assert.deepEqual(dropsOf(plane.stats()), { wrong_format: packets });
  });

  test('a route of RFC 4175 refuses a pipeline in another order', async () => {
    const { pipeline } = Serialization.plan(plain('exact4'), tiles);
    await assert.rejects(
      startPlane({
        ports: [{ type: 'udp', name: 'in' }],
        routes: [{ name: 'r', port: 'in', payload: 'rfc4175', pipeline }],
      }),
      { code: 'INVALID_SPEC', message: /row-major/ },
    );
  });
});
