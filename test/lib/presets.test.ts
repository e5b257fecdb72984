// What presets are made of: every field of a configuration gives the stages it stands for, or is refused by its name.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  type ErrorCode,
  jsonSchema,
  letterboxSpec,
  type PipelineSpec,
  type PresetOptions,
  presetSpec,
} from '../../lib/index.js';
import { pipelineSpec } from '../../lib/schema.js';
import { assertThrows } from '../support/assert.js';

const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];
const IMAGENET_MEAN = [0.485, 0.456, 0.406];
const IMAGENET_STD = [0.229, 0.224, 0.225];
const HALF = [0.5, 0.5, 0.5];

const image = { width: 640, height: 480 };
const model = (name: string) => `test/golden/presets/${name}.json`;
const stagesOf = (source: string | object, options: Partial<PresetOptions> = {}) =>
  presetSpec(source, { ...image, ...options }).stages ?? [];
const bicubic = (change: object) => ({ stage: 'resize', profile: 'pillow', filter: 'bicubic', ...change });
const normalized = (mean: number[], std: number[], recipe = 'torchvision') => ({
  stage: 'normalize',
  mean,
  std,
  scale: 1 / 255,
  recipe,
});
const crop = (side: number) => ({ stage: 'centerCrop', width: side, height: side, rule: 'floor' });

const models: Record<string, readonly object[]> = {
  'clip-vit-base-patch32': [bicubic({ shortestEdge: 224 }), crop(224), normalized(CLIP_MEAN, CLIP_STD)],
  'siglip-base-patch16-224': [bicubic({ width: 224, height: 224 }), normalized(HALF, HALF)],
  'siglip-so400m-patch14-384': [bicubic({ width: 384, height: 384 }), normalized(HALF, HALF)],
  'dinov2-base': [bicubic({ shortestEdge: 256 }), crop(224), normalized(IMAGENET_MEAN, IMAGENET_STD)],
  'vit-base-patch16-224-in21k': [
    bicubic({ width: 224, height: 224, filter: 'bilinear' }),
    normalized(HALF, HALF),
  ],
  'resnet-50': [bicubic({ shortestEdge: 256 }), crop(224), normalized(IMAGENET_MEAN, IMAGENET_STD)],
  'convnext-base-384': [bicubic({ width: 384, height: 384 }), normalized(IMAGENET_MEAN, IMAGENET_STD)],
  'llava-1.5-7b-hf': [bicubic({ shortestEdge: 336 }), crop(336), normalized(CLIP_MEAN, CLIP_STD)],
};

describe('presets of models', () => {
  for (const [name, stages] of Object.entries(models)) {
    test(`${name}: the stages of its configuration`, () => {
      const expected = {
        input: { kind: 'image', ...image, format: 'rgb' },
        stages,
        output: { dtype: 'float32', layout: 'chw' },
      };
      assert.deepEqual(presetSpec(model(name), image), expected);
      const torch = stages.map((stage) => {
        if ('profile' in stage) return { ...stage, profile: 'torch' };
        return 'recipe' in stage ? { ...stage, recipe: 'fused' } : stage;
      });
      assert.deepEqual(stagesOf(model(name), { profile: 'torch' }), torch);
    });
  }

  test('what presets give is a pipeline of the schema', () => {
    assert.ok(jsonSchema('pipeline'));
    for (const name of Object.keys(models)) pipelineSpec.parse(presetSpec(model(name), image));
    pipelineSpec.parse(letterboxSpec({ ...image, format: 'bgr' }));
  });
});

describe('where a configuration comes from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onpath-presets-'));
  after(() => rmSync(folder, { recursive: true }));
  const text = readFileSync(model('dinov2-base'), 'utf8');
  const expected = stagesOf(model('dinov2-base'));

  test('a folder, the path of its file, or the parsed object: the same', () => {
    writeFileSync(join(folder, 'preprocessor_config.json'), text);
    assert.deepEqual(stagesOf(folder), expected);
    assert.deepEqual(stagesOf(join(folder, 'preprocessor_config.json')), expected);
    assert.deepEqual(stagesOf(JSON.parse(text) as object), expected);
  });

  test('processor_config.json comes first if it holds an image processor', () => {
    writeFileSync(join(folder, 'preprocessor_config.json'), '{}');
    writeFileSync(join(folder, 'processor_config.json'), '{"processor_class": "CLIPProcessor"}');
    assertThrows(() => stagesOf(folder), 'UNSUPPORTED', /names no class/);
    writeFileSync(join(folder, 'processor_config.json'), `{"image_processor": ${text}}`);
    assert.deepEqual(stagesOf(folder), expected);
  });

  test('what cannot be read is said', () => {
    assertThrows(() => stagesOf(join(folder, 'none.json')), 'INVALID_ARGUMENT', /none\.json.*ENOENT/);
    writeFileSync(join(folder, 'torn.json'), '{"size": ');
    assertThrows(() => stagesOf(join(folder, 'torn.json')), 'INVALID_ARGUMENT', /torn\.json.*not JSON/);
  });
});

describe('fields', () => {
  const clip = { image_processor_type: 'CLIPImageProcessor' };
  const vit = { image_processor_type: 'ViTImageProcessor' };
  const convnext = { image_processor_type: 'ConvNextImageProcessor' };
  const first = (config: object, options: Partial<PresetOptions> = {}) => stagesOf(config, options)[0];

  test('an integer size is the shortest edge or a square, as the class says', () => {
    assert.deepEqual(first({ ...clip, size: 100 }), bicubic({ shortestEdge: 100 }));
    assert.deepEqual(first({ ...vit, size: 100 }), bicubic({ width: 100, height: 100, filter: 'bilinear' }));
    assert.deepEqual(
      first({ ...vit, size: 100, default_to_square: false }),
      bicubic({ shortestEdge: 100, filter: 'bilinear' }),
    );
    assert.deepEqual(first({ ...clip, size: [30, 40] }), bicubic({ height: 30, width: 40 }));
    assert.deepEqual(
      first({ ...clip, size: { height: null, width: null, shortest_edge: 9 } }),
      bicubic({ shortestEdge: 9 }),
    );
  });

  test('resample is the number of a Pillow filter', () => {
    const filters = ['nearest', 'lanczos3', 'bilinear', 'bicubic', 'box', 'hamming'];
    filters.forEach((filter, resample) => {
      assert.deepEqual(first({ ...clip, resample }), bicubic({ shortestEdge: 224, filter }));
      const torch = () => first({ ...clip, resample }, { profile: 'torch' });
      if (filter.startsWith('bi')) assert.ok(torch());
      else assertThrows(torch, 'UNSUPPORTED', new RegExp(`resample is ${resample}.*${filter}`));
    });
  });

  test('ConvNeXT crops below 384, by crop_pct', () => {
    assert.deepEqual(stagesOf({ ...convnext, size: 300, crop_pct: 0.95 }).slice(0, 2), [
      bicubic({ shortestEdge: 315 }),
      crop(300),
    ]);
    assert.deepEqual(stagesOf({ ...convnext, size: 224, crop_pct: null }).slice(0, 2), [
      bicubic({ shortestEdge: 256 }),
      crop(224),
    ]);
    assert.equal(stagesOf({ ...convnext, size: { shortest_edge: 384 } }).length, 2);
    assertThrows(
      () => stagesOf({ ...convnext, size: { height: 224, width: 224 } }),
      'INVALID_SPEC',
      /size.*shortest_edge/,
    );
  });

  test('switches leave stages out; null is off', () => {
    assert.deepEqual(stagesOf({ ...clip, do_resize: false, do_center_crop: null, do_rescale: false }), [
      { stage: 'normalize', mean: CLIP_MEAN, std: CLIP_STD, scale: 1, recipe: 'torchvision' },
    ]);
    const bytes = presetSpec({ ...vit, do_rescale: false, do_normalize: false }, image);
    assert.equal(bytes.stages?.length, 1);
    assert.equal(bytes.output?.dtype, 'uint8');
  });

  test('torch rescales alone by a product of float32', () => {
    const stage = stagesOf({ ...vit, do_normalize: false }, { profile: 'torch' })[1];
    assert.ok(stage?.stage === 'lookup' && typeof stage.table === 'object' && !('channels' in stage.table));
    const values = stage.table.values as readonly number[];
    values.forEach((value, x) => {
      assert.equal(value, Math.fround(Math.fround(1 / 255) * x));
    });
  });

  test('a crop that is larger than the image is placed as the profile does', () => {
    const larger = { ...clip, do_resize: false, crop_size: { height: 483, width: 100 } };
    assert.deepEqual(stagesOf(larger)[0], { stage: 'centerCrop', width: 100, height: 483, rule: 'floor' });
    assert.deepEqual(stagesOf(larger, { profile: 'torch' })[0], {
      stage: 'crop',
      left: 270,
      top: -1,
      width: 100,
      height: 483,
    });
  });

  test('a class ...Fast means profile torch unless one is given', () => {
    const fast = { image_processor_type: 'SiglipImageProcessorFast' };
    assert.equal((first(fast) as { profile: string }).profile, 'torch');
    assert.equal((first(fast, { profile: 'pillow' }) as { profile: string }).profile, 'pillow');
  });

  test('formats become rgb where that is exact', () => {
    for (const format of ['gray', 'bgr', 'rgbx'] as const)
      assert.deepEqual(stagesOf(clip, { format })[2], { stage: 'channels', to: 'rgb' });
    assert.deepEqual(stagesOf(vit, { format: 'bgr' })[1], { stage: 'channels', to: 'rgb' });
    for (const format of ['rgba', 'bgra'] as const)
      assertThrows(() => stagesOf(clip, { format }), 'UNSUPPORTED', new RegExp(`${format}.*white`));
    for (const format of ['rgba', 'gray'] as const)
      assertThrows(() => stagesOf(vit, { format }), 'UNSUPPORTED', new RegExp(`${format}.*do_convert_rgb`));
    assertThrows(() => stagesOf(clip, { format: 'uyvy' }), 'UNSUPPORTED', /uyvy.*toRgb/);
  });

  test('the result may have another name, type and layout', () => {
    const output = { name: 'pixel_values', dtype: 'float16' } as const;
    assert.deepEqual(presetSpec(clip, { ...image, output }).output, { ...output, layout: 'chw' });
  });

  test('fields that change no pixel are passed over', () => {
    const more = {
      processor_class: 'CLIPProcessor',
      _valid_processor_keys: ['images'],
      data_format: 'channels_first',
      do_pad: false,
      pad_size: { height: 1, width: 1 },
      do_pan_and_scan: null,
      input_data_format: null,
      device: null,
    };
    assert.deepEqual(stagesOf({ ...clip, ...more }), stagesOf(clip));
  });

  const refused: readonly [object, ErrorCode, RegExp][] = [
    [{ ...clip, do_pad: true }, 'UNSUPPORTED', /processor\.do_pad is true/],
    [{ ...clip, do_pad: true, pad_size: 5 }, 'UNSUPPORTED', /processor\.do_pad|processor\.pad_size/],
    [{ ...clip, do_pan_and_scan: true }, 'UNSUPPORTED', /processor\.do_pan_and_scan/],
    [{ ...clip, do_image_splitting: true }, 'UNSUPPORTED', /processor\.do_image_splitting/],
    [{ ...clip, do_flip_channel_order: true }, 'UNSUPPORTED', /processor\.do_flip_channel_order/],
    [{ ...clip, use_square_size: true }, 'UNSUPPORTED', /processor\.use_square_size/],
    [{ ...clip, crop_pct: 0.9 }, 'UNSUPPORTED', /processor\.crop_pct is 0\.9.*CLIP/],
    [{ ...clip, auto_map: { AutoImageProcessor: 'x.Y' } }, 'UNSUPPORTED', /processor\.auto_map/],
    [{ ...clip, data_format: 'channels_last' }, 'UNSUPPORTED', /processor\.data_format/],
    [{ ...clip, size: { longest_edge: 9 } }, 'UNSUPPORTED', /processor\.size.*longest_edge/],
    [{ ...clip, size: { shortest_edge: 9, longest_edge: 20 } }, 'UNSUPPORTED', /size.*longest_edge/],
    [{ ...clip, size: { max_height: 9, max_width: 9 } }, 'UNSUPPORTED', /max_height and max_width/],
    [{ image_processor_type: 'Idefics3ImageProcessor' }, 'UNSUPPORTED', /"Idefics3ImageProcessor".*CLIP/],
    [{ image_processor_type: 'constructor' }, 'UNSUPPORTED', /"constructor"/],
    [{}, 'UNSUPPORTED', /names no class/],
    [{ ...clip, size: { height: 9 } }, 'INVALID_SPEC', /processor\.size/],
    [{ ...clip, size: 0 }, 'INVALID_SPEC', /processor\.size.*0/],
    [{ ...clip, size: null }, 'INVALID_SPEC', /processor\.size is null.*do_resize/],
    [{ ...clip, crop_size: { shortest_edge: 9 } }, 'INVALID_SPEC', /processor\.crop_size/],
    [{ ...clip, resample: 6 }, 'INVALID_SPEC', /processor\.resample.*6/],
    [{ ...clip, resample: null }, 'INVALID_SPEC', /processor\.resample is null/],
    [{ ...clip, image_mean: [0.5] }, 'INVALID_SPEC', /processor\.image_mean/],
    [{ ...clip, image_mean: null }, 'INVALID_SPEC', /processor\.image_mean is null/],
    [{ ...clip, image_std: [1, 0, 1] }, 'INVALID_SPEC', /processor\.image_std/],
    [{ ...clip, rescale_factor: 'x' }, 'INVALID_SPEC', /processor\.rescale_factor.*"x"/],
    [{ ...clip, do_resize: 'yes' }, 'INVALID_SPEC', /processor\.do_resize.*"yes"/],
  ];
  for (const [config, code, says] of refused) {
    test(`refused: ${JSON.stringify({ ...config, image_processor_type: undefined })} as ${code}`, () => {
      assertThrows(() => presetSpec(config, image), code, says);
    });
  }

  test('options are checked', () => {
    const options = (change: object) => () => presetSpec(clip, { ...image, ...change } as PresetOptions);
    assertThrows(options({ width: 0 }), 'INVALID_SPEC', /options\.width/);
    assertThrows(options({ profile: 'opencv' }), 'INVALID_SPEC', /options\.profile/);
    assertThrows(options({ formt: 'rgb' }), 'INVALID_SPEC', /formt/);
    assertThrows(() => presetSpec(5 as never, image), 'INVALID_SPEC', /processor/);
  });
});

describe('letterbox', () => {
  const stages = (spec: PipelineSpec) => spec.stages ?? [];
  const scale = { stage: 'normalize', mean: 0, std: 1, scale: 1 / 255, recipe: 'torchvision' };
  const linear = (width: number, height: number) => ({
    stage: 'resize',
    width,
    height,
    profile: 'opencv',
    filter: 'bilinear',
  });
  const pad = (width: number, height: number) => ({ stage: 'pad', width, height, value: 114 });

  test('scales into the frame, pads, orders channels, divides by 255', () => {
    assert.deepEqual(letterboxSpec({ width: 1280, height: 720, format: 'bgr' }), {
      input: { kind: 'image', width: 1280, height: 720, format: 'bgr' },
      stages: [linear(640, 360), pad(640, 640), { stage: 'channels', to: 'rgb' }, scale],
      output: { dtype: 'float32', layout: 'chw' },
    });
  });

  test('sides are rounded half to even', () => {
    assert.deepEqual(
      stages(letterboxSpec({ width: 16, height: 5, format: 'rgb', size: 8 }))[0],
      linear(8, 2),
    );
    assert.deepEqual(
      stages(letterboxSpec({ width: 16, height: 7, format: 'rgb', size: 8 }))[0],
      linear(8, 4),
    );
  });

  test('what does nothing is left out', () => {
    assert.deepEqual(stages(letterboxSpec({ width: 640, height: 640, format: 'rgb' })), [scale]);
    assert.deepEqual(stages(letterboxSpec({ width: 100, height: 50, format: 'rgb', scaleUp: false })), [
      pad(640, 640),
      scale,
    ]);
  });

  test('stride shrinks the frame, center: false puts the image into the corner', () => {
    const image = { width: 1280, height: 720, format: 'rgb' } as const;
    assert.deepEqual(stages(letterboxSpec({ ...image, stride: 32 }))[1], pad(640, 384));
    assert.deepEqual(stages(letterboxSpec({ ...image, center: false }))[1], {
      stage: 'pad',
      right: 0,
      bottom: 280,
      value: 114,
    });
  });

  test('what cannot be is refused', () => {
    const image = { width: 3, height: 10000, format: 'bgr' } as const;
    assertThrows(() => letterboxSpec(image), 'UNSUPPORTED', /3x10000.*0x640/);
    assertThrows(() => letterboxSpec({ ...image, format: 'rgba' as never }), 'INVALID_SPEC', /format/);
    assertThrows(() => letterboxSpec({ ...image, scaleup: true } as never), 'INVALID_SPEC', /scaleup/);
  });
});
