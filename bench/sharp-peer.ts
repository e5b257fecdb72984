/** What a Node user would write without onpath: sharp resizes, a loop over tables normalizes into planes. */
import { loadPeer } from './peer-table.js';
import { IMAGE, MEAN, SIDE, STD } from './work.js';

/** The little of sharp that is used here; its own types are there only where it is installed. */
interface Sharp {
  (input: Uint8Array, options?: { raw: { width: number; height: number; channels: 3 } }): SharpImage;
  concurrency(threads: number): number;
  cache(enabled: boolean): unknown;
  versions: { sharp?: string; vips?: string };
}
interface SharpImage {
  resize(width: number, height: number, options: { kernel: 'linear'; fit: 'fill' | 'cover' }): SharpImage;
  removeAlpha(): SharpImage;
  jpeg(options: { quality: number }): SharpImage;
  raw(): SharpImage;
  toBuffer(): Promise<Buffer>;
}

export interface SharpPeer {
  readonly versions: Readonly<Record<string, string>>;
  /** Resizes to 8-bit pixels. */
  resize(image: Uint8Array): Promise<Buffer>;
  /** Resizes and normalizes into float32 planes. */
  run(image: Uint8Array, into: Float32Array): Promise<void>;
  /** The same from a file: decodes and resizes in one go, which may decode at a smaller scale. */
  runFile(file: Uint8Array, into: Float32Array): Promise<void>;
  /** Interleaved rgb. */
  decode(file: Uint8Array): Promise<Buffer>;
  /** A JPEG file of that size, cut from the middle. */
  encodeJpeg(file: Uint8Array, width: number, height: number): Promise<Buffer>;
}

/** The peer, with one thread and no cache; null if sharp is not installed. */
export function sharpPeer(): SharpPeer | null {
  const sharp = loadPeer('sharp') as Sharp | undefined;
  if (sharp === undefined) return null;
  sharp.concurrency(1);
  sharp.cache(false);
  const tables = normalizeTables();
  const raw = { width: IMAGE.width, height: IMAGE.height, channels: 3 } as const;
  const resize = (image: Uint8Array) =>
    sharp(image, { raw }).resize(SIDE, SIDE, { kernel: 'linear', fit: 'fill' }).raw().toBuffer();
  return {
    versions: { sharp: sharp.versions.sharp ?? 'unknown', libvips: sharp.versions.vips ?? 'unknown' },
    resize,
    async run(image, into) {
      normalizeToPlanes(await resize(image), tables, into);
    },
    async runFile(file, into) {
      const small = sharp(file).resize(SIDE, SIDE, { kernel: 'linear', fit: 'fill' });
      normalizeToPlanes(await small.raw().toBuffer(), tables, into);
    },
    decode: (file) => sharp(file).removeAlpha().raw().toBuffer(),
    encodeJpeg: (file, width, height) =>
      sharp(file)
        .removeAlpha()
        .resize(width, height, { kernel: 'linear', fit: 'cover' })
        .jpeg({ quality: 90 })
        .toBuffer(),
  };
}

function normalizeTables(): Float32Array[] {
  return MEAN.map((mean, channel) =>
    Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / STD[channel]!),
  );
}

function normalizeToPlanes(pixels: Uint8Array, tables: readonly Float32Array[], into: Float32Array): void {
  const [red, green, blue] = tables as [Float32Array, Float32Array, Float32Array];
  const plane = into.length / 3;
  for (let i = 0, from = 0; i < plane; i++, from += 3) {
    into[i] = red[pixels[from]!]!;
    into[plane + i] = green[pixels[from + 1]!]!;
    into[2 * plane + i] = blue[pixels[from + 2]!]!;
  }
}
