// Whatever JavaScript has, and calls with it. Nothing may end the process; what is thrown is typed.
import assert from 'node:assert/strict';
import { OnpathError } from '../../lib/errors.js';
import { native } from '../../lib/native.js';
import { program } from './fixture.js';

const detached = new Uint8Array(8);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
const revoked = Proxy.revocable({}, {});
revoked.revoke();

/** Fresh each time: some of them are spoiled by being used. */
export const garbage: (() => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 0.5,
  () => -0,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => 1e308,
  () => 0n,
  () => -1n,
  () => 2n ** 64n,
  () => '',
  () => 'rgb',
  () => '\ud800 \0',
  () => 'x'.repeat(100_000),
  () => Symbol('s'),
  () => () => undefined,
  () => class {},
  () => ({}),
  () => [],
  () => [[]],
  () => [null],
  () => new Array(2 ** 32 - 1),
  () => Object.create(null),
  () => new Proxy([], {}),
  () => new Proxy({}, { get: () => 1 }),
  () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new RangeError('trap');
        },
      },
    ),
  () => revoked.proxy,
  () => ({
    get input() {
      throw new RangeError('getter');
    },
  }),
  () => new Uint8Array(0),
  () => new Uint8Array(16),
  () => [new Uint8Array(16)],
  () => detached,
  () => [detached],
  () => new Uint8ClampedArray(16),
  () => new Float64Array(16),
  () => new DataView(new ArrayBuffer(8)),
  () => new ArrayBuffer(8),
  () => new SharedArrayBuffer(8),
  () => new Uint8Array(new SharedArrayBuffer(8)),
  () => Buffer.alloc(8),
  () => new Date(0),
  () => /x/,
  () => new Map(),
  () => Promise.resolve(1),
  () => new Error('e'),
  () => globalThis,
  () => native(),
  () => program(),
];

/** Calls it with no argument, each value alone, and each value at each place of `right`. */
export async function bombard(
  name: string,
  call: (...args: unknown[]) => unknown,
  right: () => unknown[],
): Promise<void> {
  const lists: unknown[][] = [[]];
  for (const make of garbage) {
    lists.push([make()], [make(), make(), make(), make()]);
    for (let place = 0; place < right().length; place++) {
      const list = right();
      list[place] = make();
      lists.push(list);
    }
  }
  for (const list of lists) {
    try {
      const result = await call(...list);
      const closable = result as { close?: unknown } | undefined;
      if (typeof closable?.close === 'function' && closable !== undefined) await closable.close();
    } catch (error) {
      const typed = error instanceof OnpathError || error instanceof RangeError || error instanceof TypeError;
      assert.ok(typed, `${name}: ${String(error)}`);
      if (error instanceof OnpathError)
        assert.ok(error.message.length > 10 && error.message.length < 2000, error.message);
    }
  }
}

/** The same object with each of its fields, at any depth, replaced by each value in turn. */
export function* spoiled(value: unknown): Generator<unknown> {
  for (const make of garbage) yield make();
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) return;
  for (const key of Object.keys(value)) {
    for (const wrong of spoiled((value as Record<string, unknown>)[key])) {
      yield Array.isArray(value) ? Object.assign([...value], { [key]: wrong }) : { ...value, [key]: wrong };
    }
  }
}

export async function spoil(name: string, call: (config: never) => unknown, right: unknown): Promise<number> {
  let refused = 0;
  for (const config of spoiled(right)) {
    try {
      const result = (await call(config as never)) as { close?: () => Promise<void> };
      if (result.close !== undefined) await result.close();
    } catch (error) {
      refused += 1;
      const typed = error instanceof OnpathError || error instanceof RangeError || error instanceof TypeError;
      assert.ok(typed, `${name}: ${String(error)}`);
    }
  }
  return refused;
}
