/** Small photographs and what Pillow makes of them, as scripts/nics-parts/photographs.py left them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pipeline } from '../../lib/index.js';

export interface Photographs {
  readonly input: {
    readonly kind: 'image';
    readonly width: number;
    readonly height: number;
    readonly format: 'rgb';
  };
  /** Row-major RGB. */
  readonly frames: readonly Uint8Array[];
  /** Pillow's tensor of each frame, as bytes. */
  readonly tensors: readonly Uint8Array[];
  /** Frame to tensor: centre crop, resize and normalize. */
  readonly pipeline: Pipeline;
}

/** From the folder that ONPATH_NICS_PHOTOGRAPHS names. */
export function readPhotographs(): Photographs {
  const folder = process.env['ONPATH_NICS_PHOTOGRAPHS'] ?? 'photographs';
  const { count, width, height, crop, size } = JSON.parse(
    readFileSync(join(folder, 'geometry.json'), 'utf8'),
  ) as Record<'count' | 'width' | 'height' | 'crop' | 'size', number>;
  const input = { kind: 'image', width, height, format: 'rgb' } as const;
  return {
    input,
    frames: cut(join(folder, 'frames.rgb'), count, width * height * 3),
    tensors: cut(join(folder, 'tensors.f32'), count, size * size * 3 * Float32Array.BYTES_PER_ELEMENT),
    pipeline: Pipeline.compile({
      input,
      stages: [
        { stage: 'centerCrop', width: crop, height: crop },
        { stage: 'resize', width: size, height: size },
        { stage: 'normalize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
      ],
      output: { dtype: 'float32', layout: 'chw' },
    }),
  };
}

function cut(file: string, count: number, length: number): Uint8Array[] {
  const bytes = readFileSync(file);
  if (bytes.length !== count * length) {
    throw new Error(`${file} has ${bytes.length} bytes, expected ${count} times ${length}`);
  }
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}
