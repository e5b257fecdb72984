/** Where a command reads and writes, and how it says what came of it. */
import { once } from 'node:events';
import { stripVTControlCharacters, styleText } from 'node:util';
import { OnpathError } from '../errors.js';

/** What the process ends with; docs/cli.md lists them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** The command did its work and the answer is no: tables differ, a check of `doctor` failed. */
  no: 3,
} as const;

export class Terminal {
  readonly #json: boolean;
  constructor(options: { readonly json?: boolean | undefined }) {
    this.#json = options.json === true;
  }

  /** What the command found: the value with `--json`, else the text. */
  async result(value: unknown, text: string): Promise<void> {
    await write(this.#json ? `${JSON.stringify(value, plain, 2)}\n` : text === '' ? '' : `${text}\n`);
  }

  /** One of many results as they come: a line of JSON each, or the text. */
  async item(value: unknown, text: string): Promise<void> {
    await write(`${this.#json ? JSON.stringify(value, plain) : text}\n`);
  }

  /** For people, and not part of the result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}

/** Waits while a pipe is full. */
export async function write(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** What JSON has no form for: typed arrays as lists, maps as objects, big integers as strings. */
function plain(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Uint8Array);
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Text in colours where standard output shows them. */
export function styled(style: Parameters<typeof styleText>[0], text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors() ? styleText(style, text) : text;
}

/** Rows in columns; numbers to the right. The first row is the head. */
export function columns(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)),
  );
  const width = (cell: string) => [...stripVTControlCharacters(cell)].length;
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((row) => width(row[i] ?? ''))));
  return cells
    .map((row, r) =>
      row
        .map((cell, i) => {
          const room = ' '.repeat(widths[i]! - width(cell));
          const isNumber = r > 0 ? typeof rows[r]![i] === 'number' : typeof rows[1]?.[i] === 'number';
          return isNumber ? room + cell : cell + room;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `pixels uint8[240, 320, 3]` */
export function shapeText(name: string, tensor: { dtype: string; shape: readonly number[] }): string {
  return `${name} ${tensor.dtype}[${tensor.shape.join(', ')}]`;
}

export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = n;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** Whatever was thrown, as messages have it. */
export function described(error: unknown): { code: string; message: string } {
  if (error instanceof OnpathError) return error;
  if (error instanceof Error) {
    const { code } = error as NodeJS.ErrnoException;
    return { code: code ?? error.name, message: error.message };
  }
  return { code: 'ERROR', message: String(error) };
}
