/** Files that people name: read within bounds, and one sentence where that fails. */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { OnpathError } from '../errors.js';
import { pathText } from '../visible.js';

/** For a `catch` around whatever the system refused for a path. */
export function notReadable(path: string, cause: unknown): OnpathError {
  const { code } = cause as NodeJS.ErrnoException;
  return new OnpathError(
    'NOT_FOUND',
    `${pathText(path)} cannot be read (${code}). Check the path and its permissions.`,
    { cause },
  );
}

/**
 * Pipes and devices may have no end, and opening some of them waits for ever: only regular files are read.
 * @param what How the message calls such a file: "a table".
 * @throws OnpathError NOT_FOUND, INVALID_ARGUMENT (no regular file), LIMIT_EXCEEDED (more than `most` bytes)
 */
export function requireFile(path: string, what: string, most = Number.POSITIVE_INFINITY): void {
  let found: Stats;
  try {
    found = statSync(path);
  } catch (cause) {
    throw notReadable(path, cause);
  }
  if (!found.isFile()) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${pathText(path)} is ${kindOf(found)}; ${what} is read from a regular file. Check the path.`,
    );
  }
  if (found.size <= most) return;
  throw new OnpathError(
    'LIMIT_EXCEEDED',
    `${pathText(path)} has ${found.size} bytes; ${what} has at most ${most}. Check the path.`,
  );
}

/** The bytes of a file that has no reason to be long. @throws OnpathError as `requireFile` */
export function readBounded(path: string, most: number, what: string): Buffer {
  requireFile(path, what, most);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw notReadable(path, cause);
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}
