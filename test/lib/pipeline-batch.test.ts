// Rows with gaps, and batches: the same results as one gapless image at a time, each in its place.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Pipeline, type Pixels } from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { noise, noiseImage } from '../support/images.js';

const WIDTH = 9;
const HEIGHT = 8;
const ROW = WIDTH * 3;
const pipeline = Pipeline.compile({
  input: { kind: 'image', width: WIDTH, height: HEIGHT, format: 'rgb' },
  stages: [
    { stage: 'resize', width: 6, height: 5 },
    { stage: 'normalize', mean: [0.1, 0.2, 0.3], std: 0.25 },
  ],
  output: { layout: 'chw', dtype: 'float16' },
});
const BYTES = 6 * 5 * 3 * 2;
const image = (seed: number) => noiseImage(WIDTH, HEIGHT, 'rgb', seed);

/** The image in rows of `stride` bytes; the last one has `tail` bytes behind it. */
function withGaps(pixels: Uint8Array, stride: number, tail = 0): Uint8Array {
  const memory = new Uint8Array(stride * (HEIGHT - 1) + ROW + tail).fill(0xee);
  for (let y = 0; y < HEIGHT; y++) memory.set(pixels.subarray(y * ROW, (y + 1) * ROW), y * stride);
  return memory;
}

describe('stride', () => {
  const expected = pipeline.run(image(1)).data;

  test('rows with gaps give the result of the image without, the last row padded or not', async () => {
    for (const stride of [ROW, ROW + 1, ROW + 5, 64, 4096]) {
      for (const tail of stride === ROW ? [0] : [0, 1, stride - ROW, 3 * stride]) {
        const rows = withGaps(image(1), stride, tail);
        assertSameBytes(pipeline.run(rows, { stride }).data, expected, `${stride} + ${tail}`);
        assertSameBytes((await pipeline.runAsync(rows, { stride })).data, expected, `${stride} + ${tail}`);
      }
    }
  });

  test('a part of a larger image is run where it lies', () => {
    const large = noise(40 * 3 * 30, 7);
    const [left, top] = [11, 13];
    const part = new Uint8Array(ROW * HEIGHT);
    for (let y = 0; y < HEIGHT; y++) {
      const at = ((top + y) * 40 + left) * 3;
      part.set(large.subarray(at, at + ROW), y * ROW);
    }
    const view = large.subarray((top * 40 + left) * 3);
    assertSameBytes(pipeline.run(view, { stride: 120 }).data, pipeline.run(part).data);
  });

  test('uyvy has two bytes a pixel', () => {
    const uyvy = Pipeline.compile({
      input: { kind: 'image', width: 6, height: 3, format: 'uyvy' },
      stages: [{ stage: 'toRgb' }],
    });
    const sample = noise(36, 3);
    const rows = new Uint8Array(2 * 16 + 12);
    for (let y = 0; y < 3; y++) rows.set(sample.subarray(y * 12, y * 12 + 12), y * 16);
    assertSameBytes(uyvy.run(rows, { stride: 16 }).data, uyvy.run(sample).data);
    assertThrows(() => uyvy.run(rows, { stride: 11 }), 'INVALID_ARGUMENT', /at least 12 bytes/);
  });

  test('wrong strides, and images too short for theirs, are refused', async () => {
    for (const stride of [0, ROW - 1, -30, 30.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '30', null]) {
      const options = { stride: stride as number };
      const says = /stride must be a whole number of at least 27 bytes .* received/;
      assertThrows(() => pipeline.run(image(1), options), 'INVALID_ARGUMENT', says);
      await assertRejects(pipeline.runAsync(image(1), options), 'INVALID_ARGUMENT', says);
      assertThrows(() => pipeline.runBatch([image(1)], options), 'INVALID_ARGUMENT', says);
    }
    const rows = withGaps(image(1), 30);
    const says = /sample has 236 bytes, but a 9x8 rgb image has 237 as row-major with stride 30/;
    assertThrows(() => pipeline.run(rows.subarray(1), { stride: 30 }), 'INVALID_ARGUMENT', says);
    await assertRejects(pipeline.runAsync(rows.subarray(1), { stride: 30 }), 'INVALID_ARGUMENT', says);
    assertThrows(() => pipeline.run(rows, { stride: ROW }), 'INVALID_ARGUMENT', /has 237 bytes.*has 216/);
    assertThrows(
      () => pipeline.run(rows, { stride: Number.MAX_SAFE_INTEGER }),
      'INVALID_ARGUMENT',
      /stride 9007199254740991/,
    );
  });
});

describe('runBatch', () => {
  const images = [1, 2, 3, 4, 5].map(image);
  const expected = Buffer.concat(images.map((one) => new Uint8Array(pipeline.run(one).data.buffer)));

  test('gives one contiguous tensor with the results of each sample', async () => {
    for (const result of [pipeline.runBatch(images), await pipeline.runBatchAsync(images)]) {
      assert.deepEqual(result.shape, [5, 3, 5, 6]);
      assert.deepEqual(result.outputs['pixels']!.dtype, 'float16');
      assert.ok(result.data instanceof Uint16Array);
      assertSameBytes(result.data, expected);
    }
    assert.deepEqual(pipeline.runBatch([image(1)]).shape, [1, 3, 5, 6]);
  });

  test('takes views of every kind, the same sample twice, and rows with gaps', async () => {
    const mixed: Pixels[] = [
      images[0]!,
      images[1]!.slice().buffer,
      new DataView(images[2]!.buffer),
      images[3]!,
      images[4]!,
    ];
    assertSameBytes(pipeline.runBatch(mixed).data, expected);
    const twice = pipeline.runBatch([images[0]!, images[0]!]).data;
    assertSameBytes(twice, Buffer.concat([expected.subarray(0, BYTES), expected.subarray(0, BYTES)]));
    const rows = images.map((one, i) => withGaps(one, 40, i));
    assertSameBytes(pipeline.runBatch(rows, { stride: 40 }).data, expected);
    assertSameBytes((await pipeline.runBatchAsync(rows, { stride: 40 })).data, expected);
  });

  test('writes into the memory given, and nowhere else', async () => {
    for (const run of [pipeline.runBatch.bind(pipeline), pipeline.runBatchAsync.bind(pipeline)]) {
      const memory = new Uint8Array(5 * BYTES + 32).fill(0xa5);
      const result = await run(images, { into: { pixels: memory.subarray(16, 16 + 5 * BYTES) } });
      assert.equal(result.data.buffer, memory.buffer);
      assert.deepEqual(result.shape, [5, 3, 5, 6]);
      assertSameBytes(result.data, expected);
      const around = [...memory.subarray(0, 16), ...memory.subarray(16 + 5 * BYTES)];
      assert.deepEqual(new Set(around), new Set([0xa5]));
    }
  });

  test('a sample that is wrong is named by its index, and nothing is written', async () => {
    const cases: [unknown, RegExp][] = [
      [new Uint8Array(215), /samples\[3\] has 215 bytes, but a 9x8 rgb image has 216/],
      [new Uint8Array(217), /samples\[3\] has 217 bytes/],
      [undefined, /samples\[3\] must be a typed array/],
      ['pixels', /samples\[3\] must be a typed array/],
    ];
    for (const [wrong, says] of cases) {
      const into = new Uint8Array(5 * BYTES).fill(0xa5);
      const samples = images.with(3, wrong as Uint8Array<ArrayBuffer>);
      assertThrows(() => pipeline.runBatch(samples, { into }), 'INVALID_ARGUMENT', says);
      await assertRejects(pipeline.runBatchAsync(samples, { into }), 'INVALID_ARGUMENT', says);
      assert.deepEqual(new Set(into), new Set([0xa5]));
    }
  });

  test('counts from 1 to 65536, and memory of another size, are all there is', () => {
    const says = /samples must be an array of 1 to 65536 samples, received/;
    for (const wrong of [[], new Array(65_537).fill(images[0]), null, undefined, images[0], 5, {}]) {
      assertThrows(() => pipeline.runBatch(wrong as Uint8Array[]), 'INVALID_ARGUMENT', says);
    }
    assertThrows(
      () => pipeline.runBatch(images, { into: new Uint8Array(4 * BYTES) }),
      'INVALID_ARGUMENT',
      /has 720 bytes; float16 \[5, 3, 5, 6\] needs 900/,
    );
    assertThrows(() => pipeline.runBatch(images, { into: image(1) }), 'INVALID_ARGUMENT', /has 216 bytes/);
    const all = new Uint8Array(5 * BYTES + 216);
    assertThrows(
      () =>
        pipeline.runBatch([...images.slice(1), all.subarray(4, 220)], { into: all.subarray(0, 5 * BYTES) }),
      'INVALID_ARGUMENT',
      /overlaps/,
    );
  });

  test('65536 samples run', () => {
    const tiny = Pipeline.compile({ input: { kind: 'image', width: 1, height: 1, format: 'gray' } });
    const samples = Array.from({ length: 65_536 }, (_, i) => Uint8Array.of(i % 251));
    const { data, shape } = tiny.runBatch(samples);
    assert.deepEqual(shape, [65_536, 1, 1, 1]);
    assertSameBytes(data, Buffer.concat(samples));
  });

  test('results that cannot be had are refused, not attempted', () => {
    const large = Pipeline.compile({
      input: { kind: 'image', width: 1, height: 1, format: 'gray' },
      stages: [{ stage: 'crop', left: 0, top: 0, width: 30_000, height: 30_000 }],
    });
    const samples = new Array(65_536).fill(new Uint8Array(1));
    assertThrows(() => large.runBatch(samples), 'OUT_OF_MEMORY', /65536 results of 900000000 bytes/);
  });

  test('an aborted signal rejects; memory that goes away meanwhile is noticed', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    await assertRejects(pipeline.runBatchAsync(images, { signal: aborted }), 'ABORTED');
    const into = new Uint8Array(5 * BYTES);
    const run = pipeline.runBatchAsync(images, { into });
    structuredClone(into.buffer, { transfer: [into.buffer] });
    await assertRejects(run, 'INVALID_ARGUMENT', /detached/);
  });
});
