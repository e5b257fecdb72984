// Several workers on ports of fewer and more queues, and what a plane tells of itself.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Dataplane, Pipeline, type PlaneEvent, Sender } from '../../lib/index.js';
import { assertRejects, assertSameBytes } from '../support/assert.js';
import { dpdkMissing } from '../support/dpdk.js';
import { GROUP, memifPort, planeOn, ringPort, route } from '../support/dpdk-loop.js';
import { assertBooksBalance, startPlane, take } from '../support/plane.js';
import { format, height, image, resize, width } from '../support/small.js';
import { temporaryFolder } from '../support/tools.js';

const pipeline = Pipeline.compile(resize);
const onLink = (link: string, queues?: number) =>
  ({ type: 'memory', name: 'in', link, ...(queues !== undefined && { queues }) }) as const;

/** Sends the images of each stream, one stream after the other, and checks what comes. */
async function sendStreams(plane: Dataplane, link: string, streams: number, each: number): Promise<void> {
  const receiving = take(plane, 'r', streams * each);
  for (let ssrc = 1; ssrc <= streams; ssrc++) {
    await using sender = await Sender.open({
      to: '192.0.2.2:5004',
      via: { link },
      width,
      height,
      format,
      ssrc,
    });
    for (let i = 0; i < each; i++) await sender.send(image(i), { requestId: i });
  }
  for (const sample of await receiving) {
    assertSameBytes(sample.data, pipeline.run(image(Number(sample.requestId))).data);
    sample.release();
  }
}

describe('workers', () => {
  test('share the streams of a port of one queue, and each sample is exact', async () => {
    await using plane = await startPlane({
      ports: [onLink('fanned', 1)],
      routes: [{ name: 'r', port: 'in', pipeline, slots: 128 }],
      workers: 3,
    });
    await sendStreams(plane, 'fanned', 24, 4);
    await plane.close();
    const stats = plane.stats();
    assertBooksBalance(stats);
    const [first, ...others] = stats.workers;
    assert.ok(first!.fannedOut > 0);
    assert.equal(first!.fannedIn, 0);
    const taken = others.map((worker) => worker.fannedIn);
    assert.equal(
      taken.reduce((a, b) => a + b, 0),
      first!.fannedOut,
    );
    assert.ok(
      taken.every((count) => count > 0),
      `each has some of ${taken.join(' and ')}`,
    );
    assert.equal(stats.ports[0]!.drops.fanout_full, 0);
  });

  test('of which there are fewer than queues serve all of them, and hand nothing on', async () => {
    await using plane = await startPlane({
      ports: [onLink('many', 5)],
      routes: [{ name: 'r', port: 'in', pipeline, slots: 128 }],
      workers: 2,
    });
    await sendStreams(plane, 'many', 16, 2);
    await plane.close();
    assertBooksBalance(plane.stats());
    for (const worker of plane.stats().workers) assert.equal(worker.fannedOut + worker.fannedIn, 0);
  });
});

describe('workers on a ring', { skip: dpdkMissing() ?? false }, () => {
  for (const [queues, workers] of [
    [1, 3],
    [3, 2],
  ] as const) {
    test(`of ${queues} queues: ${workers} of them deliver every sample, exact`, async () => {
      const senders = 12;
      await using plane = await Dataplane.start({
        ...planeOn([ringPort({ queues, senders })], [route({ pipeline, slots: 128 })]),
        workers,
      });
      const opened = await Promise.all(
        Array.from({ length: senders }, (_, i) =>
          Sender.open({
            to: `${GROUP}:5004`,
            via: { plane, port: 'ring' },
            width,
            height,
            format,
            ssrc: i + 1,
          }),
        ),
      );
      const receiving = take(plane, 'r', senders * 5);
      for (let i = 0; i < 5; i++) {
        for (const sender of opened) await sender.send(image(i), { requestId: i });
      }
      for (const sample of await receiving) {
        assertSameBytes(sample.data, pipeline.run(image(Number(sample.requestId))).data);
        sample.release();
      }
      await plane.close();
      const stats = plane.stats();
      assertBooksBalance(stats);
      const handed = stats.workers.reduce((sum, worker) => sum + worker.fannedOut, 0);
      assert.equal(handed > 0, queues < workers);
    });
  }

  test('tell when the peer of a port goes and comes again', async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, 'memif.sock');
    await using plane = await Dataplane.start(
      planeOn([memifPort('server', socket)], [route({ port: 'server', pipeline })]),
    );
    const events = plane.events({ signal: AbortSignal.timeout(60_000) });
    const until = async (type: PlaneEvent['type']): Promise<PlaneEvent> => {
      for (;;) {
        const { value } = await events.next();
        if (value?.type === type) return value;
      }
    };
    const peer = () =>
      Dataplane.start(planeOn([memifPort('client', socket)], [route({ port: 'client', pipeline })]));
    const first = await peer();
    await until('linkUp');
    await first.close();
    const down = await until('linkDown');
    assert.ok(down.type === 'linkDown' && down.port === 'server');
    assert.match(down.cause, /"server"/);
    assert.ok(Math.abs(down.at - Date.now()) < 60_000);
    const second = await peer();
    await until('linkUp');
    await second.close();
  });
});

describe('events', () => {
  const start = () =>
    startPlane({ ports: [onLink('events')], routes: [{ name: 'r', port: 'in', pipeline }] });

  test('end with the plane, for every iterator', async () => {
    await using plane = await start();
    const iterators = [plane.events(), plane.events()];
    const ends = iterators.map((events) => events.next());
    await plane.close();
    for (const end of ends) assert.deepEqual(await end, { done: true, value: undefined });
    assert.deepEqual(await plane.events().next(), { done: true, value: undefined });
  });

  test('are waited for until the signal', async () => {
    await using plane = await start();
    const controller = new AbortController();
    const waiting = plane.events({ signal: controller.signal }).next();
    controller.abort();
    await assertRejects(waiting, 'ABORTED');
    await assertRejects(plane.events({ signal: AbortSignal.abort() }).next(), 'ABORTED');
    assert.equal(plane.closed, false);
  });
});
