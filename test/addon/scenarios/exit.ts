// Ways for a process to end (or not) with an open plane. The argument says which.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { native } from '../../../lib/native.js';
import {
  image,
  memoryPort,
  Pair,
  planeConfig,
  program,
  senderConfig,
  takeFrom,
  udpPort,
} from '../fixture.js';

const startPlane = () => native().startPlane(planeConfig(program(), memoryPort('exit', 0)));

const ways: Record<string, () => void | Promise<void>> = {
  'open plane': async () => {
    await startPlane();
    console.log('up');
  },
  'unref plane': async () => {
    (await startPlane()).unref();
  },
  'ref after unref': async () => {
    const plane = await startPlane();
    plane.unref();
    plane.ref();
    plane.ref();
    console.log('up');
  },
  'unref with traffic arriving': async () => {
    const pair = await Pair.open('exit');
    for (let i = 0; i < 20; i++) await pair.sender.send(image(), 1n);
    pair.sink.onReady(() => undefined);
    pair.plane.unref();
  },
  'process.exit with traffic': async () => {
    const pair = await Pair.open('udp');
    pair.sink.onReady(() => {
      for (let d = pair.sink.next(); d !== undefined; d = pair.sink.next()) pair.sink.release(d.buffer);
    });
    pair.pour();
    await sleep(100);
    process.exit(7);
  },
  'process.exit with deliveries held and a run under way': async () => {
    const pair = await Pair.open('exit');
    pair.pour();
    const held = [await pair.take(), await pair.take()];
    const big = new Uint8Array(pair.program.info.outputs[0]!.bytes);
    for (let i = 0; i < 8; i++) void pair.program.runAsync(image(), [big.slice()]);
    process.on('exit', () => console.log(held.length));
    process.exit(7);
  },
  'process.exit while closing': async () => {
    const pair = await Pair.open('exit');
    pair.pour();
    await pair.take();
    void pair.close();
    process.exit(7);
  },
  'process.exit while starting': async () => {
    void startPlane();
    void native().startPlane(planeConfig(program(), udpPort()));
    await sleep(Number(process.pid % 3));
    process.exit(7);
  },
  'process.exit with traffic here and in a Worker': async () => {
    const worker = new Worker(new URL('./worker-body.js', import.meta.url), {
      workerData: { what: 'traffic over a memory link', number: 1 },
    });
    await once(worker, 'message');
    const pair = await Pair.open('udp');
    pair.pour();
    await pair.take();
    process.exit(7);
  },
  'exit code is kept through close': async () => {
    const pair = await Pair.open('exit');
    process.exitCode = 3;
    await pair.close();
  },
  'calls in an exit handler': async () => {
    const pair = await Pair.open('exit');
    process.on('exit', () => {
      pair.plane.stats();
      pair.sink.next();
      void pair.plane.close();
      void pair.sender.send(image(), 1n);
      void pair.sender.close();
    });
    pair.plane.unref();
  },
  'onReady throws': async () => {
    const pair = await Pair.open('exit');
    pair.sink.onReady(() => {
      throw new Error('from the consumer');
    });
    await pair.sender.send(image(), 1n);
  },
  'onReady throws and is caught': async () => {
    const pair = await Pair.open('exit');
    process.on('uncaughtException', async (error) => {
      console.log(error.message);
      await pair.close();
    });
    pair.sink.onReady(() => {
      pair.sink.onReady(undefined);
      throw new Error('from the consumer');
    });
  },
  'pending take': async () => {
    const plane = await startPlane();
    console.log('up');
    setTimeout(async () => {
      const sender = native().openSender(senderConfig(memoryPort('exit', 1)));
      await sender.send(image(), 1n);
    }, 300).unref();
    await takeFrom(plane.sink('r'));
    await plane.close();
  },
  'take pending at close': async () => {
    const plane = await startPlane();
    const sink = plane.sink('r');
    setTimeout(() => void plane.close(), 50).unref();
    await new Promise<void>((resolve) => {
      sink.onReady(() => undefined);
      setTimeout(() => sink.onReady(resolve), 10);
    });
    console.log(sink.next() === undefined);
  },
  'pending send': async () => {
    const plane = await startPlane();
    plane.unref();
    const sender = native().openSender({ ...senderConfig(memoryPort('exit', 1)), bitsPerSecond: 100_000 });
    void sender.send(image(), 1n).then((report) => console.log(report.packets));
  },
  'open idle sender': () => {
    native().openSender(senderConfig(memoryPort('exit', 1)));
  },
};

const way = ways[process.argv[2]!];
if (way === undefined) throw new Error(`no such way: ${process.argv[2]}`);
await way();
