// Golden vectors for the TypeScript tests: noise that needs no file, and reading of the cases. Must not know pipelines.
import { readFileSync } from 'node:fs';

export type ResizeFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos3';

export interface ResizeCase {
  readonly source: 'noise' | 'photo';
  readonly mode: 'L' | 'RGB' | 'RGBA' | 'RGBX';
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly outWidth: number;
  readonly outHeight: number;
  /** Top left corner of the crop of the photograph. */
  readonly x?: number;
  readonly y?: number;
  /** Of the expected result with each filter that the reference has: the first 16 bytes, in hexadecimal. */
  readonly sha256: { readonly bilinear: string } & { readonly [filter in ResizeFilter]?: string };
}

export interface NormalizeCase {
  readonly set: string;
  readonly mean: number[];
  readonly std: number[];
  readonly recipe: 'torchvision' | 'fused';
  readonly dtype: 'float32' | 'float16' | 'bfloat16';
  /** 3 channels x 256 values as they lie in memory, in hexadecimal. */
  readonly hex: string;
}

export interface ToRgbCase {
  /** `all`: every Y, Cb and Cr; scripts/golden/make_to_rgb.py says how they lie. */
  readonly source: 'noise' | 'all';
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly matrix: 'bt601' | 'bt709';
  readonly range: 'studio' | 'full';
  readonly sha256: string;
}

export interface PadCase {
  readonly mode: 'L' | 'RGB' | 'RGBA';
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  /** Left, top, right, bottom; none: to outWidth x outHeight as letterbox does it. */
  readonly sides: number[];
  readonly outWidth: number;
  readonly outHeight: number;
  readonly value: number[];
  readonly sha256: string;
}

/** The cases of a file in test/golden. Tests run from the root of the repository. */
export function goldenCases<Case>(file: string): Case[] {
  return (JSON.parse(readFileSync(`test/golden/${file}`, 'utf8')) as { cases: Case[] }).cases;
}

/** Byte i of noise `seed`: the same hash as scripts/golden/noise.py. */
export function noise(seed: number, n: number): Uint8Array {
  const bytes = new Uint8Array(n);
  const start = Math.imul(seed, 2246822519);
  for (let i = 0; i < n; i++) {
    let x = (Math.imul(i, 2654435761) + start) | 0;
    x = Math.imul(x ^ (x >>> 15), 2246822519);
    x = Math.imul(x ^ (x >>> 13), 3266489917);
    bytes[i] = x >>> 24;
  }
  return bytes;
}
