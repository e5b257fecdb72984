/** `onpath send --text`. */
import { createReadStream } from 'node:fs';
import { OnpathError } from '../errors.js';
import { requireFile } from '../read-file.js';
import { Sender } from '../sender.js';
import { requireInput } from './input.js';
import type { SendOptions } from './send.js';
import type { Sending } from './sending.js';

export async function sendTexts(
  files: readonly string[],
  options: SendOptions,
  sending: Sending,
): Promise<void> {
  const { to, from, payloadType, rate, repeat } = options;
  if (files.includes('-') && repeat > 1) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      'Texts from standard input leave as they come and can be sent once. Leave --repeat out, or give a file.',
    );
  }
  for (const file of files) {
    if (file === '-') requireInput('a text');
    else requireFile(file, 'a text');
  }
  await using sender = await Sender.open({
    to,
    ...(from === undefined ? {} : { from }),
    text: true,
    payloadType,
    bitsPerSecond: rate !== 'max' && 'bitsPerSecond' in rate ? rate.bitsPerSecond : 0,
  });
  const onAbort = (): void => {
    process.stdin.destroy();
    void sender.close();
  };
  sending.signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let round = 0; round < repeat; round++) {
      for (const file of files) {
        // A text at a time: its pieces leave as they are read, and a file is open only while it is.
        const isLast = !(await sending.sample(() => sender.send(piecesOf(file, sending.signal))));
        await sending.rest();
        if (isLast) return;
      }
    }
  } finally {
    sending.signal.removeEventListener('abort', onAbort);
  }
}

async function* piecesOf(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* file === '-' ? process.stdin : createReadStream(file);
  } catch (cause) {
    const code = signal.aborted ? 'ABORTED' : 'INVALID_ARGUMENT';
    const name = file === '-' ? 'Standard input' : file;
    const why = (cause as NodeJS.ErrnoException).code;
    throw new OnpathError(code, `${name} cannot be read (${why}). Check the path and its permissions.`, {
      cause,
    });
  }
}
