// Resizing against the Pillow that is installed, on sizes drawn at random.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Pipeline } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { CHANNELS, type Format, noise, noiseImage, Random } from '../support/images.js';
import { resizeInWindows } from '../support/pillow.js';
import { decodeWithPillow, missing, type ResizeJob, resizeWithPillow } from '../support/tools.js';

const MODES: Partial<Record<Format, string>> = { gray: 'L', rgb: 'RGB', rgba: 'RGBA', rgbx: 'RGBX' };
const PHOTO = join(process.cwd(), 'test', 'data', 'astronaut.png');

function ours(job: ResizeJob, format: Format): ArrayBufferView {
  const { width, height, toWidth, toHeight, pixels } = job;
  const stages = [{ stage: 'resize', width: toWidth, height: toHeight } as const];
  return Pipeline.compile({ input: { kind: 'image', width, height, format }, stages }).run(pixels).data;
}

describe('pillow resize against Pillow itself', { skip: missing('pillow') }, () => {
  for (const [format, mode] of Object.entries(MODES) as [Format, string][]) {
    test(`${format}: 12 random size pairs of noise are equal, bit for bit`, () => {
      const random = new Random(CHANNELS[format] * 1000 + mode.length);
      const jobs = Array.from({ length: 12 }, (_, i): ResizeJob => {
        const side = () => random.between(1, i % 3 === 0 ? 700 : 90);
        const [width, height, toWidth, toHeight] = [side(), side(), side(), side()];
        return { width, height, toWidth, toHeight, mode, pixels: noiseImage(width, height, format, i) };
      });
      resizeWithPillow(jobs).forEach((expected, i) => {
        const job = jobs[i]!;
        const { width, height, toWidth, toHeight } = job;
        assertSameBytes(ours(job, format), expected, `${width}x${height} -> ${toWidth}x${toHeight}`);
      });
    });
  }

  test('a photograph is equal at five sizes', () => {
    assert.ok(existsSync(PHOTO), `${PHOTO} is not there`);
    const { width, height, pixels } = decodeWithPillow(PHOTO);
    const sizes = [
      [224, 224],
      [1000, 3],
      [width, 77],
      [333, height],
      [1, 1],
    ] as const;
    const jobs = sizes.map(([toWidth, toHeight]) => ({
      width,
      height,
      toWidth,
      toHeight,
      mode: 'RGB',
      pixels,
    }));
    resizeWithPillow(jobs).forEach((expected, i) => {
      assertSameBytes(ours(jobs[i]!, 'rgb'), expected, `photo -> ${sizes[i]!.join('x')}`);
    });
  });

  test('the model of Pillow that other tests use is right', () => {
    const pixels = noise(31 * 17 * 3, 5);
    const [expected] = resizeWithPillow([
      { width: 31, height: 17, toWidth: 13, toHeight: 40, mode: 'RGB', pixels },
    ]);
    const image = { width: 31, height: 17, channels: 3, data: pixels };
    const modelled = resizeInWindows(image, 13, 40, 'bilinear');
    assertSameBytes(Uint8Array.from(modelled.data), expected!);
  });
});
