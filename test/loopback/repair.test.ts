// Loss repair as users see it: images and texts over lossy links complete and exact, senders and planes say what they did.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dataplane, Pipeline, Sender } from '../../lib/index.js';
import { assertRejects, assertSameBytes } from '../support/assert.js';
import { assertBooksBalance, eventually, linkName, PlainSocket, startPlane } from '../support/plane.js';
import { chunkPackets, digestOf } from '../support/rtp.js';
import { format, height, image, resize, width } from '../support/small.js';

const lossy = { loss: 0.05, duplicate: 0.02, reorderSpan: 8 } as const;
const sources = [{ prefix: '192.0.2.0/24', feedback: true }];
const repair = { maxRetries: 100, windowPackets: 32768, reportMs: 50 };
const resend = { packets: 32768 };

describe('loss repair', () => {
  test('images over a link that loses 5 % all arrive, exact; both ends say what they did', async () => {
    const link = linkName();
    const pipeline = Pipeline.compile(resize);
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link, impair: { seed: 3, ...lossy } }],
      routes: [{ name: 'r', port: 'in', pipeline, openSamples: 64, slots: 512, sources, repair }],
    });
    await using sender = await Sender.open({
      to: '192.0.2.9:5004',
      via: { link },
      width,
      height,
      format,
      maxPayloadBytes: 300,
      bitsPerSecond: 20e6,
      resend,
    });
    const count = 200;
    const waiting = new Set(Array.from({ length: count }, (_, i) => i));
    const received = (async () => {
      for await (using sample of plane.samples('r')) {
        const seed = Number(sample.requestId);
        assertSameBytes(sample.data, pipeline.run(image(seed)).data, `image ${seed}`);
        assert.ok(waiting.delete(seed), 'each comes once');
        if (waiting.size === 0) return;
      }
    })();
    for (let seed = 0; seed < count; seed++) await sender.send(image(seed), { requestId: seed });
    await received;
    const { reports, ...sent } = await eventually('a report with a round trip', () => {
      const stats = sender.stats();
      return stats.reports[0]?.roundTripMs !== undefined && stats;
    });
    assert.equal(sent.nacksReceived, sent.resent + sent.refused);
    assert.ok(sent.resent > 0);
    assert.equal(reports.length, 1);
    assert.ok(reports[0]!.fractionLost < 1 && reports[0]!.highestSequence > 0);
    await sender.close();
    await plane.close();
    const stats = plane.stats();
    assertBooksBalance(stats);
    const [route] = stats.routes;
    assert.ok(route!.packetsRepaired > 0 && route!.nacksSent >= route!.packetsRepaired);
    assert.ok(route!.reportsSent > 0);
  });

  test('a source that is not marked for feedback receives none, and loses what is lost', async () => {
    await using unlisted = await PlainSocket.open('127.0.0.1');
    await using plane = await Dataplane.start({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [
        {
          name: 'r',
          port: 'in',
          pipeline: Pipeline.compile(resize),
          deadlineMs: 300,
          sources: ['127.0.0.1', { prefix: '127.0.0.2', feedback: true }],
          repair: { reportMs: 20 },
        },
      ],
    });
    const packets = chunkPackets(image(1), { timestamp: 1, ssrc: 3 }, { digest: digestOf('rgb') }, 300);
    await unlisted.send(plane.address('in'), [packets[0]!, packets[3]!]);
    await eventually('it is given up', () => plane.stats().routes[0]!.drops.incomplete === 1);
    assert.equal(unlisted.received.length, 0);
    assert.equal(plane.stats().routes[0]!.nacksSent, 0);
  });

  test('what contradicts itself is refused by name', async () => {
    const spec = (route: object) => ({
      ports: [{ type: 'udp' as const, name: 'in' }],
      routes: [{ name: 'r', port: 'in', pipeline: Pipeline.compile(resize), ...route }],
    });
    await assertRejects(() => Dataplane.start(spec({ repair: {} })), 'INVALID_SPEC', /feedback: true/);
    await assertRejects(
      () => Dataplane.start(spec({ sources: [{ prefix: '127.0.0.1', feedback: true }] })),
      'INVALID_SPEC',
      /no `repair`/,
    );
    await assertRejects(
      () => Dataplane.start(spec({ sources: ['127.0.0.1'], repair: { maxRetries: 0 } })),
      'INVALID_SPEC',
      /maxRetries/,
    );
  });
});
