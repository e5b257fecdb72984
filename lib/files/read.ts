/** Files that people name: read within bounds, and one sentence where that fails. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { OnpathError } from '../errors.js';

/** Bytes that are read at a time. */
const PIECE = 1 << 18;

/** For a `catch` around whatever the system refused for a path. */
export function notReadable(path: string, cause: unknown): OnpathError {
  const { code } = cause as NodeJS.ErrnoException;
  return new OnpathError(
    'NOT_FOUND',
    `${path} cannot be read (${code}). Check the path and its permissions.`,
    {
      cause,
    },
  );
}

/**
 * The bytes of a file that has no reason to be long; also of a pipe, or of a device that would never end.
 * @param what How the message calls such a file: "a table".
 * @throws OnpathError NOT_FOUND, LIMIT_EXCEEDED (more than `most` bytes)
 */
export function readBounded(path: string, most: number, what: string): Buffer {
  let bytes: Buffer | undefined;
  let size: number | undefined;
  try {
    const file = openSync(path, 'r');
    try {
      const stats = fstatSync(file);
      if (stats.isFile()) size = stats.size;
      if (size === undefined || size <= most) bytes = readUpTo(file, most);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw notReadable(path, cause);
  }
  if (bytes !== undefined) return bytes;
  throw new OnpathError(
    'LIMIT_EXCEEDED',
    `${path} has ${size ?? `more than ${most}`} bytes; ${what} has at most ${most}.`,
  );
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
