// Results that leave the plane again, as onpath chunks: to an ordinary socket, to another plane, to nobody.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Pipeline, type PipelineSpec, Sender } from '../../lib/index.js';
import { assertSameBytes, assertThrows } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import {
  assertBooksBalance,
  dropsOf,
  eventually,
  freePort,
  linkName,
  PlainSocket,
  settled,
  startPlane,
  takeOne,
} from '../support/plane.js';
import { chunkPackets, digestOf, readChunk, readRtp, rtpPacket } from '../support/rtp.js';
import { format, height, image, input, resize, tensor, to, width } from '../support/small.js';

describe('a forward sink', () => {
  const pipelines = {
    'uint8 pixels': Pipeline.compile(resize),
    'a float16 tensor': Pipeline.compile(tensor),
  };

  for (const [what, pipeline] of Object.entries(pipelines)) {
    test(`sends ${what} as onpath chunks to an ordinary socket, exact`, async () => {
      await using socket = await PlainSocket.open();
      await using plane = await startPlane({
        ports: [
          { type: 'udp', name: 'in' },
          { type: 'udp', name: 'out' },
        ],
        routes: [
          {
            name: 'r',
            port: 'in',
            pipeline,
            sink: {
              forward: {
                port: 'out',
                to: `127.0.0.1:${socket.port}`,
                payloadType: 111,
                ssrc: 77,
                maxPayloadBytes: 500,
              },
            },
          },
        ],
      });
      await using source = await PlainSocket.open();
      const sent: Buffer[] = [];
      for (const timestamp of [500, 501, 502]) {
        sent.push(
          ...chunkPackets(
            image(timestamp),
            { timestamp, ssrc: 3 },
            { digest: digestOf('rgb'), requestId: BigInt(timestamp) },
            300,
          ),
        );
      }
      await source.send(plane.address('in'), sent);
      const bytes = pipeline.outputs[0]!.bytes;
      const received = () =>
        socket.received.map((packet) => ({
          rtp: readRtp(packet),
          chunk: readChunk(readRtp(packet).payload),
        }));
      const whole = () => received().reduce((sum, { chunk }) => sum + chunk.bytes.length, 0) >= 3 * bytes;
      await eventually('all bytes came', whole);

      const packets = received();
      const sequences = packets.map(({ rtp, chunk }) => chunk.sequenceHigh * 65536 + rtp.sequence);
      assert.deepEqual(
        sequences,
        sequences.map((_, i) => (sequences[0]! + i) % 2 ** 32),
        'one sequence space',
      );
      for (const timestamp of [500, 501, 502]) {
        const own = packets.filter(({ rtp }) => rtp.timestamp === timestamp);
        const result = new Uint8Array(bytes);
        let total = 0;
        for (const { rtp, chunk } of own) {
          assert.deepEqual([rtp.payloadType, rtp.ssrc, chunk.version, chunk.output], [111, 77, 1, 0]);
          assert.equal(chunk.requestId, BigInt(timestamp));
          assert.equal(chunk.length, BigInt(bytes));
          assert.ok(rtp.payload.length + 12 <= 500);
          result.set(chunk.bytes, Number(chunk.offset));
          total += chunk.bytes.length;
        }
        assert.equal(total, bytes, 'every byte once');
        assert.deepEqual(
          own.map(({ rtp }) => rtp.marker),
          own.map((_, i) => i === own.length - 1),
        );
        assertSameBytes(result, pipeline.run(image(timestamp)).data);
      }
      // Packets are counted after they have left.
      await eventually('the last is counted', () => plane.stats().routes[0]!.samplesDelivered === 3);
      const stats = plane.stats();
      assert.equal(stats.routes[0]!.packetsForwarded, packets.length);
      assert.equal(stats.ports[1]!.txPackets, packets.length);
      assertThrows(() => plane.samples('r'), 'INVALID_ARGUMENT', /forwards/);
    });
  }

  for (const kind of ['udp', 'memory'] as const) {
    test(`feeds the next plane over ${kind}: two planes in one process, the second sees the first's results`, async () => {
      const link = linkName();
      const second: PipelineSpec = {
        input: { kind: 'image', width: 20, height: 18, format: 'rgb' },
        stages: [{ stage: 'normalize', mean: 0.5, std: 0.5 }],
      };
      const [first, last] = [Pipeline.compile(resize), Pipeline.compile(second)];
      await using receiver = await startPlane({
        ports: [kind === 'udp' ? { type: 'udp', name: 'in' } : { type: 'memory', name: 'in', link, side: 0 }],
        routes: [{ name: 'end', port: 'in', payloadType: 97, pipeline: last }],
      });
      await using plane = await startPlane({
        ports: [
          { type: 'udp', name: 'in' },
          kind === 'udp' ? { type: 'udp', name: 'out' } : { type: 'memory', name: 'out', link, side: 1 },
        ],
        routes: [
          {
            name: 'r',
            port: 'in',
            pipeline: first,
            sink: {
              forward:
                kind === 'udp'
                  ? { port: 'out', to: to(receiver) }
                  : { port: 'out', to: '192.0.2.2:5004', from: '192.0.2.1:5004' },
            },
          },
        ],
      });
      await using sender = await Sender.open({ to: to(plane), width, height, format });
      for (let i = 0; i < 20; i++) {
        await sender.send(image(i), { requestId: 900 + i });
        using sample = await takeOne(receiver, 'end');
        assert.equal(sample.requestId, BigInt(900 + i));
        assertSameBytes(sample.data, last.run(first.run(image(i)).data).data);
      }
      const stats = await settled(plane, 20);
      assertBooksBalance(stats);
      assert.deepEqual(dropsOf(stats), {});
    });
  }

  test('to nobody loses nothing but its packets: they are counted, and the plane goes on', async () => {
    const port = await freePort();
    const pipeline = Pipeline.compile(resize);
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [
        {
          name: 'gone',
          port: 'in',
          payloadType: 96,
          pipeline,
          sink: { forward: { port: 'in', to: `127.0.0.1:${port}` } },
        },
        { name: 'here', port: 'in', payloadType: 98, pipeline },
      ],
    });
    await using gone = await Sender.open({ to: to(plane), width, height, format });
    await using here = await Sender.open({ to: to(plane), width, height, format, payloadType: 98 });
    for (let i = 0; i < 20; i++) {
      await gone.send(image(i));
      await here.send(image(i));
      using sample = await takeOne(plane, 'here');
      assertSameBytes(sample.data, pipeline.run(image(i)).data);
    }
    assert.equal(plane.stats().routes[0]!.samplesComplete, 20);
    // A sample is complete before its result has left. Closing lets what is on its way leave.
    await plane.close();
    const stats = plane.stats();
    assert.equal(stats.routes[0]!.packetsForwarded + (dropsOf(stats).transmit_failed ?? 0), 20);
  });

  test('to where the system lets no packet go is `transmit_failed`; other routes by the same port go on', async () => {
    await using socket = await PlainSocket.open();
    const pipeline = Pipeline.compile(resize);
    const by = (target: string) => ({ forward: { port: 'out', to: target } });
    await using plane = await startPlane({
      ports: [
        { type: 'udp', name: 'in' },
        { type: 'udp', name: 'out' },
      ],
      routes: [
        // Broadcasting needs a socket option that nobody asked for.
        { name: 'bad', port: 'in', payloadType: 96, pipeline, sink: by('255.255.255.255:9') },
        { name: 'good', port: 'in', payloadType: 98, pipeline, sink: by(`127.0.0.1:${socket.port}`) },
      ],
    });
    await using bad = await Sender.open({ to: to(plane), width, height, format });
    await using good = await Sender.open({ to: to(plane), width, height, format, payloadType: 98 });
    for (let i = 0; i < 20; i++) {
      await bad.send(image(i));
      await good.send(image(i));
    }
    await eventually('the good ones came', () => socket.received.length === 20);
    await eventually('the bad ones are counted', () => dropsOf(plane.stats()).transmit_failed === 20);
    // Packets are counted after they have left.
    await plane.close();
    assert.deepEqual(
      plane.stats().routes.map(({ packetsForwarded }) => packetsForwarded),
      [0, 20],
    );
    assert.deepEqual(dropsOf(plane.stats()), { transmit_failed: 20 });
  });

  test('ignores datagrams that are not for it: nothing is forwarded for noise', async () => {
    await using socket = await PlainSocket.open();
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [
        {
          name: 'r',
          port: 'in',
          pipeline: Pipeline.compile(resize),
          sink: { forward: { port: 'in', to: `127.0.0.1:${socket.port}` } },
        },
      ],
    });
    const noise = Array.from({ length: 50 }, (_, i) =>
      rtpPacket({ timestamp: i }, noiseImage(10, 10, 'gray', i)),
    );
    await socket.send(plane.address('in'), noise);
    await settled(plane, noise.length);
    await plane.close();
    assert.equal(plane.stats().ports[0]!.txPackets, 0);
    assert.equal(socket.received.length, 0);
  });

  test('keeps padding back until the sample is complete, then sends whole pixels that another plane completes', async () => {
    const padded: PipelineSpec = {
      input,
      stages: [
        { stage: 'centerCrop', width: 200, height: 200 },
        { stage: 'channels', to: 'bgr' },
      ],
    };
    const pipeline = Pipeline.compile(padded);
    const next = { kind: 'image', width: 200, height: 200, format: 'bgr' } as const;
    await using second = await startPlane({
      ports: [{ type: 'udp', name: 'in', receiveBufferBytes: 4 * 1024 * 1024 }],
      routes: [{ name: 'r', port: 'in', pipeline: Pipeline.compile({ input: next }) }],
    });
    await using first = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline, sink: { forward: { port: 'in', to: to(second) } } }],
    });
    await using source = await PlainSocket.open();
    const packets = chunkPackets(image(5), { timestamp: 9, ssrc: 3 }, { digest: digestOf('rgb') }, 300);
    await source.send(first.address('in'), packets.slice(0, 1));
    await settled(first, 1);
    // Packets are counted after they have left: when a second one has been taken in, what the first caused has.
    await source.send(first.address('in'), packets.slice(0, 1));
    await settled(first, 2);
    const before = first.stats().routes[0]!.packetsForwarded;
    assert.ok(before <= 20, `${before} packets for one: padding was sent before the sample was complete`);
    await source.send(first.address('in'), packets.slice(1));
    const sample = await takeOne(second, 'r');
    assertSameBytes(sample.data, pipeline.run(image(5)).data);
    assert.deepEqual(dropsOf(second.stats()), {});
  });

  test('names the channel order of its results: a plane for the other order counts them as `wrong_format`', async () => {
    const pipeline = Pipeline.compile({ input, stages: [{ stage: 'channels', to: 'bgr' }] });
    await using second = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline: Pipeline.compile({ input }) }],
    });
    await using first = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline, sink: { forward: { port: 'in', to: to(second) } } }],
    });
    await using sender = await Sender.open({ to: to(first), width, height, format });
    await sender.send(image(1));
    await eventually('they came', () => (dropsOf(second.stats()).wrong_format ?? 0) > 0);
    assert.equal(second.stats().routes[0]!.packetsUsed, 0);
  });
});
