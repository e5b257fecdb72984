// Plans: their byte form, their hash, and what explain() tells of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LookupTable, Pipeline, type PipelineSpec } from '../../lib/index.js';
import { assertSameBytes, assertThrows } from '../support/assert.js';
import { noiseImage, Random } from '../support/images.js';
import { pillowTaps } from '../support/pillow.js';

const input = { kind: 'image', width: 12, height: 10, format: 'rgba' } as const;
const spec: PipelineSpec = {
  input,
  stages: [
    { stage: 'crop', left: -2, top: 1, width: 11, height: 9 },
    { stage: 'resize', width: 5, height: 7 },
    { stage: 'channels', to: 'bgr' },
    { stage: 'normalize', mean: 0.5, std: [0.1, 0.2, 0.3] },
  ],
  output: { name: 'tensor', dtype: 'bfloat16', layout: 'chw' },
};

describe('the byte form of a plan', () => {
  const pipeline = Pipeline.compile(spec);
  const bytes = pipeline.toBytes();
  const image = noiseImage(12, 10, 'rgba', 5);

  test('read back it is the same plan and gives the same results', () => {
    for (const form of [bytes, Buffer.from(bytes), bytes.slice().buffer, shifted(bytes)]) {
      const again = Pipeline.fromBytes(form);
      assert.equal(again.hash, pipeline.hash);
      assert.deepEqual(again.outputs, pipeline.outputs);
      assert.deepEqual(again.input, pipeline.input);
      assertSameBytes(again.toBytes(), bytes);
      assert.equal(String(again.explain()), String(pipeline.explain()));
      assertSameBytes(again.run(image).data, pipeline.run(image).data);
    }
  });

  test('it is bound to any instruction set of the machine that reads it', () => {
    for (const kernels of Pipeline.kernels()) {
      const again = Pipeline.fromBytes(bytes, { kernels });
      assert.equal(again.explain().kernels, kernels);
      assertSameBytes(again.run(image).data, pipeline.run(image).data);
    }
    assertThrows(() => Pipeline.fromBytes(bytes, { kernels: 'abacus' }), 'UNSUPPORTED', /abacus/);
  });

  test('changing the copy that toBytes gave changes nothing', () => {
    pipeline.toBytes().fill(0);
    assertSameBytes(pipeline.toBytes(), bytes);
  });

  test('every byte flipped is noticed', () => {
    for (let i = 0; i < bytes.length; i++) {
      const damaged = bytes.slice();
      damaged[i]! ^= 1 << (i % 8);
      assertThrows(() => Pipeline.fromBytes(damaged), 'INVALID_PLAN');
    }
    assert.equal(Pipeline.fromBytes(bytes).hash, pipeline.hash);
  });

  test('every truncation, and bytes left over, are noticed', () => {
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => Pipeline.fromBytes(bytes.subarray(0, length)), 'INVALID_PLAN');
    }
    assertThrows(() => Pipeline.fromBytes(Buffer.concat([bytes, bytes.subarray(0, 1)])), 'INVALID_PLAN');
    assertThrows(() => Pipeline.fromBytes(Buffer.concat([bytes, bytes])), 'INVALID_PLAN');
  });

  test('random bytes are no plan, and what is no bytes is no argument', () => {
    const random = new Random(9);
    for (let i = 0; i < 200; i++) {
      const garbage = Uint8Array.from({ length: random.between(0, 400) }, () => random.uint32());
      assertThrows(() => Pipeline.fromBytes(garbage), 'INVALID_PLAN');
    }
    for (const wrong of [null, undefined, 'plan', 7, {}, [...bytes]]) {
      assertThrows(() => Pipeline.fromBytes(wrong as Uint8Array), 'INVALID_ARGUMENT', /bytes/);
    }
  });
});

describe('the hash of a plan', () => {
  test('is equal for equal specifications, however they are written', () => {
    const plain = Pipeline.compile({ input, stages: [{ stage: 'resize', width: 5, height: 7 }] }).hash;
    const full = Pipeline.compile({
      output: { layout: 'hwc', name: 'pixels' },
      stages: [{ filter: 'bilinear', height: 7, profile: 'pillow', stage: 'resize', width: 5 }],
      limits: { stateBytes: 1e9 },
      input: { format: 'rgba', height: 10, width: 12, kind: 'image' },
    }).hash;
    assert.equal(plain, full);
    const values = Array.from({ length: 256 }, (_, i) => 255 - i);
    assert.equal(
      Pipeline.compile({ input, stages: [{ stage: 'lookup', table: { dtype: 'uint8', values } }] }).hash,
      Pipeline.compile({
        input,
        stages: [{ stage: 'lookup', table: LookupTable.from(values, { dtype: 'uint8' }) }],
      }).hash,
    );
  });

  test('differs for every difference that a result can show', () => {
    const stages: PipelineSpec['stages'] = [{ stage: 'resize', width: 5, height: 7 }];
    const normalize = (std: number): PipelineSpec => ({
      input,
      stages: [{ stage: 'normalize', mean: 0, std }],
    });
    const variants: PipelineSpec[] = [
      { input },
      { input, stages },
      { input: { ...input, width: 13 }, stages },
      { input: { ...input, height: 11 }, stages },
      { input: { ...input, format: 'rgbx' }, stages },
      { input: { ...input, format: 'bgra' }, stages },
      { input, stages: [{ stage: 'resize', width: 5, height: 7, profile: 'exact4' }] },
      { input, stages: [{ stage: 'resize', width: 5, height: 8 }] },
      { input, stages, output: { layout: 'chw' } },
      { input, stages, output: { name: 'tensor' } },
      { input, stages, output: { dtype: 'float32' } },
      { input, stages, output: { dtype: 'float16' } },
      { input, stages, output: { dtype: 'bfloat16' } },
      { input, stages: [{ stage: 'crop', left: 0, top: 0, width: 5, height: 7 }] },
      { input, stages: [{ stage: 'crop', left: 1, top: 0, width: 5, height: 7 }] },
      { input, stages: [{ stage: 'crop', left: -1, top: 0, width: 5, height: 7 }] },
      normalize(1),
      normalize(1.0000001),
    ];
    const hashes = variants.map((variant) => Pipeline.compile(variant).hash);
    assert.equal(new Set(hashes).size, variants.length);
  });
});

describe('explain', () => {
  const frame = { kind: 'image', width: 1280, height: 720, format: 'rgb' } as const;

  test('the sums of its rows are those of the plan', () => {
    const explanation = Pipeline.compile(spec).explain();
    assert.equal(explanation.hash, Pipeline.compile(spec).hash);
    const sum = (field: 'tableBytes') => explanation.steps.reduce((total, step) => total + step[field], 0);
    assert.equal(sum('tableBytes'), explanation.tableBytes);
    for (const step of explanation.steps) {
      assert.ok(['element', 'placed'].includes(step.stageClass));
      assert.ok(step.windowBytes <= step.stateBytes || step.stateBytes === 0, step.step);
      assert.ok(step.stateBytes <= explanation.stateBytes, step.step);
    }
  });

  test('exact4 1280x720 -> 224x224: 51,380,224 entries naive, far fewer stored', () => {
    const { steps } = Pipeline.compile({
      input: { ...frame, format: 'gray' },
      stages: [{ stage: 'resize', width: 224, height: 224, profile: 'exact4' }],
    }).explain();
    const resize = steps.find(({ step }) => step.includes('resize'))!;
    assert.equal(resize.naiveTableEntries, 224 * 224 * 4 * 256);
    assert.ok(resize.tableEntries <= 7 * 14 * 4 * 256, `${resize.tableEntries} entries`);
    assert.match(resize.step, /exact4.*1280x720.*224x224/);
    assert.equal(resize.stageClass, 'placed');
  });

  test('pillow 1280x720 -> 224x224: 9 and 16 distinct coefficient vectors are what is stored', () => {
    const { steps } = Pipeline.compile({
      input: frame,
      stages: [{ stage: 'resize', width: 224, height: 224 }],
    }).explain();
    const distinct = (size: number) => {
      // Trailing zeros are no coefficients: the first window of an edge can be shorter than the others.
      const rows = pillowTaps(size, 224).map(({ weights }) => weights.join(',').replace(/(,0)+$/, ''));
      return { rows: new Set(rows).size, taps: Math.max(...rows.map((row) => row.split(',').length)) };
    };
    const [x, y] = [distinct(1280), distinct(720)];
    assert.deepEqual([x.rows, y.rows], [9, 16]);
    const resize = steps.find(({ step }) => step.includes('resize'))!;
    assert.equal(resize.tableEntries, x.rows * x.taps + y.rows * y.taps);
    assert.equal(resize.naiveTableEntries, 224 * (x.taps + y.taps));
    assert.match(resize.tables, /\b9 distinct.*\b16 distinct/);
  });

  test('adjacent table stages are one step with one table a channel', () => {
    const table = LookupTable.fromFunction((x) => 255 - x, { dtype: 'uint8' });
    const { steps } = Pipeline.compile({
      input: frame,
      stages: [
        { stage: 'lookup', table },
        { stage: 'lookup', table },
        { stage: 'normalize', mean: [0.1, 0.2, 0.3], std: 1 },
      ],
    }).explain();
    assert.equal(steps.length, 1);
    assert.equal(steps[0]!.tableEntries, 3 * 256);
    assert.equal(steps[0]!.tableBytes, 3 * 256 * 4);
    assert.equal(steps[0]!.stageClass, 'element');
  });

  test('a resize holds back a few rows in order; the state layout that was chosen is the smaller one', () => {
    const { steps } = Pipeline.compile({
      input: { ...frame, width: 640, height: 480 },
      stages: [{ stage: 'resize', width: 5120, height: 3840 }],
    }).explain();
    const resize = steps.find(({ step }) => step.includes('resize'))!;
    assert.ok(resize.windowBytes < 640 * 480 * 3, `${resize.windowBytes} bytes held back`);
    assert.ok(resize.stateBytes < 5120 * 3840 * 3 * 4, `${resize.stateBytes} bytes of state`);
    assert.notEqual(resize.state, '');
  });

  test('as text it is a table: one line a step, columns aligned', () => {
    const explanation = Pipeline.compile(spec).explain();
    const lines = String(explanation).split('\n');
    assert.match(lines[0]!, new RegExp(`plan ${explanation.hash.slice(0, 16)}`));
    const column = lines[1]!.indexOf('class');
    for (const [i, { step, stageClass }] of explanation.steps.entries()) {
      assert.ok(lines[2 + i]!.startsWith(step));
      assert.equal(lines[2 + i]!.indexOf(stageClass, column), column);
    }
    assert.ok(lines.every((line) => line === line.trimEnd()));
  });
});

function shifted(bytes: Uint8Array): Uint8Array {
  const memory = new Uint8Array(bytes.length + 3);
  memory.set(bytes, 3);
  return memory.subarray(3);
}
