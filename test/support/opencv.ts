/** Slow models of OpenCV's resizes without antialiasing, and of the nearest pixel. They know nothing of the package. */
import { type Pixels, position } from './pillow.js';

interface Pair {
  readonly at: readonly [number, number];
  readonly weight: readonly [number, number];
}

/** Half-pixel centres in float, two weights of 11 bits. At a border columns have one pixel, rows twice the same. */
function pairs(inSize: number, outSize: number, kind: 'columns' | 'rows'): Pair[] {
  const scale = 1 / (outSize / inSize);
  const clamp = (i: number) => Math.min(inSize - 1, Math.max(0, i));
  return Array.from({ length: outSize }, (_, out) => {
    const center = Math.fround((out + 0.5) * scale - 0.5);
    let low = Math.floor(center);
    let part = Math.fround(center - low);
    if (kind === 'columns' && clamp(low) !== low) part = 0;
    if (kind === 'columns' && low >= inSize - 1) part = 0;
    if (kind === 'columns') low = clamp(low);
    return {
      at: [clamp(low), clamp(low + 1)],
      weight: [halfToEven(Math.fround(1 - part) * 2048), halfToEven(part * 2048)],
    };
  });
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** cv2.resize(..., interpolation=cv2.INTER_LINEAR) of 8-bit channels. */
export function opencvLinear(image: Pixels, width: number, height: number): Pixels {
  const { channels } = image;
  const columns = pairs(image.width, width, 'columns');
  const rows = pairs(image.height, height, 'rows');
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const [y, x, c] = position(i, width, channels);
    const across = (row: number) => {
      const { at, weight } = columns[x]!;
      const value = (column: number) => image.data[(row * image.width + column) * channels + c]!;
      return value(at[0]) * weight[0] + value(at[1]) * weight[1];
    };
    const { at, weight } = rows[y]!;
    const part = (k: 0 | 1) => Math.floor((weight[k] * Math.floor(across(at[k]) / 16)) / 65536);
    data[i] = Math.floor((part(0) + part(1) + 2) / 4);
  }
  return { width, height, channels, data };
}

/** By additions, as Pillow does, rounding of each included. */
function pillowPositions(inSize: number, outSize: number): number[] {
  const step = inSize / outSize;
  let at = step * 0.5;
  return Array.from({ length: outSize }, () => {
    const position = Math.floor(at);
    at += step;
    return position;
  });
}

function opencvPositions(inSize: number, outSize: number): number[] {
  const step = 1 / (outSize / inSize);
  return Array.from({ length: outSize }, (_, out) => Math.min(inSize - 1, Math.floor(out * step)));
}

/** Image.resize(..., NEAREST), or cv2.resize(..., interpolation=cv2.INTER_NEAREST). */
export function nearest(image: Pixels, width: number, height: number, profile: 'pillow' | 'opencv'): Pixels {
  const { channels } = image;
  const positions = profile === 'pillow' ? pillowPositions : opencvPositions;
  const columns = positions(image.width, width);
  const rows = positions(image.height, height);
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const [y, x, c] = position(i, width, channels);
    data[i] = image.data[(rows[y]! * image.width + columns[x]!) * channels + c]!;
  }
  return { width, height, channels, data };
}
