/** AbortSignal, turned into our typed error. */
import { OnpathError } from './errors.js';

export function abortError(signal: AbortSignal): OnpathError {
  return new OnpathError('ABORTED', 'The operation was aborted through its AbortSignal.', {
    cause: signal.reason,
  });
}

/** Also refuses what is no AbortSignal, before anything is started that would need closing. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (!(signal instanceof AbortSignal)) {
    throw new OnpathError('INVALID_ARGUMENT', `signal must be an AbortSignal, received ${typeof signal}.`);
  }
  if (signal.aborted) throw abortError(signal);
}

/** Settles like `work`, or rejects when the signal is aborted first; leaves no listener behind. */
export async function raceAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    // The loser of the race may still reject; that is not an unhandled rejection.
    work.catch(() => {});
  }
}
