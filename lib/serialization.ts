/** Serialization orders: how a sample's elements are put on the wire. This version has row-major. */
import { OnpathError } from './errors.js';
import { native } from './native.js';
import type { Pipeline } from './pipeline.js';
import { type InputFormat, inputFormat } from './schema.js';
import { byteView } from './tensor.js';
import { parse, shown } from './validate.js';

/** The shape of the images that a serialization is for. */
export interface ImageFormat {
  readonly width: number;
  readonly height: number;
  readonly format: InputFormat;
}

/**
 * The order in which a sample's bytes travel, known to both ends by its digest.
 *
 * @example
 * const wire = Serialization.rowMajor({ width: 1280, height: 720, format: 'rgb' });
 * const bytes = wire.serialize(image, { stride: 4096 });
 */
export class Serialization {
  readonly order = 'row-major';
  readonly image: ImageFormat;
  /** Bytes of a serialized sample. */
  readonly bytes: number;
  /** Bytes of one pixel, or of a group of pixels that share bytes (`uyvy`: 4, two pixels): a chunk on the wire holds whole ones. */
  readonly elementBytes: number;
  /** First 32 bits of the hash of `text`; every chunk carries it. */
  readonly digest: number;
  /** The canonical text of the sample format. */
  readonly text: string;

  private constructor(image: ImageFormat) {
    const format = native().sampleFormat(image.width, image.height, image.format);
    this.image = image;
    this.bytes = format.bytes;
    this.elementBytes = format.elementBytes;
    this.digest = format.digest;
    this.text = format.text;
  }

  /** Rows from top to bottom, pixels from left to right, channels interleaved. @throws OnpathError INVALID_ARGUMENT */
  static rowMajor(image: ImageFormat): Serialization {
    for (const side of ['width', 'height'] as const) {
      if (!Number.isInteger(image[side]) || image[side] < 1 || image[side] > 65535) {
        throw new OnpathError(
          'INVALID_ARGUMENT',
          `${side} must be a whole number from 1 to 65535, received ${String(image[side])}.`,
        );
      }
    }
    parse(inputFormat, image.format, 'format', 'INVALID_ARGUMENT');
    return new Serialization({ width: image.width, height: image.height, format: image.format });
  }

  /** What a pipeline takes. */
  static of(pipeline: Pipeline): Serialization {
    return Serialization.rowMajor(pipeline.input);
  }

  /**
   * The bytes to send. Without gaps between rows the image itself is returned, not a copy.
   * @param options.stride Bytes from one row to the next, if rows have gaps.
   * @throws OnpathError INVALID_ARGUMENT
   */
  serialize(image: ArrayBufferView | ArrayBuffer, options: { stride?: number } = {}): Uint8Array {
    const view = byteView(image, 'image');
    const row = this.bytes / this.image.height;
    const stride = options.stride ?? row;
    if (!Number.isInteger(stride) || stride < row) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `stride must be a whole number of at least ${row} bytes (one row), received ${shown(stride)}.`,
      );
    }
    const needed = stride * (this.image.height - 1) + row;
    const fits = stride === row ? view.byteLength === needed : view.byteLength >= needed;
    if (!fits) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `image has ${view.byteLength} bytes; ${this.image.width}x${this.image.height} ${this.image.format} with stride ${stride} needs ${needed}.`,
      );
    }
    if (stride === row) return view;
    const bytes = new Uint8Array(this.bytes);
    for (let y = 0; y < this.image.height; y++)
      bytes.set(view.subarray(y * stride, y * stride + row), y * row);
    return bytes;
  }
}
