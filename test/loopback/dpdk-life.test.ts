// The life of planes with DPDK ports: any number of starts and closes, in any order, in any thread; the event loop is left alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { Dataplane, Pipeline, Sender } from '../../lib/index.js';
import { assertRejects, assertSameBytes } from '../support/assert.js';
import { dpdkMissing } from '../support/dpdk.js';
import { freshDevice, GROUP, planeOn, ringPort, route } from '../support/dpdk-loop.js';
import type { DpdkWorkerTask } from '../support/dpdk-worker.js';
import { assertBooksBalance, dropsOf, eventually, PATIENCE_MS, takeOne } from '../support/plane.js';
import { format, height, image, resize, width } from '../support/small.js';

const pipeline = Pipeline.compile(resize);
const start = (device = freshDevice('net_ring')) =>
  Dataplane.start(planeOn([ringPort({ device })], [route({ pipeline })]));
const senderOf = (plane: Dataplane) =>
  Sender.open({ to: `${GROUP}:5004`, via: { plane, port: 'ring' }, width, height, format });

/** CPUs that a thread of this process may use. */
function affinityOf(thread: number): string {
  const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
  return /^Cpus_allowed:\s*(\S+)$/m.exec(status)?.[1] ?? 'unknown';
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Threads of ours that live as long as a plane does. */
function planeThreads(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    try {
      const name = readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
      return /^onpath-(w\d+|bell|sender)$/.test(name) ? [name] : [];
    } catch {
      return []; // it has just ended
    }
  });
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A closed plane holds a file and memory until it is garbage collected; finalizers take a few turns of the event loop. */
async function collected(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    collect();
    await sleep(20);
  }
}

async function assertWorks(plane: Dataplane, seed = 1): Promise<void> {
  await using sender = await senderOf(plane);
  await sender.send(image(seed), { requestId: seed });
  using sample = await takeOne(plane, 'r');
  assertSameBytes(sample.data, pipeline.run(image(seed)).data);
}

describe('planes on DPDK ports', { skip: dpdkMissing() ?? false }, () => {
  test("starting DPDK leaves the event loop's thread, and those there were, on their CPUs", async () => {
    // The pool's threads are there after its first work.
    await pipeline.runAsync(image(1));
    const tasks = readdirSync('/proc/self/task').map(Number);
    const before = tasks.map((task) => [task, affinityOf(task)]);
    await using plane = await start();
    await assertWorks(plane);
    assert.deepEqual(
      tasks.map((task) => [task, affinityOf(task)]),
      before,
    );
    assert.equal(affinityOf(process.pid), before.find(([task]) => task === process.pid)?.[1]);
  });

  test('the event loop goes on while a port is opened', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const started = performance.now();
    await using _ = await start();
    const took = performance.now() - started;
    clearInterval(timer);
    assert.ok(turns >= Math.min(3, took / 20), `${turns} turns of the event loop in ${took} ms`);
  });

  test('start and close 50 times on one device: no thread, no file, no memory is left', async () => {
    const device = freshDevice('net_ring');
    const cycle = async (seed: number) => {
      await using plane = await start(device);
      await assertWorks(plane, seed);
    };
    for (let i = 0; i < 10; i++) await cycle(i);
    await collected();
    const files = openFiles();
    const { rss } = process.memoryUsage();
    for (let i = 0; i < 50; i++) await cycle(i);
    assert.deepEqual(planeThreads(), []);
    await collected();
    assert.ok(openFiles() <= files, `${openFiles()} files, ${files} before`);
    const grown = process.memoryUsage().rss - rss;
    // The pools of one port alone are 18 MB.
    assert.ok(grown < 32 << 20, `${grown} bytes`);
  });

  test('close while traffic flows, 20 times: books balance, sends end with CLOSED', async () => {
    const device = freshDevice('net_ring');
    for (let i = 0; i < 20; i++) {
      const plane = await start(device);
      const sender = await senderOf(plane);
      const outcomes: Promise<unknown>[] = [];
      for (let seed = 0; seed < 50; seed++)
        outcomes.push(sender.send(image(seed)).catch((error: unknown) => error));
      (await takeOne(plane, 'r')).release();
      await plane.close();
      for (const outcome of await Promise.all(outcomes)) {
        if (outcome instanceof Error) assert.equal((outcome as { code?: string }).code, 'CLOSED');
      }
      await assertRejects(sender.send(image(1)), 'CLOSED');
      await assertRejects(senderOf(plane), 'CLOSED');
      await sender.close();
      assertBooksBalance(plane.stats());
    }
  });

  test('plane and sender are closed in either order, or at once', async () => {
    for (const order of ['plane first', 'sender first', 'at once']) {
      const plane = await start();
      const sender = await senderOf(plane);
      await sender.send(image(1));
      if (order === 'plane first') await plane.close();
      if (order === 'sender first') await sender.close();
      await Promise.all([sender.close(), plane.close(), sender.close()]);
      assert.deepEqual(planeThreads(), []);
    }
    {
      await using plane = await start();
      await using sender = await senderOf(plane);
      await sender.send(image(1));
    }
    {
      await using plane = await start();
      const sender = await senderOf(plane);
      await sender.send(image(1));
    }
    assert.deepEqual(planeThreads(), []);
  });

  test('what a port says of itself stays readable after close', async () => {
    const plane = await start();
    const [open] = plane.ports();
    assert.ok(open?.type === 'dpdk');
    assert.equal(open.driver, 'net_ring');
    assert.match(open.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.deepEqual(open.link.up, true);
    assert.deepEqual(open.queues.receive, 1);
    assert.deepEqual(open.addresses, ['10.9.0.2/24', '2001:db8:9::2/64']);
    const closing = plane.close();
    assert.equal(plane.ports()[0]!.mac, open.mac);
    await closing;
    const [closed] = plane.ports();
    assert.deepEqual([closed!.mac, closed!.driver, closed!.mtu], [open.mac, 'net_ring', 1500]);
  });

  test('aborted while the port is opened is ABORTED, and the device is free', async () => {
    const device = freshDevice('net_ring');
    for (let i = 0; i < 5; i++) {
      const controller = new AbortController();
      const spec = planeOn([ringPort({ device })], [route({ pipeline })]);
      const starting = Dataplane.start(spec, { signal: controller.signal });
      await sleep(i);
      controller.abort();
      const outcome = await starting.catch((error: unknown) => error);
      if (outcome instanceof Dataplane) await outcome.close();
      else assert.equal((outcome as { code?: string }).code, 'ABORTED');
    }
    await using plane = await start(device);
    await assertWorks(plane);
  });

  test('two planes at once, then one in a Worker beside them', async () => {
    await using first = await start();
    await using second = await start();
    const threads = [0, 1].map(() => startWorker({ samples: 20, abandon: false }));
    for (let seed = 0; seed < 20; seed++) {
      await assertWorks(first, seed);
      await assertWorks(second, seed + 100);
    }
    for (const thread of threads) {
      assert.equal(await thread.ended, 0);
      assert.equal(thread.samples.length, 20);
      for (const { seed, data } of thread.samples) assertSameBytes(data, pipeline.run(image(seed)).data);
    }
    assert.deepEqual(dropsOf(first.stats()).slow_consumer, undefined);
  });

  test('a Worker that ends, or is terminated, in traffic leaves its device free and the others running', async () => {
    await using own = await start();
    const device = freshDevice('net_ring');
    for (const how of ['ends', 'is terminated'] as const) {
      const thread = startWorker({ device, samples: 5, abandon: how === 'ends' });
      await eventually('samples came', () => thread.samples.length >= 5);
      if (how === 'is terminated') await thread.worker.terminate();
      await thread.ended;
      await using again = await start(device);
      await assertWorks(again);
      await assertWorks(own);
    }
  });

  test('many samples in flight at once arrive once each', async () => {
    await using plane = await start();
    await using sender = await senderOf(plane);
    const seen = new Set<bigint>();
    const receiving = (async () => {
      for await (using sample of plane.samples('r', { signal: AbortSignal.timeout(PATIENCE_MS) })) {
        assertSameBytes(sample.data, pipeline.run(image(Number(sample.requestId))).data);
        seen.add(sample.requestId);
        if (seen.size === 200) break;
      }
    })();
    for (let i = 0; i < 10; i++) {
      await Promise.all(
        Array.from({ length: 20 }, (_, j) => sender.send(image(i * 20 + j), { requestId: i * 20 + j })),
      );
      await sleep(5);
    }
    await receiving;
    assert.equal(plane.stats().routes[0]!.samplesDelivered, 200);
  });
});

interface RingThread {
  readonly worker: Worker;
  readonly ended: Promise<unknown>;
  readonly samples: { seed: number; data: Uint8Array }[];
}

function startWorker(task: Partial<DpdkWorkerTask>): RingThread {
  const workerData: DpdkWorkerTask = { device: freshDevice('net_ring'), samples: 1, abandon: false, ...task };
  const worker = new Worker(new URL('../support/dpdk-worker.js', import.meta.url), { workerData });
  const samples: RingThread['samples'] = [];
  worker.on('message', (sample: RingThread['samples'][number]) => samples.push(sample));
  return { worker, samples, ended: once(worker, 'exit').then(([code]) => code) };
}
