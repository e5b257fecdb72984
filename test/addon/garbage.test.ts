// Every function of the addon called with whatever JavaScript has. Nothing may end the process; what is thrown is typed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OnpathError } from '../../lib/errors.js';
import { native } from '../../lib/native.js';
import { image, memoryPort, Pair, planeConfig, program, senderConfig, udpPort } from './fixture.js';
import { bombard, garbage, spoil } from './garbage.js';

const spec = {
  input: { width: 8, height: 8, format: 'rgb', order: 'row-major', skipUnread: false },
  stages: [
    { stage: 'crop', left: -1, top: 0, width: 8, height: 7 },
    { stage: 'centerCrop', width: 6, height: 6, rule: 'floor' },
    {
      stage: 'resize',
      width: 4,
      height: 4,
      shortestEdge: 0,
      longestEdge: 0,
      profile: 'pillow',
      filter: 'bilinear',
    },
    { stage: 'channels', to: 'bgr' },
    { stage: 'lookup', dtype: 'uint8', tables: 1, data: new Uint8Array(256) },
    { stage: 'normalize', scale: 1, mean: [0, 0, 0], std: [1, 1, 1], recipe: 'torchvision' },
  ],
  output: { name: 'pixels', dtype: 'float32', layout: 'chw' },
  maxStateBytes: 1 << 20,
};

describe('garbage', () => {
  test('the specification used here is right', () => {
    native().compile(spec as never, '');
  });

  test('functions of the module', async () => {
    const addon = native();
    await bombard('availableKernels', addon.availableKernels as never, () => []);
    await bombard('compile', addon.compile as never, () => [spec, '']);
    await bombard('planFromBytes', addon.planFromBytes as never, () => [program().planBytes(), '']);
    await bombard('sampleFormat', addon.sampleFormat as never, () => [8, 8, 'rgb']);
    await bombard('startPlane', addon.startPlane as never, () => [
      planeConfig(program(), memoryPort('garbage', 0)),
    ]);
    await bombard('openSender', addon.openSender as never, () => [senderConfig(memoryPort('garbage', 1))]);
  });

  test('methods of objects', async () => {
    const pair = await Pair.open('garbage', 2);
    const of = pair.program;
    const stream = of.stream();
    const out = () => new Uint8Array(of.info.outputs[0]!.bytes);
    await bombard('program.explain', of.explain.bind(of), () => []);
    await bombard('program.planBytes', of.planBytes.bind(of), () => []);
    await bombard('program.run', of.run.bind(of) as never, () => [image(), [out()]]);
    await bombard('program.runAsync', of.runAsync.bind(of) as never, () => [image(), [out()]]);
    await bombard('program.run with a stride', of.run.bind(of) as never, () => [image(), [out()], 1e4]);
    await bombard('program.runBatch', of.runBatch.bind(of) as never, () => [[image()], [out()]]);
    await bombard('program.runBatchAsync', of.runBatchAsync.bind(of) as never, () => [[image()], [out()]]);
    await bombard('program.stream', of.stream.bind(of), () => []);
    await bombard('program.withOrder', of.withOrder.bind(of) as never, () => ['tile-major', true]);
    const { bytes, width, elementBytes } = of.info.input;
    await bombard('program.serialize', of.serialize.bind(of) as never, () => [
      image(),
      width * elementBytes,
      new Uint8Array(bytes),
    ]);
    await bombard('program.chunksToFirstOutput', of.chunksToFirstOutput.bind(of) as never, () => [300]);
    await bombard('stream.begin', stream.begin.bind(stream) as never, () => [[out()]]);
    await bombard('stream.push', stream.push.bind(stream) as never, () => [0, image()]);
    await bombard('stream.missingBytes', stream.missingBytes.bind(stream), () => []);
    await bombard('plane.sink', pair.plane.sink.bind(pair.plane) as never, () => ['r']);
    await bombard('plane.stats', pair.plane.stats.bind(pair.plane), () => []);
    await bombard('plane.portInfos', pair.plane.portInfos.bind(pair.plane), () => []);
    await bombard('plane.localPorts', pair.plane.localPorts.bind(pair.plane), () => []);
    await bombard('plane.ref', pair.plane.ref.bind(pair.plane), () => []);
    await bombard('plane.unref', pair.plane.unref.bind(pair.plane), () => []);
    await bombard('sender.send', pair.sender.send.bind(pair.sender) as never, () => [image(), 1n]);
    await bombard('sink.next', pair.sink.next.bind(pair.sink), () => []);
    await bombard('sink.release', pair.sink.release.bind(pair.sink) as never, () => [1]);
    await bombard(
      'sink.onReady',
      ((f: unknown) => {
        pair.sink.onReady(f as never);
        pair.sink.onReady(undefined);
      }) as never,
      () => [() => undefined],
    );
    await bombard('sender.close', pair.sender.close.bind(pair.sender), () => []);
    await bombard('plane.close', pair.plane.close.bind(pair.plane), () => []);
  });

  test('every field of a specification', async () => {
    assert.ok((await spoil('compile', (wrong) => native().compile(wrong, ''), spec)) > 1000);
  });

  test('every field of a plane over a memory link and over udp, to host and to another port', async () => {
    const of = program();
    const host = planeConfig(of, memoryPort('garbage-plane', 0), 2);
    assert.ok((await spoil('startPlane', (wrong) => native().startPlane(wrong), host)) > 500);
    const udp = planeConfig(of, udpPort(), 2);
    assert.ok(
      (await spoil('startPlane', (wrong) => native().startPlane({ ...udp, ports: [wrong] }), udp.ports[0])) >
        200,
    );
    const forward = {
      type: 'forward',
      port: 'in',
      address: '192.0.2.3',
      udpPort: 5004,
      sourceAddress: '192.0.2.2',
      sourceUdpPort: 5004,
      destinationMac: new Uint8Array(6),
      payloadType: 97,
      ssrc: 1,
      maxPayloadBytes: 1400,
    };
    const route = { ...host.routes[0]!, sources: ['10.0.0.0/8'], payloadType: 96 };
    const withSink = (sink: never) => native().startPlane({ ...host, routes: [{ ...route, sink }] });
    await (await withSink(forward as never)).close();
    assert.ok((await spoil('startPlane', withSink, forward)) > 200);
  });

  test('every field of a dpdk port and of its environment', async () => {
    const before = process.env['ONPATH_DRIVER_PATH'];
    process.env['ONPATH_DRIVER_PATH'] = '/nonexistent';
    const port = {
      type: 'dpdk',
      name: 'in',
      device: 'net_ring0',
      queues: 1,
      transmitQueues: 2,
      rxDescriptors: 0,
      txDescriptors: 1024,
      mtu: 1500,
      bufferBytes: 0,
      buffers: 0,
      promiscuous: false,
      allMulticast: true,
      offloads: ['checksums', 'timestamps'],
      offloadsOff: ['mprq'],
      host: {
        addresses: ['10.9.0.2/24'],
        gateways: ['10.9.0.1'],
        neighbours: [{ address: '10.9.0.9', mac: new Uint8Array(6) }],
        groups: ['239.1.1.1', 'ff3e::1'],
      },
    };
    const eal = {
      hugepages: false,
      memoryMb: 64,
      telemetry: false,
      logLevel: 0,
      controlCpu: -1,
      filePrefix: '',
      iova: '',
      plugins: '',
      args: ['-n4'],
    };
    const plane = planeConfig(program(), udpPort(), 2);
    const onPort = (wrong: never) => native().startPlane({ ...plane, ports: [wrong] });
    const withEal = (wrong: never) => native().startPlane({ ...plane, eal: wrong, ports: [port as never] });
    try {
      await assert.rejects(withEal(eal as never), { code: 'DRIVER_MISSING' });
      assert.ok((await spoil('startPlane', onPort, port)) > 1000);
      assert.ok((await spoil('startPlane', withEal, eal)) > 500);
    } finally {
      if (before === undefined) delete process.env['ONPATH_DRIVER_PATH'];
      else process.env['ONPATH_DRIVER_PATH'] = before;
    }
  });

  test('every field of a sender', async () => {
    const right = { ...senderConfig(memoryPort('garbage-sender', 1)), destinationMac: new Uint8Array(6) };
    assert.ok((await spoil('openSender', (wrong) => native().openSender(wrong), right)) > 500);
    const pair = await Pair.open('garbage-plane-sender', 2);
    const viaPlane = { ...right, port: { type: 'plane', plane: pair.plane, name: 'in' } };
    assert.throws(() => native().openSender(viaPlane as never), { code: 'BUSY' });
    assert.ok((await spoil('openSender', (wrong) => native().openSender(wrong), viaPlane)) > 500);
    await pair.close();
    assert.throws(() => native().openSender(viaPlane as never), { code: 'CLOSED' });
  });

  test('methods on another object, classes called by hand', async () => {
    const pair = await Pair.open('this', 2);
    const objects = [pair.program, pair.program.stream(), pair.plane, pair.sink, pair.sender] as object[];
    for (const object of objects) {
      const prototype = Object.getPrototypeOf(object) as Record<string, unknown>;
      const made = prototype['constructor'] as new (...args: unknown[]) => object;
      assert.throws(() => new made(), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => new made(pair.program, 1, 2), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => Reflect.construct(made, [], Object), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => new (class extends made {})(), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => (made as unknown as () => void)());
      for (const name of Object.getOwnPropertyNames(prototype)) {
        if (name === 'constructor') continue;
        const method = prototype[name] as () => unknown;
        for (const other of [
          ...objects.filter((o) => o !== object),
          {},
          null,
          1,
          Object.create(object),
          prototype,
        ]) {
          assert.throws(() => method.call(other as never), `${name} on ${String(other)}`);
        }
      }
    }
    await pair.close();
  });

  test('an error class that is none, or throws, or is not set', () => {
    const addon = native();
    const wrong = () => addon.sampleFormat(0, 0, 'rgb');
    try {
      for (const make of garbage) {
        const value = make();
        if (typeof value === 'function') {
          addon.setErrorClass(value as never);
          assert.throws(wrong);
        } else {
          assert.throws(() => addon.setErrorClass(value as never));
        }
      }
      addon.setErrorClass(
        class {
          constructor() {
            throw new RangeError('mine');
          }
        } as never,
      );
      assert.throws(wrong, RangeError);
    } finally {
      addon.setErrorClass(OnpathError);
    }
    assert.throws(wrong, OnpathError);
  });
});
