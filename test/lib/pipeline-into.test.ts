// `into`: results written where the caller says, and nowhere else.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Into, Pipeline, type PipelineSpec } from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import { model } from '../support/model.js';

const spec: PipelineSpec = {
  input: { kind: 'image', width: 9, height: 8, format: 'rgb' },
  stages: [
    { stage: 'resize', width: 6, height: 5 },
    { stage: 'normalize', mean: 0.5, std: 0.25 },
  ],
};
const image = noiseImage(9, 8, 'rgb', 1);
const pipeline = Pipeline.compile(spec);
const expected = model(spec, image).data;
const BYTES = 6 * 5 * 3 * 4;

function resizable(bytes: number, maxByteLength: number): ArrayBuffer & { resize(bytes: number): void } {
  return Reflect.construct(ArrayBuffer, [bytes, { maxByteLength }]) as ReturnType<typeof resizable>;
}

describe('into', () => {
  test('a typed array, a view, a buffer, or one of them by name', async () => {
    const forms: [string, () => Into][] = [
      ['Float32Array', () => new Float32Array(BYTES / 4)],
      ['Uint8Array', () => new Uint8Array(BYTES)],
      ['Buffer', () => Buffer.from(new ArrayBuffer(BYTES))],
      ['DataView', () => new DataView(new ArrayBuffer(BYTES))],
      ['ArrayBuffer', () => new ArrayBuffer(BYTES)],
      ['by name', () => ({ pixels: new Float32Array(BYTES / 4) })],
      ['resizable', () => new Float32Array(resizable(BYTES, 2 * BYTES), 0, BYTES / 4)],
      ['shared', () => new Float32Array(new SharedArrayBuffer(BYTES))],
    ];
    for (const [form, make] of forms) {
      assertSameBytes(pipeline.run(image, { into: make() }).data, expected, form);
      assertSameBytes((await pipeline.runAsync(image, { into: make() })).data, expected, `${form}, async`);
      const stream = pipeline.stream({ into: make() });
      stream.push(0, image);
      assertSameBytes(stream.end().data, expected, `${form}, stream`);
    }
  });

  test('the result is a view of the memory given, with the type of the output', () => {
    const memory = new Uint8Array(BYTES);
    const { data } = pipeline.run(image, { into: memory });
    assert.ok(data instanceof Float32Array);
    assert.equal(data.buffer, memory.buffer);
    assertSameBytes(memory, expected);
  });

  test('a view with an offset: the bytes around it stay as they were', () => {
    const memory = new Uint8Array(BYTES + 32).fill(0xa5);
    const { data } = pipeline.run(image, { into: memory.subarray(16, 16 + BYTES) });
    assert.equal(data.byteOffset, 16);
    assertSameBytes(data, expected);
    assert.deepEqual(new Set([...memory.subarray(0, 16), ...memory.subarray(16 + BYTES)]), new Set([0xa5]));
  });

  test('memory of a wrong size, alignment or type is refused and not written', async () => {
    const detached = new Float32Array(BYTES / 4);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const shrunk = resizable(BYTES, BYTES);
    const ofShrunk = new Float32Array(shrunk);
    shrunk.resize(BYTES - 4);
    const wrong: [string, unknown, RegExp][] = [
      ['too short', new Uint8Array(BYTES - 1), /359.*360/],
      ['too long', new Uint8Array(BYTES + 1), /361.*360/],
      ['empty', new Uint8Array(0), /\b0 bytes/],
      ['misaligned', new Uint8Array(BYTES + 8).subarray(1, 1 + BYTES), /offset 1\b.*float32/],
      ['detached', detached, /\b0 bytes/],
      ['shrunk', ofShrunk, /bytes/],
      ['null', null, /into/],
      ['a number', 360, /into/],
      ['a text', 'memory', /into/],
      ['another name', { tensor: new Float32Array(BYTES / 4) }, /into\.pixels/],
      ['an array', [new Float32Array(BYTES / 4)], /into\.pixels/],
      ['null by name', { pixels: null }, /into\.pixels.*null/],
    ];
    for (const [what, into, says] of wrong) {
      const options = { into: into as Into };
      assertThrows(() => pipeline.run(image, options), 'INVALID_ARGUMENT', says);
      await assertRejects(pipeline.runAsync(image, options), 'INVALID_ARGUMENT', says);
      assertThrows(() => pipeline.stream(options), 'INVALID_ARGUMENT', says);
      if (ArrayBuffer.isView(into) && into.byteLength > 0) {
        const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
        assert.ok(
          bytes.every((byte) => byte === 0),
          `${what}: was written`,
        );
      }
    }
    assertSameBytes(pipeline.run(image).data, expected);
  });

  test('memory that the sample lies in is refused', async () => {
    const memory = new Uint8Array(BYTES + image.length);
    const places: [number, number][] = [
      [0, 0],
      [0, BYTES - 1],
      [image.length - 2, 0],
    ];
    for (const [at, sampleAt] of places) {
      const into = memory.subarray(at - (at % 4), at - (at % 4) + BYTES);
      const sample = memory.subarray(sampleAt, sampleAt + image.length);
      sample.set(image);
      assertThrows(() => pipeline.run(sample, { into }), 'INVALID_ARGUMENT', /overlap/);
      await assertRejects(pipeline.runAsync(sample, { into }), 'INVALID_ARGUMENT', /overlap/);
    }
    memory.set(image, BYTES);
    assertSameBytes(pipeline.run(memory.subarray(BYTES), { into: memory.subarray(0, BYTES) }).data, expected);
  });

  test('runAsync keeps its memory alive although nobody else holds it', async () => {
    const work = Array.from({ length: 64 }, () =>
      pipeline.runAsync(image.slice(), { into: new Float32Array(BYTES / 4) }),
    );
    // Pressure on the garbage collector while the thread pool works.
    for (let i = 0; i < 50; i++) new Uint8Array(1 << 20).fill(i);
    for (const { data } of await Promise.all(work)) assertSameBytes(data, expected);
  });
});
