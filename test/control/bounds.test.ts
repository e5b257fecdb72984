/** What one client, and many together, cannot do: hold memory, connections or the queue, or leave a change half-made. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '../../lib/control/client.js';
import { Budget, Queue } from '../../lib/control/queue.js';
import { startControl } from '../../lib/control/server.js';
import { eventually, PATIENCE_MS, PlainSocket } from '../support/plane.js';
import {
  ask,
  bare,
  HEIGHT,
  log,
  otherVocabulary,
  type Running,
  running,
  vocabulary,
  WIDTH,
} from './fixture.js';

const newest = (plane: Running) => plane.client.versions('photos').then(([version]) => version!.version);
const codeOf = (text: string) => (JSON.parse(text) as { error: { code: string } }).error.code;

describe('what comes in', () => {
  it('a body beyond the bound of its path is refused, announced or not', async () => {
    await using plane = await running({ limits: { bodyBytes: 1000, vocabularyBytes: 5000 } });
    const send = (path: string, bytes: number, chunked: boolean) =>
      ask(
        plane.socket,
        'PUT',
        path,
        new Uint8Array(bytes),
        chunked ? { 'transfer-encoding': 'chunked' } : {},
      );
    for (const chunked of [false, true]) {
      for (const [path, bytes] of [
        ['/v1/routes/photos/pipeline', 1001],
        ['/v1/tables/tone', 1001],
        ['/v1/vocabularies/words', 5001],
      ] as const) {
        const { status, text } = await send(path, bytes, chunked);
        assert.equal(status, 413, text);
        assert.equal(codeOf(text), 'LIMIT_EXCEEDED');
        assert.match(text, new RegExp(`longer than ${bytes - 1} bytes`));
      }
      assert.notEqual((await send('/v1/vocabularies/words', 5000, chunked)).status, 413);
    }
    assert.equal(await newest(plane), 1);
  });

  it('uploads share a bound, and give it back when they end or are given up', async () => {
    await using plane = await running({ limits: { uploadBytes: vocabulary().length + 100 } });
    const holding = connect(plane.socket);
    holding.on('error', () => {});
    holding.write('PUT /v1/tables/tone HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n');
    holding.write('x'.repeat(200));
    let answer = await ask(plane.socket, 'PUT', '/v1/vocabularies/words', vocabulary());
    while (answer.status !== 503)
      answer = await ask(plane.socket, 'PUT', '/v1/vocabularies/words', vocabulary());
    assert.equal(codeOf(answer.text), 'BUSY');
    assert.equal(answer.headers['retry-after'], '1');
    holding.destroy();
    const end = Date.now() + PATIENCE_MS;
    while (answer.status !== 200) {
      assert.ok(Date.now() < end, answer.text);
      answer = await ask(plane.socket, 'PUT', '/v1/vocabularies/words', vocabulary());
    }
  });

  it('what is no HTTP, has too long a head or comes too slowly is told so and let go', async () => {
    await using plane = await running({ limits: { headMs: 300, requestMs: 600 } });
    const slowHead = await bare(plane.socket, 'GET /v1/live HTTP/1.1\r\nHost: x\r\n');
    const slowBody = await bare(
      plane.socket,
      'PUT /v1/tables/tone HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{',
    );
    const garbage = await bare(plane.socket, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n');
    const longHead = await bare(
      plane.socket,
      `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
    );
    assert.match(await slowHead.answer, /^HTTP\/1\.1 408 [\s\S]*"code":"INVALID_ARGUMENT"/);
    assert.match(await slowBody.answer, /^HTTP\/1\.1 408 /);
    assert.match(await garbage.answer, /^HTTP\/1\.1 400 [\s\S]*no HTTP request/);
    assert.match(await longHead.answer, /^HTTP\/1\.1 431 /);
    assert.equal(await newest(plane), 1);
  });

  it('connections have a bound, and one that is given up makes room', async () => {
    await using plane = await running({ limits: { connections: 3 } });
    const idle = await Promise.all([1, 2, 3].map(() => bare(plane.socket, 'GET /v1/live')));
    await assert.rejects(plane.client.stats(), { code: 'PORT_FAILED', message: /closed the connection/ });
    idle[0]!.socket.destroy();
    const end = Date.now() + PATIENCE_MS;
    for (let answered = false; !answered; ) {
      assert.ok(Date.now() < end, 'no room was made');
      await plane.client.stats().then(
        () => {
          answered = true;
        },
        () => sleep(5),
      );
    }
    for (const { socket } of idle) socket.destroy();
  });
});

describe('changes', () => {
  it('come one after the other, each version once', async () => {
    await using plane = await running();
    const versions = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        plane.client.setPipeline(
          'photos',
          `input: { kind: image, width: ${WIDTH}, height: ${HEIGHT}, format: rgb }\nstages: [{ stage: resize, width: ${i + 4}, height: 4 }]`,
        ),
      ),
    );
    const numbers = versions.map(({ versions: [one] }) => one!.version).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: 12 }, (_, i) => i + 2),
    );
    for (const {
      hash,
      versions: [one],
    } of versions) {
      assert.equal(
        (await plane.client.versions('photos')).find(({ version }) => version === one!.version)!.hash,
        hash,
      );
    }
  });

  it('of a client that has gone before its turn are not made', async () => {
    await using plane = await running();
    // Vocabularies keep the queue busy while the client goes.
    const busy = Array.from({ length: 12 }, (_, i) =>
      plane.client.setVocabulary('words', i % 2 ? otherVocabulary() : vocabulary()),
    );
    await busy[0];
    const cut = connect(plane.socket);
    cut.on('error', () => {});
    cut.end(
      'PUT /v1/routes/photos/pipeline HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n{"pipeline": "small"',
    );
    const gone = request({ socketPath: plane.socket, method: 'PUT', path: '/v1/routes/photos/pipeline' });
    gone.on('error', () => {}).end('{"pipeline": "small"}', () => gone.destroy());
    await Promise.all(busy);
    await plane.client.setTable('tone', tableOf(1));
    assert.deepEqual(
      (await plane.client.versions('photos')).map(({ version }) => version),
      [2, 1],
    );
    assert.notEqual(
      (await plane.client.versions('photos'))[0]!.hash,
      plane.service.config.pipelines.get('small')!.hash,
    );
  });

  it('wait in a queue with an end', async () => {
    const queue = new Queue(2);
    const order: number[] = [];
    let release = () => {};
    const first = queue.run(
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    const second = queue.run(async () => {
      order.push(2);
      throw new Error('failed');
    });
    await assert.rejects(
      queue.run(async () => {}),
      { code: 'BUSY', message: /2 changes wait/ },
    );
    release();
    await first;
    await assert.rejects(second, /failed/);
    assert.equal(await queue.run(async () => order.push(3)), 2);
    const budget = new Budget(10);
    budget.take(10);
    assert.throws(() => budget.take(1), { code: 'BUSY' });
    budget.give(4);
    budget.take(4);
  });
});

describe('streams', () => {
  it('a client that reads nothing of its capture is let go, and the capture ends', async () => {
    await using plane = await running({ limits: { slowMs: 400 } });
    const before = plane.service.plane.stats().memoryBytes;
    const { socket } = await bare(
      plane.socket,
      `POST /v1/captures HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n${'{"port":"in","maxSeconds":600}'.padEnd(30)}`,
    );
    socket.pause();
    const memory = () => plane.service.plane.stats().memoryBytes;
    await eventually('the capture has begun', () => memory() > before);
    const { address, port } = plane.service.plane.address('in');
    await using sender = await PlainSocket.open();
    const end = Date.now() + PATIENCE_MS;
    while (memory() > before) {
      assert.ok(Date.now() < end, 'the client was not let go');
      await sender.send({ address, port }, Array(50).fill(new Uint8Array(1400)));
      await sleep(1);
    }
    socket.destroy();
  });

  it('events and captures end with the API, which does not wait for them', async () => {
    await using plane = await running();
    const path = `${plane.folder}/second.sock`;
    const second = await startControl(plane.service, { socket: path, log });
    const events = await bare(path, 'GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
    const client = new ControlClient(path);
    const written: Buffer[] = [];
    const to = new Writable({
      write(piece: Buffer, _encoding, done) {
        written.push(piece);
        done();
      },
    });
    const capture = client.capture({ route: 'photos' }, async () => to);
    capture.catch(() => {});
    await eventually('the capture has begun', () => written.length > 0);
    await second[Symbol.asyncDispose]();
    assert.match(await events.answer, /^HTTP\/1\.1 200 [\s\S]*text\/event-stream/);
    await capture.catch(({ code }) => assert.equal(code, 'PORT_FAILED'));
    assert.equal(Buffer.concat(written).readUInt32LE(0), 0x0a0d0d0a);
    assert.equal((await ask(plane.socket, 'GET', '/v1/live')).status, 200);
  });
});

function tableOf(value: number): Uint8Array {
  return Buffer.from(JSON.stringify({ dtype: 'uint8', tables: [Array(256).fill(value)] }));
}
