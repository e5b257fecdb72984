/** Immutable lookup tables from a byte to an element. */
import { OnpathError } from './errors.js';
import type { DType } from './schema.js';
import { type TensorData, typedView } from './tensor.js';

const ENTRIES = 256;
const BYTES: Record<DType, number> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  float16: 2,
  bfloat16: 2,
  float32: 4,
  uint32: 4,
};
const INTEGER_RANGE: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  // float16 and bfloat16 tables are given as their 16 bits: JavaScript of Node 20 cannot round to them.
  float16: [0, 65535],
  bfloat16: [0, 65535],
  uint32: [0, 0xffffffff],
};

/**
 * A table of 256 entries, or one such table per channel, for the `lookup` stage.
 *
 * @example
 * const gamma = LookupTable.fromFunction((x) => Math.round(255 * (x / 255) ** (1 / 2.2)), { dtype: 'uint8' });
 */
export class LookupTable {
  readonly dtype: DType;
  /** How many tables of 256 entries: 1 serves every channel. */
  readonly channels: number;
  readonly #bytes: Uint8Array;

  private constructor(dtype: DType, channels: number, bytes: Uint8Array) {
    this.dtype = dtype;
    this.channels = channels;
    this.#bytes = bytes;
  }

  /**
   * @param values 256 entries, or one list of 256 per channel. Integer types take whole numbers in range (float16 and bfloat16: their
   *   bits); float32 takes numbers that are rounded to nearest even.
   * @throws OnpathError INVALID_ARGUMENT naming the entry that does not fit.
   */
  static from(
    values: ArrayLike<number> | readonly ArrayLike<number>[],
    options: { dtype: DType },
  ): LookupTable {
    const { dtype } = options;
    if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `dtype must be one of ${Object.keys(BYTES).join(', ')}, received ${String(dtype)}.`,
      );
    }
    const lists = isNested(values) ? values : [values];
    if (lists.length < 1 || lists.length > 4) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `A LookupTable holds 1 to 4 tables, received ${lists.length}.`,
      );
    }
    const bytes = new Uint8Array(lists.length * ENTRIES * BYTES[dtype]);
    const view = typedView(dtype, bytes.buffer, 0, bytes.byteLength);
    lists.forEach((list, channel) => {
      fill(view, channel, list, dtype);
    });
    return new LookupTable(dtype, lists.length, bytes);
  }

  /** A table filled from a function of the byte value and the channel index. */
  static fromFunction(
    entry: (value: number, channel: number) => number,
    options: { dtype: DType; channels?: number },
  ): LookupTable {
    const channels = options.channels ?? 1;
    if (!Number.isInteger(channels) || channels < 1 || channels > 4) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `channels must be a whole number from 1 to 4, received ${String(channels)}.`,
      );
    }
    const lists = Array.from({ length: channels }, (_, channel) =>
      Array.from({ length: ENTRIES }, (_, value) => entry(value, channel)),
    );
    return LookupTable.from(lists, { dtype: options.dtype });
  }

  /** A copy of the entries, [channel][256]. */
  get data(): TensorData {
    const copy = this.#bytes.slice();
    return typedView(this.dtype, copy.buffer, 0, copy.byteLength);
  }

  /** @internal The entries as bytes, not to be written. */
  static bytesOf(table: LookupTable): Uint8Array {
    return table.#bytes;
  }
}

function isNested(
  values: ArrayLike<number> | readonly ArrayLike<number>[],
): values is readonly ArrayLike<number>[] {
  return Array.isArray(values) && typeof values[0] === 'object' && values[0] !== null;
}

function fill(view: TensorData, channel: number, list: ArrayLike<number>, dtype: DType): void {
  const length = list === null || list === undefined ? undefined : list.length;
  if (length !== ENTRIES) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `Table ${channel} must be a list of 256 entries, received ${length === undefined ? String(list) : `${String(length)} entries`}.`,
    );
  }
  const range = INTEGER_RANGE[dtype];
  for (let i = 0; i < ENTRIES; i++) {
    const value = list[i]!;
    const fits = range === undefined || (Number.isInteger(value) && value >= range[0] && value <= range[1]);
    if (typeof value !== 'number' || Number.isNaN(value) || !fits) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `Entry ${i} of table ${channel} is ${String(value)}; ${dtype} takes ${
          range === undefined ? 'numbers that are not NaN' : `whole numbers from ${range[0]} to ${range[1]}`
        }.`,
      );
    }
    view[channel * ENTRIES + i] = value;
  }
}
