/** The server of the live page, asked as browsers and others ask it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MOST_VIEWERS } from '../../lib/page/feed.js';
import { startPage } from '../../lib/page/server.js';
import { assertRejects } from '../support/assert.js';
import { eventually } from '../support/plane.js';
import { hostileName, logged, sendImages, sendText, serve } from './fixture.js';

interface Options {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/** fetch would not send these headers. */
async function ask(url: string, path: string, { method = 'GET', headers = {} }: Options = {}) {
  const sent = request(new URL(url), { path, method, headers, agent: false }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { response, status: response.statusCode!, headers: response.headers };
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of response.setEncoding('utf8')) body += piece;
  return body;
}

interface Told {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the page reads of it is what these tests read.
  readonly data: any;
}

/** The events of a stream, until one is asked for by name and found. */
async function viewer(url: string, query = '') {
  const { response } = await ask(url, `/events${query}`);
  const told: Told[] = [];
  let rest = '';
  response.setEncoding('utf8').on('data', (piece: string) => {
    const messages = (rest + piece).split('\n\n');
    rest = messages.pop()!;
    for (const message of messages) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(message)!;
      told.push({ event: event!, data: JSON.parse(data!) });
    }
  });
  response.on('error', () => {});
  const find = (event: string, is: (data: Told['data']) => boolean = () => true) =>
    eventually(event, () => told.find((one) => one.event === event && is(one.data))?.data);
  return {
    told,
    find,
    response,
    ended: () => response.readableEnded,
    [Symbol.dispose]: () => void response.destroy(),
  };
}

describe('the server of the page', () => {
  it('serves its files with a strict policy, and nothing else', async () => {
    await using served = await serve();
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/page.css', 'text/css'],
      ['/page.mjs', 'text/javascript'],
      ['/cards.mjs', 'text/javascript'],
      ['/draw.mjs', 'text/javascript'],
    ] as const) {
      const { status, headers, response } = await ask(served.url, path);
      assert.equal(status, 200, path);
      assert.match(String(headers['content-type']), new RegExp(`^${type}; charset=utf-8$`));
      assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
      assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|\*|https?:/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      const body = await bodyOf(response);
      assert.equal(Number(headers['content-length']), Buffer.byteLength(body));
      assert.doesNotMatch(body.replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//, path);
    }
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/index.html', '/page.css/', '/x?y', '*'])
      assert.equal((await ask(served.url, path)).status, 404, path);
  });

  it('takes no method but GET and HEAD', async () => {
    await using served = await serve();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await ask(served.url, '/events', { method });
      assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD'], method);
    }
    assert.equal((await ask(served.url, '/', { method: 'HEAD' })).status, 200);
  });

  it('answers by its address and as localhost, not by a name that somebody else may own', async () => {
    await using served = await serve();
    const { port } = new URL(served.url);
    for (const [host, expected] of [
      [`127.0.0.1:${port}`, 200],
      [`localhost:${port}`, 200],
      ['[::1]:8490', 200],
      [`evil.example:${port}`, 421],
      ['127.0.0.1.evil.example', 421],
      ['localhost.evil.example', 421],
    ] as const)
      assert.equal((await ask(served.url, '/', { headers: { host } })).status, expected, host);
  });

  it('gives its events to no other site', async () => {
    await using served = await serve();
    const asked = (site: string) => ask(served.url, '/events', { headers: { 'sec-fetch-site': site } });
    assert.equal((await asked('cross-site')).status, 403);
    assert.equal((await asked('same-site')).status, 403);
    const { status, response } = await asked('same-origin');
    assert.equal(status, 200);
    response.destroy();
  });

  it('tells what the snapshot says, and of open routes the rest', async () => {
    await using served = await serve();
    await sendImages(served.to, 3);
    await sendText(served.to, 'none takes this', 99);
    await eventually('both are counted', () => {
      const { ports, routes } = served.service.snapshot().stats;
      return routes[0]!.samplesDelivered === 3 && ports[0]!.drops.no_route > 0;
    });
    using one = await viewer(served.url, '?open=0,1');
    const snapshot = await one.find('snapshot');
    const { stats, memoryBytes, routes } = served.service.snapshot();
    assert.equal(snapshot.memoryBytes, memoryBytes);
    assert.equal(snapshot.ports[0].rxPackets, stats.ports[0]!.rxPackets);
    assert.deepEqual(snapshot.ports[0].drops, { no_route: stats.ports[0]!.drops.no_route });
    assert.deepEqual(
      snapshot.routes.map((route: { name: string }) => route.name),
      ['photos', hostileName],
    );
    assert.equal(snapshot.routes[0].samplesDelivered, 3);
    const { latency, versions } = await one.find('route', ({ index }) => index === 0);
    assert.deepEqual(versions, routes[0]!.versions);
    for (const stage of ['firstPacket', 'lastPacket', 'wait']) {
      const { count, bars, min, max } = latency[stage];
      assert.equal(count, 3);
      assert.equal(
        bars.reduce((all: number, [, , n]: [number, number, number]) => all + n, 0),
        3,
      );
      assert.ok(bars[0][0] <= min && max < bars.at(-1)[1], stage);
    }
    const { orders, taken } = await one.find('orders', ({ index }) => index === 0);
    assert.equal(taken, 0);
    assert.equal(orders.length, 6);
    assert.equal(orders[0].sampleBytes, 64 * 48 * 3);
    assert.match((await one.find('orders', ({ index }) => index === 1)).reason, /images of one size/);
  });

  it('takes any query for what it is', async () => {
    await using served = await serve();
    for (const query of [
      '?open=',
      '?open=-1,1e3,2000,0x1,0,0,,',
      '?',
      '?open=%zz&open=7',
      `?open=${'1,'.repeat(5000)}`,
    ]) {
      using one = await viewer(served.url, query);
      await one.find('snapshot');
    }
  });

  it('has room for so many viewers, and tells the next one so', async () => {
    await using served = await serve();
    const viewers = await Promise.all(Array.from({ length: MOST_VIEWERS }, () => viewer(served.url)));
    for (const one of viewers) await one.find('hello');
    using late = await viewer(served.url);
    assert.match((await late.find('refused')).why, /no room for more. Close one of them/);
    await eventually('the stream ends', late.ended);
    viewers[0]![Symbol.dispose]();
    for (;;) {
      using next = await viewer(served.url);
      await eventually('an answer', () => next.told.length > 0);
      if (next.told[0]!.event === 'hello') break;
      await sleep(10);
    }
    for (const one of viewers) one[Symbol.dispose]();
  });

  it('makes no snapshot while nobody looks, and one for all who do', async () => {
    await using served = await serve();
    let made = 0;
    const { service } = served;
    const snapshot = service.snapshot.bind(service);
    service.snapshot = () => {
      made += 1;
      return snapshot();
    };
    const viewers = await Promise.all([viewer(served.url), viewer(served.url), viewer(served.url)]);
    for (const one of viewers)
      await eventually('a third', () => one.told.filter(({ event }) => event === 'snapshot').length >= 3);
    const told = viewers.reduce(
      (all, { told }) => all + told.filter(({ event }) => event === 'snapshot').length,
      0,
    );
    assert.ok(made < told, `${made} snapshots for ${told} messages`);
    for (const one of viewers) one[Symbol.dispose]();
    await sleep(100);
    const before = made;
    await sleep(1500);
    assert.equal(made, before);
  });

  it('goes on after a snapshot that failed, and says so once', async () => {
    await using served = await serve();
    const { service } = served;
    const snapshot = service.snapshot.bind(service);
    let failures = 0;
    service.snapshot = () => {
      if (failures++ < 2) throw new Error('not now');
      return snapshot();
    };
    using one = await viewer(served.url);
    await one.find('snapshot');
    assert.deepEqual(
      served.lines.filter(({ level }) => level >= 50).map(({ msg }) => msg),
      ['the page could not be told of the plane'],
    );
  });

  it('ends every stream when it is closed', async () => {
    const served = await serve();
    using one = await viewer(served.url, '?open=0,1');
    await one.find('snapshot');
    await served[Symbol.asyncDispose]();
    await eventually('the end', () => one.response.closed);
  });

  it('warns when others can reach it, and does not when they cannot', async () => {
    const levels = async (listen: string) => {
      await using served = await serve(listen);
      return served.lines.map(({ level }) => level);
    };
    assert.deepEqual(await levels('0.0.0.0:0'), [40, 30]);
    assert.deepEqual(await levels('127.0.0.1:0'), [30]);
  });

  it('refuses an address that is none, taken, or not ours', async () => {
    await using served = await serve();
    const start = (listen: string) => startPage(served.service, { listen, log: logged().log });
    const { host } = new URL(served.url);
    await assertRejects(start(host), 'ADDRESS_IN_USE', /127\.0\.0\.1.*another program/);
    await assertRejects(start('192.0.2.77:8490'), 'INVALID_ARGUMENT', /does not have that address/);
    for (const listen of ['', 'everywhere', '127.0.0.1', '127.0.0.1:70000', 'example.com:80'])
      await assertRejects(start(listen), 'INVALID_SPEC', /address of the page/i);
  });
});
