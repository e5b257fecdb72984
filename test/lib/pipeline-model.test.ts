// Pipelines, on every instruction set of this CPU, against a slow model of the definitions, on small random pictures.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LookupTable, Pipeline, type PipelineSpec, type StageSpec } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { CHANNELS, FORMATS, type Format, noiseImage, Random } from '../support/images.js';
import { canPick, formatOf, model } from '../support/model.js';

const RANDOM_PIPELINES = 150;

/** Every profile with every filter that it has. */
const RESIZES = [
  ...(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos3'] as const).map(
    (filter) => ({ profile: 'pillow', filter }) as const,
  ),
  { profile: 'torch', filter: 'bilinear' },
  { profile: 'torch', filter: 'bicubic' },
  { profile: 'opencv', filter: 'bilinear' },
  { profile: 'opencv', filter: 'nearest' },
  { profile: 'exact4', filter: 'bilinear' },
] as const;

function assertEqualsModel(spec: PipelineSpec, seed: number): void {
  const image = noiseImage(spec.input.width, spec.input.height, formatOf(spec), seed);
  const expected = model(spec, image);
  for (const kernels of Pipeline.kernels()) {
    const { data, shape } = Pipeline.compile(spec, { kernels }).run(image);
    assert.deepEqual(shape, expected.shape);
    assert.equal(data.constructor, expected.data.constructor);
    assertSameBytes(data, expected.data, `${kernels} ${JSON.stringify(spec)}`);
  }
}

/** A pipeline that compiles: resizes, crops and channel changes, then tables. */
function randomSpec(random: Random): PipelineSpec {
  let format = random.pick(FORMATS);
  const side = () => random.between(1, 24);
  const spec: PipelineSpec & { stages: StageSpec[] } = {
    input: { kind: 'image', width: side(), height: side(), format },
    stages: [],
    output: { layout: random.pick(['hwc', 'chw'] as const) },
  };
  for (let left = random.between(0, 3); left > 0; left--) {
    switch (random.between(0, 4)) {
      case 0:
        spec.stages.push({
          stage: 'resize',
          ...random.pick([
            { width: side(), height: side() },
            { width: side(), height: side() },
            { shortestEdge: random.between(1, 5) },
            { longestEdge: side() },
          ]),
          ...random.pick(RESIZES),
        });
        break;
      case 1:
        spec.stages.push({
          stage: 'crop',
          left: random.between(-9, 20),
          top: random.between(-9, 20),
          width: side(),
          height: side(),
        });
        break;
      case 2:
        spec.stages.push({
          stage: 'centerCrop',
          width: side(),
          height: side(),
          rule: random.pick(['torchvision', 'floor'] as const),
        });
        break;
      case 3: {
        const to = random.pick(FORMATS.filter((other) => canPick(format, other)));
        spec.stages.push({ stage: 'channels', to });
        format = to;
        break;
      }
      default:
        spec.stages.push({ stage: 'lookup', table: randomTable(random, 'uint8', format) });
    }
  }
  finish(spec, format, random);
  return spec;
}

function finish(spec: PipelineSpec & { stages: StageSpec[] }, format: Format, random: Random): void {
  const numbers = (low: number, high: number) => {
    const list = Array.from(
      { length: random.pick([1, CHANNELS[format]]) },
      () => low + ((high - low) * random.uint32()) / 2 ** 32,
    );
    return list.length === 1 && random.between(0, 1) === 0 ? list[0]! : list;
  };
  const output = spec.output!;
  switch (random.between(0, 4)) {
    case 0:
      output.dtype = random.pick(['uint8', 'float32', 'float16', 'bfloat16'] as const);
      break;
    case 1: {
      const recipe = random.pick(['torchvision', 'fused'] as const);
      spec.stages.push({ stage: 'normalize', mean: numbers(-1, 1), std: numbers(0.1, 2), recipe });
      output.dtype = random.pick(['float32', 'float16', 'bfloat16'] as const);
      break;
    }
    case 2:
      spec.stages.push({
        stage: 'quantize',
        scale: random.between(1, 500) / 100,
        zeroPoint: random.between(-128, 127),
      });
      break;
    case 3:
      spec.stages.push({ stage: 'normalize', mean: numbers(-1, 1), std: numbers(0.1, 2), scale: 1 / 128 });
      spec.stages.push({
        stage: 'quantize',
        scale: random.between(1, 300) / 1000,
        zeroPoint: random.between(-20, 20),
      });
      break;
    default:
      spec.stages.push({
        stage: 'lookup',
        table: randomTable(
          random,
          random.pick(['int8', 'uint16', 'uint32', 'float32', 'float16'] as const),
          format,
        ),
      });
  }
}

function randomTable(random: Random, dtype: LookupTable['dtype'], format: Format): LookupTable {
  const entry = () => {
    switch (dtype) {
      case 'int8':
        return random.between(-128, 127);
      case 'uint8':
        return random.between(0, 255);
      case 'uint32':
        return random.uint32();
      case 'float32':
        return (random.uint32() - 2 ** 31) / 1000;
      default:
        return random.between(0, 65535);
    }
  };
  return LookupTable.fromFunction(entry, { dtype, channels: random.pick([1, CHANNELS[format]]) });
}

describe('a pipeline equals the model of its definition', () => {
  for (const { profile, filter } of RESIZES) {
    for (const format of FORMATS) {
      test(`resize ${profile} ${filter} of ${format}: up, down, to and from one pixel, one side equal`, () => {
        const sizes = [
          [7, 5, 3, 2],
          [3, 2, 7, 5],
          [1, 1, 5, 4],
          [6, 7, 1, 1],
          [8, 6, 8, 3],
          [8, 6, 3, 6],
          [1, 9, 4, 4],
          [17, 13, 16, 14],
        ] as const;
        sizes.forEach(([width, height, toWidth, toHeight], seed) => {
          const stages: StageSpec[] = [
            { stage: 'resize', width: toWidth, height: toHeight, profile, filter },
          ];
          assertEqualsModel({ input: { kind: 'image', width, height, format }, stages }, seed);
        });
      });
    }
  }

  test('a resize to the same size changes nothing, alpha included', () => {
    for (const { profile, filter } of RESIZES) {
      const input = { kind: 'image', width: 5, height: 4, format: 'rgba' } as const;
      const image = noiseImage(5, 4, 'rgba', 1);
      const pipeline = Pipeline.compile({
        input,
        stages: [{ stage: 'resize', width: 5, height: 4, profile, filter }],
      });
      assertSameBytes(pipeline.run(image).data, image);
    }
  });

  test('centre crops by both rules, of larger, smaller, odd and even pictures', () => {
    for (const rule of ['torchvision', 'floor'] as const) {
      for (let size = 1; size <= 9; size++) {
        for (let part = 1; part <= 9; part++) {
          const input = { kind: 'image', width: size, height: 10 - size, format: 'gray' } as const;
          assertEqualsModel(
            { input, stages: [{ stage: 'centerCrop', width: part, height: part, rule }] },
            part,
          );
        }
      }
    }
  });

  test('a crop that lies wholly outside the picture is zero', () => {
    const spec: PipelineSpec = {
      input: { kind: 'image', width: 4, height: 4, format: 'rgb' },
      stages: [
        { stage: 'lookup', table: LookupTable.fromFunction((x) => 255 - x, { dtype: 'uint8' }) },
        { stage: 'crop', left: 100, top: -50, width: 3, height: 2 },
      ],
    };
    assertEqualsModel(spec, 1);
    assert.deepEqual(new Set(Pipeline.compile(spec).run(new Uint8Array(48)).data), new Set([0]));
  });

  test('every byte value through normalize by both recipes, to all float types', () => {
    for (const recipe of ['torchvision', 'fused'] as const) {
      for (const dtype of ['float32', 'float16', 'bfloat16'] as const) {
        const spec: PipelineSpec = {
          input: { kind: 'image', width: 256, height: 1, format: 'rgb' },
          stages: [{ stage: 'normalize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], recipe }],
          output: { dtype, layout: 'chw' },
        };
        const image = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
        assertSameBytes(
          Pipeline.compile(spec).run(image).data,
          model(spec, image).data,
          `${recipe} ${dtype}`,
        );
      }
    }
  });

  test('values beyond float16 become infinity, as rounding says', () => {
    const spec: PipelineSpec = {
      input: { kind: 'image', width: 256, height: 1, format: 'gray' },
      stages: [{ stage: 'normalize', mean: 0, std: 1, scale: 513.7 }],
      output: { dtype: 'float16' },
    };
    const image = Uint8Array.from({ length: 256 }, (_, i) => i);
    assertSameBytes(Pipeline.compile(spec).run(image).data, model(spec, image).data);
  });

  test(`${RANDOM_PIPELINES} random pipelines`, () => {
    for (let seed = 1; seed <= RANDOM_PIPELINES; seed++)
      assertEqualsModel(randomSpec(new Random(seed)), seed);
  });
});
