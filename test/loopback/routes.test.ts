// Which packets get which pipeline, who may send them, and in what portions results come.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dataplane, type DataplaneSpec, type ErrorCode, Pipeline, Sender } from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { assertBooksBalance, dropsOf, eventually, linkName, takeBatch, takeOne } from '../support/plane.js';
import { format, height, image, input, resize, tensor, to, width } from '../support/small.js';
import { missing } from '../support/tools.js';

describe('routes', () => {
  test('are chosen by payload type and port; what no route takes is `no_route`', async () => {
    const [a, b] = [Pipeline.compile(resize), Pipeline.compile(tensor)];
    await using plane = await Dataplane.start({
      ports: [
        { type: 'udp', name: 'in' },
        { type: 'udp', name: 'other' },
      ],
      routes: [
        { name: 'a', port: 'in', payloadType: 96, pipeline: a },
        { name: 'b', port: 'in', payloadType: 100, pipeline: b },
        { name: 'c', port: 'other', pipeline: b },
      ],
    });
    const cases = [
      ['a', 'in', 96, a],
      ['b', 'in', 100, b],
      ['c', 'other', 5, b],
    ] as const;
    for (const [route, port, payloadType, pipeline] of cases) {
      await using sender = await Sender.open({ to: to(plane, port), width, height, format, payloadType });
      await sender.send(image(1));
      using sample = await takeOne(plane, route);
      assertSameBytes(sample.data, pipeline.run(image(1)).data, route);
      assert.equal(sample.version, pipeline.hash);
    }
    await using sender = await Sender.open({ to: to(plane), width, height, format, payloadType: 101 });
    const { packets } = await sender.send(image(1));
    await eventually('dropped', () => dropsOf(plane.stats()).no_route === packets);
    assert.equal(plane.stats().ports[0]!.drops.no_route, packets, 'counted at the port it came by');
  });

  test('on a memory port are chosen by UDP port too', async () => {
    const link = linkName();
    const pipelines = [Pipeline.compile(resize), Pipeline.compile(tensor)];
    await using plane = await Dataplane.start({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: pipelines.map((pipeline, i) => ({ name: `r${i}`, port: 'in', udpPort: 6000 + i, pipeline })),
    });
    for (const [i, pipeline] of pipelines.entries()) {
      await using sender = await Sender.open({
        to: `192.0.2.2:${6000 + i}`,
        via: { link },
        width,
        height,
        format,
      });
      await sender.send(image(i));
      using sample = await takeOne(plane, `r${i}`);
      assertSameBytes(sample.data, pipeline.run(image(i)).data);
    }
  });

  test('and ports that do not exist are NOT_FOUND, with the names that do', async () => {
    const pipeline = Pipeline.compile(resize);
    await using plane = await Dataplane.start({
      ports: [
        { type: 'udp', name: 'in' },
        { type: 'memory', name: 'mem', link: linkName() },
      ],
      routes: [
        { name: 'single', port: 'in', pipeline },
        { name: 'batched', port: 'mem', pipeline, deliver: { batch: 2 } },
      ],
    });
    for (const name of ['nowhere', '', '__proto__', 'constructor', null, undefined, 5, Symbol('r')]) {
      assertThrows(() => plane.samples(name as string), 'NOT_FOUND', /single, batched/);
      assertThrows(() => plane.batches(name as string), 'NOT_FOUND', /single, batched/);
      assertThrows(() => plane.address(name as string), 'NOT_FOUND', /\bin\b/);
    }
    assertThrows(() => plane.address('mem'), 'NOT_FOUND', /mem/);
    assertThrows(() => plane.samples('batched'), 'INVALID_ARGUMENT', /batches\("batched"\)/);
    assertThrows(() => plane.batches('single'), 'INVALID_ARGUMENT', /samples\("single"\)/);
  });

  const memory = () => ({ type: 'memory', name: 'in', link: linkName() }) as const;
  const plain = { name: 'r', port: 'in', pipeline: Pipeline.compile(resize) };
  const gray = Pipeline.compile({ input: { ...input, format: 'gray' } });
  const wide = Pipeline.compile({ input: { ...input, width: 32769 } });
  const onMemory = (change: object): DataplaneSpec => ({
    ports: [memory()],
    routes: [{ ...plain, ...change }],
  });
  const forward = (change: object) => ({ sink: { forward: { port: 'in', to: '127.0.0.1:9', ...change } } });
  const onUdp = (change: object, address = '127.0.0.1'): DataplaneSpec => ({
    ports: [{ type: 'udp', name: 'in', address, maxBytes: 1500 }],
    routes: [{ ...plain, ...change }],
  });
  const wrong: [string, () => DataplaneSpec, ErrorCode, RegExp][] = [
    [
      'a route by an unknown port',
      () => onMemory({ port: 'out' }),
      'INVALID_SPEC',
      /routes\[0\]\.port.*"out".*\bin\b/,
    ],
    [
      'two ports of one name',
      () => ({ ports: [memory(), memory()], routes: [plain] }),
      'INVALID_SPEC',
      /"in"/,
    ],
    ['two routes of one name', () => ({ ports: [memory()], routes: [plain, plain] }), 'INVALID_SPEC', /"r"/],
    [
      'two routes that take the same packets',
      () => ({ ports: [memory()], routes: [plain, { ...plain, name: 's' }] }),
      'INVALID_SPEC',
      /"r".*"s"/,
    ],
    ['a forward by an unknown port', () => onUdp(forward({ port: 'out' })), 'INVALID_SPEC', /"out"/],
    [
      'a forward to a host name',
      () => onUdp(forward({ to: 'gpu:5004' })),
      'INVALID_SPEC',
      /forward\.to.*gpu/,
    ],
    ['a forward to the other IP version', () => onUdp(forward({ to: '[::1]:9' })), 'INVALID_SPEC', /::1/],
    [
      'forwarded packets longer than the port sends',
      () => onUdp(forward({ maxPayloadBytes: 1501 })),
      'INVALID_SPEC',
      /1501.*1500/,
    ],
    ['a source that is no prefix', () => onMemory({ sources: ['lab'] }), 'INVALID_SPEC', /sources.*lab/],
    [
      'a prefix of 33 bits',
      () => onMemory({ sources: ['10.0.0.0/33'] }),
      'INVALID_SPEC',
      /sources.*10\.0\.0\.0\/33/,
    ],
    ['an address that is none', () => onUdp({ sources: ['::/0'] }, 'localhost'), 'INVALID_SPEC', /localhost/],
    ['gray as raw video', () => onMemory({ payload: 'rfc4175', pipeline: gray }), 'INVALID_SPEC', /gray/],
    [
      'raw video wider than 15 bits',
      () => onMemory({ payload: 'rfc4175', pipeline: wide }),
      'INVALID_SPEC',
      /32768/,
    ],
    ['an empty list of sources', () => onMemory({ sources: [] }), 'INVALID_SPEC', /routes\[0\]\.sources/],
    [
      'a UDP port that its port is not bound to',
      () => ({
        ports: [{ type: 'udp', name: 'm', port: 45001 }],
        routes: [{ ...plain, port: 'm', udpPort: 45002 }],
      }),
      'INVALID_SPEC',
      /udpPort.*45002.*45001/,
    ],
    [
      'a queue whose depth is no power of two',
      () => ({ ...onMemory({}), ports: [{ ...memory(), depth: 1000 }] }),
      'INVALID_SPEC',
      /depth.*power of two.*1000/,
    ],
    [
      'more memory than there may be',
      () => onMemory({ slots: 65536, deliver: { batch: 4096 } }),
      'LIMIT_EXCEEDED',
      /"r".*slots/,
    ],
  ];
  for (const [claim, spec, code, says] of wrong) {
    test(`${claim}: refused as ${code}`, async () => {
      await assertRejects(Dataplane.start(spec()), code, says);
      await (await Dataplane.start(onMemory({}))).close();
    });
  }
});

describe('who may send', () => {
  test('on an address that others can reach, the list of sources is required', async () => {
    const pipeline = Pipeline.compile(resize);
    for (const address of missing('ipv6') === false ? ['0.0.0.0', '::'] : ['0.0.0.0']) {
      const ports: DataplaneSpec['ports'] = [{ type: 'udp', name: 'in', address }];
      await assertRejects(
        Dataplane.start({ ports, routes: [{ name: 'r', port: 'in', pipeline }] }),
        'INVALID_SPEC',
        /routes\[0\]\.sources/,
        /0\.0\.0\.0\/0/,
      );
      const sources = ['127.0.0.0/8', '::1'];
      await using plane = await Dataplane.start({
        ports,
        routes: [{ name: 'r', port: 'in', pipeline, sources }],
      });
      const loopback = address === '::' ? '[::1]' : '127.0.0.1';
      const target = `${loopback}:${plane.address('in').port}`;
      await using sender = await Sender.open({ to: target, width, height, format });
      await sender.send(image(1));
      using sample = await takeOne(plane, 'r');
      assertSameBytes(sample.data, pipeline.run(image(1)).data, address);
    }
  });

  test('others than those listed are `source_not_allowed`, whatever they send', async () => {
    const link = linkName();
    const pipeline = Pipeline.compile(resize);
    await using plane = await Dataplane.start({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [{ name: 'r', port: 'in', pipeline, sources: ['10.1.0.0/16', '2001:db8:1::/48', '192.0.2.5'] }],
    });
    const from = async (own: string, other: string) => {
      await using sender = await Sender.open({ from: own, to: other, via: { link }, width, height, format });
      return (await sender.send(image(1))).packets;
    };
    let refused = 0;
    for (const own of ['10.2.0.1:1', '10.0.255.255:1', '192.0.2.4:1', '192.0.2.6:1', '11.1.0.0:1']) {
      refused += await from(own, '10.1.0.9:5004');
    }
    refused += await from('[2001:db8:2::1]:1', '[2001:db8::9]:5004');
    await eventually('refused', () => dropsOf(plane.stats()).source_not_allowed === refused);
    assert.equal(plane.stats().routes[0]!.samplesOpened, 0);
    for (const own of ['10.1.0.0:1', '10.1.255.255:1', '192.0.2.5:9']) {
      await from(own, '10.1.0.9:5004');
      using sample = await takeOne(plane, 'r');
      assert.equal(`${sample.source.address}:${sample.source.port}`, own);
    }
    await from('[2001:db8:1:ffff::1]:7', '[2001:db8::9]:5004');
    using sample = await takeOne(plane, 'r');
    assert.equal(sample.source.address, '2001:db8:1:ffff::1');
    assert.deepEqual(dropsOf(plane.stats()), { source_not_allowed: refused });
  });
});

describe('batches', () => {
  const pipeline = Pipeline.compile(tensor);

  test('are one contiguous tensor with a leading batch size', async () => {
    await using plane = await Dataplane.start({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline, deliver: { batch: 4 } }],
    });
    await using sender = await Sender.open({ to: to(plane), width, height, format });
    for (let i = 0; i < 8; i++) await sender.send(image(i), { requestId: i });
    for (const start of [0, 4]) {
      using batch = await takeBatch(plane, 'r');
      assert.equal(batch.size, 4);
      assert.deepEqual(batch.shape, [4, 3, height, width]);
      assert.deepEqual(
        batch.samples.map(({ requestId }) => Number(requestId)),
        [start, start + 1, start + 2, start + 3],
      );
      const one = batch.data.length / 4;
      for (let i = 0; i < 4; i++) {
        assertSameBytes(batch.data.subarray(i * one, (i + 1) * one), pipeline.run(image(start + i)).data);
      }
      assert.equal(batch.version, pipeline.hash);
      const { data } = batch;
      batch.release();
      assert.equal(data.length, 0);
      assertThrows(() => batch.outputs, 'RELEASED');
      assert.equal(batch.samples.length, 4);
    }
  });

  test('are delivered in part after maxWaitMs, with the size they have', async () => {
    await using plane = await Dataplane.start({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline, deliver: { batch: 64, maxWaitMs: 20 }, slots: 128 }],
    });
    await using sender = await Sender.open({ to: to(plane), width, height, format });
    for (let i = 0; i < 3; i++) await sender.send(image(i), { requestId: i });
    const ids: bigint[] = [];
    while (ids.length < 3) {
      using batch = await takeBatch(plane, 'r');
      assert.equal(batch.shape[0], batch.size);
      assert.equal(batch.data.length, batch.size * 3 * height * width);
      const one = batch.data.length / batch.size;
      for (const [i, { requestId }] of batch.samples.entries()) {
        assertSameBytes(
          batch.data.subarray(i * one, (i + 1) * one),
          pipeline.run(image(Number(requestId))).data,
        );
        ids.push(requestId);
      }
    }
    assert.deepEqual(ids, [0n, 1n, 2n]);
  });

  test('wait until they are full when there is no maxWaitMs; close accounts for what is in them', async () => {
    const plane = await Dataplane.start({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline, deliver: { batch: 4 } }],
    });
    await using sender = await Sender.open({ to: to(plane), width, height, format });
    for (let i = 0; i < 3; i++) await sender.send(image(i));
    await eventually('complete', () => plane.stats().routes[0]!.samplesComplete === 3);
    assert.equal(plane.stats().routes[0]!.samplesDelivered, 0);
    await plane.close();
    let taken = 0;
    for await (using batch of plane.batches('r')) taken += batch.size;
    const { samplesDelivered, drops } = plane.stats().routes[0]!;
    assert.equal(samplesDelivered, taken);
    assert.equal(samplesDelivered + drops.undelivered, 3);
    assertBooksBalance(plane.stats());
  });
});
