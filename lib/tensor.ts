/** Result tensors: typed views by element type. */
import { OnpathError } from './errors.js';
import type { NativeOutputFormat } from './native.js';
import type { DType, Layout } from './schema.js';
import { shown } from './validate.js';

/** float16 and bfloat16 are Uint16Array, whatever the runtime offers. */
export type TensorData = Uint8Array | Int8Array | Uint16Array | Uint32Array | Float32Array;

/** A result: elements, their type, their shape. */
export interface Tensor {
  /** Elements in row-major order of `shape`. */
  readonly data: TensorData;
  readonly dtype: DType;
  /** {height, width, channels}, {channels, height, width}, with a leading batch size where samples come in batches. */
  readonly shape: readonly number[];
}

/** Results by output name. */
export type Outputs = Readonly<Record<string, Tensor>>;

/** What a compiled pipeline puts out. */
export interface OutputFormat {
  readonly name: string;
  readonly dtype: DType;
  readonly layout: Layout;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** A view of `count` elements over memory at `byteOffset`, which must be aligned to the element. */
export function typedView(
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  bytes: number,
): TensorData {
  switch (dtype) {
    case 'uint8':
      return new Uint8Array(buffer, byteOffset, bytes);
    case 'int8':
      return new Int8Array(buffer, byteOffset, bytes);
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(buffer, byteOffset, bytes / 2);
    case 'uint32':
      return new Uint32Array(buffer, byteOffset, bytes / 4);
    case 'float32':
      return new Float32Array(buffer, byteOffset, bytes / 4);
  }
}

/** Named tensors over one ArrayBuffer per output; `count` samples each, with a batch dimension if `batched`. */
export function makeOutputs(
  formats: readonly NativeOutputFormat[],
  buffers: readonly ArrayBufferLike[],
  batched: boolean,
  count: number,
): Outputs {
  // fromEntries: an output may be called __proto__.
  return Object.fromEntries(
    formats.map((format, i): [string, Tensor] => [
      format.name,
      {
        data: typedView(format.dtype, buffers[i]!, 0, format.bytes * count),
        dtype: format.dtype,
        shape: batched ? [count, ...format.shape] : format.shape,
      },
    ]),
  );
}

/** The one output, for the shorthand accessors. */
export function onlyOutput(outputs: Outputs): Tensor {
  const names = Object.keys(outputs);
  const first = names[0];
  if (first === undefined || names.length > 1) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `data and shape stand for a single output, but there are ${names.length} (${names.join(', ')}). Use outputs[name].`,
    );
  }
  return outputs[first]!;
}

/** Bytes from one row to the next, at least those of a row, or a typed error. */
export function checkedStride(stride: unknown, row: number): number {
  if (typeof stride === 'number' && Number.isSafeInteger(stride) && stride >= row) return stride;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `stride must be a whole number of at least ${row} bytes (one row), received ${shown(stride)}.`,
  );
}

/** Any byte view or buffer as Uint8Array over the same memory, or a typed error. */
export function byteView(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    // A view of a detached buffer has no bytes, but cannot be viewed again.
    if (value.byteLength === 0) return new Uint8Array(0);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (
    value instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer)
  ) {
    return value.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(value);
  }
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `${what} must be a typed array, Buffer or ArrayBuffer, received ${value === undefined ? 'undefined' : shown(value)}.`,
  );
}
