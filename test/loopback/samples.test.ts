// What becomes of samples that contradict themselves, come twice, too late, too many, or never whole.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Dataplane, Pipeline, type RouteSpec } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import {
  assertBooksBalance,
  dropsOf,
  eventually,
  PlainSocket,
  settled,
  startPlane,
  take,
  takeOne,
} from '../support/plane.js';
import { chunkPackets, digestOf, videoPackets } from '../support/rtp.js';

const digest = digestOf('rgb');
const input = { kind: 'image', width: 10, height: 6, format: 'rgb' } as const;
const pipeline = Pipeline.compile({ input, stages: [{ stage: 'resize', width: 4, height: 4 }] });
const image = (seed: number) => noiseImage(10, 6, 'rgb', seed);
const CHUNK = 60;
const PACKETS = 3;

/** All of a sample in one packet: what a deadline cannot come between. */
function packetOf(seed: number, ssrc = 1): Buffer[] {
  const whole = image(seed);
  return chunkPackets(whole, { ssrc, timestamp: seed }, { digest, requestId: BigInt(seed) }, whole.length);
}

function packetsOf(seed: number, ssrc = 1, requestId = BigInt(seed)): Buffer[] {
  return chunkPackets(image(seed), { ssrc, timestamp: seed }, { digest, requestId }, CHUNK);
}

async function withPlane(
  route: Partial<RouteSpec>,
  use: (plane: Dataplane, send: (packets: readonly Uint8Array[]) => Promise<void>) => Promise<void>,
): Promise<void> {
  await using plane = await startPlane({
    ports: [{ type: 'udp', name: 'in' }],
    routes: [{ name: 'r', port: 'in', pipeline, ...route }],
  });
  await using socket = await PlainSocket.open();
  let sent = 0;
  await use(plane, async (packets) => {
    await socket.send(plane.address('in'), packets);
    sent += packets.length;
    await settled(plane, sent);
  });
  await plane.close();
  assertBooksBalance(plane.stats());
}

async function assertNext(plane: Dataplane, seed: number): Promise<void> {
  using sample = await takeOne(plane, 'r');
  assert.equal(sample.requestId, BigInt(seed));
  assertSameBytes(sample.data, pipeline.run(image(seed)).data);
}

describe('a sample', () => {
  test('whose packets differ in request id keeps the first: the others are `conflict`', () =>
    withPlane({}, async (plane, send) => {
      const [first, second, third] = packetsOf(1);
      const [, liar] = packetsOf(1, 1, 99n);
      await send([first!, liar!, second!, third!]);
      await assertNext(plane, 1);
      assert.deepEqual(dropsOf(plane.stats()), { conflict: 1 });
    }));

  test('that comes a second time is `late`, packet by packet', () =>
    withPlane({}, async (plane, send) => {
      await send(packetsOf(1));
      await assertNext(plane, 1);
      await send(packetsOf(1));
      assert.deepEqual(dropsOf(plane.stats()), { late: PACKETS });
      await send(packetsOf(2));
      await assertNext(plane, 2);
    }));

  test('of the same timestamp in another stream is another sample', () =>
    withPlane({}, async (plane, send) => {
      const [a, b] = [packetsOf(7, 1), packetsOf(7, 2)];
      await send([a[0]!, b[0]!, a[1]!, b[1]!, a[2]!, b[2]!]);
      const samples = await take(plane, 'r', 2);
      assert.deepEqual(new Set(samples.map(({ source }) => source.ssrc)), new Set([1, 2]));
      for (const sample of samples) assertSameBytes(sample.data, pipeline.run(image(7)).data);
      for (const sample of samples) sample.release();
    }));

  test('with repeated packets counts them as `duplicate`', () =>
    withPlane({}, async (plane, send) => {
      const [first, second, third] = packetsOf(1);
      await send([first!, first!, second!, first!, second!, third!]);
      await assertNext(plane, 1);
      assert.deepEqual(dropsOf(plane.stats()), { duplicate: 3 });
    }));

  test('that never becomes whole is `incomplete` after the deadline; its packets then are `late`', () =>
    withPlane({ deadlineMs: 30 }, async (plane, send) => {
      const [first, ...others] = packetsOf(1);
      await send([first!]);
      await eventually('incomplete', () => plane.stats().routes[0]!.drops.incomplete === 1);
      assert.equal(plane.stats().routes[0]!.samplesOpen, 0);
      await send(others);
      assert.deepEqual(dropsOf(plane.stats()), { incomplete: 1, late: PACKETS - 1 });
      await send(packetOf(2));
      await assertNext(plane, 2);
    }));

  test('gives its place to a newer one when all are open: `evicted`', () =>
    withPlane({ openSamples: 2 }, async (plane, send) => {
      const firsts = [1, 2, 3].map((seed) => packetsOf(seed)[0]!);
      await send(firsts);
      assert.deepEqual(dropsOf(plane.stats()), { evicted: 1 });
      await send([...packetsOf(1).slice(1), ...packetsOf(2).slice(1), ...packetsOf(3).slice(1)]);
      await assertNext(plane, 2);
      await assertNext(plane, 3);
      assert.deepEqual(dropsOf(plane.stats()), { evicted: 1, late: PACKETS - 1 });
    }));

  test('keeps its place when told to: packets of newer ones are `no_slot`', () =>
    withPlane({ openSamples: 2, whenFull: 'drop' }, async (plane, send) => {
      await send([packetsOf(1)[0]!, packetsOf(2)[0]!, ...packetsOf(3)]);
      assert.deepEqual(dropsOf(plane.stats()), { no_slot: PACKETS });
      await send(packetsOf(1).slice(1));
      await assertNext(plane, 1);
      await send(packetsOf(4));
      await assertNext(plane, 4);
      await send(packetsOf(2).slice(1));
      await assertNext(plane, 2);
    }));

  test('still open at close is `closed`, finished but not taken is `undelivered`', async () => {
    const plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using socket = await PlainSocket.open();
    const packets = [...packetsOf(1), packetsOf(2)[0]!];
    await socket.send(plane.address('in'), packets);
    await settled(plane, packets.length);
    await plane.close();
    const stats = plane.stats();
    assertBooksBalance(stats);
    assert.equal(stats.routes[0]!.drops.closed, 1);
    assert.equal(stats.routes[0]!.samplesComplete, 1);
    assert.equal(stats.routes[0]!.samplesOpen, 0);
    const [left] = await take(plane, 'r', 1);
    const { samplesDelivered, drops } = plane.stats().routes[0]!;
    assert.equal(samplesDelivered + drops.undelivered, 1);
    assert.equal(left === undefined ? 0 : 1, samplesDelivered);
  });

  test('of RFC 4175 is told from the next by its timestamp alone', () =>
    withPlane({ payload: 'rfc4175' }, async (plane, send) => {
      const [a, b] = [1, 2].map((seed) => videoPackets(image(seed), 30, { timestamp: seed * 3000 }));
      await send(a!.flatMap((packet, i) => [packet, b![i]!]));
      for (const seed of [1, 2]) {
        using sample = await takeOne(plane, 'r');
        assertSameBytes(sample.data, pipeline.run(image(seed)).data);
      }
    }));
});

describe('many streams', () => {
  test('more than a route follows: the one idle longest gives way', () =>
    withPlane({ maxStreams: 4, slots: 80 }, async (plane, send) => {
      for (let ssrc = 1; ssrc <= 40; ssrc++) await send(packetsOf(ssrc, ssrc));
      const samples = await take(plane, 'r', 40);
      samples.forEach((sample, i) => {
        assertSameBytes(sample.data, pipeline.run(image(i + 1)).data);
        sample.release();
      });
      assert.deepEqual(dropsOf(plane.stats()), {});
    }));

  test('more than a route follows, all with open samples: `stream_limit`', () =>
    withPlane({ maxStreams: 2, openSamples: 8 }, async (plane, send) => {
      await send([packetsOf(1, 1)[0]!, packetsOf(2, 2)[0]!, ...packetsOf(3, 3)]);
      assert.deepEqual(dropsOf(plane.stats()), { stream_limit: PACKETS });
      await send(packetsOf(1, 1).slice(1));
      await assertNext(plane, 1);
    }));

  test('20,000 made-up SSRCs of one packet each cost no memory and no other sample', () =>
    withPlane({ maxStreams: 16, openSamples: 4, deadlineMs: 20 }, async (plane, send) => {
      const { memoryBytes } = plane.stats();
      for (let round = 0; round < 100; round++) {
        await send(Array.from({ length: 200 }, (_, i) => packetsOf(1, 1000 + round * 200 + i)[0]!));
      }
      assert.equal(plane.stats().memoryBytes, memoryBytes);
      await eventually('the last of them is over', () => plane.stats().routes[0]!.samplesOpen === 0);
      await send(packetOf(5, 5));
      await assertNext(plane, 5);
    }));
});
