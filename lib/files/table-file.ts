/** Lookup tables in files: .npy, .csv, .json. */
import { extname } from 'node:path';
import * as z from 'zod';
import { OnpathError } from '../errors.js';
import { LookupTable } from '../lookup-table.js';
import { readBounded } from '../read-file.js';
import { type DType, dtype } from '../schema.js';
import { parse } from '../validate.js';
import { readNpy, writeNpy } from './npy.js';

const ENTRIES = 256;
/** Four channels of 256 numbers, however they are written, are far shorter. */
const MOST_BYTES = 1 << 20;

const jsonTable = z.union([
  z.array(z.number()),
  z.array(z.array(z.number())),
  z.strictObject({ dtype: dtype.optional(), tables: z.array(z.array(z.number())) }),
]);

/**
 * Reads a table: .npy of shape (256), (channels, 256); .csv with 256 numbers in a row or one a line, a row or column for each channel;
 * .json with a list, a list for each channel, or { "dtype", "tables" }.
 * @param options.dtype Type of the entries; of .npy and .json default to the file's own, of others required.
 * @throws OnpathError INVALID_ARGUMENT, UNSUPPORTED, NOT_FOUND
 */
export function readTable(path: string, options: { readonly dtype?: DType | undefined } = {}): LookupTable {
  return parseTable(readBounded(path, MOST_BYTES, 'a table'), path, options);
}

/** The same of a file's content; its kind is that of `path`. @throws OnpathError INVALID_ARGUMENT, UNSUPPORTED */
export function parseTable(
  bytes: Uint8Array,
  path: string,
  options: { readonly dtype?: DType | undefined } = {},
): LookupTable {
  const kind = extname(path).toLowerCase();
  if (kind === '.npy') {
    const array = readNpy(bytes, path);
    const channels = array.shape.length === 2 ? array.shape[0]! : 1;
    if (array.shape.at(-1) !== ENTRIES || array.shape.length > 2 || channels > 4) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `${path} has shape (${array.shape.join(', ')}); expected (256) or (channels, 256) with at most 4 channels.`,
      );
    }
    return LookupTable.from(
      Array.from({ length: channels }, (_, c) => array.data.subarray(c * ENTRIES, (c + 1) * ENTRIES)),
      { dtype: options.dtype ?? array.dtype },
    );
  }
  const text = new TextDecoder().decode(bytes);
  if (kind === '.csv') return LookupTable.from(csvTables(text, path), { dtype: needed(options.dtype, path) });
  if (kind === '.json') {
    const read = parse(jsonTable, parsedJson(text, path), path, 'INVALID_ARGUMENT');
    if (Array.isArray(read)) return LookupTable.from(read, { dtype: needed(options.dtype, path) });
    return LookupTable.from(read.tables, { dtype: options.dtype ?? needed(read.dtype, path) });
  }
  throw new OnpathError('UNSUPPORTED', `${path}: expected a table in a file called .npy, .csv or .json.`);
}

/** The bytes of a file of the kind that `path` ends with. @throws OnpathError UNSUPPORTED */
export function tableBytes(table: LookupTable, path: string): Uint8Array {
  const lists = tableLists(table);
  switch (extname(path).toLowerCase()) {
    case '.npy':
      if (table.dtype === 'bfloat16') {
        throw new OnpathError('UNSUPPORTED', 'NumPy has no bfloat16. Write a .json file.');
      }
      return writeNpy({ dtype: table.dtype, shape: [table.channels, ENTRIES], data: table.data });
    case '.csv':
      return Buffer.from(
        `${Array.from({ length: ENTRIES }, (_, i) => lists.map((list) => list[i]).join(',')).join('\n')}\n`,
      );
    case '.json':
      return Buffer.from(`${JSON.stringify({ dtype: table.dtype, tables: lists })}\n`);
    default:
      throw new OnpathError(
        'UNSUPPORTED',
        `${path}: a table is written to a file called .npy, .csv or .json.`,
      );
  }
}

/** Entries by channel. */
export function tableLists(table: LookupTable): number[][] {
  const data = Array.from(table.data as Iterable<number>);
  return Array.from({ length: table.channels }, (_, c) => data.slice(c * ENTRIES, (c + 1) * ENTRIES));
}

function csvTables(text: string, path: string): number[][] {
  const rows = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line, row) =>
      line.split(/[,;\s]+/).map((cell, column) => {
        const value = Number(cell);
        if (cell === '' || Number.isNaN(value)) {
          throw new OnpathError(
            'INVALID_ARGUMENT',
            `${path}, line ${row + 1}, number ${column + 1} is "${cell.slice(0, 40)}", which is no number.`,
          );
        }
        return value;
      }),
    );
  const isColumns =
    rows.length === ENTRIES && rows.every((row) => row.length === rows[0]!.length && row.length <= 4);
  return isColumns ? rows[0]!.map((_, c) => rows.map((row) => row[c]!)) : rows;
}

function parsedJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OnpathError('INVALID_ARGUMENT', `${path} is no JSON: ${(cause as Error).message}.`, { cause });
  }
}

function needed(known: DType | undefined, path: string): DType {
  if (known !== undefined) return known;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `${path} does not say of which type its entries are. Say it with --dtype (in code: { dtype }), one of ${dtype.options.join(', ')}.`,
  );
}
