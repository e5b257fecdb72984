/** toRgb from its description (docs/semantics.md), in whole numbers. It knows nothing of the package. */

const WEIGHTS = { bt601: [2990, 1140], bt709: [2126, 722] } as const;
const UNIT = 10_000;

/** numerator / denominator times 65,536, to the nearest, half away from zero. */
function fixed(numerator: number, denominator: number): number {
  const twice = BigInt(Math.abs(numerator)) * 131_072n;
  const rounded = Number((twice + BigInt(denominator)) / (2n * BigInt(denominator)));
  return numerator < 0 ? -rounded : rounded;
}

export function toRgb(
  uyvy: Uint8Array,
  matrix: keyof typeof WEIGHTS,
  range: 'studio' | 'full',
): Uint8Array<ArrayBuffer> {
  const [kr, kb] = WEIGHTS[matrix];
  const kg = UNIT - kr - kb;
  const [yLevels, chromaLevels, black] = range === 'studio' ? [219, 224, 16] : [255, 255, 0];
  const y = fixed(255, yLevels);
  const crToR = fixed(2 * (UNIT - kr) * 255, UNIT * chromaLevels);
  const cbToG = fixed(-2 * kb * (UNIT - kb) * 255, UNIT * kg * chromaLevels);
  const crToG = fixed(-2 * kr * (UNIT - kr) * 255, UNIT * kg * chromaLevels);
  const cbToB = fixed(2 * (UNIT - kb) * 255, UNIT * chromaLevels);
  const rgb = new Uint8Array((uyvy.length / 2) * 3);
  const clip = (sum: number) => Math.min(255, Math.max(0, (sum + 32_768) >> 16));
  for (let pixel = 0; pixel < uyvy.length / 2; pixel++) {
    const group = (pixel >> 1) * 4;
    const luma = y * (uyvy[pixel * 2 + 1]! - black);
    const cb = uyvy[group]! - 128;
    const cr = uyvy[group + 2]! - 128;
    rgb[pixel * 3] = clip(luma + crToR * cr);
    rgb[pixel * 3 + 1] = clip(luma + cbToG * cb + crToG * cr);
    rgb[pixel * 3 + 2] = clip(luma + cbToB * cb);
  }
  return rgb;
}
