// What a Worker of scenarios/workers.ts does; workerData says which, and its number. It says 'up' when it is worth terminating.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { native } from '../../../lib/native.js';
import {
  expected,
  image,
  memoryPort,
  Pair,
  planeConfig,
  program,
  senderConfig,
  takeFrom,
  udpPort,
} from '../fixture.js';

const { what, number } = workerData as { what: string; number: number };
const link = `worker-${number}`;
const up = () => parentPort!.postMessage('up');

/** Takes and releases whatever comes, for ever. */
function drain(pair: Pair): void {
  const take = (): void => {
    for (let d = pair.sink.next(); d !== undefined; d = pair.sink.next()) pair.sink.release(d.buffer);
  };
  pair.sink.onReady(take);
}

const bodies: Record<string, () => void | Promise<void>> = {
  'own plane': async () => {
    const pair = await Pair.open(number % 2 === 0 ? link : 'udp');
    const right = expected(pair.program, image(number));
    for (let i = 0; i < 50; i++) {
      await pair.sender.send(image(number), BigInt(i));
      const delivery = await pair.take();
      assert.deepEqual(new Uint8Array(delivery.outputs[0]!), right);
      assert.equal(delivery.samples[0]!.requestId, BigInt(i));
      pair.sink.release(delivery.buffer);
    }
    await pair.close();
    up();
  },
  'traffic over a memory link': async () => {
    const pair = await Pair.open(link);
    drain(pair);
    pair.pour();
    await pair.sender.send(image(), 1n);
    up();
  },
  'traffic over udp': async () => {
    const pair = await Pair.open('udp');
    drain(pair);
    pair.pour();
    await pair.sender.send(image(), 1n);
    up();
  },
  'deliveries held': async () => {
    const pair = await Pair.open(link);
    pair.pour();
    const held = [];
    for (let i = 0; i < 6; i++) held.push(await pair.take());
    up();
    await sleep(60_000);
    assert.ok(held);
  },
  'runs under way': () => {
    const p = program();
    const again = (): void => {
      void p.runAsync(image(), [new Uint8Array(p.info.outputs[0]!.bytes)]).then(again);
    };
    for (let i = 0; i < 8; i++) again();
    up();
  },
  'a busy loop of calls': async () => {
    const pair = await Pair.open(link);
    pair.pour();
    up();
    for (;;) {
      const d = pair.sink.next();
      pair.plane.stats();
      expected(pair.program, image());
      if (d !== undefined) pair.sink.release(d.buffer);
      void pair.sender.send(image(), 1n).catch(() => undefined);
    }
  },
  'starting and closing': async () => {
    up();
    for (;;) {
      const pair = await Pair.open(link);
      pair.pour();
      await pair.take();
      await pair.close();
    }
  },
  starting: () => {
    for (let i = 0; i < 4; i++)
      void native().startPlane(planeConfig(program(), memoryPort(`${link}-${i}`, 0)));
    void native().startPlane(planeConfig(program(), udpPort()));
    up();
  },
  closing: async () => {
    const pair = await Pair.open(link);
    pair.pour();
    await pair.take();
    void pair.close();
    up();
  },
  'a waiting consumer': async () => {
    const plane = await native().startPlane(planeConfig(program(), memoryPort(link, 0)));
    void takeFrom(plane.sink('r'));
    up();
  },
  'a slow send': () => {
    const sender = native().openSender({ ...senderConfig(memoryPort(link, 1)), bitsPerSecond: 1000 });
    for (let i = 0; i < 10; i++) void sender.send(image(), 1n);
    up();
  },
  'process.exit': async () => {
    const pair = await Pair.open(link);
    drain(pair);
    pair.pour();
    await pair.sender.send(image(), 1n);
    up();
    await sleep(5);
    process.exit(0);
  },
};

const body = bodies[what];
assert.ok(body, what);
await body();
