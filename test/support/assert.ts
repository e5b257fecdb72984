/** Assertions that several test files share. */
import assert from 'node:assert/strict';
import { type ErrorCode, OnpathError } from '../../lib/index.js';

/** Every byte is the same; a failure says where the first difference is and how many there are. */
export function assertSameBytes(actual: ArrayBufferView, expected: ArrayBufferView, what = 'bytes'): void {
  const a = bytesOf(actual);
  const b = bytesOf(expected);
  assert.equal(a.length, b.length, `${what}: length`);
  if (a.equals(b)) return;
  let different = 0;
  let first = -1;
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) continue;
    if (first < 0) first = i;
    different++;
  }
  assert.fail(
    `${what}: ${different} of ${a.length} bytes differ, first at ${first}: ${a[first]}, expected ${b[first]}`,
  );
}

export function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

/** The call fails with an OnpathError of this code whose message matches every pattern. */
export function assertThrows(call: () => unknown, code: ErrorCode, ...says: RegExp[]): OnpathError {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  return assertOnpathError(error, code, says);
}

export async function assertRejects(
  work: Promise<unknown> | (() => Promise<unknown>),
  code: ErrorCode,
  ...says: RegExp[]
): Promise<OnpathError> {
  let error: unknown;
  try {
    const result = await (typeof work === 'function' ? work() : work);
    // What should not have been opened must not keep the test running.
    if (typeof result === 'object' && result !== null && Symbol.asyncDispose in result) {
      await (result as AsyncDisposable)[Symbol.asyncDispose]();
    }
  } catch (thrown) {
    error = thrown;
  }
  return assertOnpathError(error, code, says);
}

function assertOnpathError(error: unknown, code: ErrorCode, says: readonly RegExp[]): OnpathError {
  assert.ok(error !== undefined, `expected an OnpathError ${code}, but nothing was thrown`);
  assert.ok(error instanceof OnpathError, `expected an OnpathError ${code}, received ${String(error)}`);
  assert.equal(error.code, code, error.message);
  for (const pattern of says) assert.match(error.message, pattern);
  return error;
}
