/** Serialization orders: how a sample's elements are put on the wire. */
import { OnpathError } from './errors.js';
import { type NativeProgram, native } from './native.js';
import { Pipeline } from './pipeline.js';
import { type InputFormat, inputFormat, type Order, SERIALIZATION, serializationChoice } from './schema.js';
import { byteView, checkedStride } from './tensor.js';
import { parse, shown } from './validate.js';

/** The shape of the images that a serialization is for. */
export interface ImageFormat {
  readonly width: number;
  readonly height: number;
  readonly format: InputFormat;
}

/** A serialization that a pipeline takes: `pipeline` is there, and what the order costs and saves is known. */
export type PlannedSerialization = Serialization & { readonly pipeline: Pipeline };

/** RTP header (RFC 3550) and chunk header (docs/wire-format.md) without dimensions. */
const CHUNK_HEADERS = 12 + 32;

/**
 * The order in which a sample's bytes travel, known to both ends by its digest.
 *
 * @example
 * const wire = Serialization.rowMajor({ width: 1280, height: 720, format: 'rgb' });
 * const bytes = wire.serialize(image, { stride: 4096 });
 *
 * @example
 * const sparing = Serialization.plan(pipeline, { order: 'tile-major', skipUnread: true });
 * const result = sparing.pipeline.run(sparing.serialize(image));
 */
export class Serialization {
  readonly [SERIALIZATION] = true;
  readonly order: Order;
  /** Whether pixels that no output reads are left out. */
  readonly skipUnread: boolean;
  readonly image: ImageFormat;
  /** Bytes of a serialized sample. */
  readonly bytes: number;
  /** Bytes that the whole row-major image has more. */
  readonly bytesSaved: number;
  /**
   * Bytes of one pixel, 1 if planar, or of a group of pixels that share bytes (`uyvy`: 4, two pixels): a chunk on the wire holds whole
   * ones.
   */
  readonly elementBytes: number;
  /** First 32 bits of the hash of `text`; every chunk carries it. */
  readonly digest: number;
  /** The canonical text of the sample format. Orders that give the same bytes have the same. */
  readonly text: string;
  /** The program that takes this order; absent if it was made for images without a pipeline (`rowMajor`). */
  readonly pipeline: Pipeline | undefined;
  readonly #program: NativeProgram | undefined;

  private constructor(image: ImageFormat, pipeline?: Pipeline) {
    const whole = native().sampleFormat(image.width, image.height, image.format);
    this.pipeline = pipeline;
    this.#program = pipeline && Pipeline.programOf(pipeline);
    const format = this.#program?.info.input ?? { ...whole, order: 'row-major', skipUnread: false };
    this.image = { width: image.width, height: image.height, format: image.format };
    this.order = format.order;
    this.skipUnread = format.skipUnread;
    this.bytes = format.bytes;
    this.bytesSaved = whole.bytes - format.bytes;
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
    return new Serialization(image);
  }

  /** What a pipeline takes. */
  static of(pipeline: Pipeline): PlannedSerialization {
    return new Serialization(pipeline.input, pipeline) as PlannedSerialization;
  }

  /**
   * The same pipeline with another order of input: `plan(...).pipeline` takes it, with the same results.
   * @param order 'row-major', 'planar' or 'tile-major'; with `skipUnread`, pixels that no output reads are left out.
   * @throws OnpathError INVALID_ARGUMENT (an unknown order), INVALID_SPEC (no output reads any pixel), UNSUPPORTED (uyvy in another order
   * than row-major)
   */
  static plan(
    pipeline: Pipeline,
    order: Order | { readonly order: Order; readonly skipUnread?: boolean },
  ): PlannedSerialization {
    const parsed = parse(serializationChoice, order, 'order', 'INVALID_ARGUMENT');
    const wanted = typeof parsed === 'string' ? { order: parsed, skipUnread: false } : parsed;
    const program = Pipeline.programOf(pipeline).withOrder(wanted.order, wanted.skipUnread);
    return Serialization.of(Pipeline.ofProgram(program));
  }

  /**
   * Bytes that the pipeline holds back at most when chunks come in order.
   * @throws OnpathError INVALID_ARGUMENT without a pipeline
   */
  get windowBytes(): number {
    return this.#planned()
      .explain()
      .reduce((sum, step) => sum + step.windowBytes, 0);
  }

  /**
   * How many packets of a sample, in order, until an output byte is final; 0 if no output depends on the input. Found by running one.
   * @param maxPayloadBytes Longest RTP packet, as `Sender.open` takes it: 12 bytes of RTP header, 32 of chunk header, whole elements.
   * @throws OnpathError INVALID_ARGUMENT, also without a pipeline
   */
  packetsToFirstOutput(maxPayloadBytes = 1400): number {
    const program = this.#planned();
    const elements = Math.floor((maxPayloadBytes - CHUNK_HEADERS) / this.elementBytes);
    if (!Number.isInteger(maxPayloadBytes) || elements < 1 || maxPayloadBytes > 65000) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `maxPayloadBytes must be a whole number from ${CHUNK_HEADERS + this.elementBytes} (headers and one element) to 65000, received ${shown(maxPayloadBytes)}.`,
      );
    }
    return program.chunksToFirstOutput(elements * this.elementBytes);
  }

  /**
   * The bytes to send. If they are the row-major image and it has no gaps between rows, the image itself is returned, not a copy.
   * @param image The row-major image.
   * @param options.stride Bytes from one row to the next, if rows have gaps.
   * @throws OnpathError INVALID_ARGUMENT
   */
  serialize(image: ArrayBufferView | ArrayBuffer, options: { stride?: number } = {}): Uint8Array {
    const view = byteView(image, 'image');
    const row = (this.bytes + this.bytesSaved) / this.image.height;
    const stride = checkedStride(options.stride ?? row, row);
    const needed = stride * (this.image.height - 1) + row;
    const fits = stride === row ? view.byteLength === needed : view.byteLength >= needed;
    if (!fits) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `image has ${view.byteLength} bytes; ${this.image.width}x${this.image.height} ${this.image.format} with stride ${stride} needs ${needed}.`,
      );
    }
    if (this.#program !== undefined && (this.order !== 'row-major' || this.skipUnread)) {
      const bytes = new Uint8Array(this.bytes);
      this.#program.serialize(view, stride, bytes);
      return bytes;
    }
    if (stride === row) return view;
    const bytes = new Uint8Array(this.bytes);
    for (let y = 0; y < this.image.height; y++)
      bytes.set(view.subarray(y * stride, y * stride + row), y * row);
    return bytes;
  }

  #planned(): NativeProgram {
    if (this.#program !== undefined) return this.#program;
    throw new OnpathError(
      'INVALID_ARGUMENT',
      'This serialization was made without a pipeline. Use Serialization.of(pipeline) or Serialization.plan(pipeline, order).',
    );
  }
}
