// Data planes inside worker threads, each with its pipeline made there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Dataplane, Pipeline, type PipelineSpec, Sender } from '../../lib/index.js';
import { assertSameBytes, assertThrows } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import { eventually, takeOne } from '../support/plane.js';
import type { WorkerNews, WorkerTask } from '../support/plane-worker.js';

const input = { kind: 'image', width: 24, height: 16, format: 'rgb' } as const;
const { width, height, format } = input;
const spec: PipelineSpec = {
  input,
  stages: [
    { stage: 'resize', width: 15, height: 17 },
    { stage: 'normalize', mean: 0.5, std: 0.5 },
  ],
};
const SAMPLES = 5;
const pipeline = Pipeline.compile(spec);
const image = (seed: number) => noiseImage(width, height, format, seed);

class PlaneThread {
  readonly news: WorkerNews[] = [];
  readonly ended: Promise<unknown>;
  readonly worker: Worker;

  constructor(task: Partial<WorkerTask> = {}) {
    const workerData: WorkerTask = { spec, samples: SAMPLES, abandon: false, ...task };
    this.worker = new Worker(new URL('../support/plane-worker.js', import.meta.url), { workerData });
    this.worker.on('message', (news: WorkerNews) => this.news.push(news));
    this.ended = once(this.worker, 'exit').then(([code]) => code);
  }
  async listening(): Promise<string> {
    const first = await eventually('the thread listens', () => this.news[0]);
    assert.ok('address' in first);
    assert.equal(first.hash, pipeline.hash);
    return `127.0.0.1:${first.address.port}`;
  }
}

async function feed(to: string): Promise<void> {
  await using sender = await Sender.open({ to, width, height, format });
  for (let i = 0; i < SAMPLES; i++) await sender.send(image(i), { requestId: i });
}

describe('a data plane in a worker thread', () => {
  test('four at a time receive exact samples, beside one in the main thread', async () => {
    await using own = await Dataplane.start({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    const threads = Array.from({ length: 4 }, () => new PlaneThread());
    const addresses = await Promise.all(threads.map((thread) => thread.listening()));
    await Promise.all([...addresses, `127.0.0.1:${own.address('in').port}`].map(feed));
    for (const thread of threads) {
      assert.equal(await thread.ended, 0);
      const samples = thread.news.slice(1);
      assert.equal(samples.length, SAMPLES);
      samples.forEach((sample, i) => {
        assert.ok('data' in sample);
        assert.equal(sample.requestId, BigInt(i));
        assertSameBytes(sample.data, pipeline.run(image(i)).data);
      });
    }
    for (let i = 0; i < SAMPLES; i++) {
      using sample = await takeOne(own, 'r');
      assertSameBytes(sample.data, pipeline.run(image(i)).data);
    }
  });

  test('that ends with its plane open and samples held takes nothing down', async () => {
    for (let round = 0; round < 3; round++) {
      const thread = new PlaneThread({ abandon: true });
      await feed(await thread.listening());
      assert.equal(await thread.ended, 0);
      assert.equal(thread.news.length, 1 + SAMPLES);
    }
    assertSameBytes(pipeline.run(image(1)).data, Pipeline.compile(spec).run(image(1)).data);
  });

  test('that is terminated while it waits takes nothing down', async () => {
    for (let round = 0; round < 3; round++) {
      const thread = new PlaneThread();
      await thread.listening();
      await thread.worker.terminate();
      await thread.ended;
    }
    assertThrows(() => pipeline.run(new Uint8Array(1)), 'INVALID_ARGUMENT', /sample/);
  });

  test('gives typed errors of its own: the class is that of its thread', async () => {
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData).then(({ OnpathError, Pipeline }) => {
        try {
          Pipeline.compile({ input: { kind: 'image', width: 2, height: 2, format: 'rgb' } }, { kernels: 'abacus' });
        } catch (error) {
          parentPort.postMessage([error instanceof OnpathError, error.code]);
        }
      });`;
    const library = new URL('../../lib/index.js', import.meta.url).href;
    const worker = new Worker(program, { eval: true, workerData: library });
    assert.deepEqual(await once(worker, 'message'), [[true, 'UNSUPPORTED']]);
    await worker.terminate();
  });
});
