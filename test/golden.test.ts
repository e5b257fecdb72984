// Pipelines against golden vectors, through the public API: resizes of photographs by Pillow, PyTorch and OpenCV (of noise: the
// C++ tests), numpy's normalize, and exact4 against whole-number arithmetic without limit.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Pipeline } from '../lib/index.js';
import {
  goldenCases,
  type NormalizeCase,
  noise,
  type PadCase,
  type ResizeCase,
  type ResizeFilter,
  type ToRgbCase,
} from './golden/golden.js';

const formats = { L: 'gray', RGB: 'rgb', RGBA: 'rgba', RGBX: 'rgbx' } as const;
const channelsOf = { L: 1, RGB: 3, RGBA: 4, RGBX: 4 } as const;

interface Photo {
  readonly width: number;
  readonly rgb: Uint8Array;
}

/** The photograph as RGB bytes, or undefined where sharp (optional) is not installed. */
async function decodePhoto(): Promise<Photo | undefined> {
  const sharp = await import('sharp').then((module) => module.default).catch(() => undefined);
  if (sharp === undefined) return undefined;
  const { data, info } = await sharp('test/data/astronaut.png')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 3);
  return { width: info.width, rgb: data };
}

/** The crop of the photograph that a case names; L takes red, a fourth channel is noise of the case's seed. */
function photoSample(photo: Photo, golden: ResizeCase): Uint8Array {
  const channels = channelsOf[golden.mode];
  const pixels = golden.width * golden.height;
  const sample = new Uint8Array(pixels * channels);
  const fourth = channels === 4 ? noise(golden.seed, pixels) : undefined;
  for (let i = 0; i < pixels; i++) {
    const x = (golden.x ?? 0) + (i % golden.width);
    const y = (golden.y ?? 0) + Math.floor(i / golden.width);
    for (let c = 0; c < channels; c++) {
      sample[i * channels + c] =
        c === 3 ? (fourth?.[i] ?? 0) : (photo.rgb[(y * photo.width + x) * 3 + c] ?? 0);
    }
  }
  return sample;
}

function bytesOf(data: ArrayBufferView): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function assertEqualsReference(
  profile: 'pillow' | 'torch' | 'opencv',
  golden: ResizeCase,
  sample: Uint8Array,
): void {
  const { width, height, outWidth, outHeight, mode } = golden;
  for (const [filter, expected] of Object.entries(golden.sha256) as [ResizeFilter, string][]) {
    const pipeline = Pipeline.compile({
      input: { kind: 'image', width, height, format: formats[mode] },
      stages: [{ stage: 'resize', width: outWidth, height: outHeight, profile, filter }],
      output: { dtype: 'uint8', layout: 'hwc' },
    });
    const hash = createHash('sha256')
      .update(bytesOf(pipeline.run(sample).data))
      .digest('hex');
    const name = `${profile} ${filter} ${mode} ${width}x${height} -> ${outWidth}x${outHeight}`;
    assert.equal(hash.slice(0, expected.length), expected, name);
  }
}

describe('golden vectors', () => {
  for (const profile of ['pillow', 'torch', 'opencv'] as const) {
    const cases = goldenCases<ResizeCase>(`resize_${profile}.json`);

    test(`${profile}: the cases are as many, large and different as promised`, () => {
      assert.ok(cases.length >= 236);
      const large = cases.filter(
        ({ width, height, outWidth, outHeight }) => Math.max(width, height, outWidth, outHeight) >= 500,
      );
      assert.ok(large.length * 2 >= cases.length);
      assert.equal(new Set(cases.map(({ mode }) => mode)).size, 4);
      const filters = { pillow: 6, torch: 2, opencv: 2 };
      for (const { sha256 } of cases) {
        assert.equal(Object.keys(sha256).length, filters[profile]);
        for (const hash of Object.values(sha256)) assert.match(hash, /^[0-9a-f]{32}$/);
      }
    });

    test(`${profile}: resize of a photograph is equal bit for bit with every filter`, async (t) => {
      const photo = await decodePhoto();
      if (photo === undefined) return t.skip('sharp is not installed');
      const ofPhoto = cases.filter(({ source }) => source === 'photo');
      assert.ok(ofPhoto.length >= 80);
      for (const golden of ofPhoto) assertEqualsReference(profile, golden, photoSample(photo, golden));
    });

    test(`${profile}: resize of noise is equal bit for bit with every filter, where it is small`, () => {
      const small = cases.filter(
        ({ source, width, height }) => source === 'noise' && width * height < 10_000,
      );
      assert.ok(small.length >= 20);
      for (const golden of small) {
        const bytes = golden.width * golden.height * channelsOf[golden.mode];
        assertEqualsReference(profile, golden, noise(golden.seed, bytes));
      }
    });
  }

  test('toRgb of noise equals numpy bit for bit', () => {
    const ofNoise = goldenCases<ToRgbCase>('to_rgb.json').filter((golden) => golden.source === 'noise');
    assert.equal(ofNoise.length, 20);
    for (const { width, height, matrix, range, seed, sha256 } of ofNoise) {
      const pipeline = Pipeline.compile({
        input: { kind: 'image', width, height, format: 'uyvy' },
        stages: [{ stage: 'toRgb', matrix, range }],
      });
      const result = bytesOf(pipeline.run(noise(seed, width * height * 2)).data);
      const name = `${matrix} ${range} ${width}x${height}`;
      assert.equal(createHash('sha256').update(result).digest('hex'), sha256, name);
    }
  });

  test('pad equals OpenCV with the sides of YOLO letterbox', () => {
    const cases = goldenCases<PadCase>('pad.json');
    assert.equal(cases.length, 50);
    for (const { mode, width, height, sides, outWidth, outHeight, value, seed, sha256 } of cases) {
      const [left, top, right, bottom] = sides;
      const pipeline = Pipeline.compile({
        input: { kind: 'image', width, height, format: formats[mode] },
        stages: [
          sides.length > 0
            ? { stage: 'pad', left, top, right, bottom, value }
            : { stage: 'pad', width: outWidth, height: outHeight, value },
        ],
      });
      const { data, shape } = pipeline.run(noise(seed, width * height * channelsOf[mode]));
      assert.deepEqual(shape, [outHeight, outWidth, channelsOf[mode]]);
      const name = `${mode} ${width}x${height} -> ${outWidth}x${outHeight}`;
      assert.equal(createHash('sha256').update(bytesOf(data)).digest('hex'), sha256, name);
    }
  });

  test('normalize equals its recipes bit for bit for every byte value', () => {
    const sample = new Uint8Array(256 * 3).map((_, i) => Math.floor(i / 3));
    for (const golden of goldenCases<NormalizeCase>('normalize.json')) {
      const { mean, std, recipe, dtype } = golden;
      const pipeline = Pipeline.compile({
        input: { kind: 'image', width: 256, height: 1, format: 'rgb' },
        stages: [{ stage: 'normalize', mean, std, recipe }],
        output: { dtype, layout: 'chw' },
      });
      const result = bytesOf(pipeline.run(sample).data).toString('hex');
      assert.equal(result, golden.hex, `${golden.set} ${recipe} ${dtype}`);
    }
  });
});

/** exact4 along one axis: two positions and their weights over 2 * to. */
function axis(from: number, to: number, i: number): { at: [number, number]; weight: [bigint, bigint] } {
  const unit = 2 * to;
  const position = (2 * i + 1) * from - to;
  const whole = Math.floor(position / unit);
  const rest = position - whole * unit;
  const clamp = (v: number) => Math.min(Math.max(v, 0), from - 1);
  return { at: [clamp(whole), clamp(whole + 1)], weight: [BigInt(unit - rest), BigInt(rest)] };
}

function exact4(gray: Uint8Array, w: number, h: number, ow: number, oh: number): Uint8Array {
  const out = new Uint8Array(ow * oh);
  const denominator = BigInt(4 * ow * oh);
  for (let y = 0; y < oh; y++) {
    const v = axis(h, oh, y);
    for (let x = 0; x < ow; x++) {
      const u = axis(w, ow, x);
      let sum = 0n;
      for (const j of [0, 1] as const) {
        for (const i of [0, 1] as const) {
          sum += BigInt(gray[v.at[j] * w + u.at[i]] ?? 0) * u.weight[i] * v.weight[j];
        }
      }
      const quotient = sum / denominator;
      const twice = 2n * (sum % denominator);
      const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
      out[y * ow + x] = Number(quotient) + (up ? 1 : 0);
    }
  }
  return out;
}

describe('exact4', () => {
  const sizes = [
    [1280, 720, 224, 224],
    [61, 43, 97, 101],
    [40, 30, 20, 15],
    [7, 5, 499, 3],
    [1, 1, 3, 2],
    [33, 1, 8, 6],
  ] as const;
  for (const [width, height, outWidth, outHeight] of sizes) {
    test(`${width}x${height} -> ${outWidth}x${outHeight} equals a big-integer model`, () => {
      const sample = noise(width, width * height);
      const pipeline = Pipeline.compile({
        input: { kind: 'image', width, height, format: 'gray' },
        stages: [{ stage: 'resize', width: outWidth, height: outHeight, profile: 'exact4' }],
        output: { dtype: 'uint8', layout: 'hwc' },
      });
      const result = bytesOf(pipeline.run(sample).data);
      assert.deepEqual(result, Buffer.from(exact4(sample, width, height, outWidth, outHeight)));
    });
  }
});
