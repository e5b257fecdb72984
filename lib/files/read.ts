/** Files that people name: read within bounds, and one sentence where that fails. */
import { readFileSync, statSync } from 'node:fs';
import { OnpathError } from '../errors.js';

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
 * The bytes of a file that has no reason to be long.
 * @param what How the message calls such a file: "a table".
 * @throws OnpathError NOT_FOUND, LIMIT_EXCEEDED (more than `most` bytes)
 */
export function readBounded(path: string, most: number, what: string): Buffer {
  let size: number;
  try {
    size = statSync(path).size;
    if (size <= most) return readFileSync(path);
  } catch (cause) {
    throw notReadable(path, cause);
  }
  throw new OnpathError('LIMIT_EXCEEDED', `${path} has ${size} bytes; ${what} has at most ${most}.`);
}
