// Workers with planes of their own. The argument: 'four' runs four at once; anything else is what a Worker does when it is terminated,
// again and again; then this thread, which had not loaded the addon, starts a plane itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expected, fileCount, image, Pair, threadCount, until } from '../fixture.js';

const ROUNDS = 12;

function startWorker(what: string, number: number): Worker {
  return new Worker(new URL('./worker-body.js', import.meta.url), { workerData: { what, number } });
}

async function ownPlane(link: string): Promise<void> {
  const pair = await Pair.open(link);
  void pair.sender.send(image(), 9n);
  assert.deepEqual(new Uint8Array((await pair.take()).outputs[0]!), expected(pair.program, image()));
  await pair.close();
}

async function four(): Promise<void> {
  const workers = [1, 2, 3, 4].map((number) => startWorker('own plane', number));
  const ends = workers.map((worker) => once(worker, 'exit'));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  await ownPlane('main');
  for (const [code] of await Promise.all(ends)) assert.equal(code, 0);
}

async function terminate(what: string): Promise<void> {
  let files = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const worker = startWorker(what, 0);
    await once(worker, 'message');
    await sleep((round * 7) % 23);
    await worker.terminate();
    // A thread that was joined is listed until the kernel has taken it down.
    await until('no thread of ours', () => threadCount() === 0);
    if (round === 2) files = fileCount();
  }
  await until(`files ${fileCount()} -> ${files}`, () => fileCount() <= files);
  await ownPlane('worker-0');
}

const [what] = process.argv.slice(2);
await (what === 'four' ? four() : terminate(what!));
