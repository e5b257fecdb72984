/** Hugging Face's image processors as pipelines. */
import { z } from 'zod';
import { OnpathError } from '../errors.js';
import { type InputFormat, inputFormat, type PipelineSpec, pipelineSpec, type StageSpec } from '../schema.js';
import { parse, shown } from '../validate.js';
import { type ProcessorConfig, readProcessorConfig, type SizeField } from './processor-config.js';

/** What `Pipeline.fromPretrained` needs to know beside the configuration. */
export interface PresetOptions {
  /** Pixels of the images that will come. */
  readonly width: number;
  readonly height: number;
  /** Their format. Default: `rgb`. What the model's processor would not turn into RGB exactly is refused. */
  readonly format?: InputFormat;
  /**
   * `pillow`: the bits of the processors that resize with Pillow (the slow ones, `...Pil`). `torch`: of those that resize with
   * torchvision (`...Fast`). Default: `torch` if the configuration names a class `...Fast`, else `pillow`.
   */
  readonly profile?: 'pillow' | 'torch';
  /** Name, element type and layout of the result. Default: what the processor gives, float32 planes. */
  readonly output?: PipelineSpec['output'];
}

const presetOptions = z.strictObject({
  width: pipelineSpec.shape.input.shape.width,
  height: pipelineSpec.shape.input.shape.height,
  format: inputFormat.default('rgb'),
  profile: z.enum(['pillow', 'torch']).optional(),
  output: z.looseObject({}).optional(),
});

interface Size {
  readonly width: number;
  readonly height: number;
}
type Profile = NonNullable<PresetOptions['profile']>;

const FILTERS = ['nearest', 'lanczos3', 'bilinear', 'bicubic', 'box', 'hamming'] as const;
/** From this size on ConvNeXT resizes to a square and crops nothing. */
const CONVNEXT_SQUARES_FROM = 384;

/**
 * The pipeline of a model's image processor: `pixel_values` of transformers 5.23 for one image, bit for bit.
 * @param source A model's folder, the path of its preprocessor_config.json, or the parsed object.
 * @throws OnpathError INVALID_ARGUMENT, INVALID_SPEC, or UNSUPPORTED naming the field that cannot be expressed.
 */
export function presetSpec(source: string | object, options: PresetOptions): PipelineSpec {
  const config = readProcessorConfig(source);
  const {
    width,
    height,
    format,
    profile = config.fast ? 'torch' : 'pillow',
  } = parse(presetOptions, options, 'options');
  const stages: StageSpec[] = [
    ...geometry(config, { width, height }, profile),
    // Resizing and cropping treat channels alike, so their order may wait for the table at the end.
    ...toRgb(format, config.do_convert_rgb),
    ...values(config, profile),
  ];
  const made = config.do_rescale || config.do_normalize ? 'float32' : 'uint8';
  return {
    input: { kind: 'image', width, height, format },
    stages,
    output: { dtype: made, layout: 'chw', ...options.output },
  };
}

function geometry(config: ProcessorConfig, image: Size, profile: Profile): StageSpec[] {
  const stages: StageSpec[] = [];
  let size = image;
  if (config.do_resize) {
    const { stage, becomes, crop } = resize(config, image, profile);
    stages.push(stage);
    size = becomes;
    if (crop !== undefined) {
      stages.push(centerCrop(size, crop, profile));
      size = crop;
    }
  }
  if (config.do_center_crop) stages.push(centerCrop(size, cropSize(config), profile));
  return stages;
}

interface Resize {
  readonly stage: StageSpec;
  readonly becomes: Size;
  /** The crop that is part of ConvNeXT's resize. */
  readonly crop?: Size;
}

function resize(config: ProcessorConfig, image: Size, profile: Profile): Resize {
  if (config.resample === null) throw wrong('resample', null, 'expected 0 to 5, as do_resize is true');
  const filter = FILTERS[config.resample]!;
  if (profile === 'torch' && filter !== 'bilinear' && filter !== 'bicubic') {
    throw unsupported(
      'resample',
      config.resample,
      `profile "torch" resizes with 2 (bilinear) or 3 (bicubic), not ${filter}. Use profile "pillow"`,
    );
  }
  const how = { stage: 'resize', profile, filter } as const;
  const to = sizeOf(config);
  if (config.crop_pct !== undefined) {
    if (!('shortestEdge' in to)) throw wrong('size', config.size, 'expected shortest_edge for this class');
    const side = to.shortestEdge;
    const square = { width: side, height: side };
    if (side >= CONVNEXT_SQUARES_FROM) return { stage: { ...how, ...square }, becomes: square };
    const shortestEdge = Math.trunc(side / config.crop_pct);
    return { stage: { ...how, shortestEdge }, becomes: scaled(image, shortestEdge), crop: square };
  }
  if (!('shortestEdge' in to)) return { stage: { ...how, ...to }, becomes: to };
  return { stage: { ...how, ...to }, becomes: scaled(image, to.shortestEdge) };
}

/** The image with its shorter side made this long; the longer one is truncated. */
function scaled({ width, height }: Size, edge: number): Size {
  const long = Math.trunc((edge * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: edge, height: long } : { width: long, height: edge };
}

function sizeOf({ size, default_to_square }: ProcessorConfig): Size | { readonly shortestEdge: number } {
  if (typeof size === 'number')
    return default_to_square ? { width: size, height: size } : { shortestEdge: size };
  const { width, height, shortest_edge: shortestEdge, ...others } = sides('size', size, 'do_resize');
  const more = Object.keys(others);
  if (more.length > 0)
    throw unsupported(
      'size',
      `an object with ${more.join(' and ')}`,
      'this version takes height and width, or shortest_edge',
    );
  if (shortestEdge === undefined && width !== undefined && height !== undefined) return { width, height };
  if (shortestEdge !== undefined && width === undefined && height === undefined) return { shortestEdge };
  throw wrong('size', size, 'expected height and width, or shortest_edge');
}

function cropSize({ crop_size: size }: ProcessorConfig): Size {
  if (typeof size === 'number') return { width: size, height: size };
  const { width, height, ...others } = sides('crop_size', size, 'do_center_crop');
  if (width !== undefined && height !== undefined && Object.keys(others).length === 0)
    return { width, height };
  throw wrong('crop_size', size, 'expected height and width');
}

/** Named sides, without those that are null. */
function sides(
  field: string,
  size: Exclude<SizeField, number>,
  needs: string,
): Partial<Record<string, number>> {
  if (size === null) throw wrong(field, size, `expected a size, as ${needs} is true`);
  if (Array.isArray(size)) return { height: size[0]!, width: size[1]! };
  return Object.fromEntries(
    Object.entries(size as Record<string, number | null>).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    ),
  );
}

/**
 * With Pillow the offset is rounded down; with torch towards zero, which differs when the crop is larger than the image by an odd
 * number of pixels.
 */
function centerCrop(image: Size, crop: Size, profile: Profile): StageSpec {
  const left = (image.width - crop.width) / 2;
  const top = (image.height - crop.height) / 2;
  const same = [left, top].every((offset) => Math.floor(offset) === Math.trunc(offset));
  if (profile === 'pillow' || same) return { stage: 'centerCrop', ...crop, rule: 'floor' };
  // + 0: no minus zero.
  return { stage: 'crop', left: Math.trunc(left) + 0, top: Math.trunc(top) + 0, ...crop };
}

/** RGB of whatever comes, where the processor's own conversion is exactly that. */
function toRgb(format: InputFormat, converts: boolean): StageSpec[] {
  if (format === 'rgb') return [];
  if (format === 'bgr' || format === 'rgbx' || (format === 'gray' && converts))
    return [{ stage: 'channels', to: 'rgb' }];
  const why =
    format === 'gray'
      ? 'this processor takes three channels (do_convert_rgb is false)'
      : format === 'uyvy'
        ? "which matrix and range turn it into RGB is not the processor's to say; put a toRgb stage before the stages of presetSpec"
        : converts
          ? 'the processor blends pixels with alpha over white; blend them first'
          : 'this processor takes three channels (do_convert_rgb is false)';
  throw new OnpathError('UNSUPPORTED', `format is ${shown(format)}: ${why}. Pass rgb, bgr or rgbx.`);
}

/** From 8-bit values to floats, with the roundings of each kind of processor. */
function values(config: ProcessorConfig, profile: Profile): StageSpec[] {
  const { do_rescale, do_normalize } = config;
  const factor = do_rescale ? needed('rescale_factor', config.rescale_factor, 'do_rescale') : 1;
  const mean = do_normalize ? needed('image_mean', config.image_mean, 'do_normalize') : 0;
  const std = do_normalize ? needed('image_std', config.image_std, 'do_normalize') : 1;
  if ([std].flat().includes(0)) throw wrong('image_std', std, 'expected numbers other than 0');
  if (do_rescale && do_normalize) {
    const recipe = profile === 'torch' ? 'fused' : 'torchvision';
    return [{ stage: 'normalize', mean, std, scale: factor, recipe }];
  }
  if (!do_normalize && !do_rescale) return [];
  if (do_normalize || profile === 'pillow')
    return [{ stage: 'normalize', mean, std, scale: factor, recipe: 'torchvision' }];
  // torch multiplies float32 by float32; the product of two of them is exact in a double, so one rounding is left.
  const product = Array.from({ length: 256 }, (_, x) => Math.fround(x * Math.fround(factor)));
  return [{ stage: 'lookup', table: { dtype: 'float32', values: product } }];
}

function needed<T>(field: string, value: T | null, by: string): T {
  if (value === null) throw wrong(field, value, `expected numbers, as ${by} is true`);
  return value;
}

function unsupported(field: string, value: unknown, why: string): OnpathError {
  const text = typeof value === 'string' ? value : shown(value);
  return new OnpathError('UNSUPPORTED', `processor.${field} is ${text}: ${why}.`);
}

function wrong(field: string, value: unknown, expected: string): OnpathError {
  return new OnpathError('INVALID_SPEC', `processor.${field} is ${shown(value)}: ${expected}.`);
}
