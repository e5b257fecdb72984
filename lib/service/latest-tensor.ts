/** A tensor made small enough to be shown: statistics by channel, and a picture. Bounded in time, as it runs on the event loop. */
import type { DType, Layout } from '../schema.js';
import type { TensorData } from '../tensor.js';
import type { ChannelStats, Picture } from './latest.js';

/** More elements than these are not looked at one by one. */
const MOST_ELEMENTS = 1 << 18;
const LONGEST_SIDE = 256;

/** Where the elements of one image lie. */
interface View {
  readonly data: TensorData;
  readonly layout: Layout;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** What an element stands for. */
  readonly value: (element: number) => number;
}

export interface TensorLook {
  readonly stats: readonly ChannelStats[];
  readonly everyNthPixel: number;
  readonly picture: Picture | undefined;
}

/** @param shape Of one sample, without a batch dimension. */
export function lookAt(
  data: TensorData,
  { dtype, layout, shape }: { dtype: DType; layout: Layout; shape: readonly number[] },
): TensorLook {
  const [height, width, channels] = (layout === 'hwc' ? shape : [shape[1], shape[2], shape[0]]) as [
    number,
    number,
    number,
  ];
  const view: View = { data, layout, height, width, channels, value: decoder(dtype) };
  const everyNthPixel = Math.max(1, Math.ceil((width * height * channels) / MOST_ELEMENTS));
  const stats = Array.from({ length: channels }, (_, c) => statsOf(view, c, everyNthPixel));
  return { stats, everyNthPixel, picture: pictureOf(view, dtype, stats) };
}

/** Position of a pixel's first channel, and from there to the next channel. */
const first = ({ layout, channels }: View, pixel: number): number =>
  layout === 'hwc' ? pixel * channels : pixel;
const step = ({ layout, width, height }: View): number => (layout === 'hwc' ? 1 : width * height);

/** In two passes: the sum of squares alone would lose the deviation of values far from zero. */
function statsOf(view: View, channel: number, everyNth: number): ChannelStats {
  const { data, value } = view;
  const offset = channel * step(view);
  const pixels = view.width * view.height;
  let [min, max, sum, count, nan] = [Infinity, -Infinity, 0, 0, 0];
  for (let pixel = 0; pixel < pixels; pixel += everyNth) {
    const x = value(data[first(view, pixel) + offset]!);
    if (!Number.isFinite(x)) {
      nan++;
      continue;
    }
    if (x < min) min = x;
    if (x > max) max = x;
    sum += x;
    count++;
  }
  if (count === 0) return { min: 0, max: 0, mean: 0, std: 0, nan };
  const mean = sum / count;
  let squares = 0;
  for (let pixel = 0; pixel < pixels; pixel += everyNth) {
    const x = value(data[first(view, pixel) + offset]!);
    if (Number.isFinite(x)) squares += (x - mean) ** 2;
  }
  return { min, max, mean, std: Math.sqrt(squares / count), nan };
}

function pictureOf(view: View, dtype: DType, stats: readonly ChannelStats[]): Picture | undefined {
  const { data, value, channels } = view;
  if (channels === 2 || channels > 4) return undefined;
  const every = Math.ceil(Math.max(view.width, view.height) / LONGEST_SIDE);
  const width = Math.ceil(view.width / every);
  const height = Math.ceil(view.height / every);
  // Bytes are pixels as they are; of others the range is what the values have.
  const colours = stats.slice(0, channels === 4 ? 3 : channels);
  const low = dtype === 'uint8' ? 0 : Math.min(...colours.map(({ min }) => min));
  const range = dtype === 'uint8' ? 255 : Math.max(...colours.map(({ max }) => max)) - low;
  // A clamped array also rounds, and makes NaN 0.
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const from = first(view, y * every * view.width + x * every);
      for (let c = 0; c < 3; c++) {
        const element = data[from + (channels === 1 ? 0 : c) * step(view)]!;
        rgb[at + c] = range > 0 ? ((value(element) - low) * 255) / range : 0;
      }
    }
  }
  return { width, height, rgb: new Uint8Array(rgb.buffer) };
}

function decoder(dtype: DType): View['value'] {
  if (dtype !== 'float16' && dtype !== 'bfloat16') return (element) => element;
  const values = dtype === 'float16' ? float16Values() : undefined;
  return values === undefined ? bfloat16Value : (bits) => values[bits]!;
}

const word = new DataView(new ArrayBuffer(4));

function bfloat16Value(bits: number): number {
  word.setUint16(0, bits);
  return word.getFloat32(0);
}

let float16: Float32Array | undefined;

/** IEEE 754 binary16, every value of it. Made when the first is looked at. */
function float16Values(): Float32Array {
  float16 ??= Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits >> 15 === 1 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
  return float16;
}
