/** A slow model of whole pipelines: every stage applied to whole pictures, one after the other, as the definitions say. */
import assert from 'node:assert/strict';
import type { PipelineSpec, StageSpec, TensorData } from '../../lib/index.js';
import { LookupTable } from '../../lib/index.js';
import { CHANNELS, type Format } from './images.js';
import { nearest, opencvLinear } from './opencv.js';
import { exact4, type Pixels, pillowTaps, resizeInWindows, torchTaps, withAlpha } from './pillow.js';

interface Picture {
  width: number;
  height: number;
  format: Format;
  dtype: string;
  /** Values of the element type; float16 and bfloat16 as their bits. */
  data: number[];
}

/** The channels of the input; the model knows no others. */
export function formatOf(spec: PipelineSpec): Format {
  const { format } = spec.input;
  if (format === 'uyvy') throw new Error('the model has no uyvy');
  return format;
}

export function model(spec: PipelineSpec, image: Uint8Array): { data: TensorData; shape: number[] } {
  const { width, height } = spec.input;
  let picture: Picture = { width, height, format: formatOf(spec), dtype: 'uint8', data: [...image] };
  for (const stage of spec.stages ?? []) picture = apply(stage, picture);
  const dtype = spec.output?.dtype ?? picture.dtype;
  if (dtype !== picture.dtype) picture = convert(picture, dtype);
  return lay(picture, spec.output?.layout ?? 'hwc');
}

function apply(stage: StageSpec, picture: Picture): Picture {
  switch (stage.stage) {
    case 'resize':
      return resize(picture, stage);
    case 'crop':
      return crop(picture, stage.left, stage.top, stage.width, stage.height);
    case 'centerCrop': {
      const offset = stage.rule === 'floor' ? floorOffset : torchvisionOffset;
      const left = offset(picture.width, stage.width);
      const top = offset(picture.height, stage.height);
      return crop(picture, left, top, stage.width, stage.height);
    }
    case 'channels':
      return channels(picture, stage.to);
    case 'normalize': {
      const each = normalizer(stage);
      return { ...picture, dtype: 'float32', data: perChannel(picture, each) };
    }
    case 'lookup': {
      assert.ok(typeof stage.table === 'object', 'the model has no named tables');
      const table =
        stage.table instanceof LookupTable
          ? stage.table
          : LookupTable.from(stage.table.values, { dtype: stage.table.dtype });
      const { data } = table;
      const each = (x: number, c: number) => data[(table.channels === 1 ? 0 : c) * 256 + x]!;
      return { ...picture, dtype: table.dtype, data: perChannel(picture, each) };
    }
    case 'quantize': {
      const step = Math.fround(stage.scale);
      const each = (x: number) => {
        const code = roundHalfToEven(Math.fround(x / step)) + (stage.zeroPoint ?? 0);
        return Math.min(127, Math.max(-128, code));
      };
      return { ...picture, dtype: 'int8', data: perChannel(picture, each) };
    }
    default:
      throw new Error(`the model has no ${stage.stage}`);
  }
}

function perChannel(picture: Picture, each: (value: number, channel: number) => number): number[] {
  const count = CHANNELS[picture.format];
  return picture.data.map((value, i) => each(value, i % count));
}

type ResizeStage = Extract<StageSpec, { stage: 'resize' }>;

function resize(picture: Picture, stage: ResizeStage): Picture {
  const [width, height] = sizeOf(picture, stage);
  if (width === picture.width && height === picture.height) return picture;
  const pixels = { ...picture, channels: CHANNELS[picture.format] };
  const { profile = 'pillow', filter = 'bilinear' } = stage;
  const one = (image: Pixels) => resizeChannels(image, width, height, profile, filter);
  const knowsAlpha = filter !== 'nearest' && (profile === 'pillow' || profile === 'exact4');
  const hasAlpha = picture.format === 'rgba' || picture.format === 'bgra';
  const resized = knowsAlpha && hasAlpha ? withAlpha(pixels, one) : one(pixels);
  return { ...picture, width, height, data: Array.from(resized.data) };
}

function sizeOf({ width, height }: Picture, stage: ResizeStage): [width: number, height: number] {
  const { shortestEdge: shortest, longestEdge: longest } = stage;
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  if (shortest !== undefined) {
    const other = Math.trunc((shortest * long) / short);
    return width <= height ? [shortest, other] : [other, shortest];
  }
  if (longest !== undefined) {
    const other = Math.max(1, Math.trunc((longest * short) / long));
    return width <= height ? [other, longest] : [longest, other];
  }
  return [stage.width!, stage.height!];
}

function resizeChannels(
  image: Pixels,
  width: number,
  height: number,
  profile: NonNullable<ResizeStage['profile']>,
  filter: NonNullable<ResizeStage['filter']>,
): Pixels {
  if (filter === 'nearest') {
    if (profile === 'pillow' || profile === 'opencv') return nearest(image, width, height, profile);
  } else if (profile === 'exact4') return exact4(image, width, height);
  else if (profile === 'opencv') return opencvLinear(image, width, height);
  else return resizeInWindows(image, width, height, filter, profile === 'torch' ? torchTaps : pillowTaps);
  throw new Error(`the model has no ${profile} ${filter}`);
}

function crop(picture: Picture, left: number, top: number, width: number, height: number): Picture {
  const count = CHANNELS[picture.format];
  const data: number[] = [];
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      const inside = x >= 0 && y >= 0 && x < picture.width && y < picture.height;
      for (let c = 0; c < count; c++) {
        data.push(inside ? picture.data[(y * picture.width + x) * count + c]! : 0);
      }
    }
  }
  return { ...picture, width, height, data };
}

function floorOffset(size: number, part: number): number {
  return Math.floor((size - part) / 2);
}

/** A side that is too small is padded, the smaller half first; only a side that is large enough is rounded half to even. */
function torchvisionOffset(size: number, part: number): number {
  return size < part ? 0 - Math.floor((part - size) / 2) : roundHalfToEven((size - part) / 2);
}

const COMPONENTS: Record<Format, string> = {
  gray: 'y',
  rgb: 'rgb',
  bgr: 'bgr',
  rgba: 'rgba',
  bgra: 'bgra',
  rgbx: 'rgbx',
};

/** Which channels can be picked from which: everything but making an alpha or fourth channel up, or gray out of colours. */
export function canPick(from: Format, to: Format): boolean {
  return [...COMPONENTS[to]].every((wanted) => channelOf(from, wanted) >= 0);
}

function channelOf(from: Format, wanted: string): number {
  const found = COMPONENTS[from].indexOf(wanted);
  if (found >= 0) return found;
  if (from === 'gray' && 'rgb'.includes(wanted)) return 0;
  return wanted === 'x' ? COMPONENTS[from].indexOf('a') : -1;
}

function channels(picture: Picture, to: Format): Picture {
  const count = CHANNELS[picture.format];
  const data: number[] = [];
  for (let i = 0; i < picture.data.length; i += count) {
    for (const wanted of COMPONENTS[to]) data.push(picture.data[i + channelOf(picture.format, wanted)]!);
  }
  return { ...picture, format: to, data };
}

function normalizer(stage: StageSpec & { stage: 'normalize' }): (x: number, channel: number) => number {
  const pick = (values: number | readonly number[], channel: number) =>
    typeof values === 'number' ? values : values.length === 1 ? values[0]! : values[channel]!;
  const scale = stage.scale ?? 1 / 255;
  return (x, channel) => {
    const mean = Math.fround(pick(stage.mean, channel));
    const std = Math.fround(pick(stage.std, channel));
    if (stage.recipe === 'fused') {
      const inverse = Math.fround(1 / scale);
      return Math.fround(Math.fround(x - Math.fround(mean * inverse)) / Math.fround(std * inverse));
    }
    return Math.fround(Math.fround(Math.fround(x * scale) - mean) / std);
  };
}

function convert(picture: Picture, dtype: string): Picture {
  const each: Record<string, (x: number) => number> = {
    float32: (x) => x,
    float16: (x) => nearestCode(x, decodeFloat16, 0x7c00),
    bfloat16: (x) => nearestCode(x, decodeBfloat16, 0x7f80),
  };
  return { ...picture, dtype, data: picture.data.map(each[dtype]!) };
}

export function decodeFloat16(code: number): number {
  const exponent = code >> 10;
  const fraction = (code & 0x3ff) / 1024;
  return exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
}

export function decodeBfloat16(code: number): number {
  const exponent = code >> 7;
  const fraction = (code & 0x7f) / 128;
  return exponent === 0 ? fraction * 2 ** -126 : (1 + fraction) * 2 ** (exponent - 127);
}

/** The code whose value is nearest, even code if two are; `infinity` counts as the power of two that it stands at. */
function nearestCode(value: number, decode: (code: number) => number, infinity: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= decode(infinity)) return sign | infinity;
  let low = 0;
  let high = infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (decode(middle) <= size) low = middle;
    else high = middle;
  }
  const below = size - decode(low);
  const above = decode(high) - size;
  const upwards = above < below || (above === below && low % 2 === 1);
  return sign | (upwards ? high : low);
}

export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function lay(picture: Picture, layout: 'hwc' | 'chw'): { data: TensorData; shape: number[] } {
  const { width, height } = picture;
  const count = CHANNELS[picture.format];
  const values =
    layout === 'hwc'
      ? picture.data
      : picture.data.map(
          (_, i) => picture.data[(i % (width * height)) * count + Math.floor(i / (width * height))]!,
        );
  const kinds = {
    uint8: Uint8Array,
    int8: Int8Array,
    uint16: Uint16Array,
    float16: Uint16Array,
    bfloat16: Uint16Array,
    uint32: Uint32Array,
    float32: Float32Array,
  } as const;
  return {
    data: kinds[picture.dtype as keyof typeof kinds].from(values),
    shape: layout === 'hwc' ? [height, width, count] : [count, height, width],
  };
}
