/** Specifications in YAML or JSON files: read within bounds, and errors that say in which line the field stands. */
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { OnpathError } from '../errors.js';
import { readBounded } from '../read-file.js';
import { SpecError, shown } from '../validate.js';
import { pathText } from '../visible.js';

/** Reading YAML takes a second or so for each MiB, on the thread that reads. Larger things are files of their own. */
const MOST_BYTES = 1 << 20;

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
    const bytes = readBounded(path, MOST_BYTES, 'a specification');
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new OnpathError('INVALID_SPEC', `${pathText(path)} is no text in UTF-8. Save it as UTF-8.`, {
        cause,
      });
    }
    return SpecFile.parse(text, path);
  }

  /** @param path How errors call the text, and where files that it names lie. */
  static parse(text: string, path: string): SpecFile {
    const lines = new LineCounter();
    // JSON is YAML. Aliases are counted, lest a few lines stand for gigabytes.
    // The library compares each key with every other; `repeatedKey` does not.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    const [error] = document.errors;
    const wrong = error === undefined ? repeatedKey(document) : { at: error.pos[0], what: sentence(error) };
    if (wrong !== undefined) {
      const { line, col } = lines.linePos(wrong.at);
      throw new OnpathError('INVALID_SPEC', `${path}, line ${line}, column ${col}: ${wrong.what}.`);
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (cause) {
      throw new OnpathError('INVALID_SPEC', `${path} cannot be read: ${sentence(cause as Error)}.`, {
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

/** The first key that its mapping has already. */
function repeatedKey(document: Document): { at: number; what: string } | undefined {
  let found: { at: number; what: string } | undefined;
  visit(document, {
    Map: (_, { items }) => {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) {
          found = { at: key.range?.[0] ?? 0, what: `${shown(key.value)} stands here a second time` };
          return visit.BREAK;
        }
        keys.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

/** What the library says, without its full stop; nesting beyond what a stack holds it meets as an error of the language. */
function sentence({ message }: Error): string {
  return message.includes('call stack') ? 'it is nested too deeply' : message.replace(/\.$/, '');
}
