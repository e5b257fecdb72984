// Starting, aborting, closing, releasing: each as often and at whatever time.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Dataplane,
  type DataplaneSpec,
  OnpathError,
  Pipeline,
  type RouteSpec,
  Sender,
} from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import { assertBooksBalance, eventually, freePort, linkName, take, takeOne } from '../support/plane.js';

const input = { kind: 'image', width: 20, height: 10, format: 'rgb' } as const;
const pipeline = Pipeline.compile({ input, stages: [{ stage: 'resize', width: 8, height: 8 }] });
const image = noiseImage(20, 10, 'rgb', 1);
const { data: expected } = pipeline.run(image);
const { width, height, format } = input;

/** Many packets, each due long after the one before. */
const slowly = { bitsPerSecond: 1000, maxPayloadBytes: 64 };

function udpSpec(route: Partial<RouteSpec> = {}): DataplaneSpec {
  return {
    ports: [{ type: 'udp', name: 'in' }],
    routes: [{ name: 'r', port: 'in', pipeline, ...route }],
  };
}

function senderTo(plane: Dataplane): Promise<Sender> {
  return Sender.open({ to: `127.0.0.1:${plane.address('in').port}`, width, height, format });
}

describe('release', () => {
  test('detaches the memory: old views are empty, and using the sample again is RELEASED', async () => {
    await using plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    await sender.send(image);
    const sample = await takeOne(plane, 'r');
    const { data, outputs } = sample;
    assertSameBytes(data, expected);
    assert.equal(sample.released, false);
    sample.release();
    assert.equal(sample.released, true);
    assert.equal(data.length, 0);
    assert.equal(outputs['pixels']!.data.length, 0);
    for (const use of [() => sample.data, () => sample.outputs, () => sample.shape]) {
      assertThrows(use, 'RELEASED', /released/, /[Cc]opy/);
    }
    assert.equal(sample.requestId, 1n, 'what is known of it stays');
  });

  test('twice does nothing more: the slot is not given back a second time', async () => {
    await using plane = await Dataplane.start(
      udpSpec({ slots: 2, openSamples: 1, slowConsumer: 'backpressure' }),
    );
    await using sender = await senderTo(plane);
    for (let i = 1; i <= 20; i++) await sender.send(image, { requestId: i });
    for (let i = 1; i <= 20; i++) {
      const sample = await takeOne(plane, 'r');
      assert.equal(sample.requestId, BigInt(i));
      assertSameBytes(sample.data, expected);
      sample.release();
      sample.release();
      sample[Symbol.dispose]();
    }
  });

  test('`using` releases at the end of the block', async () => {
    await using plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    await sender.send(image);
    let kept: { length: number };
    {
      using sample = await takeOne(plane, 'r');
      kept = sample.data;
      assert.equal(kept.length, 192);
    }
    assert.equal(kept.length, 0);
  });

  test('after the plane was closed: the data stays readable until then', async () => {
    const plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    await sender.send(image);
    const sample = await takeOne(plane, 'r');
    await plane.close();
    assertSameBytes(sample.data, expected);
    sample.release();
    assert.equal(sample.released, true);
  });

  test('a slot that was detached by its user is not written through the old view', async () => {
    await using plane = await Dataplane.start(udpSpec({ slots: 2, openSamples: 1 }));
    await using sender = await senderTo(plane);
    await sender.send(image);
    const sample = await takeOne(plane, 'r');
    // Moving the memory away is a use that we cannot forbid; it must harm nobody.
    let moved: ArrayBuffer | undefined;
    try {
      moved = structuredClone(sample.data.buffer as ArrayBuffer, {
        transfer: [sample.data.buffer as ArrayBuffer],
      });
    } catch (error) {
      assert.ok(error instanceof DOMException && error.name === 'DataCloneError', String(error));
    }
    sample.release();
    const before = moved === undefined ? undefined : new Uint8Array(moved.slice(0));
    for (let i = 0; i < 5; i++) {
      await sender.send(noiseImage(20, 10, 'rgb', i + 5));
      (await takeOne(plane, 'r')).release();
    }
    if (moved !== undefined) assertSameBytes(new Uint8Array(moved), before!);
  });
});

describe('start', () => {
  test('with an aborted signal is ABORTED and binds nothing', async () => {
    const reason = new Error('no');
    const error = await assertRejects(
      Dataplane.start(udpSpec(), { signal: AbortSignal.abort(reason) }),
      'ABORTED',
    );
    assert.equal(error.cause, reason);
  });

  test('with a signal that is none is refused before anything starts', async () => {
    await assertRejects(
      Dataplane.start(udpSpec(), { signal: {} as AbortSignal }),
      'INVALID_ARGUMENT',
      /signal/,
    );
  });

  test('aborted while it starts is ABORTED, and leaves the port free', async () => {
    const spec: DataplaneSpec = {
      ports: [{ type: 'memory', name: 'in', link: linkName() }],
      routes: [{ name: 'r', port: 'in', pipeline, slots: 512 }],
    };
    for (let round = 0; round < 10; round++) {
      const controller = new AbortController();
      const reason = new Error(`stop ${round}`);
      const starting = Dataplane.start(spec, { signal: controller.signal });
      if (round > 0) await sleep(round % 3);
      if (round % 2 === 0) controller.abort(reason);
      const outcome = await starting.then(
        (plane) => plane,
        (error: unknown) => error,
      );
      if (outcome instanceof Dataplane) {
        controller.abort(reason);
        await outcome.close();
      } else {
        assert.ok(outcome instanceof OnpathError);
        assert.deepEqual([outcome.code, outcome.cause], ['ABORTED', reason]);
      }
    }
    const controller = new AbortController();
    const starting = Dataplane.start(spec, { signal: controller.signal });
    controller.abort();
    await assertRejects(starting, 'ABORTED');
    await using plane = await Dataplane.start(spec);
    assert.equal(plane.closed, false);
  });

  test('aborting its signal later closes the plane', async () => {
    const controller = new AbortController();
    const plane = await Dataplane.start(udpSpec(), { signal: controller.signal });
    const iteration = take(plane, 'r', 1);
    controller.abort();
    assert.deepEqual(await iteration, []);
    await eventually('closed', () => plane.closed);
    await plane.close();
  });

  test('on an address that another socket has is ADDRESS_IN_USE; when it is free again, it works', async () => {
    const port = await freePort();
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    const spec: DataplaneSpec = { ...udpSpec(), ports: [{ type: 'udp', name: 'in', port }] };
    await assertRejects(Dataplane.start(spec), 'ADDRESS_IN_USE', new RegExp(`127\\.0\\.0\\.1.*${port}`));
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    await using plane = await Dataplane.start(spec);
    assert.deepEqual(plane.address('in'), { address: '127.0.0.1', port });
  });

  test('on an address that another plane of this process has is ADDRESS_IN_USE', async () => {
    for (const workers of [1, 2]) {
      await using first = await Dataplane.start({ ...udpSpec(), workers });
      const { port } = first.address('in');
      const spec: DataplaneSpec = { ...udpSpec(), workers, ports: [{ type: 'udp', name: 'in', port }] };
      await assertRejects(Dataplane.start(spec), 'ADDRESS_IN_USE', new RegExp(String(port)));
      await using sender = await senderTo(first);
      await sender.send(image);
      using sample = await takeOne(first, 'r');
      assertSameBytes(sample.data, expected);
    }
  });

  test('on an address that this machine has not is PORT_FAILED, with the reason of the system', async () => {
    const spec: DataplaneSpec = {
      ports: [{ type: 'udp', name: 'in', address: '192.0.2.77' }],
      routes: [{ name: 'r', port: 'in', pipeline, sources: ['192.0.2.0/24'] }],
    };
    await assertRejects(Dataplane.start(spec), 'PORT_FAILED', /192\.0\.2\.77/, /[Cc]annot assign/);
  });

  test('when one of several ports fails, the others are free again', async () => {
    await using taken = await Dataplane.start(udpSpec());
    const port = await freePort();
    const ports: DataplaneSpec['ports'] = [
      { type: 'udp', name: 'good', port },
      { type: 'udp', name: 'in', port: taken.address('in').port },
    ];
    await assertRejects(Dataplane.start({ ...udpSpec(), ports }), 'ADDRESS_IN_USE');
    await using plane = await Dataplane.start({ ...udpSpec(), ports: [{ type: 'udp', name: 'in', port }] });
    assert.equal(plane.address('in').port, port);
  });

  test('on a side of a memory link that is open is BUSY', async () => {
    const link = linkName();
    const spec: DataplaneSpec = { ...udpSpec(), ports: [{ type: 'memory', name: 'in', link }] };
    const first = await Dataplane.start(spec);
    await assertRejects(Dataplane.start(spec), 'BUSY', new RegExp(link));
    await first.close();
    await (await Dataplane.start(spec)).close();
  });

  test('100 times, closed each time', async () => {
    for (let i = 0; i < 100; i++) {
      const plane = await Dataplane.start(udpSpec());
      await Promise.all([plane.close(), plane.close()]);
      assert.equal(plane.closed, true);
    }
  });
});

describe('close', () => {
  test('twice, at once, or through `await using` is one close', async () => {
    const plane = await Dataplane.start(udpSpec());
    const closing = plane.close();
    assert.equal(plane.close(), closing);
    await closing;
    await plane.close();
    await plane[Symbol.asyncDispose]();
    assert.equal(plane.closed, true);
  });

  test('ends every iterator that waits; what was finished is still given', async () => {
    const plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    const waiting = [take(plane, 'r', 100), take(plane, 'r', 100), take(plane, 'r', 100)];
    for (let i = 0; i < 9; i++) await sender.send(image);
    await eventually('complete', () => plane.stats().routes[0]!.samplesComplete === 9);
    await plane.close();
    const samples = (await Promise.all(waiting)).flat();
    assert.equal(samples.length, 9);
    for (const sample of samples) {
      assertSameBytes(sample.data, expected);
      sample.release();
    }
    assert.deepEqual(await take(plane, 'r', 1), [], 'an iterator made later ends at once');
  });

  test('from inside the loop ends the loop', async () => {
    const plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    await sender.send(image);
    let count = 0;
    for await (using _ of plane.samples('r')) {
      count++;
      await plane.close();
    }
    assert.equal(count, 1);
  });

  test('statistics stay readable, and balance', async () => {
    const plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    await sender.send(image);
    (await takeOne(plane, 'r')).release();
    await plane.close();
    const stats = plane.stats();
    assertBooksBalance(stats);
    assert.deepEqual(
      [stats.ports[0]!.name, stats.routes[0]!.name, stats.routes[0]!.samplesDelivered, stats.workers.length],
      ['in', 'r', 1, 1],
    );
    assert.deepEqual(plane.stats(), stats, 'nothing counts any more');
  });

  test('leaving a loop early keeps the route usable', async () => {
    await using plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    for (let i = 0; i < 3; i++) {
      await sender.send(image);
      for await (using sample of plane.samples('r')) {
        assertSameBytes(sample.data, expected);
        break;
      }
    }
  });

  test('aborting an iterator rejects it with ABORTED and leaves the plane alone', async () => {
    await using plane = await Dataplane.start(udpSpec());
    const reason = new Error('enough');
    const controller = new AbortController();
    const waiting = plane.samples('r', { signal: controller.signal }).next();
    controller.abort(reason);
    assert.equal((await assertRejects(waiting, 'ABORTED')).cause, reason);
    await assertRejects(plane.samples('r', { signal: controller.signal }).next(), 'ABORTED');
    await using sender = await senderTo(plane);
    await sender.send(image);
    (await takeOne(plane, 'r')).release();
  });
});

describe('a sender', () => {
  test('after close is CLOSED; close is idempotent', async () => {
    await using plane = await Dataplane.start(udpSpec());
    const sender = await senderTo(plane);
    await sender.send(image);
    await Promise.all([sender.close(), sender.close()]);
    await sender[Symbol.asyncDispose]();
    await assertRejects(sender.send(image), 'CLOSED');
  });

  test('closed while it paces rejects what was not sent with CLOSED', async () => {
    await using plane = await Dataplane.start(udpSpec());
    const to = `127.0.0.1:${plane.address('in').port}`;
    const sender = await Sender.open({ to, width, height, format, ...slowly });
    const sends = [sender.send(image), sender.send(image)].map((send) => assertRejects(send, 'CLOSED'));
    await sender.close();
    await Promise.all(sends);
  });

  test('takes no more than its queue: the next is BUSY', async () => {
    await using plane = await Dataplane.start(udpSpec());
    const to = `127.0.0.1:${plane.address('in').port}`;
    const sender = await Sender.open({ to, width, height, format, ...slowly, queuedSamples: 2 });
    const sends = Array.from({ length: 8 }, () =>
      sender.send(image).catch((error: { code: string }) => error.code),
    );
    await sender.close();
    const ends = await Promise.all(sends);
    assert.ok(ends.includes('BUSY'), String(ends));
    assert.ok(
      ends.every((end) => end === 'BUSY' || end === 'CLOSED'),
      String(ends),
    );
  });

  test('refuses wrong images and request ids, and goes on', async () => {
    await using plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    await assertRejects(sender.send(image.subarray(1)), 'INVALID_ARGUMENT', /599.*600/);
    await assertRejects(sender.send('image' as unknown as Uint8Array), 'INVALID_ARGUMENT', /image/);
    for (const requestId of [-1, 0.5, 2 ** 53, Number.NaN, -1n, 2n ** 64n, '1', null, Symbol('1')]) {
      await assertRejects(
        sender.send(image, { requestId: requestId as bigint }),
        'INVALID_ARGUMENT',
        /requestId/,
      );
    }
    await sender.send(image, { requestId: 5 });
    using sample = await takeOne(plane, 'r');
    assert.equal(sample.requestId, 5n);
  });

  test('sends rows with gaps, and says how much went out', async () => {
    await using plane = await Dataplane.start(udpSpec());
    await using sender = await senderTo(plane);
    const gaps = new Uint8Array(64 * 10).fill(0xee);
    for (let y = 0; y < 10; y++) gaps.set(image.subarray(y * 60, y * 60 + 60), y * 64);
    const report = await sender.send(gaps, { stride: 64 });
    assert.deepEqual(
      { packets: report.packets, bytes: report.bytes, refused: report.refused },
      { packets: 1, bytes: 12 + 32 + 600, refused: 0 },
    );
    using sample = await takeOne(plane, 'r');
    assert.equal(sample.timestamp, report.timestamp);
    assertSameBytes(sample.data, expected);
  });

  test('on a memory link whose other end is not open gives up, and says how many packets were refused', async () => {
    const via = { link: linkName(), depth: 64 };
    await using sender = await Sender.open({
      to: '192.0.2.2:5004',
      via,
      width,
      height,
      format,
      maxPayloadBytes: 64,
    });
    const reports = [await sender.send(image), await sender.send(image)];
    const sent = reports.reduce((sum, { packets }) => sum + packets, 0);
    const refused = reports.reduce((sum, { refused }) => sum + refused, 0);
    // 600 bytes, 18 in each packet.
    assert.deepEqual({ sent, refused }, { sent: 0, refused: 2 * Math.ceil(600 / 18) });
  });

  test('with impossible addresses is refused', async () => {
    const base = { width, height, format };
    await assertRejects(Sender.open({ ...base, to: 'localhost:5004' }), 'INVALID_SPEC', /sender\.to/);
    await assertRejects(Sender.open({ ...base, to: '127.0.0.1:0' }), 'INVALID_SPEC', /sender\.to/);
    await assertRejects(
      Sender.open({ ...base, to: '127.0.0.1:5004', from: '[::1]:5004' }),
      'INVALID_SPEC',
      /IPv4|IPv6|famil/,
    );
  });

  test('of pictures that raw video cannot say is refused: gray, and sides beyond 15 bits', async () => {
    const base = { to: '127.0.0.1:5004', payload: 'rfc4175' } as const;
    await assertRejects(Sender.open({ ...base, width, height, format: 'gray' }), 'UNSUPPORTED', /gray/);
    for (const side of [
      { width: 32769, height: 1 },
      { width: 1, height: 32769 },
    ]) {
      await assertRejects(Sender.open({ ...base, ...side, format }), 'UNSUPPORTED', /32768/);
    }
    await (await Sender.open({ ...base, width: 32768, height: 1, format })).close();
  });
});
