// Texts over real ports: tokens equal those of the whole text, whole or in parts, whatever the network does to packets.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Pipeline, type RouteSpec, Sender, type TextPart, TextPipeline, Tokenizer } from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';
import { assertBooksBalance, eventually, freePort, linkName, startPlane } from '../support/plane.js';

/** Bytes, and a few words that need merges. */
const words = ['th', 'the', ' t', ' th', ' the', 'in', 'ing', ' a', 'an', 'er'];
const ranks = [
  ...Array.from({ length: 256 }, (_, i) => Buffer.from([i])),
  ...words.map((w) => Buffer.from(w)),
];
const tokenizer = Tokenizer.fromBuffer(
  Buffer.from(ranks.map((bytes, rank) => `${bytes.toString('base64')} ${rank}\n`).join('')),
  {
    format: 'tiktoken',
    encoding: { pattern: String.raw`\p{L}+|\p{N}+|[^\p{L}\p{N}]+?`, specialTokens: { '<|end|>': 300 } },
  },
);
const input = { kind: 'text' } as const;
const pipeline = Pipeline.compile({ input, stages: [{ stage: 'tokenize', tokenizer }] });

/** A prompt of so many words, some beyond ASCII. */
function prompt(words: number, seed = 1): string {
  const list = [
    'the',
    'thing',
    'another',
    'prompt',
    'größer',
    '漢字',
    '🙂',
    '42',
    '  ',
    'aaaaaaaa',
    '\n',
    ',',
  ];
  let state = seed;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return list[state % list.length]!;
  };
  return Array.from({ length: words }, next).join(' ');
}

async function firstOf<T>(source: AsyncGenerator<T, void, undefined>): Promise<T> {
  for await (const one of source) return one;
  throw new Error('nothing came');
}

async function wholeOf(source: AsyncGenerator<TextPart, void, undefined>): Promise<TextPart[]> {
  const parts: TextPart[] = [];
  for await (const part of source) {
    parts.push(part);
    if (part.last) return parts;
  }
  throw new Error('no last part came');
}

function joined(parts: readonly TextPart[]): number[] {
  parts.forEach((part, i) => {
    assert.equal(part.part, i);
    assert.equal(
      part.firstToken,
      parts.slice(0, i).reduce((sum, { ids }) => sum + ids.length, 0),
    );
  });
  return parts.flatMap(({ ids }) => [...ids]);
}

const routeOn = (port: string, more: Partial<RouteSpec> = {}): RouteSpec => ({
  name: 'r',
  port,
  pipeline,
  ...more,
});

describe('a pipeline for texts', () => {
  test('makes the tokens of the whole text, in one call and in pieces', () => {
    const text = prompt(500);
    const expected = [...tokenizer.encode(text)];
    assert.deepEqual([...pipeline.run(text).ids], expected);
    const bytes = Buffer.from(text);
    const stream = pipeline.stream();
    const ids: number[] = [];
    for (let at = 0; at < bytes.length; at += 7) ids.push(...stream.push(bytes.subarray(at, at + 7)).ids);
    ids.push(...stream.end().ids);
    assert.deepEqual(ids, expected);
  });

  test('replaces words, alone and before tokens are made', () => {
    const stages = [{ stage: 'replace', dictionary: { secret: '[...]', sec: 's' } }] as const;
    const alone = Pipeline.compile({ input, stages });
    assert.equal(Buffer.from(alone.run('a secret second').bytes).toString(), 'a [...] sond');
    const both = Pipeline.compile({ input, stages: [...stages, { stage: 'tokenize', tokenizer }] });
    assert.deepEqual([...both.run('a secret second').ids], [...tokenizer.encode('a [...] sond')]);
  });

  test('gives offsets in bytes', () => {
    const { ids, offsets } = Pipeline.compile({
      input,
      stages: [{ stage: 'tokenize', tokenizer, offsets: 'byte' }],
    }).run('größer');
    assert.equal(offsets!.length, 2 * ids.length);
    assert.equal(offsets!.at(-1), Buffer.byteLength('größer'));
  });

  test('is written to bytes, and read with its tokenizer only', () => {
    const bytes = pipeline.toBytes();
    const read = TextPipeline.fromBytes(bytes, { tokenizer });
    assert.equal(read.hash, pipeline.hash);
    assert.deepEqual(read.run('the thing').ids, pipeline.run('the thing').ids);
    assertThrows(() => TextPipeline.fromBytes(bytes), 'INVALID_ARGUMENT', /needs the tokenizer/);
    assertThrows(() => TextPipeline.fromBytes(bytes.slice(0, 40), { tokenizer }), 'INVALID_PLAN');
  });

  test('refuses special tokens and specifications by name', () => {
    const refusing = Pipeline.compile({
      input,
      stages: [{ stage: 'tokenize', tokenizer, special: 'refuse' }],
    });
    assertThrows(() => refusing.run('a <|end|>'), 'SPECIAL_TOKEN', /<\|end\|>/);
    assertThrows(() => Pipeline.compile({ input, stages: [] }), 'INVALID_SPEC', /stages/);
    const twice = [{ stage: 'tokenize', tokenizer } as const, { stage: 'tokenize', tokenizer } as const];
    assertThrows(() => Pipeline.compile({ input, stages: twice }), 'INVALID_SPEC', /both in this order/);
  });
});

describe('a route for texts', () => {
  test('takes texts over a udp port: strings, bytes and sources of pieces', async () => {
    await using plane = await startPlane({ ports: [{ type: 'udp', name: 'in' }], routes: [routeOn('in')] });
    const { address, port } = plane.address('in');
    await using sender = await Sender.open({ to: `${address}:${port}`, text: true });
    const text = prompt(2000);
    const pieces = async function* () {
      for (let at = 0; at < text.length; at += 100) yield text.slice(at, at + 100);
    };
    for (const source of [text, Buffer.from(text), pieces(), '']) {
      const report = await sender.send(source, { requestId: 7n });
      assert.equal(report.refused, 0);
      const sample = await firstOf(plane.texts('r'));
      assert.equal(sample.requestId, 7n);
      assert.equal(sample.version, pipeline.hash);
      assert.deepEqual([...sample.ids], source === '' ? [] : [...tokenizer.encode(text)]);
    }
    await plane.close();
    assertBooksBalance(plane.stats());
  });

  test('gives parts before a text has ended', async () => {
    const link = linkName();
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [routeOn('in', { deliver: { chunkTokens: 64 } })],
    });
    await using sender = await Sender.open({ to: '192.0.2.2:5004', via: { link }, text: true });
    const [first, second] = [prompt(400, 1), prompt(400, 2)];
    let goOn = () => {};
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const sent = sender.send(
      (async function* () {
        yield first;
        await waiting;
        yield second;
      })(),
    );
    const source = plane.parts('r');
    const early = (await source.next()).value!;
    assert.equal(early.ids.length, 64);
    assert.equal(early.last, false);
    goOn();
    const parts = [early, ...(await wholeOf(source))];
    assert.deepEqual(joined(parts), [...tokenizer.encode(first + second)]);
    await sent;
    await plane.close();
    assertBooksBalance(plane.stats());
  });

  test('is exact on a network that loses, repeats, reorders and damages packets', async () => {
    const link = linkName();
    await using plane = await startPlane({
      ports: [
        {
          type: 'memory',
          name: 'in',
          link,
          impair: { loss: 0.002, duplicate: 0.05, corrupt: 0.002, reorderSpan: 16, seed: 5 },
        },
      ],
      routes: [routeOn('in', { deadlineMs: 300, openSamples: 64, maxStreams: 64, slots: 4096 })],
    });
    await using sender = await Sender.open({
      to: '192.0.2.2:5004',
      via: { link },
      text: true,
    });
    const texts = Array.from({ length: 60 }, (_, i) => prompt(200 + i * 20, i + 1));
    for (const [i, text] of texts.entries()) await sender.send(text, { requestId: i });
    const stats = await eventually('every text ended', () => {
      const now = plane.stats();
      return now.routes[0]!.samplesOpen === 0 && now;
    });
    await plane.close();
    let complete = 0;
    for await (const sample of plane.texts('r')) {
      assert.deepEqual([...sample.ids], [...tokenizer.encode(texts[Number(sample.requestId)]!)]);
      complete += 1;
    }
    assert.equal(complete, stats.routes[0]!.samplesComplete);
    assert.ok(complete > 20, `${complete} of 60 texts arrived whole`);
    assertBooksBalance(plane.stats());
  });

  test('forwards tokens to the next hop, and replaced text to a plane that makes tokens of it', async () => {
    const replacing = Pipeline.compile({
      input,
      stages: [{ stage: 'replace', dictionary: { thing: 'being' } }],
    });
    const [a, b] = [linkName(), await freePort()];
    await using plane = await startPlane({
      ports: [
        { type: 'memory', name: 'in', link: a },
        { type: 'udp', name: 'between', port: b },
        { type: 'udp', name: 'out' },
      ],
      routes: [
        {
          name: 'replace',
          port: 'in',
          pipeline: replacing,
          sink: { forward: { port: 'out', to: `127.0.0.1:${b}` } },
        },
        routeOn('between'),
      ],
    });
    await using sender = await Sender.open({ to: '192.0.2.2:5004', via: { link: a }, text: true });
    const text = prompt(300);
    await sender.send(text);
    const sample = await firstOf(plane.texts('r'));
    assert.deepEqual([...sample.ids], [...tokenizer.encode(text.replaceAll('thing', 'being'))]);
  });

  test('is refused with what is for images, and images with what is for texts', async () => {
    const image = Pipeline.compile({ input: { kind: 'image', width: 2, height: 2, format: 'rgb' } });
    const ports = [{ type: 'udp', name: 'in' }] as const;
    const refused = (route: Partial<RouteSpec>, message: RegExp) =>
      assert.rejects(startPlane({ ports, routes: [routeOn('in', route)] }), message);
    await refused({ payload: 'rfc4175' }, /RFC 4175/);
    await refused({ slowConsumer: 'backpressure' }, /backpressure/);
    await refused({ deliver: { batch: 2 } }, /not batched/);
    await refused({ pipeline: image, deliver: { chunkTokens: 5 } }, /TextPipeline/);
    await refused({ pipeline: image, text: {} }, /TextPipeline/);
    await using plane = await startPlane({ ports, routes: [routeOn('in')] });
    assertThrows(() => plane.samples('r'), 'INVALID_ARGUMENT', /plane.texts/);
    assertThrows(() => plane.parts('r'), 'INVALID_ARGUMENT', /plane.texts/);
  });
});
