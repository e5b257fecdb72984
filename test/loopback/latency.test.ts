// plane.latency(): every sample counted once, merging is adding, and what can be asked.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type LatencyHistogram, Pipeline, Sender } from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import { eventually, linkName, startPlane, take } from '../support/plane.js';

const [width, height, format] = [16, 8, 'rgb'] as const;
const pipeline = Pipeline.compile({ input: { kind: 'image', width, height, format } });
const image = noiseImage(width, height, format, 1);

/** What it says of itself must agree with its buckets. */
function assertConsistent(histogram: LatencyHistogram): void {
  const { count, min, max, mean, buckets } = histogram;
  assert.equal(
    count,
    buckets.reduce((sum, bucket) => sum + bucket.count, 0),
  );
  if (count === 0) {
    assert.deepEqual([min, max, mean, histogram.percentile(99)], [0, 0, 0, 0]);
    return;
  }
  assert.ok(buckets[0]!.from <= min && min <= buckets[0]!.to);
  assert.ok(buckets.at(-1)!.from <= max && max <= buckets.at(-1)!.to);
  assert.ok(min <= mean && mean <= max);
  const points = [0, 10, 50, 90, 99, 99.9, 100].map((p) => histogram.percentile(p));
  assert.deepEqual(
    points,
    [...points].sort((a, b) => a - b),
  );
  assert.equal(points.at(-1), max);
  assert.ok(points[0]! >= min);
  for (const { from, to } of buckets) assert.ok(to === Infinity || to - from <= from / 32);
}

describe('latency', () => {
  test('counts every sample of every route and worker once', async () => {
    const [one, two, out] = [linkName(), linkName(), linkName()];
    await using _receiver = await startPlane({
      ports: [{ type: 'memory', name: 'in', link: out, side: 1 }],
      routes: [{ name: 'r', port: 'in', pipeline, udpPort: 1 }],
    });
    await using plane = await startPlane({
      ports: [
        { type: 'memory', name: 'one', link: one },
        { type: 'memory', name: 'two', link: two },
        { type: 'memory', name: 'out', link: out },
      ],
      routes: [
        { name: 'host', port: 'one', pipeline },
        { name: 'forward', port: 'two', pipeline, sink: { forward: { port: 'out', to: '192.0.2.9:5004' } } },
      ],
      workers: 2,
    });
    const [hosted, forwarded] = [20, 30];
    for (const [link, count] of [
      [one, hosted],
      [two, forwarded],
    ] as const) {
      await using sender = await Sender.open({ to: '192.0.2.2:5004', via: { link }, width, height, format });
      for (let i = 0; i < count; i++) await sender.send(image);
    }
    for (const sample of await take(plane, 'host', hosted)) sample.release();
    await eventually('all were sent on', () => plane.stats().routes[1]!.samplesDelivered === forwarded);
    const all = plane.latency();
    for (const stage of Object.values(all)) assertConsistent(stage);
    for (const stage of ['firstPacket', 'lastPacket', 'wait'] as const) {
      assert.equal(plane.latency('host')[stage].count, hosted, stage);
      assert.equal(plane.latency('forward')[stage].count, forwarded, stage);
      assert.equal(all[stage].count, hosted + forwarded, stage);
      const byWorker = [0, 1].map((worker) => plane.latency('host', { worker })[stage]);
      const merged = byWorker[0]!.merge(byWorker[1]!);
      assert.deepEqual(merged.toJSON(), plane.latency('host')[stage].toJSON());
    }
    assert.ok(all.firstPacket.max >= all.lastPacket.min);
    await plane.close();
    assert.equal(plane.latency('host').lastPacket.count, hosted, 'readable after close');
  });

  test('refuses what there is not', async () => {
    const ports = [{ type: 'memory', name: 'in', link: linkName() }] as const;
    const routes = [{ name: 'r', port: 'in', pipeline }];
    await using plane = await startPlane({ ports, routes });
    assertThrows(() => plane.latency('x'), 'NOT_FOUND', /There are: r/);
    assertThrows(() => plane.latency('r', { worker: 1 }), 'INVALID_ARGUMENT', /0 to 0, received 1/);
    assertThrows(() => plane.latency().wait.percentile(101), 'INVALID_ARGUMENT', /0 to 100/);
    const other = [{ type: 'memory', name: 'in', link: linkName() }] as const;
    await using without = await startPlane({ ports: other, routes, latency: false });
    assertThrows(() => without.latency(), 'UNSUPPORTED', /latency: false/);
    const { memoryBytes } = plane.stats();
    assert.equal(memoryBytes - without.stats().memoryBytes, 7 * (1024 + 3) * 8 + 24, 'what it takes');
  });
});
