// What a service shows of the last sample of a route: statistics and a picture of a tensor, the tokens of a text.
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readConfig } from '../../lib/files/config-file.js';
import { Sender, Tokenizer } from '../../lib/index.js';
import type { Latest, LatestTensor, LatestText } from '../../lib/service/latest.js';
import { lookAt } from '../../lib/service/latest-tensor.js';
import { Service } from '../../lib/service/service.js';
import { assertSameBytes, assertThrows } from '../support/assert.js';
import { eventually, linkName } from '../support/plane.js';
import { type Folder, temporaryFolder } from '../support/service.js';
import { format, height, image, width } from '../support/small.js';
import { SMALL_FOLDER, smallVocabularies } from '../support/text-vocabulary.js';

let folder: Folder;
before(() => {
  folder = temporaryFolder();
});
after(() => folder[Symbol.dispose]());

const to = '192.0.2.2:5004';
const { path } = smallVocabularies().find(({ format }) => format === 'tokenizer.json')!;
const vocabulary = resolve(join(SMALL_FOLDER, path.split('/').at(-1)!));
const words = 'an example of an input prompt, with a word or two: naïve 日本語';

async function start(link: string, route: string): Promise<Service> {
  const input = `{ kind: image, width: ${width}, height: ${height}, format: ${format} }`;
  return Service.start(
    readConfig(
      folder.write(
        `${link}.yaml`,
        `version: 1
pipelines:
  plain: { input: ${input} }
  half: { input: ${input}, stages: [{ stage: normalize, mean: 0.5, std: 0.5 }], output: { layout: chw, dtype: float16 } }
  tokens: { input: { kind: text }, stages: [{ stage: tokenize, tokenizer: { file: ${vocabulary} } }] }
  words: { input: { kind: text }, stages: [{ stage: replace, dictionary: { cat: dog } }] }
ports: [{ type: memory, name: in, link: ${link} }]
routes: [{ name: r, port: in, deadlineMs: 60000, ${route} }]
`,
      ),
    ),
  );
}

async function seen(service: Service): Promise<Latest> {
  return eventually('something to show', () => service.latest('r'));
}

describe('the last sample', () => {
  test('is looked at only while somebody watches', async () => {
    const link = linkName();
    await using service = await start(link, 'pipeline: plain');
    await using sender = await Sender.open({ to, via: { link }, width, height, format });
    const delivered = (count: number) =>
      eventually('delivered', () => service.plane.stats().routes[0]!.samplesDelivered === count);
    await sender.send(image(1));
    await delivered(1);
    assert.equal(service.latest('r'), undefined);
    {
      using _first = service.watch();
      const second = service.watch();
      await sender.send(image(2));
      await seen(service);
      second[Symbol.dispose]();
      second[Symbol.dispose]();
      assert.notEqual(service.latest('r'), undefined);
    }
    assert.equal(service.latest('r'), undefined);
    assertThrows(() => service.latest('other'), 'NOT_FOUND', /There are: r/);
  });

  test('of an image of bytes is that image', async () => {
    const link = linkName();
    await using service = await start(link, 'pipeline: plain');
    using _watch = service.watch();
    await using sender = await Sender.open({ to, via: { link }, width, height, format });
    await sender.send(image(3));
    const { shape, dtype, versionNumber, stats, picture, everyNthPixel } = (await seen(
      service,
    )) as LatestTensor;
    assert.deepEqual([shape, dtype, versionNumber, everyNthPixel], [[height, width, 3], 'uint8', 1, 1]);
    assert.deepEqual([picture!.width, picture!.height], [width, height]);
    assertSameBytes(picture!.rgb, image(3));
    const reds = [...image(3)].filter((_, i) => i % 3 === 0);
    const mean = reds.reduce((sum, red) => sum + red, 0) / reds.length;
    assert.deepEqual(
      [stats.length, stats[0]!.min, stats[0]!.max, stats[0]!.mean, stats[0]!.nan],
      [3, Math.min(...reds), Math.max(...reds), mean, 0],
    );
  });

  test('of a batch of 16-bit floats in planes is its last one', async () => {
    const link = linkName();
    await using service = await start(link, 'pipeline: half, deliver: { batch: 2 }');
    using _watch = service.watch();
    await using sender = await Sender.open({ to, via: { link }, width, height, format });
    await sender.send(image(1));
    await sender.send(image(4));
    const { shape, stats, picture } = (await seen(service)) as LatestTensor;
    assert.deepEqual(shape, [3, height, width]);
    const greens = [...image(4)].filter((_, i) => i % 3 === 1).map((green) => (green / 255 - 0.5) / 0.5);
    // A 16-bit float has 11 significant bits.
    assert.ok(Math.abs(stats[1]!.max - Math.max(...greens)) < 2 ** -10);
    assert.ok(Math.abs(stats[1]!.min - Math.min(...greens)) < 2 ** -10);
    const all = [...image(4)];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    picture!.rgb.forEach((value, i) => {
      assert.ok(Math.abs(value - ((all[i]! - low) * 255) / (high - low)) <= 1, `byte ${i}`);
    });
  });

  test('of a text is its tokens, which together are the text', async () => {
    for (const deliver of ['', ', deliver: { chunkTokens: 4 }']) {
      const link = linkName();
      await using service = await start(link, `pipeline: tokens${deliver}`);
      using _watch = service.watch();
      await using sender = await Sender.open({ to, via: { link }, text: true });
      await sender.send(words);
      const tokenizer = Tokenizer.fromFile(vocabulary);
      const ids = [...tokenizer.encode(words)];
      const latest = await eventually('all of it', () => {
        const found = service.latest('r') as LatestText | undefined;
        return found?.total === ids.length && found;
      });
      assert.deepEqual(
        latest.tokens.map(({ id }) => id),
        ids,
      );
      assert.equal(latest.tokens.map(({ text }) => text).join(''), tokenizer.decode(ids));
      assert.equal(latest.text, undefined);
    }
  });

  test('of a long text is the beginning', async () => {
    const link = linkName();
    await using service = await start(link, 'pipeline: tokens');
    using _watch = service.watch();
    await using sender = await Sender.open({ to, via: { link }, text: true });
    await sender.send(`${words} `.repeat(200));
    const latest = (await seen(service)) as LatestText;
    assert.equal(latest.tokens.length, 512);
    assert.ok(latest.total > 512);
  });

  test('of a text that is not made into tokens is that text', async () => {
    const link = linkName();
    await using service = await start(link, 'pipeline: words');
    using _watch = service.watch();
    await using sender = await Sender.open({ to, via: { link }, text: true });
    await sender.send('one cat');
    const { text, tokens, total } = (await seen(service)) as LatestText;
    assert.deepEqual([text, tokens, total], ['one dog', [], 7]);
  });
});

describe('a look at a tensor', () => {
  test('counts what is no number apart', () => {
    const data = Float32Array.of(1, Number.NaN, 3, Infinity);
    const { stats, picture } = lookAt(data, { dtype: 'float32', layout: 'hwc', shape: [2, 2, 1] });
    assert.deepEqual(stats, [{ min: 1, max: 3, mean: 2, std: 1, nan: 2 }]);
    assert.deepEqual(
      [...picture!.rgb].filter((_, i) => i % 3 === 0),
      [0, 0, 255, 255],
    );
  });

  test('knows every 16-bit float', () => {
    const of = (dtype: 'float16' | 'bfloat16', bits: number) =>
      lookAt(Uint16Array.of(bits), { dtype, layout: 'hwc', shape: [1, 1, 1] }).stats[0]!;
    const values: [number, number][] = [
      [0x3c00, 1],
      [0xc000, -2],
      [0x0001, 2 ** -24],
      [0x7bff, 65504],
      [0x3555, 0.333251953125],
    ];
    for (const [bits, value] of values) assert.equal(of('float16', bits).mean, value);
    assert.deepEqual([of('float16', 0x7c00).nan, of('float16', 0x7e00).nan], [1, 1]);
    assert.deepEqual([of('bfloat16', 0x3f80).mean, of('bfloat16', 0xc049).mean], [1, -3.140625]);
  });

  test('looks at some pixels of a large one, and says so', () => {
    const side = 1024;
    const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => i % 3);
    const { stats, everyNthPixel, picture } = lookAt(data, {
      dtype: 'uint8',
      layout: 'hwc',
      shape: [side, side, 3],
    });
    assert.equal(everyNthPixel, 12);
    assert.deepEqual(
      stats.map(({ min, max }) => [min, max]),
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    );
    assert.deepEqual([picture!.width, picture!.height], [256, 256]);
  });

  test('has no picture of two channels, and a grey one of one value', () => {
    const shape = [1, 2, 2];
    assert.equal(lookAt(new Float32Array(4), { dtype: 'float32', layout: 'hwc', shape }).picture, undefined);
    const flat = lookAt(new Float32Array(4).fill(7), { dtype: 'float32', layout: 'chw', shape: [1, 2, 2] });
    assert.deepEqual([...flat.picture!.rgb], new Array(12).fill(0));
  });
});
