// What is wrong with a specification is said by one typed error, and costs nothing else: the next call works.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { type ErrorCode, LookupTable, Pipeline, type PipelineSpec } from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';

const image = { kind: 'image', width: 4, height: 4, format: 'rgb' } as const;
const identity = Array.from({ length: 256 }, (_, i) => i);

interface Row {
  readonly claim: string;
  readonly spec: unknown;
  readonly code?: ErrorCode;
  /** Field, value, expectation: each in the message. */
  readonly says: readonly RegExp[];
}

const input = (change: object) => ({ input: { ...image, ...change } });
const stages = (...list: unknown[]) => ({ input: image, stages: list });
const normalize = (change: object) => stages({ stage: 'normalize', mean: 0.5, std: 0.5, ...change });
const resize = (change: object) => stages({ stage: 'resize', width: 2, height: 2, ...change });
const floatFirst = { stage: 'normalize', mean: 0, std: 1 };

const shapes: Row[] = [
  { claim: 'no specification', spec: undefined, says: [/pipeline/, /expected object/] },
  { claim: 'null', spec: null, says: [/pipeline/, /expected object/, /null/] },
  { claim: 'a number', spec: 5, says: [/pipeline/, /expected object/, /5/] },
  { claim: 'a text', spec: 'resize', says: [/pipeline/, /expected object/, /"resize"/] },
  { claim: 'an array', spec: [], says: [/pipeline/, /expected object/, /array/] },
  { claim: 'a symbol', spec: Symbol('spec'), says: [/pipeline/, /expected object/, /Symbol\(spec\)/] },
  { claim: 'a bigint', spec: 7n, says: [/pipeline/, /expected object/, /7/] },
  { claim: 'a function', spec: () => 1, says: [/pipeline/, /expected object/] },
  { claim: 'a Map', spec: new Map([['input', image]]), says: [/pipeline/] },
  { claim: 'no input', spec: {}, says: [/pipeline\.input/, /expected object/, /nothing/] },
  { claim: 'an unknown field', spec: { input: image, stagez: [] }, says: [/pipeline/, /stagez/] },
  {
    claim: 'an own field called __proto__',
    spec: JSON.parse('{"input":{"kind":"image","width":4,"height":4,"format":"rgb","__proto__":{"x":1}}}'),
    says: [/pipeline\.input/, /__proto__/],
  },
  {
    claim: 'stages that are an object',
    spec: { input: image, stages: {} },
    says: [/stages/, /expected array/],
  },
  {
    claim: 'stages that are null',
    spec: { input: image, stages: null },
    says: [/stages/, /expected array/, /null/],
  },
  { claim: 'a hole among the stages', spec: { input: image, stages: new Array(1) }, says: [/stages\[0\]/] },
  {
    claim: '65 stages',
    spec: { input: image, stages: new Array(65).fill({ stage: 'channels', to: 'bgr' }) },
    says: [/stages/, /64/, /65/],
  },
  {
    claim: 'stages that contain themselves',
    spec: (() => {
      const circle: unknown[] = [];
      circle.push(circle);
      return { input: image, stages: circle };
    })(),
    says: [/stages\[0\]/, /expected object/],
  },
  {
    claim: 'a getter that throws',
    spec: {
      input: image,
      get stages(): never {
        throw new Error('not today');
      },
    },
    says: [/pipeline/],
  },
  {
    claim: 'a proxy that throws',
    spec: new Proxy(
      {},
      {
        get(): never {
          throw new Error('trap');
        },
      },
    ),
    says: [/pipeline/],
  },
  {
    claim: 'a value whose constructor throws when looked at',
    spec: {
      input: image,
      stages: {
        get constructor(): never {
          throw new Error('constructor');
        },
      },
    },
    says: [/stages/, /expected array/],
  },
];

const sizes: Row[] = [
  { claim: 'width 0', spec: input({ width: 0 }), says: [/input\.width/, />=1/, /received 0/] },
  { claim: 'width -1', spec: input({ width: -1 }), says: [/input\.width/, />=1/, /received -1/] },
  { claim: 'width 1.5', spec: input({ width: 1.5 }), says: [/input\.width/, /int/, /received 1\.5/] },
  { claim: 'width NaN', spec: input({ width: Number.NaN }), says: [/input\.width/, /number/, /NaN\. /] },
  {
    claim: 'width Infinity',
    spec: input({ width: Number.POSITIVE_INFINITY }),
    says: [/input\.width/, /number/, /Infinity\. /],
  },
  { claim: 'width 65536', spec: input({ width: 65536 }), says: [/input\.width/, /<=65535/, /65536/] },
  { claim: 'width 2^53', spec: input({ width: 2 ** 53 }), says: [/input\.width/, /9007199254740992/] },
  { claim: 'width "4"', spec: input({ width: '4' }), says: [/input\.width/, /expected number/, /"4"/] },
  { claim: 'width 4n', spec: input({ width: 4n }), says: [/input\.width/, /expected number/, /4/] },
  { claim: 'a boxed width', spec: input({ width: Object(4) }), says: [/input\.width/, /expected number/] },
  { claim: 'a symbol as width', spec: input({ width: Symbol('w') }), says: [/input\.width/, /Symbol\(w\)/] },
  { claim: 'no height', spec: input({ height: undefined }), says: [/input\.height/, /nothing/] },
  { claim: 'format cmyk', spec: input({ format: 'cmyk' }), says: [/input\.format/, /"rgbx"/, /"cmyk"/] },
  { claim: 'format null', spec: input({ format: null }), says: [/input\.format/, /"rgbx"/, /null/] },
  { claim: 'kind audio', spec: input({ kind: 'audio' }), says: [/input\.kind/, /"image"/, /"audio"/] },
  { claim: "an image's size of a text", spec: input({ kind: 'text' }), says: [/pipeline\.input/, /"width"/] },
  {
    claim: 'resize to width 0',
    spec: resize({ width: 0 }),
    says: [/stages\[0\]\.width/, />=1/, /received 0/],
  },
  { claim: 'resize to 2.5', spec: resize({ height: 2.5 }), says: [/stages\[0\]\.height/, /int/, /2\.5/] },
  {
    claim: 'resize without sizes',
    spec: stages({ stage: 'resize' }),
    says: [/stages\[0\]/, /width and height/, /shortestEdge/],
  },
  {
    claim: 'an unknown profile',
    spec: resize({ profile: 'skia' }),
    says: [/stages\[0\]\.profile/, /exact4/, /"skia"/],
  },
  {
    claim: 'filter lanczos',
    spec: resize({ filter: 'lanczos' }),
    says: [/stages\[0\]\.filter/, /bilinear/, /lanczos/],
  },
  {
    claim: 'a filter that the profile does not have',
    spec: resize({ profile: 'opencv', filter: 'bicubic' }),
    code: 'UNSUPPORTED',
    says: [/stages\[0\]\.filter/, /bicubic/, /opencv/, /nearest/],
  },
  {
    claim: 'an edge that makes the other side too long',
    spec: stages({ stage: 'resize', width: 65535, height: 1 }, { stage: 'resize', shortestEdge: 2 }),
    says: [/stages\[1\]\.shortestEdge/, /131070/, /65535/],
  },
  {
    claim: 'a crop 65536 to the left',
    spec: stages({ stage: 'crop', left: -65536, top: 0, width: 1, height: 1 }),
    says: [/stages\[0\]\.left/, /-65535/, /-65536/],
  },
  {
    claim: 'a centre crop by an unknown rule',
    spec: stages({ stage: 'centerCrop', width: 2, height: 2, rule: 'ceil' }),
    says: [/stages\[0\]\.rule/, /torchvision/, /"ceil"/],
  },
];

const values: Row[] = [
  { claim: 'a stage that is null', spec: stages(null), says: [/stages\[0\]/, /expected object/, /null/] },
  {
    claim: 'an unknown stage',
    spec: stages({ stage: 'blur' }),
    says: [/stages\[0\]\.stage/, /resize/, /"blur"/],
  },
  { claim: 'a stage without a name', spec: stages({}), says: [/stages\[0\]\.stage/, /resize/] },
  { claim: 'a misspelt field', spec: resize({ filtr: 'x' }), says: [/stages\[0\]/, /filtr/] },
  { claim: 'no mean', spec: normalize({ mean: undefined }), says: [/stages\[0\]\.mean/, /number/] },
  {
    claim: 'a text as mean',
    spec: normalize({ mean: 'half' }),
    says: [/stages\[0\]\.mean/, /number/, /"half"/],
  },
  { claim: 'mean NaN', spec: normalize({ mean: Number.NaN }), says: [/stages\[0\]\.mean/, /number/, /NaN/] },
  {
    claim: 'one mean of three NaN',
    spec: normalize({ mean: [0, Number.NaN, 0] }),
    says: [/stages\[0\]\.mean\[1\]/, /number/, /NaN/],
  },
  { claim: 'mean beyond float32', spec: normalize({ mean: 1e39 }), says: [/mean/, /float32/] },
  {
    claim: 'two means for three channels',
    spec: normalize({ mean: [0, 0] }),
    says: [/stages\[0\]\.mean/, /\b2\b/, /\b3\b/],
  },
  { claim: 'no means', spec: normalize({ mean: [] }), says: [/stages\[0\]\.mean/] },
  { claim: 'std 0', spec: normalize({ std: 0 }), says: [/stages\[0\]\.std/, /zero/, /\b0/] },
  { claim: 'std that is 0 as float32', spec: normalize({ std: 1e-60 }), says: [/stages\[0\]\.std/, /zero/] },
  {
    claim: 'four stds for three channels',
    spec: normalize({ std: [1, 1, 1, 1] }),
    says: [/std/, /\b4\b/, /\b3\b/],
  },
  { claim: 'scale 0', spec: normalize({ scale: 0 }), says: [/stages\[0\]\.scale/, /zero/] },
  { claim: 'scale NaN', spec: normalize({ scale: Number.NaN }), says: [/stages\[0\]\.scale/, /number/] },
  { claim: 'an unknown recipe', spec: normalize({ recipe: 'torch' }), says: [/recipe/, /fused/, /"torch"/] },
  {
    claim: 'a table of two entries',
    spec: stages({ stage: 'lookup', table: { dtype: 'uint8', values: [1, 2] } }),
    says: [/stages\[0\]\.table\.values/, /256/, /2/],
  },
  {
    claim: 'a bare list as table',
    spec: stages({ stage: 'lookup', table: identity }),
    says: [/stages\[0\]\.table/, /LookupTable/],
  },
  {
    claim: 'a table entry that does not fit its type',
    spec: stages({ stage: 'lookup', table: { dtype: 'uint8', values: identity.with(9, 256) } }),
    code: 'INVALID_ARGUMENT',
    says: [/Entry 9/, /256/, /0 to 255/],
  },
  {
    claim: 'two tables for three channels',
    spec: stages({ stage: 'lookup', table: LookupTable.from([identity, identity], { dtype: 'uint8' }) }),
    says: [/stages\[0\]/, /\b2 tables/, /\b3\b/],
  },
  {
    claim: 'quantize by 0',
    spec: stages({ stage: 'quantize', scale: 0 }),
    says: [/stages\[0\]\.scale/, />0/],
  },
  {
    claim: 'quantize by -1',
    spec: stages({ stage: 'quantize', scale: -1 }),
    says: [/stages\[0\]\.scale/, />0/],
  },
  {
    claim: 'a step that is 0 as float32',
    spec: stages({ stage: 'quantize', scale: 1e-60 }),
    says: [/stages\[0\]\.scale/, /positive/],
  },
  {
    claim: 'a zero point beyond int8',
    spec: stages({ stage: 'quantize', scale: 1, zeroPoint: 128 }),
    says: [/stages\[0\]\.zeroPoint/, /<=127/, /128/],
  },
];

const orders: Row[] = [
  {
    claim: 'resize after normalize',
    spec: stages(floatFirst, { stage: 'resize', width: 2, height: 2 }),
    says: [/stages\[1\]/, /float32/, /uint8/],
  },
  {
    claim: 'crop after normalize',
    spec: stages(floatFirst, { stage: 'crop', left: 0, top: 0, width: 2, height: 2 }),
    says: [/stages\[1\]/, /float32/, /uint8/],
  },
  {
    claim: 'lookup after normalize',
    spec: stages(floatFirst, { stage: 'lookup', table: { dtype: 'uint8', values: identity } }),
    code: 'UNSUPPORTED',
    says: [/stages\[1\]/, /float32/, /uint8/],
  },
  {
    claim: 'normalize after quantize',
    spec: stages({ stage: 'quantize', scale: 1 }, floatFirst),
    code: 'UNSUPPORTED',
    says: [/stages\[1\]/, /int8/, /uint8/],
  },
  {
    claim: 'float values out as uint8',
    spec: { ...stages(floatFirst), output: { dtype: 'uint8' } },
    code: 'UNSUPPORTED',
    says: [/output\.dtype/, /uint8/, /float32/, /quantize|lookup/],
  },
  {
    claim: 'bytes out as int8 without quantize',
    spec: { input: image, output: { dtype: 'int8' } },
    code: 'UNSUPPORTED',
    says: [/output\.dtype/, /int8/, /quantize/],
  },
  {
    claim: 'rgb as gray',
    spec: stages({ stage: 'channels', to: 'gray' }),
    code: 'UNSUPPORTED',
    says: [/stages\[0\]\.to/, /gray/, /rgb/],
  },
  {
    claim: 'rgb as rgba',
    spec: stages({ stage: 'channels', to: 'rgba' }),
    code: 'UNSUPPORTED',
    says: [/stages\[0\]\.to/, /rgba/],
  },
  {
    claim: 'output type float64',
    spec: { input: image, output: { dtype: 'float64' } },
    says: [/output\.dtype/, /float32/, /"float64"/],
  },
  {
    claim: 'layout nchw',
    spec: { input: image, output: { layout: 'nchw' } },
    says: [/output\.layout/, /chw/, /"nchw"/],
  },
  { claim: 'an output without a name', spec: { input: image, output: { name: '' } }, says: [/output\.name/] },
  {
    claim: 'an output name of 65 letters',
    spec: { input: image, output: { name: 'n'.repeat(65) } },
    says: [/output\.name/, /64/],
  },
  {
    claim: 'a negative limit',
    spec: { input: image, limits: { stateBytes: -1 } },
    says: [/limits\.stateBytes/, />=0/, /-1/],
  },
  {
    claim: 'more state than the limit',
    spec: { ...resize({}), limits: { stateBytes: 1 } },
    code: 'LIMIT_EXCEEDED',
    says: [/state/, /\b1\b/, /limits\.stateBytes/],
  },
  {
    claim: 'more state than the default limit',
    spec: {
      input: { ...image, width: 65535, height: 65535 },
      stages: [{ stage: 'resize', width: 65534, height: 65534 }],
    },
    code: 'LIMIT_EXCEEDED',
    says: [/268435456/],
  },
];

describe('a wrong specification', () => {
  // Whatever went wrong before, this works.
  afterEach(() => {
    const { data } = Pipeline.compile({ input: { ...image, width: 1, height: 1 } }).run(
      Uint8Array.of(1, 2, 3),
    );
    assert.deepEqual([...data], [1, 2, 3]);
  });

  for (const { claim, spec, code = 'INVALID_SPEC', says } of [...shapes, ...sizes, ...values, ...orders]) {
    test(`${claim} is refused as ${code}, by field, value and expectation`, () => {
      assertThrows(() => Pipeline.compile(spec as PipelineSpec), code, ...says);
    });
  }

  test('an instruction set that this CPU has not is refused by name', () => {
    assertThrows(
      () => Pipeline.compile({ input: image }, { kernels: 'abacus' }),
      'UNSUPPORTED',
      /abacus/,
      /scalar/,
    );
  });

  test('an instruction set that is no text is refused', () => {
    for (const kernels of [5, {}, Symbol('k')]) {
      assertThrows(
        () => Pipeline.compile({ input: image }, { kernels: kernels as unknown as string }),
        'INVALID_ARGUMENT',
      );
    }
  });
});

describe('a right specification', () => {
  test('may inherit its fields, or have no prototype', () => {
    const inherited = Object.create({ input: Object.create(image) }) as PipelineSpec;
    const bare = Object.assign(Object.create(null), { input: image }) as PipelineSpec;
    const { hash } = Pipeline.compile({ input: image });
    assert.equal(Pipeline.compile(inherited).hash, hash);
    assert.equal(Pipeline.compile(bare).hash, hash);
  });

  test('is not changed by compiling, and may be frozen', () => {
    const spec = {
      input: Object.freeze({ ...image }),
      stages: Object.freeze([Object.freeze({ stage: 'normalize', mean: Object.freeze([0, 0, 0]), std: 1 })]),
    };
    const before = JSON.stringify(spec);
    Pipeline.compile(Object.freeze(spec) as unknown as PipelineSpec);
    assert.equal(JSON.stringify(spec), before);
  });

  test('changing it afterwards does not change the pipeline', () => {
    const values = [...identity];
    const spec: PipelineSpec = {
      input: { ...image },
      stages: [{ stage: 'lookup', table: { dtype: 'uint8', values } }],
    };
    const pipeline = Pipeline.compile(spec);
    values.fill(0);
    spec.input.width = 1;
    assert.equal(pipeline.run(new Uint8Array(48).fill(7)).data[0], 7);
  });
});
