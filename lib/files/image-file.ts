/** Images in files: decoded by sharp, which is optional; .npy arrays without it. */
import { extname } from 'node:path';
import { OnpathError } from '../errors.js';
import { readBounded, requireFile } from '../read-file.js';
import type { ImageFormat } from '../serialization.js';
import type { Tensor } from '../tensor.js';
import { pathText } from '../visible.js';
import { isNpy, readNpy, writeNpy } from './npy.js';

export interface Image extends ImageFormat {
  readonly format: 'gray' | 'rgb' | 'rgba';
  readonly pixels: Uint8Array;
}

const FORMATS = { 1: 'gray', 3: 'rgb', 4: 'rgba' } as const;

/** Of files and arrays; an image of a route has at most 65535 x 65535 pixels, and rarely more than a few million. */
const MOST_BYTES = 1 << 30;

/**
 * @param format Channels wanted; default: rgb, of .npy what the array has.
 * @throws OnpathError NOT_FOUND, LIMIT_EXCEEDED, INVALID_ARGUMENT (no image), UNSUPPORTED (sharp is not installed)
 */
export async function readImage(path: string, format?: Image['format']): Promise<Image> {
  if (extname(path).toLowerCase() === '.npy')
    return arrayImage(readBounded(path, MOST_BYTES, 'an image'), path, format);
  requireFile(path, 'an image', MOST_BYTES);
  return decoded(path, pathText(path), format);
}

/** An image that is in memory: the bytes of a file. @param name How errors call it. @throws OnpathError as `readImage` */
export async function imageOf(bytes: Buffer, name: string, format?: Image['format']): Promise<Image> {
  return isNpy(bytes) ? arrayImage(bytes, name, format) : decoded(bytes, name, format);
}

async function decoded(
  source: string | Buffer,
  name: string,
  format: Image['format'] | undefined,
): Promise<Image> {
  const sharp = await loadSharp(`reading ${name}`);
  try {
    const image = sharp(source, { failOn: 'error' })
      .rotate()
      .toColourspace(format === 'gray' ? 'b-w' : 'srgb');
    const { data, info } = await (format === 'rgba' ? image.ensureAlpha() : image.removeAlpha())
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const channels = info.channels as number;
    const found = FORMATS[channels as keyof typeof FORMATS];
    if (found === undefined) throw new Error(`${channels} channels`);
    return { width: info.width, height: info.height, format: found, pixels: data };
  } catch (cause) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${name} cannot be read as an image: ${firstLine(cause)}. Check the path and the file.`,
      { cause },
    );
  }
}

function arrayImage(bytes: Uint8Array, path: string, format: Image['format'] | undefined): Image {
  const { dtype, shape, data } = readNpy(bytes, pathText(path));
  const channels = shape.length === 2 ? 1 : shape.length === 3 ? shape[2]! : 0;
  const found = FORMATS[channels as keyof typeof FORMATS];
  if (dtype !== 'uint8' || found === undefined || (format !== undefined && format !== found)) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${pathText(path)} is ${dtype} of shape (${shape.join(', ')}); expected uint8 of shape (height, width${format === 'gray' ? '' : ', channels'})${format === undefined ? ' with 1, 3 or 4 channels' : ` as ${format}`}.`,
    );
  }
  return { width: shape[1]!, height: shape[0]!, format: found, pixels: data as Uint8Array };
}

/** A tensor as a file of the kind that `path` ends with: .npy any, .png uint8 of 1, 3 or 4 channels. @throws OnpathError UNSUPPORTED */
export async function tensorBytes(tensor: Tensor, path: string): Promise<Uint8Array> {
  const kind = extname(path).toLowerCase();
  if (kind === '.npy') return writeNpy(tensor);
  if (kind !== '.png')
    throw new OnpathError('UNSUPPORTED', `${path}: a tensor is written to a file called .npy or .png.`);
  const [height, width, channels] = tensor.shape;
  if (tensor.dtype !== 'uint8' || tensor.shape.length !== 3 || !(channels! in FORMATS)) {
    throw new OnpathError(
      'UNSUPPORTED',
      `The tensor is ${tensor.dtype} of shape (${tensor.shape.join(', ')}); a .png takes uint8 of shape (height, width, 1, 3 or 4). Write .npy.`,
    );
  }
  const sharp = await loadSharp(`writing ${path}`);
  const raw = { width: width!, height: height!, channels: channels as 1 | 3 | 4 };
  return sharp(Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength), { raw })
    .png()
    .toBuffer();
}

async function loadSharp(what: string): Promise<typeof import('sharp')> {
  try {
    return (await import('sharp')).default as unknown as typeof import('sharp');
  } catch (cause) {
    throw new OnpathError(
      'UNSUPPORTED',
      `For ${what} the package sharp is needed: npm install sharp. Arrays in .npy files do without.`,
      { cause },
    );
  }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0]!.replace(/\.$/, '');
}
