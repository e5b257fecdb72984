/** Vocabulary files to native tokenizers. */
import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { OnpathError } from '../errors.js';
import { native } from '../native.js';
import type { NativeTokenizer } from '../native-text.js';
import { shown } from '../validate.js';
import { isCompiled, type LoadOptions, vocabularyOf } from './formats.js';

export function loadBytes(bytes: Uint8Array | string, options: LoadOptions): NativeTokenizer {
  const content = contentOf(bytes);
  return native().loadTokenizer(content, vocabularyOf(content, options));
}

export async function loadBytesAsync(
  bytes: Uint8Array | string,
  options: LoadOptions,
): Promise<NativeTokenizer> {
  const content = contentOf(bytes);
  return native().loadTokenizerAsync(content, vocabularyOf(content, options));
}

export function loadFile(path: string, options: LoadOptions): NativeTokenizer {
  if (isMapped(path, options)) {
    const { cacheBytes } = vocabularyOf(new Uint8Array(0), { ...options, format: 'compiled' });
    return native().mapTokenizer(path, cacheBytes);
  }
  const bytes = reading(path, () => readFileSync(path));
  return native().loadTokenizer(bytes, vocabularyOf(bytes, options, path));
}

export async function loadFileAsync(path: string, options: LoadOptions): Promise<NativeTokenizer> {
  if (isMapped(path, options)) {
    const { cacheBytes } = vocabularyOf(new Uint8Array(0), { ...options, format: 'compiled' });
    return native().mapTokenizerAsync(path, cacheBytes);
  }
  const bytes = await readFile(path).catch((cause: unknown) => reading(path, () => failed(cause)));
  return native().loadTokenizerAsync(bytes, vocabularyOf(bytes, options, path));
}

/** A file that others may have mapped is replaced, not written over. */
export function writeFile(path: string, bytes: Uint8Array): void {
  const beside = `${path}.${process.pid}.tmp`;
  reading(path, () => {
    try {
      writeFileSync(beside, bytes);
      renameSync(beside, path);
    } catch (cause) {
      rmSync(beside, { force: true });
      throw cause;
    }
  });
}

function isMapped(path: string, options: LoadOptions): boolean {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new OnpathError('INVALID_ARGUMENT', `path must be the path of a file, received ${shown(path)}.`);
  }
  return reading(path, () => {
    const found = statSync(path);
    // Opening a pipe waits for somebody to write; a device may have no end.
    if (!found.isFile() && !found.isDirectory()) throw new Error('it is no regular file');
    if (options?.format !== undefined) return options.format === 'compiled';
    const file = openSync(path, 'r');
    try {
      const head = new Uint8Array(8);
      readSync(file, head, 0, head.length, 0);
      return isCompiled(head);
    } finally {
      closeSync(file);
    }
  });
}

function contentOf(bytes: Uint8Array | string): Uint8Array {
  if (typeof bytes === 'string') return Buffer.from(bytes);
  if (bytes instanceof Uint8Array) return bytes;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `bytes must be a Uint8Array or a string, the content of a vocabulary file, received ${shown(bytes)}.`,
  );
}

/** What the file system refuses, as our errors. */
function reading<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof OnpathError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const ours =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'NOT_FOUND'
        : code === 'EACCES' || code === 'EPERM'
          ? 'PERMISSION_DENIED'
          : 'INVALID_ARGUMENT';
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new OnpathError(ours, `The file ${shown(path)} could not be used: ${said}.`, { cause });
  }
}

function failed(cause: unknown): never {
  throw cause;
}
