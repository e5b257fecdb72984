/** Limits of single sources, fair shares, and the account of memory, through real ports. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dataplane, type DataplaneSpec, Pipeline, Sender } from '../../lib/index.js';
import { assertRejects } from '../support/assert.js';
import { startPlane, take } from '../support/plane.js';

const format = { width: 32, height: 16, format: 'rgb' } as const;
const pipeline = Pipeline.compile({ input: { kind: 'image', ...format } });
const image = Uint8Array.from({ length: 32 * 16 * 3 }, (_, i) => i);

function spec(link: string, route: Partial<DataplaneSpec['routes'][number]>): DataplaneSpec {
  return {
    ports: [{ type: 'memory', name: 'in', link }],
    routes: [{ name: 'r', port: 'in', pipeline, ...route }],
    workers: 2,
  } as DataplaneSpec;
}

describe('limits of a source', () => {
  test('packets beyond the rate are `source_rate`, and the books balance', async () => {
    await using plane = await startPlane(
      spec('limits-rate', { sourceLimits: { packetsPerSecond: 1 }, deadlineMs: 50 }),
    );
    await using sender = await Sender.open({
      to: '192.0.2.9:5004',
      via: { link: 'limits-rate' },
      ...format,
      maxPayloadBytes: 300,
    });
    for (let i = 0; i < 20; i++) await sender.send(image);
    await plane.close();
    const { ports, routes } = plane.stats();
    const { drops, packetsUsed } = routes[0]!;
    assert.ok(drops.source_rate > 0);
    const dropped = Object.entries(drops).filter(
      ([name]) => !['incomplete', 'evicted', 'closed', 'undelivered'].includes(name),
    );
    assert.equal(ports[0]!.rxPackets, packetsUsed + dropped.reduce((sum, [, count]) => sum + count, 0));
  });

  test('a source within its limits loses nothing', async () => {
    await using plane = await startPlane(
      spec('limits-within', {
        sourceLimits: { packetsPerSecond: 1e6, bytesPerSecond: 1e9, openSamples: 4, streams: 4 },
      }),
    );
    await using sender = await Sender.open({
      to: '192.0.2.9:5004',
      via: { link: 'limits-within' },
      ...format,
    });
    for (let i = 0; i < 30; i++) await sender.send(image);
    const samples = await take(plane, 'r', 30);
    for (const sample of samples) {
      assert.deepEqual(sample.data, pipeline.run(image).data);
      sample.release();
    }
  });

  test('of no use or beyond what can be kept are refused by name', async () => {
    for (const sourceLimits of [
      { packetsPerSecond: 0 },
      { bytesPerSecond: 16_000_000_001 },
      { trackedSources: 0 },
      { prefixBits: 129 },
      { packets: 1 },
    ]) {
      await assertRejects(
        Dataplane.start(spec('limits-refused', { sourceLimits: sourceLimits as object })),
        'INVALID_SPEC',
        /sourceLimits/,
      );
    }
  });
});

describe('plane.memory()', () => {
  test('lists every pool by room, worker and purpose; the sum is memoryBytes', async () => {
    await using plane = await startPlane(spec('limits-memory', { slots: 10 }));
    const items = plane.memory();
    const sum = (pools: typeof items) => pools.reduce((bytes, pool) => bytes + pool.bytes, 0);
    assert.equal(sum(items), plane.stats().memoryBytes);
    for (const what of ['output buffers', 'sample states', 'stream table', 'shares of sources', 'counters']) {
      const workers = items
        .filter((pool) => pool.room === 'route r' && pool.what === what)
        .map((pool) => pool.worker);
      assert.deepEqual(workers, [0, 1], what);
    }
    const outputs = items.filter((pool) => pool.what === 'output buffers');
    assert.ok(sum(outputs) >= 2 * 10 * 32 * 16 * 3);
    assert.ok(items.some((pool) => pool.room === 'plane' && pool.worker === undefined));
    assert.equal(
      new Set(items.map(({ room, worker, what }) => `${room} ${worker} ${what}`)).size,
      items.length,
    );
  });
});
