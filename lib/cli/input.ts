/** Standard input, read whole. */
import { fstatSync } from 'node:fs';
import { OnpathError } from '../errors.js';

/** More is no prompt, no list of ids and no image. */
const MOST_BYTES = 256 << 20;

/**
 * @param what How the message calls it: "a text".
 * @throws OnpathError LIMIT_EXCEEDED, INVALID_ARGUMENT (it is no stream)
 */
export async function readInput(what: string, most = MOST_BYTES): Promise<Buffer> {
  requireInput(what);
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of process.stdin) {
      size += (part as Buffer).length;
      if (size > most) break;
      parts.push(part as Buffer);
    }
  } catch (cause) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `Standard input cannot be read (${(cause as NodeJS.ErrnoException).code}). Give ${what} by a pipe or a file.`,
      { cause },
    );
  }
  if (size <= most) return Buffer.concat(parts);
  throw new OnpathError(
    'LIMIT_EXCEEDED',
    `Standard input has more than ${most} bytes; ${what} has at most that many. Give less.`,
  );
}

/** Node takes a folder for an input that has ended. @throws OnpathError INVALID_ARGUMENT */
export function requireInput(what: string): void {
  if (!fstatSync(0).isDirectory()) return;
  throw new OnpathError('INVALID_ARGUMENT', `Standard input is a folder. Give ${what} by a pipe or a file.`);
}
