// DPDK ports without a NIC: what arrives equals run() and Pillow, over rings, shared memory and files.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Dataplane, Pipeline, type PipelineSpec, type RouteSpec, Sender } from '../../lib/index.js';
import { goldenCases, noise, type ResizeCase } from '../golden/golden.js';
import { assertRejects, assertSameBytes } from '../support/assert.js';
import { dpdkMissing } from '../support/dpdk.js';
import {
  freshDevice,
  GROUP,
  memifPort,
  OTHER_GROUP,
  planeOn,
  ringPort,
  route,
} from '../support/dpdk-loop.js';
import { noiseImage } from '../support/images.js';
import { readPcap, udpFrame, udpPayload, writePcap } from '../support/pcap.js';
import { assertBooksBalance, dropsOf, eventually, take, takeOne } from '../support/plane.js';
import { chunkPackets, digestOf, readChunk, readRtp } from '../support/rtp.js';
import { format, height, image, input, resize, tensor, width } from '../support/small.js';
import { missing, resizeWithPillow, temporaryFolder } from '../support/tools.js';

const pipeline = Pipeline.compile(resize);
const swap: PipelineSpec = { input, stages: [{ stage: 'channels', to: 'bgr' }] };
const swapped = { ...input, format: 'bgr' } as const;

const toGroup = (plane: Dataplane, more: object = {}) =>
  Sender.open({ to: `${GROUP}:5004`, via: { plane, port: 'ring' }, width, height, format, ...more });

describe('a ring', { skip: dpdkMissing() ?? false }, () => {
  for (const [name, spec] of [
    ['bytes of a resize', resize],
    ['a float16 tensor', tensor],
  ] as const) {
    for (const payload of ['chunk', 'rfc4175'] as const) {
      test(`gives back ${payload} packets of which the plane makes ${name}, exact`, async () => {
        const compiled = Pipeline.compile(spec);
        await using plane = await Dataplane.start(
          planeOn([ringPort()], [route({ pipeline: compiled, payload })]),
        );
        await using sender = await toGroup(plane, { payload });
        for (let seed = 0; seed < 20; seed++) {
          const report = await sender.send(image(seed), { requestId: seed });
          assert.equal(report.refused, 0);
          using sample = await takeOne(plane, 'r');
          assert.equal(sample.source.address, '10.9.0.2');
          assertSameBytes(sample.data, compiled.run(image(seed)).data);
        }
        await plane.close();
        assertBooksBalance(plane.stats());
        assert.equal(plane.stats().routes[0]!.samplesComplete, 20);
      });
    }
  }

  test('carries IPv6 as well', async () => {
    await using plane = await Dataplane.start(planeOn([ringPort()], [route({ pipeline })]));
    await using sender = await toGroup(plane, { to: '[ff3e::8000:1]:5004' });
    await sender.send(image(1));
    using sample = await takeOne(plane, 'r');
    assert.equal(sample.source.address, '2001:db8:9::2');
    assertSameBytes(sample.data, pipeline.run(image(1)).data);
  });

  test('brings samples of which golden vectors of Pillow know the result', async () => {
    const cases = goldenCases<ResizeCase>('resize_pillow.json').filter(
      ({ source, mode, width: w, height: h }) => source === 'noise' && mode === 'RGB' && w * h <= 1280 * 720,
    );
    assert.ok(cases.length >= 10);
    for (const golden of cases.slice(0, 12)) {
      const size = { width: golden.width, height: golden.height, format: 'rgb' } as const;
      const compiled = Pipeline.compile({
        input: { kind: 'image', ...size },
        stages: [{ stage: 'resize', width: golden.outWidth, height: golden.outHeight }],
      });
      await using plane = await Dataplane.start(planeOn([ringPort()], [route({ pipeline: compiled })]));
      // A ring holds so many packets and loses the rest; a pace leaves the worker its time.
      await using sender = await toGroup(plane, { ...size, bitsPerSecond: 2e9 });
      await sender.send(noise(golden.seed, golden.width * golden.height * 3));
      using sample = await takeOne(plane, 'r');
      const { buffer, byteOffset, byteLength } = sample.data;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      const hash = createHash('sha256').update(bytes).digest('hex');
      assert.equal(hash.slice(0, 32), golden.sha256.bilinear);
    }
  });

  test('and Pillow itself agree', { skip: missing('pillow') }, async () => {
    const [big, side] = [{ width: 320, height: 240, format: 'rgb' } as const, 111];
    const compiled = Pipeline.compile({
      input: { kind: 'image', ...big },
      stages: [{ stage: 'resize', width: side, height: side }],
    });
    await using plane = await Dataplane.start(planeOn([ringPort()], [route({ pipeline: compiled })]));
    await using sender = await toGroup(plane, { ...big, bitsPerSecond: 1e9 });
    const pixels = noiseImage(320, 240, 'rgb', 3);
    await sender.send(pixels);
    using sample = await takeOne(plane, 'r');
    const [pillow] = resizeWithPillow([
      { width: 320, height: 240, mode: 'RGB', toWidth: side, toHeight: side, pixels },
    ]);
    assertSameBytes(sample.data, pillow!);
  });

  test('a route forwards by the port its samples came in by, and another takes the results', async () => {
    const chain: RouteSpec[] = [
      route({
        name: 'first',
        pipeline: Pipeline.compile(swap),
        sink: { forward: { port: 'ring', to: `${OTHER_GROUP}:5005`, payloadType: 97 } },
      }),
      route({ name: 'second', udpPort: 5005, pipeline: Pipeline.compile({ input: swapped }) }),
    ];
    await using plane = await Dataplane.start(planeOn([ringPort()], chain));
    await using sender = await toGroup(plane);
    for (let seed = 0; seed < 20; seed++) {
      await sender.send(image(seed));
      using sample = await takeOne(plane, 'second');
      assertSameBytes(sample.data, Pipeline.compile(swap).run(image(seed)).data);
    }
    const { routes } = plane.stats();
    assert.equal(routes[0]!.packetsForwarded, routes[1]!.packetsUsed);
    assert.equal(routes[0]!.packetsUsed, routes[0]!.packetsForwarded, 'a packet in, the same packet out');
    await plane.close();
    assertBooksBalance(plane.stats());
  });

  test('carries jumbo frames', async () => {
    await using plane = await Dataplane.start(planeOn([ringPort({ mtu: 9000 })], [route({ pipeline })]));
    await using sender = await toGroup(plane, { maxPayloadBytes: 8972 });
    assert.equal((await sender.send(image(1))).packets, 1);
    using sample = await takeOne(plane, 'r');
    assertSameBytes(sample.data, pipeline.run(image(1)).data);
    await assertRejects(
      (async () => {
        await sender.close();
        return toGroup(plane, { maxPayloadBytes: 8973 });
      })(),
      'INVALID_ARGUMENT',
      /8973/,
    );
  });

  test('serves several workers and senders at once', async () => {
    const port = ringPort({ senders: 3 });
    await using plane = await Dataplane.start({ ...planeOn([port], [route({ pipeline })]), workers: 2 });
    const senders = await Promise.all([1, 2, 3].map((ssrc) => toGroup(plane, { ssrc })));
    await assertRejects(toGroup(plane), 'BUSY', /"ring" keeps 3/, /senders/);
    const rounds = 30;
    const receiving = take(plane, 'r', rounds * senders.length);
    for (let i = 0; i < rounds; i++) {
      await Promise.all(
        senders.map((sender, s) => sender.send(image(s * 100 + i), { requestId: s * 100 + i })),
      );
    }
    for (const sample of await receiving) {
      assertSameBytes(sample.data, pipeline.run(image(Number(sample.requestId))).data);
      sample.release();
    }
    await Promise.all(senders.map((sender) => sender.close()));
    await using again = await toGroup(plane);
    assert.ok((await again.send(image(0))).packets > 0);
  });

  test('a consumer that keeps its samples costs its own route only', async () => {
    const ports = [ringPort(), ringPort({ name: 'other' })];
    const routes = [
      route({ name: 'kept', pipeline, slots: 3, openSamples: 1 }),
      route({ name: 'flowing', port: 'other', pipeline }),
    ];
    await using plane = await Dataplane.start(planeOn(ports, routes));
    await using toKept = await toGroup(plane);
    await using toFlowing = await toGroup(plane, { via: { plane, port: 'other' } });
    for (let seed = 0; seed < 10; seed++) await toKept.send(image(seed));
    const dropped = () => plane.stats().routes[0]!.drops.slow_consumer;
    const kept = await take(plane, 'kept', 2);
    await eventually('the route has no buffer left', () => dropped() > 0);
    for (let seed = 0; seed < 10; seed++) {
      await toFlowing.send(image(seed));
      using sample = await takeOne(plane, 'flowing');
      assertSameBytes(sample.data, pipeline.run(image(seed)).data);
    }
    kept.forEach((sample, i) => {
      assertSameBytes(sample.data, pipeline.run(image(i)).data);
      sample.release();
    });
    await plane.close();
    assertBooksBalance(plane.stats());
  });
});

describe('files', { skip: dpdkMissing() ?? false }, () => {
  const host = {
    addresses: ['10.9.0.2/24'],
    neighbours: { '10.9.0.9': '02:00:00:00:00:09' },
  };
  const framesOf = (seed: number, bytesPerPacket: number) =>
    chunkPackets(
      image(seed),
      { ssrc: 5, timestamp: seed },
      { digest: digestOf('rgb'), requestId: BigInt(seed) },
      bytesPerPacket,
    ).map((packet) =>
      udpFrame({ source: '10.9.0.7', destination: '10.9.0.2', destinationPort: 5004 }, packet),
    );

  for (const [name, spec, inPlace] of [
    ['of a resize', resize, false],
    ['of a table, in place', swap, true],
  ] as const) {
    test(`in and out: the results ${name} leave as frames that any reader takes`, async () => {
      using folder = temporaryFolder();
      const [from, to] = [join(folder.path, 'in.pcap'), join(folder.path, 'out.pcap')];
      const seeds = [1, 2, 3, 4];
      const frames = seeds.flatMap((seed) => framesOf(seed, 240));
      writePcap(from, frames);
      const device = `${freshDevice('net_pcap')},rx_pcap=${from},tx_pcap=${to}`;
      const compiled = Pipeline.compile(spec);
      const sink = { forward: { port: 'files', to: '10.9.0.9:5005', maxPayloadBytes: 1000 } };
      const plane = await Dataplane.start(
        planeOn(
          [{ type: 'dpdk', name: 'files', device, ...host }],
          [route({ port: 'files', pipeline: compiled, sink })],
        ),
      );
      try {
        await eventually(
          'all samples left',
          () => plane.stats().routes[0]!.samplesDelivered === seeds.length,
        );
      } finally {
        await plane.close();
      }
      assertBooksBalance(plane.stats());
      const [port] = plane.ports();
      const written = readPcap(to).filter((frame) => frame.readUInt16BE(12) === 0x0800 && frame[23] === 17);
      if (inPlace) assert.equal(written.length, frames.length);
      const samples = new Map<number, Buffer>();
      for (const frame of written) {
        assert.equal(frame.subarray(0, 6).toString('hex'), '020000000009');
        assert.equal(frame.subarray(6, 12).toString('hex'), port!.mac!.replaceAll(':', ''));
        assertChecksums(frame);
        assert.deepEqual([...frame.subarray(26, 34)], [10, 9, 0, 2, 10, 9, 0, 9]);
        const rtp = readRtp(udpPayload(frame));
        const chunk = readChunk(rtp.payload);
        const sample = samples.get(rtp.timestamp) ?? Buffer.alloc(Number(chunk.length));
        samples.set(rtp.timestamp, sample);
        sample.set(chunk.bytes, Number(chunk.offset));
      }
      assert.deepEqual([...samples.keys()], seeds);
      for (const [seed, bytes] of samples) assertSameBytes(bytes, compiled.run(image(seed)).data);
    });
  }

  test('of jumbo frames, longer than a buffer, arrive whole', async () => {
    using folder = temporaryFolder();
    const from = join(folder.path, 'in.pcap');
    const big = { kind: 'image', width: 200, height: 100, format: 'rgb' } as const;
    const pixels = noiseImage(200, 100, 'rgb', 1);
    const packets = chunkPackets(pixels, { ssrc: 5, timestamp: 1 }, { digest: digestOf('rgb') }, 8700);
    writePcap(
      from,
      packets.map((packet) =>
        udpFrame({ source: '10.9.0.7', destination: '10.9.0.2', destinationPort: 5004 }, packet),
      ),
    );
    const compiled = Pipeline.compile({ input: big, stages: [{ stage: 'resize', width: 50, height: 60 }] });
    const device = `${freshDevice('net_pcap')},rx_pcap=${from},tx_pcap=${join(folder.path, 'out.pcap')}`;
    await using plane = await Dataplane.start(
      planeOn(
        [{ type: 'dpdk', name: 'files', device, mtu: 9000, bufferBytes: 2048, ...host }],
        [route({ port: 'files', pipeline: compiled })],
      ),
    );
    using sample = await takeOne(plane, 'r');
    assertSameBytes(sample.data, compiled.run(pixels).data);
    assert.deepEqual(dropsOf(plane.stats()), {});
    const [port] = plane.ports();
    assert.deepEqual([port!.mtu, port!.buffers?.bytes], [9000, 2048]);
  });
});

describe('shared memory', { skip: dpdkMissing() ?? false }, () => {
  /** Two planes joined by a memif, each a host of its own. */
  async function pair(socket: string, more: object = {}, route_: Partial<RouteSpec> = {}) {
    const routed = (port: string) => [route({ port, pipeline, ...route_ })];
    const server = await Dataplane.start(planeOn([memifPort('server', socket, more)], routed('server')));
    const client = await Dataplane.start(planeOn([memifPort('client', socket, more)], routed('client')));
    const up = (plane: Dataplane) => plane.ports()[0]!.link?.up;
    await eventually('both ends are up', () => up(server) && up(client));
    return { server, client };
  }

  for (const [version, to] of [
    [4, '10.9.1.1:5004'],
    [6, '[2001:db8:1::1]:5004'],
  ] as const) {
    test(`two hosts find each other over IPv${version}`, async () => {
      using folder = temporaryFolder();
      const { server, client } = await pair(join(folder.path, 'memif.sock'));
      await using _ = server;
      await using plane = client;
      await using sender = await Sender.open({ to, via: { plane, port: 'client' }, width, height, format });
      for (let seed = 0; seed < 20; seed++) {
        await sender.send(image(seed));
        using sample = await takeOne(server, 'r');
        assertSameBytes(sample.data, pipeline.run(image(seed)).data);
      }
      // The server was asked for its MAC address, the client was told.
      for (const each of [server, client]) {
        await each.close();
        assert.ok(each.stats().ports[0]!.controlPackets > 0);
        assertBooksBalance(each.stats());
        assert.equal(dropsOf(each.stats()).no_neighbour, undefined);
      }
    });
  }

  test('frames longer than a buffer are put together', async () => {
    using folder = temporaryFolder();
    const { server, client } = await pair(join(folder.path, 'memif.sock'), { bufferBytes: 512 });
    await using _ = server;
    await using plane = client;
    const via = { plane, port: 'client' };
    await using sender = await Sender.open({ to: '10.9.1.1:5004', via, width, height, format });
    for (let seed = 0; seed < 20; seed++) {
      await sender.send(image(seed));
      using sample = await takeOne(server, 'r');
      assertSameBytes(sample.data, pipeline.run(image(seed)).data);
    }
  });

  test('a plane without routes sends; to a host that does not answer, UNREACHABLE', async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, 'memif.sock');
    await using server = await Dataplane.start(
      planeOn([memifPort('server', socket)], [route({ port: 'server', pipeline })]),
    );
    await using plane = await Dataplane.start(planeOn([memifPort('client', socket)], []));
    await eventually('up', () => plane.ports()[0]!.link?.up && server.ports()[0]!.link?.up);
    const via = { plane, port: 'client' };
    await using sender = await Sender.open({ to: '10.9.1.1:5004', via, width, height, format });
    await sender.send(image(1));
    (await takeOne(server, 'r')).release();
    await sender.close();
    await using lost = await Sender.open({ to: '10.9.1.77:5004', via, width, height, format });
    await assertRejects(lost.send(image(1)), 'UNREACHABLE', /10\.9\.1\.77/);
    await lost.close();
    await assertRejects(
      Sender.open({ to: '192.0.2.1:5004', via, width, height, format }),
      'INVALID_SPEC',
      /192\.0\.2\.1/,
      /gateway/,
    );
  });
});

/** IPv4 header and UDP, both as RFC 1071 has them. */
function assertChecksums(frame: Buffer): void {
  const sum = (bytes: Uint8Array, from = 0) => {
    let total = from;
    for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
    return total;
  };
  assert.equal(sum(frame.subarray(14, 34)), 0xffff, 'IPv4 header checksum');
  const udp = frame.subarray(34, 34 + frame.readUInt16BE(38));
  assert.equal(sum(udp, sum(frame.subarray(26, 34)) + 17 + udp.length), 0xffff, 'UDP checksum');
}
