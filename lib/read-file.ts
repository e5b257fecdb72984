/** Files that people name: read within bounds, and one sentence where that fails. */
import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { OnpathError } from './errors.js';
import { pathText } from './visible.js';

/** Bytes that are read at a time. */
const PIECE = 1 << 18;
/** A pipe that a shell has opened, `<(command)`; one that lies in a folder may have nobody at its other end. */
const OPEN_PIPE = /^(\/dev\/stdin|\/dev\/fd\/\d{1,9}|\/proc\/self\/fd\/\d{1,9})$/;

/** For a `catch` around whatever the system refused for a path. */
export function notReadable(path: string, cause: unknown): OnpathError {
  const { code } = cause as NodeJS.ErrnoException;
  return new OnpathError(
    code === 'EACCES' || code === 'EPERM' ? 'PERMISSION_DENIED' : 'NOT_FOUND',
    `${pathText(path)} cannot be read (${code}). Check the path and its permissions.`,
    { cause },
  );
}

/**
 * Pipes and devices may have no end, and opening some of them waits for ever: only regular files are read.
 * @param what How the message calls such a file: "a table".
 * @throws OnpathError NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT (no regular file), LIMIT_EXCEEDED (more than `most` bytes)
 */
export function requireFile(path: string, what: string, most = Number.POSITIVE_INFINITY): void {
  const found = statOf(path);
  if (!found.isFile()) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${pathText(path)} is ${kindOf(found)}; ${what} is read from a regular file. Check the path.`,
    );
  }
  if (found.size > most) throw tooLong(path, found.size, most, what);
}

/** The bytes of a file, or of a pipe that a shell has opened, that has no reason to be long. @throws OnpathError as `requireFile` */
export function readBounded(path: string, most: number, what: string): Buffer {
  const isOpenPipe = OPEN_PIPE.test(path) && statOf(path).isFIFO();
  if (!isOpenPipe) requireFile(path, what, most);
  let bytes: Buffer | undefined;
  try {
    const file = openSync(path, 'r');
    try {
      bytes = readUpTo(file, most);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw notReadable(path, cause);
  }
  if (bytes === undefined) throw tooLong(path, `more than ${most}`, most, what);
  return bytes;
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw notReadable(path, cause);
  }
}

function tooLong(path: string, size: number | string, most: number, what: string): OnpathError {
  return new OnpathError(
    'LIMIT_EXCEEDED',
    `${pathText(path)} has ${size} bytes; ${what} has at most ${most}. Check the path.`,
  );
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** Everything; undefined if that is more than `most` bytes. */
function readUpTo(file: number, most: number): Buffer | undefined {
  const pieces: Buffer[] = [];
  for (let total = 0; total <= most; ) {
    const piece = Buffer.allocUnsafe(Math.min(most + 1 - total, PIECE));
    const length = readSync(file, piece);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, length));
    total += length;
  }
  return undefined;
}
