/** Files that people name to be written: one sentence where that fails. */
import { constants, mkdirSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { OnpathError } from '../errors.js';
import { pathText } from '../visible.js';

/** Mode of what only its owner may read. */
const PRIVATE = 0o600;

/** Writes, or writes over, a regular file. @throws OnpathError NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT */
export function writeFile(path: string, bytes: Uint8Array | string): void {
  requireWritable(path);
  try {
    writeFileSync(path, bytes);
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/**
 * A regular file, empty, that only its owner can read, also if others could read it before. What goes wrong while it is written
 * `notWritable` tells.
 * @throws OnpathError as `writeFile`
 */
export async function openPrivately(path: string): Promise<NodeJS.WritableStream> {
  requireWritable(path);
  try {
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT, PRIVATE);
    try {
      // Emptied last: a file of another user's, which cannot be made private, stays as it is.
      await file.chmod(PRIVATE);
      await file.truncate();
    } catch (cause) {
      await file.close();
      throw cause;
    }
    return file.createWriteStream();
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/** A new file or a regular one: pipes may wait for ever, and what replaces a device by a file breaks the host. @throws OnpathError */
export function requireWritable(path: string): void {
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw notWritable(path, cause);
  }
  if (found === undefined || found.isFile()) return;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `${pathText(path)} is ${found.isDirectory() ? 'a folder' : 'a pipe or a device'}; expected the name of a file to write. Add a file name.`,
  );
}

/** Makes a folder and those above it where they are not there. @throws OnpathError */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/** For a `catch` around whatever the system refused for a path. */
export function notWritable(path: string, cause: unknown): OnpathError {
  const { code } = cause as NodeJS.ErrnoException;
  const ours =
    code === 'ENOENT'
      ? 'NOT_FOUND'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'PERMISSION_DENIED'
        : 'INVALID_ARGUMENT';
  return new OnpathError(
    ours,
    `${pathText(path)} cannot be written (${code}). Check its folder, the permissions and the room on the disk.`,
    { cause },
  );
}
