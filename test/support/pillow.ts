/**
 * Slow models of two families of resizes, written from their descriptions: windows of Pillow and PyTorch in doubles and fixed
 * point, and the exact four-term interpolation in big integers. They know nothing of the package.
 */

/** Interleaved 8-bit pixels. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

const FIXED_POINT = 2 ** 22;

export type WindowFilter = 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos3';

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Support in pixels of the coarser side, and the weight of a pixel at a distance. */
const filters: Record<WindowFilter, readonly [support: number, weight: (x: number) => number]> = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  hamming: [
    1,
    // The constants are floats in Pillow.
    (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(Math.PI * x))),
  ],
  bicubic: [2, (x) => cubic(Math.abs(x))],
  lanczos3: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
}

interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

function shares(inSize: number, outSize: number, filter: WindowFilter): Taps[] {
  const [support, weight] = filters[filter];
  const scale = Math.fround(inSize) / outSize;
  const coarser = Math.max(scale, 1);
  const reach = support * coarser;
  return Array.from({ length: outSize }, (_, out) => {
    const center = (out + 0.5) * scale;
    const first = Math.max(Math.trunc(center - reach + 0.5), 0);
    const end = Math.min(Math.trunc(center + reach + 0.5), inSize);
    const weights: number[] = [];
    let total = 0;
    for (let i = first; i < end; i++) {
      const share = weight((i - center + 0.5) * (1 / coarser));
      weights.push(share);
      total += share;
    }
    return { first, weights: total === 0 ? weights : weights.map((share) => share / total) };
  });
}

/** Half away from zero. */
const rounded = (value: number) => Math.trunc(value < 0 ? value - 0.5 : value + 0.5);

/** For each output position: where its window begins, and its weights in 22-bit fixed point. */
export function pillowTaps(inSize: number, outSize: number, filter: WindowFilter = 'bilinear'): Taps[] {
  return shares(inSize, outSize, filter).map(({ first, weights }) => ({
    first,
    weights: weights.map((share) => rounded(share * FIXED_POINT)),
  }));
}

/** The same with as many bits as 16-bit weights allow, in 22-bit fixed point as well. */
export function torchTaps(inSize: number, outSize: number, filter: WindowFilter): Taps[] {
  const exact = shares(inSize, outSize, filter);
  const greatest = Math.max(...exact.flatMap(({ weights }) => weights));
  let one = 1;
  while (one < FIXED_POINT && rounded(greatest * one * 2) < 2 ** 15) one *= 2;
  return exact.map(({ first, weights }) => ({
    first,
    weights: weights.map((share) => (rounded(share * one) * FIXED_POINT) / one),
  }));
}

/** One value of one pass, rounded and clipped. */
function pass(taps: readonly Taps[], read: (position: number) => number, out: number): number {
  const { first, weights } = taps[out]!;
  // Products stay below 2^53, so doubles hold the sum exactly.
  let sum = FIXED_POINT / 2;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * read(first + i);
  return Math.min(255, Math.max(0, Math.floor(sum / FIXED_POINT)));
}

/** Image.resize((width, height), filter) of independent channels; with `torchTaps`, PyTorch's antialiased resize of uint8. */
export function resizeInWindows(
  image: Pixels,
  width: number,
  height: number,
  filter: WindowFilter,
  tapsOf: typeof pillowTaps | typeof torchTaps = pillowTaps,
): Pixels {
  const { channels } = image;
  let current = image;
  if (width !== image.width) {
    const taps = tapsOf(image.width, width, filter);
    const data = new Uint8Array(width * image.height * channels);
    for (let i = 0; i < data.length; i++) {
      const [y, x, c] = position(i, width, channels);
      data[i] = pass(taps, (column) => image.data[(y * image.width + column) * channels + c]!, x);
    }
    current = { width, height: image.height, channels, data };
  }
  if (height !== image.height) {
    const source = current;
    const taps = tapsOf(image.height, height, filter);
    const data = new Uint8Array(width * height * channels);
    for (let i = 0; i < data.length; i++) {
      const [y, x, c] = position(i, width, channels);
      data[i] = pass(taps, (row) => source.data[(row * width + x) * channels + c]!, y);
    }
    current = { width, height, channels, data };
  }
  return current;
}

/** The same for pictures whose last channel is alpha: colours are multiplied by it before and divided by it after. */
export function withAlpha(image: Pixels, resize: (image: Pixels) => Pixels): Pixels {
  const multiplied = Uint8Array.from(image.data);
  for (let i = 0; i < multiplied.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      const product = multiplied[i + c]! * multiplied[i + 3]! + 128;
      multiplied[i + c] = (product + (product >> 8)) >> 8;
    }
  }
  const resized = resize({ ...image, data: multiplied });
  const divided = Uint8Array.from(resized.data);
  for (let i = 0; i < divided.length; i += 4) {
    const alpha = divided[i + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let c = 0; c < 3; c++) divided[i + c] = Math.min(255, Math.trunc((255 * divided[i + c]!) / alpha));
  }
  return { ...resized, data: divided };
}

interface Pair {
  readonly low: number;
  readonly high: number;
  /** Numerators over 2 * outSize. */
  readonly lowWeight: bigint;
  readonly highWeight: bigint;
}

/** Half-pixel centres: output o lies at (2o + 1) * in / (2 * out) - 1/2; borders are clamped. */
function pairs(inSize: number, outSize: number): Pair[] {
  const whole = 2n * BigInt(outSize);
  return Array.from({ length: outSize }, (_, out) => {
    const numerator = (2n * BigInt(out) + 1n) * BigInt(inSize) - BigInt(outSize);
    const rest = ((numerator % whole) + whole) % whole;
    const floor = Number((numerator - rest) / whole);
    const clamp = (i: number) => Math.min(inSize - 1, Math.max(0, i));
    return { low: clamp(floor), high: clamp(floor + 1), lowWeight: whole - rest, highWeight: rest };
  });
}

/** Four-term bilinear: exact rationals, rounded once, half to even. */
export function exact4(image: Pixels, width: number, height: number): Pixels {
  const { channels } = image;
  const columns = pairs(image.width, width);
  const rows = pairs(image.height, height);
  const denominator = 4n * BigInt(width) * BigInt(height);
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const [y, x, c] = position(i, width, channels);
    const row = rows[y]!;
    const column = columns[x]!;
    const at = (line: number, place: number) =>
      BigInt(image.data[(line * image.width + place) * channels + c]!);
    const upper = column.lowWeight * at(row.low, column.low) + column.highWeight * at(row.low, column.high);
    const lower = column.lowWeight * at(row.high, column.low) + column.highWeight * at(row.high, column.high);
    data[i] = Number(divideToEven(row.lowWeight * upper + row.highWeight * lower, denominator));
  }
  return { width, height, channels, data };
}

function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  if (twice < denominator || (twice === denominator && quotient % 2n === 0n)) return quotient;
  return quotient + 1n;
}

export function position(i: number, width: number, channels: number): [y: number, x: number, c: number] {
  const pixel = Math.floor(i / channels);
  return [Math.floor(pixel / width), pixel % width, i % channels];
}
