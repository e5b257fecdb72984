/** Made-up pixels: the same seed gives the same bytes on every machine. */

/** A small generator of 32-bit numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  /** A whole number from low to high, both included. */
  between(low: number, high: number): number {
    return low + (this.uint32() % (high - low + 1));
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)]!;
  }
  shuffle<T>(items: readonly T[]): T[] {
    const mixed = [...items];
    for (let i = mixed.length - 1; i > 0; i--) {
      const j = this.between(0, i);
      [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
    }
    return mixed;
  }
}

export const CHANNELS = { gray: 1, rgb: 3, bgr: 3, rgba: 4, bgra: 4, rgbx: 4 } as const;
export type Format = keyof typeof CHANNELS;
export const FORMATS = Object.keys(CHANNELS) as Format[];

/** Noise with many extreme values, so that clipping and transparent pixels occur. */
export function noise(bytes: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: bytes }, () => {
    const value = random.uint32();
    if ((value & 0xf00) === 0) return 0;
    if ((value & 0xf00) === 0x100) return 255;
    return value & 0xff;
  });
}

export function noiseImage(width: number, height: number, format: Format, seed: number): Uint8Array {
  return noise(width * height * CHANNELS[format], seed);
}
