/** Where a command reads and writes, and how it says what came of it. */
import { randomInt } from 'node:crypto';
import { styleText } from 'node:util';
import { OnpathError } from '../errors.js';
import { visible, visibleLine } from '../visible.js';

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
    await write(this.#json ? `${json(value, 2)}\n` : text === '' ? '' : `${painted(text)}\n`);
  }

  /** One of many results as they come: a line of JSON each, or the text. */
  async item(value: unknown, text: string): Promise<void> {
    await write(`${this.#json ? json(value) : painted(text)}\n`);
  }

  /** For people, and not part of the result. */
  note(text: string): void {
    process.stderr.write(`${visible(text)}\n`);
  }
}

/** To standard output as it is; resolves when it has left. What goes wrong there, `program` hears of. */
export function write(text: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

/** JSON that is safe to show: what JSON lets through of control characters is escaped, which changes no value. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, plain, indent).replace(
    /[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What JSON has no form for: typed arrays as lists, maps as objects, big integers, NaN and infinities as strings. */
function plain(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Uint8Array);
  if (value instanceof Map) return Object.fromEntries(value);
  const isSpecial = typeof value === 'number' && !Number.isFinite(value);
  return typeof value === 'bigint' || isSpecial ? String(value) : value;
}

/** Marks the escape sequences that are our own among those that a text brings along: a number nobody outside knows. */
const PEN = `[${randomInt(10_000, 60_000)};`;
const OURS = new RegExp(`\\\\x1b\\${PEN}([\\d;]*)m`, 'g');

/** Whether standard output shows colours: a terminal that has them, and whose user has not refused them (NO_COLOR). */
export function hasColours(): boolean {
  return process.stdout.isTTY && process.stdout.hasColors();
}

/** Text in colours where standard output shows them; for `painted`, and what `Terminal` prints. */
export function styled(style: Parameters<typeof styleText>[0], text: string): string {
  if (!hasColours()) return text;
  return styleText(style, visible(text)).replaceAll('\x1b[', `\x1b${PEN}`);
}

/** A text for a terminal: control characters shown, but for what `styled` put there. */
export function painted(text: string): string {
  return visible(text).replace(OURS, '\x1b[$1m');
}

/** Rows in columns; numbers to the right. The first row is the head. */
export function columns(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : visibleLine(cell))),
  );
  const width = (cell: string) => [...cell.replace(OURS, '')].length;
  const widths = cells[0]!.map((_, i) => cells.reduce((most, row) => Math.max(most, width(row[i] ?? '')), 0));
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
