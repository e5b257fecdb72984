/** Specifications in YAML or JSON files: read within bounds, and errors that say in which line the field stands. */
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { OnpathError } from '../errors.js';
import { SpecError } from '../validate.js';
import { readBounded } from './read.js';

const MOST_BYTES = 4 << 20;

export class SpecFile {
  readonly path: string;
  /** Plain objects, arrays, strings, numbers. */
  readonly value: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;

  private constructor(path: string, value: unknown, document: Document, lines: LineCounter) {
    this.path = path;
    this.value = value;
    this.#document = document;
    this.#lines = lines;
  }

  /** @throws OnpathError NOT_FOUND, LIMIT_EXCEEDED, INVALID_SPEC (no YAML: names line and column) */
  static read(path: string): SpecFile {
    const text = readBounded(path, MOST_BYTES, 'a specification').toString('utf8');
    return SpecFile.parse(text, path);
  }

  /** @param path How errors call the text, and where files that it names lie. */
  static parse(text: string, path: string): SpecFile {
    const lines = new LineCounter();
    // JSON is YAML. Aliases are counted, lest a few lines stand for gigabytes.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new OnpathError('INVALID_SPEC', `${path}, line ${line}, column ${col}: ${error.message}.`);
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (cause) {
      throw new OnpathError('INVALID_SPEC', `${path} cannot be read: ${(cause as Error).message}.`, {
        cause,
      });
    }
    return new SpecFile(path, value, document, lines);
  }

  /** The path of a file that this one names. */
  fileNamed(name: string): string {
    return resolve(dirname(this.path), name);
  }

  /** `path, line 12`, where the field stands, or the deepest of its parents that is there. */
  where(field: readonly PropertyKey[]): string {
    let node: Node | null = this.#document.contents as Node | null;
    let found = node;
    for (const key of field) {
      if (!isMap(node) && !isSeq(node)) break;
      const next = node.get(key as string, true) as Node | undefined;
      if (next === undefined || next === null) break;
      // Of a field's value on lines of its own, the line of its name is what people look for.
      const pair = isMap(node)
        ? node.items.find((item) => String((item.key as { value?: unknown }).value) === String(key))
        : undefined;
      found = (pair?.key as Node | undefined) ?? next;
      node = next;
    }
    const at = found?.range?.[0];
    return at === undefined ? this.path : `${this.path}, line ${this.#lines.linePos(at).line}`;
  }

  /** Calls `use` with the value; what it finds wrong with a field gets the line put in front. */
  located<T>(use: (value: unknown) => T, at: readonly PropertyKey[] = []): T {
    try {
      return use(this.value);
    } catch (error) {
      throw this.explained(error, at);
    }
  }

  explained(error: unknown, at: readonly PropertyKey[] = []): unknown {
    if (!(error instanceof OnpathError) || error.message.startsWith(`${this.path},`)) return error;
    const field = error instanceof SpecError ? [...at, ...error.path] : at;
    return new OnpathError(error.code, `${this.where(field)}: ${error.message}`, { cause: error });
  }
}
