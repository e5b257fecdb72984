/** NumPy's .npy files (format 1.0 to 3.0): plain arrays of numbers, in C order, little-endian. */
import { OnpathError } from '../errors.js';
import type { DType } from '../schema.js';
import { type TensorData, typedView } from '../tensor.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const DESCRIPTIONS: Partial<Record<DType, string>> = {
  uint8: '|u1',
  int8: '|i1',
  uint16: '<u2',
  uint32: '<u4',
  float16: '<f2',
  float32: '<f4',
};

export interface NpyArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** float16: its bits. */
  readonly data: TensorData;
}

/** Whether the bytes begin as an array's file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/**
 * @param name How errors call the file.
 * @throws OnpathError INVALID_ARGUMENT (damaged), UNSUPPORTED (another element type, Fortran order, big-endian)
 */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (what: string): never => {
    throw new OnpathError('INVALID_ARGUMENT', `${name} ${what}. Write it again with numpy.save.`);
  };
  if (file.length < 12 || !file.subarray(0, 6).equals(MAGIC)) return fail('is no .npy file');
  const wide = file[6]! >= 2;
  const begin = wide ? 12 : 10;
  const headerBytes = wide ? file.readUInt32LE(8) : file.readUInt16LE(8);
  if (begin + headerBytes > file.length) return fail('ends inside its header');
  const header = file.toString('latin1', begin, begin + headerBytes);
  const description = /'descr'\s*:\s*'([^']{1,16})'/.exec(header)?.[1] ?? fail('has no `descr`');
  const shapeText = /'shape'\s*:\s*\(([0-9, ]*)\)/.exec(header)?.[1] ?? fail('has no `shape`');
  if (!/'fortran_order'\s*:\s*False/.test(header)) {
    throw new OnpathError('UNSUPPORTED', `${name} is in Fortran order. Save numpy.ascontiguousarray(a).`);
  }
  const dtype = (Object.keys(DESCRIPTIONS) as DType[]).find(
    (one) => DESCRIPTIONS[one] === description || DESCRIPTIONS[one] === description.replace(/^[<|=]/, '|'),
  );
  if (dtype === undefined) {
    throw new OnpathError(
      'UNSUPPORTED',
      `${name} has elements of type ${description}; expected ${Object.keys(DESCRIPTIONS).join(', ')}, little-endian. Convert it with astype.`,
    );
  }
  const shape = shapeText
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
  const elements = shape.reduce((product, side) => product * side, 1);
  const elementBytes = Number(description.at(-1));
  const data = file.subarray(begin + headerBytes);
  if (!Number.isSafeInteger(elements) || data.length !== elements * elementBytes)
    return fail(`has ${data.length} bytes of elements, its header says ${elements * elementBytes}`);
  const copy = Uint8Array.from(data);
  return { dtype, shape, data: typedView(dtype, copy.buffer, 0, copy.byteLength) };
}

/** Format 1.0. bfloat16, which NumPy does not have, is written as uint16: its bits. */
export function writeNpy({ dtype, shape, data }: NpyArray): Uint8Array {
  const description = DESCRIPTIONS[dtype] ?? '<u2';
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${description}', 'fortran_order': False, 'shape': (${sides}), }`;
  // Elements begin at a multiple of 64 bytes; the header ends with a newline.
  const padded = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`;
  const header = Buffer.alloc(10);
  MAGIC.copy(header);
  header[6] = 1;
  header.writeUInt16LE(padded.length, 8);
  return Buffer.concat([
    header,
    Buffer.from(padded, 'latin1'),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
