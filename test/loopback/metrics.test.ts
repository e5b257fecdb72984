// Scrapes of a service under traffic: they take nothing from it, and no counter ever falls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sender } from '../../lib/index.js';
import { startMetrics } from '../../lib/metrics/server.js';
import { growing, type ReadFamily, readExposition, seriesValue } from '../metrics/exposition.js';
import { images, keptLog, startService, tables } from '../metrics/service.js';
import { eventually, linkName, PATIENCE_MS } from '../support/plane.js';
import { format, height, image, to, width } from '../support/small.js';

const scrapers = 8;
const scrapesEach = 10;

test('scrapes at a time, under traffic, are each consistent and lose no sample', async () => {
  const link = linkName();
  await using service = await startService({
    tables,
    pipelines: { images },
    ports: [
      { type: 'udp', name: 'udp', port: 0 },
      { type: 'memory', name: 'memory', link },
    ],
    routes: [
      { name: 'lossy', port: 'udp', pipeline: 'images', deadlineMs: PATIENCE_MS },
      {
        name: 'whole',
        port: 'memory',
        pipeline: 'images',
        slowConsumer: 'backpressure',
        deadlineMs: PATIENCE_MS,
      },
    ],
    workers: 2,
  });
  const { plane } = service;
  await using server = await startMetrics(service, { listen: '127.0.0.1:0', log: keptLog().log });

  let going = true;
  const pour = async (sender: Sender): Promise<number> => {
    let sent = 0;
    for (; going; sent++) await sender.send(image(sent % 8), { requestId: sent });
    await sender.close();
    return sent;
  };
  const shape = { width, height, format } as const;
  const udp = pour(await Sender.open({ to: to(plane, 'udp'), ...shape, bitsPerSecond: 50_000_000 }));
  const memory = pour(await Sender.open({ to: '192.0.2.2:5004', via: { link }, ...shape }));

  const scrape = async (): Promise<Map<string, ReadFamily>> => {
    const answer = await fetch(`http://${server.address}/metrics`);
    assert.equal(answer.status, 200);
    return readExposition(await answer.text());
  };
  await Promise.all(
    Array.from({ length: scrapers }, async () => {
      let last = growing(await scrape());
      for (let i = 1; i < scrapesEach; i++) {
        const next = growing(await scrape());
        for (const [series, value] of last) assert.ok(next.get(series)! >= value, series);
        last = next;
      }
    }),
  );
  going = false;
  const [sentByUdp, sent] = await Promise.all([udp, memory]);
  assert.ok(sentByUdp > 0 && sent > 0);
  await eventually('all delivered', () => plane.stats().routes[1]!.samplesDelivered === sent);
  const found = await scrape();
  const whole = { route: 'whole' };
  assert.equal(seriesValue(found, 'onpath_route_samples_completed_total', whole), sent);
  assert.equal(
    seriesValue(found, 'onpath_route_latency_seconds_count', { ...whole, stage: 'lastPacket' }),
    sent,
  );
  const lost = found.get('onpath_route_dropped_samples_total')!.samples;
  assert.ok(lost.every(({ labels, value }) => labels['route'] !== 'whole' || value === 0));
});
