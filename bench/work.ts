/** The work that every suite does: images of 1280x720, resized, normalized, float32 planes. */
import { Pipeline, type PipelineSpec } from '../lib/index.js';
import type { Contestant } from './statistics.js';

export const IMAGE = { width: 1280, height: 720, format: 'rgb' } as const;
export const IMAGE_BYTES = IMAGE.width * IMAGE.height * 3;
/** Pixels along each side of the result. */
export const SIDE = 224;
export const RESULT_ELEMENTS = 3 * SIDE * SIDE;

/** Per channel, of ImageNet. */
export const MEAN = [0.485, 0.456, 0.406];
export const STD = [0.229, 0.224, 0.225];

export const SPEC: PipelineSpec = {
  input: { kind: 'image', ...IMAGE },
  stages: [
    { stage: 'resize', width: SIDE, height: SIDE, profile: 'pillow', filter: 'bilinear' },
    { stage: 'normalize', mean: MEAN, std: STD },
  ],
  output: { dtype: 'float32', layout: 'chw' },
};

export function compile(kernels?: string): Pipeline {
  return kernels === undefined ? Pipeline.compile(SPEC) : Pipeline.compile(SPEC, { kernels });
}

/** `pipeline.run` over these images in turn, into the same memory. */
export function wholeCall(name: string, pipeline: Pipeline, images: readonly Uint8Array[]): Contestant {
  const into = new Float32Array(RESULT_ELEMENTS);
  let turn = 0;
  return {
    name,
    run(count) {
      for (let i = 0; i < count; i++) pipeline.run(images[turn++ % images.length]!, { into });
      return count;
    },
  };
}

/** An image of slopes and noise, different for every seed. */
export function makeImage(seed: number): Uint8Array {
  const image = new Uint8Array(IMAGE_BYTES);
  const random = randomFrom(seed);
  for (let y = 0, at = 0; y < IMAGE.height; y++) {
    for (let x = 0; x < IMAGE.width; x++) {
      const noise = random();
      image[at++] = ((x * 200) / IMAGE.width + (noise & 31)) | 0;
      image[at++] = ((y * 200) / IMAGE.height + ((noise >>> 5) & 31)) | 0;
      image[at++] = (((x ^ y) & 127) + ((noise >>> 10) & 63)) | 0;
    }
  }
  return image;
}

export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** An image cut into pieces, in order; the last one is shorter. */
export function cut(image: Uint8Array, pieceBytes: number): Piece[] {
  const pieces: Piece[] = [];
  for (let offset = 0; offset < image.length; offset += pieceBytes)
    pieces.push({ offset, bytes: image.subarray(offset, offset + pieceBytes) });
  return pieces;
}

/** The same pieces in an order that the seed decides. */
export function shuffle<T>(items: readonly T[], seed: number): T[] {
  const shuffled = [...items];
  const random = randomFrom(seed);
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = random() % (last + 1);
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}

/** Whole numbers of 32 bits: Marsaglia's xorshift. */
function randomFrom(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
