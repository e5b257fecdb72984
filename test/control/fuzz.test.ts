/** Every call of the OpenAPI document with random and hostile values, while samples arrive: the plane stays what it was. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { assertBooksBalance, eventually, settled } from '../support/plane.js';
import { ask, bare, HEIGHT, openSender, type Running, running, WIDTH } from './fixture.js';

const SEED = 20_240_607;
const ROUNDS = 12;

/** Of `mulberry32`: the same numbers in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Record<string, Schema>;
}
interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> };
}
interface OpenApi {
  readonly paths: Record<string, Record<string, Operation>>;
}

const HOSTILE: readonly unknown[] = [
  '',
  ' ',
  '..',
  '../../etc/passwd',
  '/dev/zero',
  '%00',
  '\u0000',
  '\ud800',
  'x'.repeat(5000),
  '💥',
  '__proto__',
  'constructor',
  'true',
  '{}',
  '[]',
  'null',
  -1,
  0,
  1e308,
  2 ** 53,
  0.5,
  Number.MAX_SAFE_INTEGER,
  true,
  null,
  [],
  {},
  [[]],
  { __proto__: null, constructor: 1 },
  { toString: 'x' },
  'photos',
  'prompts',
  'tone',
  'words',
  'small',
];

class Guesses {
  readonly #below: (n: number) => number;
  constructor(below: (n: number) => number) {
    this.#below = below;
  }
  one<T>(of: readonly T[]): T {
    return of[this.#below(of.length)]!;
  }
  /** Sometimes what the schema says, more often not. */
  value(schema: Schema): unknown {
    const kind = this.#below(4);
    if (kind === 0) return this.one(HOSTILE);
    if (schema.enum !== undefined) return this.one(schema.enum);
    if (schema.type === 'integer' || schema.type === 'number') return this.one([1, 2, 7, 1e6, -1, 0.1]);
    if (schema.type === 'string') return this.one(['photos', 'prompts', 'tone', 'words', 'in', 'none']);
    if (schema.properties === undefined) return this.one(HOSTILE);
    const fields = Object.entries(schema.properties).filter(() => this.#below(2) === 0);
    const all = Object.fromEntries(fields.map(([name, of]) => [name, this.value(of)]));
    return kind === 1 ? { ...all, [String(toWellFormed(this.one(HOSTILE)))]: 1 } : all;
  }
  body(schema: Schema): string | Uint8Array {
    switch (this.#below(4)) {
      case 0:
        return Uint8Array.from({ length: this.#below(2000) }, () => this.#below(256));
      case 1:
        return this.one([
          '{',
          '{ a: [',
          '&a [*a]',
          '\ufeff{}',
          'stages: []',
          '\x93NUMPY\x01\x00',
          '[1,2',
          '- - -',
        ]);
      case 2:
        return JSON.stringify({
          input: this.one<unknown>([
            { kind: 'text' },
            { kind: 'image', width: WIDTH, height: HEIGHT, format: 'rgb' },
            1,
            null,
          ]),
          stages: this.one<unknown>([
            [],
            [{ stage: 'lookup', table: 'none' }],
            [{ stage: 'tokenize' }],
            'x',
            [null],
            [[]],
          ]),
          surprise: 1,
        });
      default:
        return JSON.stringify(this.value(schema)) ?? '';
    }
  }
}

/** Requests that should not change a thing: those of GET, checks, and bodies that are wrong on purpose. */
function* requestsOf(document: OpenApi, guess: Guesses) {
  for (const [template, operations] of Object.entries(document.paths)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(operations)) {
      const text = (value: unknown) => encodeURIComponent(String(toWellFormed(value)));
      let path = template;
      const query: string[] = [];
      for (const { in: where, name, schema } of parameters) {
        const value = guess.value(schema);
        if (where === 'path') path = path.replace(`{${name}}`, text(value));
        else if (guess.one([true, false])) query.push(`${name}=${text(value)}`);
      }
      const schema = Object.values(requestBody?.content ?? {})[0]?.schema;
      const headers = guess.one<Record<string, string>>([
        {},
        { 'content-type': 'application/json' },
        { 'content-type': 'x' },
        { 'content-type': 'text/plain; charset=utf-7' },
        { expect: '100-continue' },
        { cookie: 'x'.repeat(4000) },
      ]);
      yield {
        method: guess.one([method, method, method, 'delete', 'patch', 'options']).toUpperCase(),
        path: query.length === 0 ? path : `${path}?${query.join('&')}`,
        body: schema === undefined ? undefined : guess.body(schema),
        headers,
      };
    }
  }
}

function toWellFormed(value: unknown): unknown {
  return typeof value === 'string' ? Buffer.from(value, 'utf8').toString('utf8') : JSON.stringify(value);
}

/** Versions by route that the answers said were installed. */
function installedBy(
  answers: readonly { status: number; text: string; path: string }[],
): Map<string, number> {
  const count = new Map<string, number>();
  for (const { status, text, path } of answers) {
    if (status !== 200 || !/^\/v1\/(routes|tables|vocabularies)/.test(path)) continue;
    const { versions = [] } = JSON.parse(text) as { versions?: { route: string; alive?: boolean }[] };
    for (const { route, alive } of versions)
      if (alive === undefined) count.set(route, (count.get(route) ?? 0) + 1);
  }
  return count;
}

const versionOf = ({ service }: Running, route: string) => service.plane.versions(route)[0]!.version;

it('leaves the plane as valid requests made it; nothing is lost, and it answers on', {
  timeout: 120_000,
}, async () => {
  await using plane = await running();
  const document = JSON.parse((await ask(plane.socket, 'GET', '/openapi.json')).text) as OpenApi;
  const guess = new Guesses(randomFrom(SEED));
  await using sender = await openSender(plane.to, 20e6);
  let sending = true;
  let packets = 0;
  let samples = 0;
  const traffic = (async () => {
    const image = new Uint8Array(WIDTH * HEIGHT * 3);
    while (sending) {
      packets += (await sender.send(image)).packets;
      samples++;
    }
  })();

  const answers: { status: number; text: string; path: string }[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const asked = [...requestsOf(document, guess)].filter(({ path }) => !path.startsWith('/v1/events'));
      await Promise.all(
        asked.map(async ({ method, path, body, headers }) => {
          // A capture that is valid by chance lasts as long as it was asked to.
          const { status, text } = path.startsWith('/v1/captures')
            ? await raced(plane, method, path, body, headers)
            : await ask(plane.socket, method, path, body, headers).catch((cause: unknown) => {
                throw new Error(`${method} ${path}: ${String(cause)}`, { cause });
              });
          assert.ok(status >= 200 && status < 600 && status !== 500, `${method} ${path}: ${status} ${text}`);
          if (status >= 400) {
            const { error } = JSON.parse(text) as { error: { code: string; message: string } };
            assert.match(error.code, /^[A-Z_]+$/);
            assert.match(error.message, /\.$/, `${method} ${path}`);
          }
          answers.push({ status, text, path });
        }),
      );
      // And some that break off.
      const { socket } = await bare(
        plane.socket,
        `PUT /v1/tables/tone HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{`,
      );
      socket.destroy();
    }
  } finally {
    sending = false;
    await traffic;
  }

  assert.ok(answers.length > ROUNDS * 15, String(answers.length));
  const installed = installedBy(answers);
  for (const route of ['photos', 'prompts'])
    assert.equal(versionOf(plane, route), 1 + (installed.get(route) ?? 0), route);
  await settled(plane.service.plane, packets);
  await eventually(
    'every sample is complete',
    () => plane.service.plane.stats().routes[0]!.samplesComplete === samples,
  );
  assertBooksBalance(plane.service.plane.stats());
  assert.equal((await plane.client.status()).state, 'ready');
});

/** Breaks off where an answer has begun to flow. */
async function raced(
  plane: Running,
  method: string,
  path: string,
  body: string | Uint8Array | undefined,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const fields = { host: 'x', 'content-length': String(Buffer.byteLength(body ?? '')), ...headers };
  const head = Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const { socket, answer } = await bare(
    plane.socket,
    `${method} ${path} HTTP/1.1\r\nconnection: close\r\n${head}\r\n`,
  );
  socket.write(body ?? '');
  socket.on('data', (piece: string) => {
    if (piece.startsWith('HTTP/1.1 200')) socket.destroy();
  });
  const text = await answer;
  const start = text.lastIndexOf('HTTP/1.1 ');
  return {
    status: Number(text.slice(start + 9, start + 12)),
    text: text.slice(text.indexOf('\r\n\r\n', start) + 4),
  };
}
