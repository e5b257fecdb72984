// The server of metrics: what it answers, and that wrong, large and slow requests leave it and the plane alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { startMetrics } from '../../lib/metrics/server.js';
import { assertRejects } from '../support/assert.js';
import { linkName } from '../support/plane.js';
import { readExposition, seriesValue } from './exposition.js';
import { images, keptLog, startService, tables } from './service.js';

const config = () => ({
  tables,
  pipelines: { images },
  ports: [{ type: 'memory', name: 'in', link: linkName() }],
  routes: [{ name: 'photos', port: 'in', pipeline: 'images' }],
});
const listen = '127.0.0.1:0';

/** Everything that comes back for these bytes, until the other side ends. */
async function raw(address: string, bytes: string): Promise<string> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

describe('the server of metrics', () => {
  test('serves /metrics, /live and /ready', async () => {
    await using service = await startService(config());
    const { log, lines } = keptLog();
    await using server = await startMetrics(service, { listen, log });
    assert.match(server.address, /^127\.0\.0\.1:[1-9]\d*$/);
    assert.equal(lines[0]!['url'], `http://${server.address}/metrics`);
    const metrics = await fetch(`http://${server.address}/metrics?x=1`);
    assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(seriesValue(readExposition(await metrics.text()), 'onpath_ready'), 1);
    assert.equal((await fetch(`http://${server.address}/live`)).status, 200);
    const ready = await fetch(`http://${server.address}/ready`);
    assert.deepEqual([ready.status, await ready.text()], [200, 'ready\n']);
    const head = await fetch(`http://${server.address}/metrics`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  test('is live but not ready once the service has ended, and still tells the metrics', async () => {
    const service = await startService(config());
    await using server = await startMetrics(service, { listen, log: keptLog().log });
    await service.close();
    const ready = await fetch(`http://${server.address}/ready`);
    assert.deepEqual([ready.status, await ready.text()], [503, 'closed\n']);
    assert.equal((await fetch(`http://${server.address}/live`)).status, 200);
    const text = await (await fetch(`http://${server.address}/metrics`)).text();
    assert.equal(seriesValue(readExposition(text), 'onpath_ready'), 0);
  });

  test('refuses other paths, other methods and what is no HTTP, and goes on', async () => {
    await using service = await startService(config());
    await using server = await startMetrics(service, { listen, log: keptLog().log });
    const url = `http://${server.address}`;
    for (const path of ['/', '/metrics/', '/%6detrics', '/../metrics/x', '//metrics'])
      assert.equal((await fetch(`${url}${path}`)).status, 404, path);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(`${url}/metrics`, { method });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD']);
    }
    const large = await fetch(`${url}/metrics`, { method: 'POST', body: 'x'.repeat(1 << 20) }).catch(
      () => undefined,
    );
    assert.ok(large === undefined || large.status === 405);
    assert.match(await raw(server.address, 'no HTTP\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(
      await raw(server.address, `GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    assert.equal((await fetch(`${url}/live`)).status, 200);
  });

  test('gives up on a request that does not end', async () => {
    await using service = await startService(config());
    await using server = await startMetrics(service, { listen, log: keptLog().log });
    assert.match(await raw(server.address, 'GET /metrics HTTP/1.1\r\nHost: x\r\n'), /^HTTP\/1\.1 408 /);
  });

  test('ends with connections open', async () => {
    await using service = await startService(config());
    const server = await startMetrics(service, { listen, log: keptLog().log });
    const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.resume();
    const closed = once(socket, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
  });

  test('says why it cannot listen', async () => {
    await using service = await startService(config());
    const { log } = keptLog();
    await using server = await startMetrics(service, { listen, log });
    await assertRejects(
      startMetrics(service, { listen: server.address, log }),
      'ADDRESS_IN_USE',
      /cannot be served on 127\.0\.0\.1:/,
    );
    await assertRejects(
      startMetrics(service, { listen: '192.0.2.1:9464', log }),
      'INVALID_ARGUMENT',
      /^Metrics cannot be served on 192\.0\.2\.1:9464: this host does not have that address\. Give metrics\.listen /,
    );
    await assertRejects(
      startMetrics(service, { listen: 'localhost:9464', log }),
      'INVALID_SPEC',
      /metrics\.listen/,
    );
  });
});
