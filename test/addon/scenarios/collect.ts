// What garbage collection does to objects of the addon. Run with --expose-gc; the argument says which.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../../../lib/native.js';
import {
  expected,
  image,
  memoryPort,
  Pair,
  planeConfig,
  program,
  senderConfig,
  threadCount,
  untilCollected,
} from '../fixture.js';

const SLOTS = 4;
const collect = (globalThis as { gc?: () => void }).gc!;

const cases: Record<string, () => Promise<void>> = {
  'deliveries nobody holds give their slots back': async () => {
    const pair = await Pair.open('collect', SLOTS);
    const taken = async (): Promise<void> => {
      const { outputs } = await pair.take();
      assert.deepEqual(new Uint8Array(outputs[0]!), expected(pair.program, image()));
    };
    for (let i = 0; i < 10 * SLOTS; i++) {
      const before = pair.plane.stats().routes[0]!;
      await untilCollected('a slot comes back', () => {
        void pair.sender.send(image(), 1n).catch(() => undefined);
        return pair.plane.stats().routes[0]!.samplesComplete > before.samplesComplete;
      });
      await taken();
    }
    assert.ok(pair.plane.stats().routes[0]!.drops.slow_consumer > 0, 'slots had run out');
    await pair.close();
  },

  'a released delivery is not given back again when it is collected': async () => {
    const pair = await Pair.open('collect', 2);
    for (let i = 0; i < 50; i++) {
      await pair.sender.send(image(i), BigInt(i));
      const delivery = await pair.take();
      assert.equal(delivery.samples[0]!.requestId, BigInt(i));
      pair.sink.release(delivery.buffer);
      // The next one lies in the same slot; the finalizers of the one before run meanwhile.
      await pair.sender.send(image(i + 1), BigInt(i));
      const next = await pair.take();
      collect();
      await sleep(1);
      await pair.sender.send(image(i + 2), BigInt(i));
      const third = await pair.take();
      assert.deepEqual(new Uint8Array(next.outputs[0]!), expected(pair.program, image(i + 1)));
      assert.deepEqual(new Uint8Array(third.outputs[0]!), expected(pair.program, image(i + 2)));
      pair.sink.release(next.buffer);
      pair.sink.release(third.buffer);
    }
    await pair.close();
  },

  'outputs outlive the plane, its sink and its sender': async () => {
    let pair: Pair | undefined = await Pair.open('collect', SLOTS);
    const right = expected(pair.program, image(5));
    await pair.sender.send(image(5), 1n);
    const { outputs } = await pair.take();
    await pair.close();
    const plane = new WeakRef(pair.plane);
    const sink = new WeakRef(pair.sink);
    const sender = new WeakRef(pair.sender);
    const itsProgram = new WeakRef(pair.program);
    pair = undefined;
    await untilCollected('plane, sink, sender and program', () => {
      return [plane, sink, sender, itsProgram].every((ref) => ref.deref() === undefined);
    });
    for (let i = 0; i < 20; i++) (await Pair.open(`other-${i}`)).plane.unref();
    assert.deepEqual(new Uint8Array(outputs[0]!), right);
    process.exit(0);
  },

  'an open plane stays although nobody holds it': async () => {
    let plane: WeakRef<object> | undefined;
    const sink = await (async () => {
      const opened = await native().startPlane(planeConfig(program(), memoryPort('collect', 0)));
      plane = new WeakRef(opened);
      return opened.sink('r');
    })();
    const sender = native().openSender(senderConfig(memoryPort('collect', 1)));
    for (let i = 0; i < 20; i++) {
      collect();
      await sleep(1);
    }
    assert.ok(plane?.deref());
    let arrived = 0;
    sink.onReady(() => {
      for (let d = sink.next(); d !== undefined; d = sink.next()) arrived++;
    });
    await sender.send(image(), 1n);
    await untilCollected('a sample', () => arrived > 0);
    process.exit(0);
  },

  'a sender nobody holds finishes what it sends, then its thread ends': async () => {
    let settled = 0;
    const plane = await native().startPlane(planeConfig(program(), memoryPort('collect', 0)));
    (() => {
      const sender = native().openSender({
        ...senderConfig(memoryPort('collect', 1)),
        bitsPerSecond: 200_000,
      });
      for (let i = 0; i < 5; i++) void sender.send(image(), 1n).then(() => settled++);
    })();
    assert.ok(threadCount() > 0);
    await untilCollected('five sends', () => settled === 5);
    await plane.close();
    await untilCollected('the thread', () => threadCount() === 0);
    // The side of the link is free again.
    await native()
      .openSender(senderConfig(memoryPort('collect', 1)))
      .close();
  },

  'programs and streams leave no memory': async () => {
    const spec = {
      input: {
        width: 64,
        height: 48,
        format: 'rgb' as const,
        order: 'row-major' as const,
        skipUnread: false,
      },
      stages: [
        {
          stage: 'resize' as const,
          width: 32,
          height: 32,
          shortestEdge: 0,
          longestEdge: 0,
          profile: 'pillow',
          filter: 'bilinear',
        },
      ],
      output: { name: 'pixels', dtype: undefined, layout: 'hwc' as const },
      maxStateBytes: 1 << 28,
    };
    const input = new Uint8Array(64 * 48 * 3);
    const rounds = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) {
        const compiled = native().compile(spec, '');
        const output = new Uint8Array(compiled.info.outputs[0]!.bytes);
        compiled.run(input, [output]);
        const stream = compiled.stream();
        stream.begin([output]);
        stream.push(0, input.subarray(0, 1000));
        await Promise.all(Array.from({ length: 6 }, () => compiled.runAsync(input, [output.slice()])));
        if (i % 100 === 0) collect();
      }
      for (let turn = 0; turn < 5; turn++) {
        collect();
        await sleep(20);
      }
      return process.memoryUsage().rss;
    };
    const before = await rounds(500);
    const grown = (await rounds(2000)) - before;
    // One state a round that stayed would be 26 MB.
    assert.ok(grown < 12 << 20, `${grown} bytes`);
  },
};

await cases[process.argv[2]!]!();
