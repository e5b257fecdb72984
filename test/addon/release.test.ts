// release(): the views become empty, the slot comes back once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NativeDelivery } from '../../lib/native.js';
import { expected, image, Pair, run } from './fixture.js';

async function withPair(slots: number, body: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await Pair.open('release', slots);
  try {
    await body(pair);
  } finally {
    await pair.close();
  }
}

async function next(pair: Pair, seed: number): Promise<NativeDelivery> {
  await pair.sender.send(image(seed), BigInt(seed));
  const delivery = await pair.take();
  assert.deepEqual(new Uint8Array(delivery.outputs[0]!), expected(pair.program, image(seed)));
  return delivery;
}

describe('release', () => {
  test('detaches every view', async () => {
    await withPair(4, async (pair) => {
      const { buffer, outputs } = await next(pair, 1);
      const views = [
        new Uint8Array(outputs[0]!),
        new Float32Array(outputs[0]!, 16, 8),
        Buffer.from(outputs[0]!),
      ];
      pair.sink.release(buffer);
      assert.equal(outputs[0]!.byteLength, 0);
      for (const view of views) assert.deepEqual([view.byteLength, view[0]], [0, undefined]);
    });
  });

  test('twice is once: the slot is not given to two samples', async () => {
    await withPair(2, async (pair) => {
      for (let round = 0; round < 20; round++) {
        const first = await next(pair, 1);
        pair.sink.release(first.buffer);
        pair.sink.release(first.buffer);
        const held = [await next(pair, 2), await next(pair, 3)];
        pair.sink.release(first.buffer);
        assert.deepEqual(new Uint8Array(held[0]!.outputs[0]!), expected(pair.program, image(2)));
        for (const { buffer } of held) pair.sink.release(buffer);
      }
    });
  });

  test('a number that was never given out is refused', async () => {
    await withPair(2, async (pair) => {
      const { buffer } = await next(pair, 1);
      for (const wrong of [0, buffer + 1, 2 ** 40, -1, 0.5, Number.NaN, '1', undefined]) {
        assert.throws(() => pair.sink.release(wrong as number), { code: 'INVALID_ARGUMENT' });
      }
      pair.sink.release(buffer);
    });
  });

  test('a thousand samples through one slot', async () => {
    await withPair(1, async (pair) => {
      for (let seed = 0; seed < 1000; seed++) pair.sink.release((await next(pair, seed)).buffer);
    });
  });

  test('a view that was transferred elsewhere never shows another sample', async () => {
    await withPair(2, async (pair) => {
      const first = await next(pair, 1);
      const output = first.outputs[0]!;
      const { transfer } = output as { transfer?: () => ArrayBuffer };
      const elsewhere = transfer?.call(output) ?? structuredClone(output, { transfer: [output] });
      pair.sink.release(first.buffer);
      for (let seed = 2; seed < 8; seed++) pair.sink.release((await next(pair, seed)).buffer);
      assert.deepEqual(new Uint8Array(elsewhere), expected(pair.program, image(1)));
    });
  });

  test('the same where outputs are copied', async () => {
    await run('release-copies', '', { env: { ONPATH_COPY_OUTPUTS: '1' } });
  });
});
