// Presets give the bits of the processors they stand for: golden vectors of transformers and OpenCV, through the public API.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type LetterboxOptions, Pipeline } from '../../lib/index.js';
import { goldenCases, noise } from '../golden/golden.js';

const channelsOf = { gray: 1, rgb: 3, bgr: 3, rgbx: 4 } as const;

interface Golden {
  readonly format: keyof typeof channelsOf;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly shape: number[];
  readonly sha256: string;
  readonly head: string;
}
interface PresetCase extends Golden {
  readonly preset: string;
  readonly profile: 'pillow' | 'torch';
  readonly dtype: 'float32' | 'uint8';
}
interface LetterboxCase extends Golden {
  readonly options: Partial<LetterboxOptions>;
}

function assertGives(golden: Golden, pipeline: Pipeline, name: string): void {
  const { format, seed, width, height } = golden;
  const { data } = pipeline.run(noise(seed, width * height * channelsOf[format]));
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  assert.deepEqual(pipeline.outputs[0]!.shape, golden.shape, name);
  assert.equal(bytes.subarray(0, golden.head.length / 2).toString('hex'), golden.head, name);
  assert.equal(createHash('sha256').update(bytes).digest('hex'), golden.sha256, name);
}

const presets = goldenCases<PresetCase>('presets.json');
for (const preset of new Set(presets.map((golden) => golden.preset))) {
  for (const profile of ['pillow', 'torch'] as const) {
    test(`${preset}, profile ${profile}, equals transformers bit for bit`, () => {
      const cases = presets.filter((golden) => golden.preset === preset && golden.profile === profile);
      assert.ok(cases.length >= 6);
      for (const golden of cases) {
        const { width, height, format } = golden;
        const pipeline = Pipeline.fromPretrained(`test/golden/presets/${preset}.json`, {
          width,
          height,
          format,
          profile,
        });
        assert.equal(pipeline.outputs[0]!.dtype, golden.dtype);
        assertGives(golden, pipeline, `${format} ${width}x${height}`);
      }
    });
  }
}

test('letterbox equals OpenCV and numpy bit for bit', () => {
  const cases = goldenCases<LetterboxCase>('letterbox.json');
  assert.ok(cases.length >= 12);
  for (const golden of cases) {
    const { width, height, format, options } = golden;
    const name = `${format} ${width}x${height} ${JSON.stringify(options)}`;
    assertGives(golden, Pipeline.letterbox({ width, height, format, ...options }), name);
  }
});
