/** The preprocessing of YOLO models: an image scaled into a frame, the rest of the frame grey. */
import { z } from 'zod';
import { OnpathError } from '../errors.js';
import type { PipelineSpec, StageSpec } from '../schema.js';
import { parse } from '../validate.js';

const side = z.int().min(1).max(65535);

const letterboxOptions = z.strictObject({
  width: side,
  height: side,
  format: z.enum(['rgb', 'bgr', 'rgbx', 'gray']),
  size: z.union([side, z.strictObject({ width: side, height: side })]).default(640),
  value: z.int().min(0).max(255).default(114),
  scaleUp: z.boolean().default(true),
  center: z.boolean().default(true),
  stride: side.optional(),
  order: z.enum(['rgb', 'bgr']).default('rgb'),
  output: z.looseObject({}).optional(),
});

/** What `Pipeline.letterbox` takes. */
export interface LetterboxOptions {
  /** Pixels of the images that will come. */
  readonly width: number;
  readonly height: number;
  /** Their format: `bgr` is what OpenCV reads. Formats with alpha are refused, as OpenCV resizes alpha like a colour. */
  readonly format: 'rgb' | 'bgr' | 'rgbx' | 'gray';
  /** Pixels of the frame; a number: of both sides. Default: 640. */
  readonly size?: number | { readonly width: number; readonly height: number };
  /** What the frame holds beside the image. Default: 114. */
  readonly value?: number;
  /** Whether a small image is enlarged. Default: true. */
  readonly scaleUp?: boolean;
  /** Whether the image is in the middle, or else in the upper left corner. Default: true. */
  readonly center?: boolean;
  /** Shrinks the frame to what the image needs, in steps of this many pixels (`auto`). Default: the whole frame. */
  readonly stride?: number;
  /** Channels of the result. Default: `rgb`. */
  readonly order?: 'rgb' | 'bgr';
  /** Name, element type and layout of the result. Default: float32 planes. */
  readonly output?: PipelineSpec['output'];
}

/**
 * The pipeline of Ultralytics' `LetterBox`: cv2.resize (INTER_LINEAR) by min(H / h, W / w), sides rounded half to even, a border, and
 * value / 255 as float32 planes, [3, H, W].
 * @throws OnpathError INVALID_SPEC; UNSUPPORTED if a side of the image would vanish.
 */
export function letterboxSpec(options: LetterboxOptions): PipelineSpec {
  const given = parse(letterboxOptions, options, 'letterbox');
  const { width, height, format, value, center, stride, order } = given;
  const frame = typeof given.size === 'number' ? { width: given.size, height: given.size } : given.size;
  const fit = Math.min(frame.height / height, frame.width / width);
  const ratio = given.scaleUp ? fit : Math.min(fit, 1);
  const image = { width: roundHalfEven(width * ratio), height: roundHalfEven(height * ratio) };
  if (image.width < 1 || image.height < 1) {
    throw new OnpathError(
      'UNSUPPORTED',
      `letterbox: ${width}x${height} scaled into ${frame.width}x${frame.height} would be ${image.width}x${image.height}. Crop first or take a larger size.`,
    );
  }
  const missing = { width: frame.width - image.width, height: frame.height - image.height };
  if (stride !== undefined) {
    missing.width %= stride;
    missing.height %= stride;
  }
  const stages: StageSpec[] = [];
  if (image.width !== width || image.height !== height)
    stages.push({ stage: 'resize', ...image, profile: 'opencv', filter: 'bilinear' });
  if (missing.width > 0 || missing.height > 0) {
    stages.push(
      center
        ? { stage: 'pad', width: image.width + missing.width, height: image.height + missing.height, value }
        : { stage: 'pad', right: missing.width, bottom: missing.height, value },
    );
  }
  if (format !== order) stages.push({ stage: 'channels', to: order });
  // f32(f64(x) * (1 / 255)) is f32(x) / 255 for every byte.
  stages.push({ stage: 'normalize', mean: 0, std: 1, scale: 1 / 255, recipe: 'torchvision' });
  return {
    input: { kind: 'image', width, height, format },
    stages,
    output: { dtype: 'float32', layout: 'chw', ...options.output },
  };
}

/** As Python's round() does. @param value Not negative. */
function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
