// What a compiled pipeline does: whole calls, calls off the event loop, chunks; its byte form; what explain() says.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OnpathError, Pipeline, type PipelineSpec } from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { noiseImage, Random } from '../support/images.js';
import { model } from '../support/model.js';

const spec: PipelineSpec = {
  input: { kind: 'image', width: 33, height: 21, format: 'rgb' },
  stages: [
    { stage: 'crop', left: -1, top: 2, width: 30, height: 18 },
    { stage: 'resize', width: 17, height: 19 },
    { stage: 'normalize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  ],
  output: { layout: 'chw' },
};
const image = noiseImage(33, 21, 'rgb', 3);
const pipeline = Pipeline.compile(spec);
const expected = model(spec, image).data;
const OUTPUT_BYTES = 17 * 19 * 3 * 4;

describe('a compiled pipeline', () => {
  test('says what it takes and what it gives', () => {
    const { width, height, format, bytes, elementBytes } = pipeline.input;
    assert.deepEqual(
      { width, height, format, bytes, elementBytes },
      { width: 33, height: 21, format: 'rgb', bytes: 2079, elementBytes: 3 },
    );
    assert.deepEqual(pipeline.outputs, [
      { name: 'pixels', dtype: 'float32', layout: 'chw', shape: [3, 19, 17], bytes: OUTPUT_BYTES },
    ]);
    assert.match(pipeline.hash, /^[0-9a-f]{64}$/);
  });

  test('run gives the tensor by name and by shorthand', () => {
    const result = pipeline.run(image);
    assertSameBytes(result.data, expected);
    assert.deepEqual(Object.keys(result.outputs), ['pixels']);
    assert.equal(result.outputs['pixels']!.data, result.data);
    assert.equal(result.outputs['pixels']!.dtype, 'float32');
    assert.deepEqual(result.shape, [3, 19, 17]);
  });

  test('an output has the name that was asked for, whatever it is', () => {
    for (const name of ['tensor', 'constructor', 'π', '__proto__']) {
      const { outputs } = Pipeline.compile({ ...spec, output: { name } }).run(image);
      assert.deepEqual(Object.keys(outputs), [name]);
    }
  });

  test('the sample may be any view or buffer of its bytes', () => {
    const shared = new SharedArrayBuffer(image.length);
    new Uint8Array(shared).set(image);
    const shifted = new Uint8Array(image.length + 7);
    shifted.set(image, 7);
    const resizable = new (ArrayBuffer as unknown as new (bytes: number, o: object) => ArrayBuffer)(
      image.length,
      { maxByteLength: 10_000 },
    );
    new Uint8Array(resizable).set(image);
    const forms = {
      buffer: Buffer.from(image),
      ArrayBuffer: image.slice().buffer,
      DataView: new DataView(image.buffer, image.byteOffset, image.byteLength),
      'a view at an odd offset': shifted.subarray(7),
      'an Int8Array': new Int8Array(image.buffer, image.byteOffset, image.byteLength),
      'a shared buffer': new Uint8Array(shared),
      'a resizable buffer': new Uint8Array(resizable),
    };
    for (const [form, sample] of Object.entries(forms))
      assertSameBytes(pipeline.run(sample).data, expected, form);
  });

  test('samples of a wrong size or type are refused, and the next call works', async () => {
    const detached = image.slice();
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const wrong: [unknown, RegExp][] = [
      [image.subarray(1), /2078/],
      [new Uint8Array(2080), /2080/],
      [new Uint8Array(0), /\b0 bytes/],
      [detached, /\b0 bytes/],
      [null, /null/],
      [undefined, /undefined/],
      ['pixels', /received "pixels"/],
      [[...image], /an array of 2079/],
      [{ byteLength: 2079 }, /an object/],
      [2079, /received 2079/],
    ];
    for (const [sample, says] of wrong) {
      assertThrows(() => pipeline.run(sample as Uint8Array), 'INVALID_ARGUMENT', /sample/, says);
      await assertRejects(pipeline.runAsync(sample as Uint8Array), 'INVALID_ARGUMENT', /sample/, says);
      assertSameBytes(pipeline.run(image).data, expected);
    }
  });

  test('runAsync gives the same, many at a time', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, () => pipeline.runAsync(image)));
    for (const { data, shape } of results) {
      assertSameBytes(data, expected);
      assert.deepEqual(shape, [3, 19, 17]);
    }
    assert.equal(new Set(results.map(({ data }) => data.buffer)).size, 40);
  });

  test('runAsync rejects when its signal is aborted, before or while it works', async () => {
    const reason = new Error('changed my mind');
    const before = await assertRejects(
      pipeline.runAsync(image, { signal: AbortSignal.abort(reason) }),
      'ABORTED',
    );
    assert.equal(before.cause, reason);
    const controller = new AbortController();
    const work = pipeline.runAsync(image, { signal: controller.signal });
    controller.abort(reason);
    assert.equal((await assertRejects(work, 'ABORTED')).cause, reason);
    assertSameBytes(
      (await pipeline.runAsync(image, { signal: new AbortController().signal })).data,
      expected,
    );
  });

  test('every instruction set of this CPU gives the same bits', () => {
    const kernels = Pipeline.kernels();
    assert.equal(kernels.at(-1), 'scalar');
    assert.equal(new Set(kernels).size, kernels.length);
    for (const name of kernels) {
      const bound = Pipeline.compile(spec, { kernels: name });
      assert.equal(bound.explain().kernels, name);
      assertSameBytes(bound.run(image).data, expected, name);
      assert.equal(bound.hash, pipeline.hash);
    }
    assert.equal(pipeline.explain().kernels, kernels[0]);
  });

  test('it is not a constructor for everyone', () => {
    assert.throws(() => Reflect.construct(Pipeline, [{}]).run(image));
    assert.throws(() => Pipeline.prototype.run.call({}, image), TypeError);
  });
});

describe('a stream of chunks', () => {
  const random = new Random(11);
  const cuts: Record<string, () => [number, number][]> = {
    'one piece': () => [[0, image.length]],
    'single bytes in order': () => Array.from(image, (_, i) => [i, i + 1]),
    'single bytes shuffled': () => random.shuffle(Array.from(image, (_, i) => [i, i + 1])),
    'pieces of 64 backwards': () => pieces(64).reverse(),
    'pieces of 100 shuffled, each twice': () => random.shuffle([...pieces(100), ...pieces(100)]),
    'overlapping pieces': () =>
      random.shuffle(
        pieces(50).map(([from, to]) => [Math.max(0, from - 20), Math.min(image.length, to + 33)]),
      ),
  };
  function pieces(bytes: number): [number, number][] {
    const count = Math.ceil(image.length / bytes);
    return Array.from({ length: count }, (_, i) => [i * bytes, Math.min(image.length, (i + 1) * bytes)]);
  }

  for (const [how, cut] of Object.entries(cuts)) {
    test(`${how}: the emitted runs make up the result, each byte once`, () => {
      const stream = pipeline.stream();
      const placed = new Uint8Array(OUTPUT_BYTES);
      const times = new Uint8Array(OUTPUT_BYTES);
      let newBytes = 0;
      const keep = (runs: typeof stream.initial) => {
        for (const { output, offset, bytes } of runs) {
          assert.equal(output, 'pixels');
          placed.set(bytes, offset);
          for (let i = 0; i < bytes.length; i++) times[offset + i]!++;
        }
      };
      keep(stream.initial);
      for (const [from, to] of cut()) {
        const result = stream.push(from, image.subarray(from, to));
        assert.equal(result.newBytes + result.repeatedBytes, to - from);
        assert.equal(result.status, result.newBytes > 0 ? 'used' : 'duplicate');
        newBytes += result.newBytes;
        assert.equal(stream.missingBytes, image.length - newBytes);
        keep(result.emitted);
      }
      assertSameBytes(placed, expected);
      assert.deepEqual(new Set(times), new Set([1]));
      assertSameBytes(stream.end().data, expected);
    });
  }

  test('the first bytes count: other bytes for the same place are ignored', () => {
    const stream = pipeline.stream();
    stream.push(0, image.subarray(0, 1000));
    assert.equal(stream.push(500, new Uint8Array(500)).status, 'duplicate');
    stream.push(900, Buffer.concat([new Uint8Array(100), image.subarray(1000)]));
    assertSameBytes(stream.end().data, expected);
  });

  test('end before the last byte is refused, with what is missing; then it can go on', () => {
    const stream = pipeline.stream();
    stream.push(10, image.subarray(10));
    assertThrows(() => stream.end(), 'INCOMPLETE_SAMPLE', /\b10 bytes/);
    stream.push(0, image.subarray(0, 10));
    assertSameBytes(stream.end().data, expected);
  });

  test('chunks past the end, and offsets that are none, are refused; the sample goes on', () => {
    const stream = pipeline.stream();
    const one = new Uint8Array(1);
    for (const offset of [image.length, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      assertThrows(() => stream.push(offset, one), 'INVALID_ARGUMENT', /past the end/);
    }
    assertThrows(() => stream.push(1, image), 'INVALID_ARGUMENT', /past the end/);
    for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '0', null, 0n]) {
      assertThrows(() => stream.push(offset as number, one), 'INVALID_ARGUMENT', /offset/);
    }
    assertThrows(() => stream.push(0, 'pixels' as unknown as Uint8Array), 'INVALID_ARGUMENT', /bytes/);
    assert.equal(stream.missingBytes, image.length);
    stream.push(0, image);
    assertSameBytes(stream.end().data, expected);
  });

  test('an empty chunk changes nothing', () => {
    const stream = pipeline.stream();
    assert.deepEqual(stream.push(5, new Uint8Array(0)).emitted, []);
    assert.equal(stream.missingBytes, image.length);
  });

  test('many streams of one pipeline do not disturb each other', () => {
    const streams = Array.from({ length: 8 }, () => pipeline.stream());
    for (const [from, to] of pieces(97)) {
      for (const stream of streams) stream.push(from, image.subarray(from, to));
    }
    for (const stream of streams) assertSameBytes(stream.end().data, expected);
  });

  test('it goes into the memory given, and stops when that memory is taken away', () => {
    const into = new ArrayBuffer(OUTPUT_BYTES);
    const stream = pipeline.stream({ into });
    stream.push(0, image.subarray(0, 500));
    structuredClone(into, { transfer: [into] });
    const error = thrownBy(() => stream.push(500, image.subarray(500)));
    assert.ok(error instanceof OnpathError && error.code === 'INVALID_ARGUMENT', String(error));
    assertSameBytes(pipeline.run(image).data, expected);
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
