/** Our results beside golden vectors: one test for each vocabulary and kind of text. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  differing,
  digest,
  type GoldenKind,
  type GoldenVocabulary,
  goldenSamples,
  goldenText,
  LITERALS,
  sha256OfFile,
} from './text-golden.js';
import { linesOnly, Random } from './text-samples.js';
import { type OurTokenizer, openTokenizer } from './text-tokenizer.js';
import { materialOf, type VocabularyFile } from './text-vocabulary.js';

/** Every byte of these texts is a place to cut at, in pairs; longer ones are cut at random. */
const SHORT_BYTES = 24;

/** The tests of a file of golden vectors: that it is of these vocabularies, and one group for each. */
export function describeGolden(
  name: Parameters<typeof goldenText>[0],
  files: readonly VocabularyFile[],
): void {
  const golden = goldenText(name);
  test(`${name} has golden vectors for every vocabulary`, () => {
    assert.deepEqual(
      golden.vocabularies.map((vocabulary) => vocabulary.name),
      files.map((file) => file.name),
    );
  });
  for (const file of files) {
    const vectors = golden.vocabularies.find((vocabulary) => vocabulary.name === file.name);
    if (vectors !== undefined) describeVocabulary(file, vectors);
  }
}

function describeVocabulary(file: VocabularyFile, golden: GoldenVocabulary): void {
  describe(`${file.name} (${file.format})`, () => {
    let opened: Promise<OurTokenizer> | undefined;
    const tokenizer = () => {
      opened ??= openTokenizer(file.path);
      return opened;
    };
    const readable = (text: Uint8Array) => (file.format === 'sentencepiece' ? linesOnly(text) : text);

    test('the file is the one that the golden vectors are of', () => {
      assert.equal(sha256OfFile(file.path), golden.sha256);
    });

    test('literal texts', async () => {
      const ours = await tokenizer();
      const encoder = new TextEncoder();
      LITERALS.forEach((text, i) => {
        const ids = ours.encode(readable(encoder.encode(text)));
        assert.deepEqual([...ids], golden.literals[i], JSON.stringify(text));
      });
    });

    for (const kind of golden.kinds) {
      const how = `${kind.kind}${kind.special !== 'text' ? '' : ', special tokens as text'}${kind.template ? ', with template' : ''}`;
      test(`texts of ${how}: ids${kind.offsets === undefined ? '' : ' and offsets'}`, async () => {
        const ours = await tokenizer();
        const texts = goldenSamples(kind.kind, materialOf(file)).map(readable);
        const ids = texts.map((text) => ours.encode(text, kind.special, kind.template));
        assertSame(texts, ids, kind.ids, 'ids');
        if (kind.offsets !== undefined) {
          const offsets = texts.map((text) => ours.offsets(text, kind.special));
          assertSame(texts, offsets, kind.offsets, 'offsets');
        }
      });
    }

    test('streams give the ids of the whole text, wherever they are cut', async () => {
      const ours = await tokenizer();
      const material = materialOf(file);
      for (const kind of golden.kinds) if (!kind.template) assertStreams(ours, kind, material);
    });
  });
}

function assertSame(
  texts: readonly Uint8Array[],
  results: readonly Uint32Array[],
  expected: string,
  what: string,
): void {
  const wrong = differing(expected, results);
  if (wrong.length === 0) return;
  const shortest = wrong.reduce((a, b) => (texts[b]!.length < texts[a]!.length ? b : a));
  assert.fail(
    `${wrong.length} of ${texts.length} texts have other ${what}. The shortest, number ${shortest}: ` +
      `${JSON.stringify(Buffer.from(texts[shortest]!).toString())}, ours [${results[shortest]!.join(' ')}], digest ${digest(results[shortest]!)}`,
  );
}

/** All pairs of cuts in short texts; single bytes and random cuts in long ones. */
function assertStreams(ours: OurTokenizer, kind: GoldenKind, material: ReturnType<typeof materialOf>): void {
  const stream = ours.stream(kind.special);
  const random = new Random(kind.ids.length);
  const check = (text: Uint8Array, cuts: readonly number[], expected: Uint32Array) => {
    stream.begin();
    const ids: number[] = [];
    let from = 0;
    for (const cut of [...cuts, text.length]) {
      ids.push(...stream.push(text.slice(from, cut)));
      from = cut;
    }
    ids.push(...stream.end());
    assert.deepEqual(
      ids,
      [...expected],
      `${kind.kind}: ${JSON.stringify(Buffer.from(text).toString())} cut at ${cuts.join(', ')}`,
    );
  };
  goldenSamples(kind.kind, material)
    .filter((_, i) => i % 5 === 0)
    .forEach((text) => {
      const short = text.subarray(0, SHORT_BYTES);
      const expected = ours.encode(short, kind.special);
      for (let a = 0; a <= short.length; a += 1 + random.below(3))
        for (let b = a; b <= short.length; b += 1 + random.below(3)) check(short, [a, b], expected);
      const whole = ours.encode(text, kind.special);
      check(
        text,
        Array.from({ length: Math.min(text.length, 2000) }, (_, i) => i),
        whole,
      );
      const cuts = Array.from({ length: 9 }, () => random.below(text.length + 1)).sort((x, y) => x - y);
      check(text, cuts, whole);
    });
}
