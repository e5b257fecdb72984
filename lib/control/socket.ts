/** The control socket's place in the file system: made for its owner alone, never taken from a process that lives. */
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { OnpathError } from '../errors.js';
import { LONGEST_SOCKET } from '../files/config-schema.js';

/** A process that does not take a connection for so long is looked upon as alive. */
const PROBE_MS = 1000;

/**
 * Binds the server to `path` with mode 0600. It is bound in a folder that only we can enter and gets its name when its mode is set: whatever
 * the umask, nobody else can reach it at any time. The file of a process that ended without removing it is replaced.
 * @returns Removes the file, if it is still ours.
 * @throws OnpathError INVALID_ARGUMENT (the path), NOT_FOUND (its folder), ADDRESS_IN_USE (a process listens there), PERMISSION_DENIED,
 * PORT_FAILED
 */
export async function listenPrivately(server: Server, path: string): Promise<() => void> {
  const place = resolve(path);
  checkPath(place);
  // Not by join, which takes the dot for the folder itself and names a sibling of it.
  const folder = refusedAs(place, () => mkdtempSync(`${dirname(place)}/.`));
  try {
    // The umask may have taken our own rights.
    chmodSync(folder, 0o700);
    const hidden = join(folder, 's');
    await listening(server, hidden, place);
    chmodSync(hidden, 0o600);
    const { ino, dev } = statSync(hidden);
    await named(hidden, place);
    return () => {
      if (isSame(statOf(place), { ino, dev })) rmSync(place, { force: true });
    };
  } catch (error) {
    server.close();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkPath(place: string): void {
  const bytes = Math.max(Buffer.byteLength(place), Buffer.byteLength(join(dirname(place), '.XXXXXX/s')));
  if (bytes > LONGEST_SOCKET || place.includes('\0')) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `The control socket's path has ${bytes} bytes; the system takes ${LONGEST_SOCKET}, none of them zero. Choose a shorter one.`,
    );
  }
}

function listening(server: Server, hidden: string, place: string): Promise<void> {
  return new Promise((done, failed) => {
    const onError = (cause: unknown) => failed(refusal(place, cause));
    server.once('error', onError);
    server.listen(hidden, () => {
      server.off('error', onError);
      done();
    });
  });
}

/** A link takes no place that is taken. */
async function named(hidden: string, place: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      linkSync(hidden, place);
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 2) throw refusal(place, cause);
    }
    const found = statOf(place);
    if (found?.isSocket() === false) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `${place} is there and is no socket. Remove it, or choose another path for the control socket.`,
      );
    }
    if (await isAlive(place)) {
      throw new OnpathError(
        'ADDRESS_IN_USE',
        `A process listens on the control socket ${place} already. End it, or choose another path.`,
      );
    }
    // What has been put there meanwhile, by a process that starts as we do, is looked at anew.
    if (isSame(statOf(place), found)) refusedAs(place, () => unlinkSync(place));
  }
}

function isAlive(place: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(place);
    const end = (alive: boolean) => {
      socket.destroy();
      answer(alive);
    };
    socket.setTimeout(PROBE_MS, () => end(true));
    socket.once('connect', () => end(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      end(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
  });
}

type File = Pick<Stats, 'ino' | 'dev'>;

function isSame(a: File | undefined, b: File | undefined): boolean {
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}

function statOf(place: string): Stats | undefined {
  return lstatSync(place, { throwIfNoEntry: false });
}

function refusedAs<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw refusal(place, cause);
  }
}

function refusal(place: string, cause: unknown): OnpathError {
  const { code } = cause as NodeJS.ErrnoException;
  const folder = dirname(place);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new OnpathError(
      'NOT_FOUND',
      `The control socket ${place} cannot be made: ${folder} is no folder. Create it, or choose another path.`,
      { cause },
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new OnpathError(
      'PERMISSION_DENIED',
      `The control socket ${place} cannot be made: no right to write to ${folder} (${code}). Choose a folder of your own, such as $XDG_RUNTIME_DIR.`,
      { cause },
    );
  }
  return new OnpathError('PORT_FAILED', `The control socket ${place} cannot be made (${code}).`, { cause });
}
