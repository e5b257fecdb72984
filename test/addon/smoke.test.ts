// The addon end to end, without the layer above it: one sample from a sender through a plane.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { native } from '../../lib/native.js';
import { expected, HEIGHT, image, Pair, program, WIDTH } from './fixture.js';

describe('a sample through the addon', () => {
  for (const over of ['a memory link', 'udp']) {
    test(`arrives exact over ${over}, with what is known of it`, async () => {
      const pair = await Pair.open(over);
      try {
        const before = Date.now();
        const report = await pair.sender.send(image(), 2n ** 64n - 1n);
        const delivery = await pair.take();
        assert.deepEqual(new Uint8Array(delivery.outputs[0]!), expected(pair.program, image()));
        assert.equal(delivery.samples.length, 1);
        const sample = delivery.samples[0]!;
        assert.equal(sample.requestId, 2n ** 64n - 1n);
        assert.equal(sample.ssrc, pair.sender.ssrc);
        assert.equal(sample.timestamp, report.timestamp);
        assert.equal(sample.sourceAddress, over === 'udp' ? '127.0.0.1' : '192.0.2.1');
        assert.ok(sample.sourcePort > 0);
        assert.ok(sample.firstPacketAt >= before - 1 && sample.firstPacketAt <= sample.lastPacketAt);
        assert.ok(sample.lastPacketAt <= Date.now() + 1);
        pair.sink.release(delivery.buffer);
        const stats = pair.plane.stats();
        assert.equal(stats.ports[0]!.rxPackets, report.packets);
        assert.equal(stats.routes[0]!.packetsUsed, report.packets);
        assert.equal(stats.routes[0]!.samplesDelivered, 1);
        assert.ok(stats.memoryBytes > 0);
        assert.ok(Object.values(stats.routes[0]!.drops).every((count) => count === 0));
        assert.ok('slow_consumer' in stats.routes[0]!.drops);
      } finally {
        await pair.close();
      }
    });
  }

  test('a plan goes through bytes, kernels by name give the same bits', () => {
    const first = program();
    for (const kernels of native().availableKernels()) {
      const again = native().planFromBytes(first.planBytes(), kernels);
      assert.equal(again.info.hash, first.info.hash);
      assert.equal(again.info.kernels, kernels);
      assert.deepEqual(expected(again, image()), expected(first, image()));
    }
    const { digest, bytes } = first.info.input;
    const format = native().sampleFormat(WIDTH, HEIGHT, 'rgb');
    assert.deepEqual({ digest: format.digest, bytes: format.bytes }, { digest, bytes });
  });
});
