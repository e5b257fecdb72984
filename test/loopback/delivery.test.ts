// Samples sent by Sender and received by Dataplane, over every port and both payload formats, equal a whole-sample call.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Dataplane,
  Pipeline,
  type PipelineSpec,
  type PortSpec,
  Sender,
  type SenderSpec,
} from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import {
  assertBooksBalance,
  dropsOf,
  eventually,
  linkName,
  PlainSocket,
  settled,
  startPlane,
  take,
  takeOne,
} from '../support/plane.js';
import { chunkPackets, digestOf, videoPackets } from '../support/rtp.js';
import { missing } from '../support/tools.js';

const SAMPLES = 12;
const input = { kind: 'image', width: 65, height: 40, format: 'rgb' } as const;
const spec: PipelineSpec = {
  input,
  stages: [
    { stage: 'centerCrop', width: 48, height: 40 },
    { stage: 'resize', width: 31, height: 33 },
    { stage: 'normalize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  ],
  output: { layout: 'chw' },
};
const pipeline = Pipeline.compile(spec);
const images = Array.from({ length: SAMPLES }, (_, seed) => noiseImage(65, 40, 'rgb', seed));
const payloads = ['chunk', 'rfc4175'] as const;

interface Wire {
  readonly port: PortSpec;
  /** Sender of the wire, once the plane is up. */
  readonly sender: (plane: Dataplane) => Pick<SenderSpec, 'to' | 'via'>;
}

const wires: Record<string, () => Wire> = {
  'a memory link': () => {
    const link = linkName();
    return {
      port: { type: 'memory', name: 'in', link },
      sender: () => ({ to: '192.0.2.2:5004', via: { link } }),
    };
  },
  'a memory link with IPv6 and jumbo frames': () => {
    const link = linkName();
    return {
      port: { type: 'memory', name: 'in', link, maxBytes: 9018 },
      sender: () => ({ to: '[2001:db8::2]:5004', via: { link, maxBytes: 9018 } }),
    };
  },
  'UDP over 127.0.0.1': () => ({
    port: { type: 'udp', name: 'in' },
    sender: (plane) => ({ to: `127.0.0.1:${plane.address('in').port}` }),
  }),
  'UDP over ::1': () => ({
    port: { type: 'udp', name: 'in', address: '::1' },
    sender: (plane) => ({ to: `[::1]:${plane.address('in').port}` }),
  }),
  'UDP without offloads': () => ({
    port: { type: 'udp', name: 'in', offload: false },
    sender: (plane) => ({ to: `127.0.0.1:${plane.address('in').port}` }),
  }),
};

describe('samples arrive exact', () => {
  for (const [wire, make] of Object.entries(wires)) {
    for (const payload of payloads) {
      const skip = wire === 'UDP over ::1' && missing('ipv6');
      test(`over ${wire} as ${payload}`, { skip }, async () => {
        const { port, sender: target } = make();
        await using plane = await startPlane({
          ports: [port],
          routes: [{ name: 'r', port: 'in', payload, pipeline, slots: 32 }],
        });
        const { width, height, format } = input;
        await using sender = await Sender.open({ ...target(plane), payload, width, height, format });
        const arriving = take(plane, 'r', SAMPLES);
        let packets = 0;
        for (const image of images) {
          const report = await sender.send(image);
          assert.equal(report.refused, 0);
          packets += report.packets;
        }
        for (const [i, sample] of (await arriving).entries()) {
          using _ = sample;
          assertSameBytes(sample.data, pipeline.run(images[i]!).data, `sample ${i}`);
        }
        const stats = await settled(plane, packets);
        assertBooksBalance(stats);
        assert.deepEqual(dropsOf(stats), {});
        assert.equal(stats.routes[0]!.packetsUsed, packets);
        assert.equal(stats.routes[0]!.bytesUsed, SAMPLES * pipeline.input.bytes);
      });
    }
  }

  test('with dimensions in every header, and in the smallest packets', async () => {
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    const { width, height, format } = input;
    const to = `127.0.0.1:${plane.address('in').port}`;
    await using sender = await Sender.open({
      to,
      width,
      height,
      format,
      sendDims: true,
      maxPayloadBytes: 64,
    });
    const { packets } = await sender.send(images[0]!);
    // 12 bytes of RTP, 40 of chunk header, 4 pixels.
    assert.equal(packets, Math.ceil((65 * 40) / 4));
    using sample = await takeOne(plane, 'r');
    assertSameBytes(sample.data, pipeline.run(images[0]!).data);
  });

  test('on several workers, from several streams at a time', async () => {
    const streams = 6;
    await using plane = await startPlane({
      workers: 2,
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline, slots: 64 }],
    });
    const to = `127.0.0.1:${plane.address('in').port}`;
    const { width, height, format } = input;
    const seen = new Set<bigint>();
    const receiving = (async () => {
      for await (using sample of plane.samples('r')) {
        seen.add(sample.requestId);
        const image = images[Number(sample.requestId) % 100]!;
        assertSameBytes(sample.data, pipeline.run(image).data, `request ${sample.requestId}`);
      }
    })();
    await Promise.all(
      Array.from({ length: streams }, async (_, stream) => {
        await using sender = await Sender.open({ to, width, height, format, bitsPerSecond: 1e8 });
        for (const [i, image] of images.entries()) {
          await sender.send(image, { requestId: stream * 100 + i });
          // All streams may come to one worker. What is on its way fits one socket and one worker's slots, however slow it is.
          await eventually('the receiver keeps up', () => seen.size >= streams * (i - 2));
        }
      }),
    );
    await eventually('all samples came', () => seen.size === streams * SAMPLES);
    await plane.close();
    await receiving;
  });
});

describe('a sample knows where it comes from', () => {
  test('request id, stream, address, timestamp, times and plan', async () => {
    const before = Date.now() - 5;
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using socket = await PlainSocket.open();
    const requestId = 0xfedc_ba98_7654_3210n;
    const packets = chunkPackets(
      images[0]!,
      { ssrc: 0xdeadbeef, timestamp: 0xffff_fff0, sequence: 65530 },
      { digest: digestOf('rgb'), requestId },
      900,
    );
    await socket.send(plane.address('in'), packets);
    using sample = await takeOne(plane, 'r');
    assert.equal(sample.requestId, requestId);
    assert.deepEqual(sample.source, { address: '127.0.0.1', port: socket.port, ssrc: 0xdeadbeef });
    assert.equal(sample.timestamp, 0xffff_fff0);
    assert.equal(sample.version, pipeline.hash);
    assert.deepEqual(sample.shape, [3, 33, 31]);
    assert.deepEqual(Object.keys(sample.outputs), ['pixels']);
    assert.ok(sample.firstPacketAt >= before && sample.firstPacketAt <= sample.receivedAt);
    assert.ok(sample.receivedAt <= Date.now() + 5);
    assertSameBytes(sample.data, pipeline.run(images[0]!).data);
  });

  test('IPv6 sources are written as such, RFC 4175 has request id 0', {
    skip: missing('ipv6'),
  }, async () => {
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in', address: '::1' }],
      routes: [{ name: 'r', port: 'in', payload: 'rfc4175', pipeline }],
    });
    assert.equal(plane.address('in').address, '::1');
    await using socket = await PlainSocket.open('::1');
    await socket.send(plane.address('in'), videoPackets(images[0]!, 65 * 3, { ssrc: 7, timestamp: 9 }));
    using sample = await takeOne(plane, 'r');
    assert.deepEqual(sample.source, { address: '::1', port: socket.port, ssrc: 7 });
    assert.equal(sample.requestId, 0n);
    assertSameBytes(sample.data, pipeline.run(images[0]!).data);
  });

  test('request ids count from 1 unless given, up to 2^64 - 1', async () => {
    const link = linkName();
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    const { width, height, format } = input;
    await using sender = await Sender.open({
      to: '192.0.2.2:5004',
      from: '192.0.2.9:7777',
      via: { link },
      width,
      height,
      format,
      ssrc: 42,
    });
    assert.equal(sender.ssrc, 42);
    for (const requestId of [undefined, undefined, 2n ** 64n - 1n, 0, Number.MAX_SAFE_INTEGER]) {
      await sender.send(images[0]!, requestId === undefined ? {} : { requestId });
    }
    const samples = await take(plane, 'r', 5);
    assert.deepEqual(
      samples.map((sample) => sample.requestId),
      [1n, 2n, 2n ** 64n - 1n, 0n, BigInt(Number.MAX_SAFE_INTEGER)],
    );
    assert.deepEqual(samples[0]!.source, { address: '192.0.2.9', port: 7777, ssrc: 42 });
    assert.equal(new Set(samples.map((sample) => sample.timestamp)).size, 5);
    for (const sample of samples) sample.release();
  });
});

describe('what is on the wire', () => {
  test('any order, any cut in whole pixels, overlaps and repetitions make one exact sample', async () => {
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using socket = await PlainSocket.open();
    const cut = (bytes: number, timestamp: number) =>
      chunkPackets(images[1]!, { timestamp }, { digest: digestOf('rgb'), requestId: 5n }, bytes);
    const mixed = [...cut(999, 1).reverse(), ...cut(1200, 1)];
    // The last new bytes come with the middle one of these; what follows is late.
    await socket.send(plane.address('in'), mixed);
    using sample = await takeOne(plane, 'r');
    assertSameBytes(sample.data, pipeline.run(images[1]!).data);
    const stats = await settled(plane, mixed.length);
    assert.deepEqual(dropsOf(stats), { late: cut(1200, 1).length });
  });

  test('the first bytes of a place count; how much was repeated is counted', async () => {
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using socket = await PlainSocket.open();
    const chunk = { digest: digestOf('rgb'), requestId: 5n };
    const good = chunkPackets(images[1]!, { timestamp: 1 }, chunk, 600);
    const other = chunkPackets(images[2]!, { timestamp: 1 }, chunk, 900);
    await socket.send(plane.address('in'), [good[0]!, good[2]!, other[0]!, other[0]!, ...good.slice(1)]);
    using sample = await takeOne(plane, 'r');
    const mixed = Buffer.concat([
      images[1]!.subarray(0, 600),
      images[2]!.subarray(600, 900),
      images[1]!.subarray(900),
    ]);
    assertSameBytes(sample.data, pipeline.run(mixed).data);
    const stats = await settled(plane, good.length + 3);
    assert.deepEqual(dropsOf(stats), { duplicate: 2 });
    assert.equal(stats.routes[0]!.overlapBytes, 600 + 300);
  });

  test('a length that is not known yet is fixed by the packet with the marker', async () => {
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using socket = await PlainSocket.open();
    const packets = chunkPackets(images[3]!, { timestamp: 1 }, { digest: digestOf('rgb'), length: 0n }, 600);
    await socket.send(plane.address('in'), packets);
    using sample = await takeOne(plane, 'r');
    assertSameBytes(sample.data, pipeline.run(images[3]!).data);
  });

  test('CSRCs, header extensions and padding are passed over', async () => {
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using socket = await PlainSocket.open();
    const dressed = { timestamp: 1, csrcs: [1, 2, 3], extension: [4, 5], padding: 9 };
    await socket.send(
      plane.address('in'),
      chunkPackets(images[4]!, dressed, { digest: digestOf('rgb'), dims: [40, 65] }, 600),
    );
    using sample = await takeOne(plane, 'r');
    assertSameBytes(sample.data, pipeline.run(images[4]!).data);
  });
});
