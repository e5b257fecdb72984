// What a scrape tells of a real plane: the same numbers as the plane itself, in a text that a strict reader takes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { DROP_REASONS, LookupTable, Pipeline, Sender } from '../../lib/index.js';
import { LATENCY_BOUNDS } from '../../lib/metrics/latency.js';
import { families, metricsText } from '../../lib/metrics/registry.js';
import { eventually, linkName, PlainSocket } from '../support/plane.js';
import { format, height, image, input, to, width } from '../support/small.js';
import { growing, readExposition, seriesValue } from './exposition.js';
import { images, startService, tables, texts } from './service.js';

const promtool = spawnSync('promtool', ['--version']).status === 0 ? false : 'promtool is not there';

/** A host route, a route for texts and one that forwards; names that need escaping. */
const odd = 'a "b" \\ c\nd';
const config = (link: string) => ({
  tables,
  pipelines: { images, texts },
  ports: [
    { type: 'udp', name: 'in', port: 0 },
    { type: 'memory', name: odd, link },
    { type: 'udp', name: 'out', port: 0 },
  ],
  routes: [
    { name: 'photos', port: 'in', payloadType: 96, pipeline: 'images', slots: 32, openSamples: 8 },
    { name: odd, port: 'in', payloadType: 97, pipeline: 'texts' },
    {
      name: 'through',
      port: 'in',
      payloadType: 98,
      pipeline: 'images',
      sink: { forward: { port: 'out', to: '127.0.0.1:9' } },
    },
  ],
  workers: 2,
  limits: { memoryBytes: 1 << 30 },
});

describe('metrics', () => {
  test('are what the plane counts, number for number', async () => {
    await using service = await startService(config(linkName()));
    const { plane } = service;
    await using socket = await PlainSocket.open();
    await socket.send(plane.address('in'), [Buffer.from('no RTP')]);
    for (const payloadType of [96, 98]) {
      await using sender = await Sender.open({ to: to(plane), width, height, format, payloadType });
      for (let i = 0; i < 3; i++) await sender.send(image(i));
    }
    await eventually('all arrived', () => {
      const { ports, routes } = plane.stats();
      return (
        routes[0]!.samplesDelivered === 3 &&
        routes[2]!.samplesDelivered === 3 &&
        ports[0]!.drops.bad_rtp_header === 1
      );
    });
    const found = readExposition(await metricsText(service));
    const stats = plane.stats();
    for (const { name, ...port } of stats.ports) {
      assert.equal(seriesValue(found, 'onpath_port_receive_packets_total', { port: name }), port.rxPackets);
      assert.equal(seriesValue(found, 'onpath_port_receive_bytes_total', { port: name }), port.rxBytes);
      assert.equal(
        seriesValue(found, 'onpath_port_receive_missed_packets_total', { port: name }),
        port.rxMissed,
      );
      assert.equal(seriesValue(found, 'onpath_port_transmit_packets_total', { port: name }), port.txPackets);
      assert.equal(seriesValue(found, 'onpath_port_up', { port: name }), 1);
    }
    for (const { name, ...route } of stats.routes) {
      assert.equal(seriesValue(found, 'onpath_route_packets_total', { route: name }), route.packetsUsed);
      assert.equal(
        seriesValue(found, 'onpath_route_samples_completed_total', { route: name }),
        route.samplesComplete,
      );
      assert.equal(
        seriesValue(found, 'onpath_route_samples_delivered_total', { route: name }),
        route.samplesDelivered,
      );
      assert.equal(
        seriesValue(found, 'onpath_route_forwarded_packets_total', { route: name }),
        route.packetsForwarded,
      );
      assert.equal(seriesValue(found, 'onpath_route_version', { route: name }), 1);
    }
    assert.ok(stats.routes[2]!.packetsForwarded > 0);
    assert.equal(
      seriesValue(found, 'onpath_port_dropped_packets_total', { port: 'in', reason: 'bad_rtp_header' }),
      1,
    );
    assert.equal(seriesValue(found, 'onpath_route_slots', { route: 'photos' }), 64);
    assert.equal(seriesValue(found, 'onpath_route_open_samples_limit', { route: 'photos' }), 16);
    assert.equal(seriesValue(found, 'onpath_memory_limit_bytes'), 1 << 30);
    const rooms = found.get('onpath_memory_bytes')!.samples;
    assert.equal(
      rooms.reduce((all, { value }) => all + value, 0),
      stats.memoryBytes,
    );
    assert.deepEqual(
      found.get('onpath_worker_fenced')!.samples.map(({ labels, value }) => [labels['worker'], value]),
      [
        ['0', 0],
        ['1', 0],
      ],
    );
  });

  test('have every drop reason, and none that the plane does not count', async () => {
    await using service = await startService(config(linkName()));
    const found = readExposition(await metricsText(service));
    const told = [
      'onpath_port_dropped_packets_total',
      'onpath_route_dropped_packets_total',
      'onpath_route_dropped_samples_total',
    ]
      .flatMap((name) => found.get(name)!.samples)
      .map(({ labels }) => labels['reason']!);
    assert.deepEqual([...new Set(told)].sort(), DROP_REASONS.map(({ name }) => name).sort());
  });

  test('count latency exactly at their bounds', async () => {
    await using service = await startService(config(linkName()));
    await using sender = await Sender.open({ to: to(service.plane), width, height, format, payloadType: 96 });
    for (let i = 0; i < 20; i++) await sender.send(image(i));
    await eventually('taken', () => service.plane.latency('photos').wait.count === 20);
    const found = readExposition(await metricsText(service));
    const stages = Object.entries(service.plane.latency('photos')).filter(([, { count }]) => count > 0);
    assert.ok(stages.length >= 3);
    for (const [stage, { buckets, count, mean }] of stages) {
      const labels = { route: 'photos', stage };
      for (const bound of LATENCY_BOUNDS) {
        // No bucket of the plane lies on both sides of a bound.
        assert.ok(buckets.every(({ from, to: end }) => end <= bound || from > bound));
        const exact = buckets
          .filter(({ to: end }) => end <= bound)
          .reduce((all, bucket) => all + bucket.count, 0);
        const le = String(bound / 1e9);
        assert.equal(seriesValue(found, 'onpath_route_latency_seconds_bucket', { ...labels, le }), exact);
      }
      assert.equal(seriesValue(found, 'onpath_route_latency_seconds_count', labels), count);
      assert.equal(seriesValue(found, 'onpath_route_latency_seconds_sum', labels), (mean * count) / 1e9);
    }
  });

  test('name the version that a route runs, through swaps', async () => {
    await using service = await startService(config(linkName()));
    const hashes = () => service.plane.versions('photos').map(({ hash }) => hash.slice(0, 16));
    for (let version = 1; version <= 3; version++) {
      const found = readExposition(await metricsText(service));
      assert.equal(seriesValue(found, 'onpath_route_version', { route: 'photos' }), version);
      assert.equal(seriesValue(found, 'onpath_route_info', { route: 'photos', hash: hashes()[0]! }), 1);
      assert.equal(found.get('onpath_route_info')!.samples.length, 3);
      const table = LookupTable.fromFunction((x) => x ^ version, { dtype: 'uint8' });
      await service.swap('photos', Pipeline.compile({ input, stages: [{ stage: 'lookup', table }] }));
    }
  });

  test('have series by the configuration, not by traffic', async () => {
    await using service = await startService(config(linkName()));
    const series = async () =>
      [...readExposition(await metricsText(service)).values()]
        .filter(({ name }) => name.startsWith('onpath_') && name !== 'onpath_route_latency_seconds')
        .flatMap(({ samples }) => samples.map(({ name, labels }) => `${name}${JSON.stringify(labels)}`));
    const before = await series();
    for (let ssrc = 1; ssrc <= 50; ssrc++) {
      await using sender = await Sender.open({
        to: to(service.plane),
        width,
        height,
        format,
        payloadType: 96,
        ssrc,
      });
      await sender.send(image(ssrc));
    }
    await eventually('arrived', () => service.plane.stats().routes[0]!.samplesOpened >= 50);
    assert.deepEqual(await series(), before);
  });

  test('are one answer for all who ask at a time, and there after the end', async () => {
    const service = await startService(config(linkName()));
    const answers = await Promise.all([1, 2, 3].map(() => metricsText(service)));
    assert.equal(new Set(answers).size, 1);
    const before = growing(readExposition(answers[0]!));
    await service.close();
    const found = readExposition(await metricsText(service));
    assert.equal(seriesValue(found, 'onpath_ready'), 0);
    const after = growing(found);
    for (const [key, value] of before) assert.ok(after.get(key)! >= value, key);
  });

  test('have no latency where the plane measures none', async () => {
    await using service = await startService({ ...config(linkName()), latency: false });
    const found = readExposition(await metricsText(service));
    assert.deepEqual(found.get('onpath_route_latency_seconds')!.samples, []);
  });

  test('are named as Prometheus asks: base units, counters that end with _total', () => {
    for (const { name, type, labels } of families) {
      assert.match(name, /^onpath_[a-z_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.doesNotMatch(name, /_(ms|ns|us|milliseconds|kilobytes|bits|percent)(_|$)/);
      assert.ok(labels.every((label) => /^[a-z]+$/.test(label)));
    }
  });

  test('pass promtool check metrics', { skip: promtool }, async () => {
    await using service = await startService(config(linkName()));
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await metricsText(service) });
    assert.equal(checked.status, 0, String(checked.stderr));
    assert.equal(String(checked.stdout) + String(checked.stderr), '');
  });
});
