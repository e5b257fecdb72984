// Memory of JavaScript's that native code works on: whatever kind it is, and whatever is done to it meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { expected, HEIGHT, image, Pair, program, WIDTH } from './fixture.js';

type Resizable = ArrayBuffer & { resize(bytes: number): void };
const resizable = (bytes: number) =>
  Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: 4 * bytes }]) as Resizable;
const detach = (view: Uint8Array) => structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });

const of = program();
const bytes = of.info.outputs[0]!.bytes;
const right = expected(of, image());
const output = () => new Uint8Array(bytes);

describe('memory of runs', () => {
  test('shared and resizable memory is taken', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(image().length));
    shared.set(image());
    const growing = new Uint8Array(resizable(image().length));
    growing.set(image());
    for (const input of [shared, growing]) {
      for (const into of [new Uint8Array(new SharedArrayBuffer(bytes)), new Uint8Array(resizable(bytes))]) {
        of.run(input, [into]);
        assert.deepEqual(Uint8Array.from(into), right);
        into.fill(0);
        await of.runAsync(input, [into]);
        assert.deepEqual(Uint8Array.from(into), right);
      }
    }
  });

  test('memory that overlaps is refused', async () => {
    const all = new Uint8Array(image().length + bytes);
    const input = all.subarray(0, image().length);
    for (const at of [0, 1, image().length - 1]) {
      const outputs = [all.subarray(at, at + bytes)];
      assert.throws(() => of.run(input, outputs), { code: 'INVALID_ARGUMENT', message: /overlaps/ });
      await assert.rejects(of.runAsync(input, outputs), { code: 'INVALID_ARGUMENT', message: /overlaps/ });
      const stream = of.stream();
      stream.begin(outputs);
      assert.throws(() => stream.push(0, input), { code: 'INVALID_ARGUMENT', message: /overlap/ });
    }
    of.run(input, [all.subarray(image().length)]);
  });

  test('memory that is detached during runAsync makes it reject, and nothing else', async () => {
    for (let round = 0; round < 50; round++) {
      const input = image();
      const into = output();
      const run = of.runAsync(input, [into]);
      const elsewhere = detach(round % 2 === 0 ? input : into);
      await assert.rejects(run, { code: 'INVALID_ARGUMENT', message: /detached/ });
      assert.ok(elsewhere);
    }
    const buffer = resizable(bytes);
    const run = of.runAsync(image(), [new Uint8Array(buffer)]);
    buffer.resize(0);
    await assert.rejects(run, { code: 'INVALID_ARGUMENT' });
    const input = resizable(image().length);
    new Uint8Array(input).set(image());
    const into = output();
    const second = of.runAsync(new Uint8Array(input, 0, image().length), [into]);
    input.resize(0);
    await assert.rejects(second, { code: 'INVALID_ARGUMENT' });
  });

  test('memory that a getter detaches while arguments are read is not used', async () => {
    const input = image();
    const outputs = [output()];
    Object.defineProperty(outputs, 0, {
      get() {
        if (input.length > 0) detach(input);
        return output();
      },
    });
    assert.throws(() => of.run(input, outputs), { code: 'INVALID_ARGUMENT', message: /received 0 bytes/ });
    await assert.rejects(of.runAsync(input, outputs), { code: 'INVALID_ARGUMENT' });
  });

  test('a getter that throws is what is thrown', async () => {
    const outputs = Object.defineProperty([output()], 0, {
      get() {
        throw new RangeError('mine');
      },
    });
    assert.throws(() => of.run(image(), outputs), RangeError);
    await assert.rejects(of.runAsync(image(), outputs), RangeError);
    assert.throws(() => of.stream().begin(outputs), RangeError);
  });

  test('many runs at a time, on and off the event loop, give the same', async () => {
    const images = Array.from({ length: 40 }, (_, seed) => image(seed));
    const results = images.map(() => output());
    const runs = images.map((input, i) => of.runAsync(input, [results[i]!]));
    for (const input of images) expected(of, input);
    await Promise.all(runs);
    for (const [i, result] of results.entries()) assert.deepEqual(result, expected(of, images[i]!));
  });
});

describe('memory of streams', () => {
  test('chunks in any order, again after begin', () => {
    const stream = of.stream();
    assert.equal(stream.missingBytes(), image().length);
    for (let round = 0; round < 3; round++) {
      const into = output();
      assert.deepEqual(stream.begin([into]), []);
      for (let at = image().length - 100; at > -100; at -= 100) {
        const from = Math.max(at, 0);
        const result = stream.push(from, image().subarray(from, at + 100));
        assert.equal(result[0], 0);
        assert.equal(result.length % 3, 0);
      }
      assert.equal(stream.missingBytes(), 0);
      assert.equal(stream.push(0, image().subarray(0, 3))[0], 1);
      assert.equal(stream.push(image().length, new Uint8Array(1))[0], 2);
      assert.deepEqual(into, right);
    }
  });

  test('runs that were told cover the output exactly once', () => {
    const stream = of.stream();
    stream.begin([output()]);
    const seen = new Uint8Array(bytes);
    for (let at = 0; at < image().length; at += 7) {
      const emitted = stream.push(at, image().subarray(at, at + 7)).slice(3);
      for (let i = 0; i < emitted.length; i += 3) {
        for (let b = emitted[i + 1]!; b < emitted[i + 1]! + emitted[i + 2]!; b++) seen[b]! += 1;
      }
    }
    assert.ok(seen.every((times) => times === 1));
  });

  test('a push before begin, or after the outputs went away, is refused', () => {
    const stream = of.stream();
    assert.throws(() => stream.push(0, image()), { code: 'INVALID_ARGUMENT', message: /begin/ });
    const into = output();
    stream.begin([into]);
    stream.push(0, image().subarray(0, 300));
    detach(into);
    assert.throws(() => stream.push(300, image().subarray(300)), {
      code: 'INVALID_ARGUMENT',
      message: /detached/,
    });
    assert.throws(() => stream.push(300, image().subarray(300)), {
      code: 'INVALID_ARGUMENT',
      message: /begin/,
    });
    const shrinking = resizable(bytes);
    stream.begin([new Uint8Array(shrinking)]);
    shrinking.resize(bytes - 1);
    assert.throws(() => stream.push(0, image()), { code: 'INVALID_ARGUMENT' });
    const again = output();
    stream.begin([again]);
    stream.push(0, image());
    assert.deepEqual(again, right);
  });
});

describe('memory of sends', () => {
  test('shared, resizable and part of something larger', async () => {
    const pair = await Pair.open('sends');
    const shared = new Uint8Array(new SharedArrayBuffer(image().length));
    const growing = new Uint8Array(resizable(image().length));
    const part = new Uint8Array(3 * image().length).subarray(5, 5 + image().length);
    for (const bytesToSend of [shared, growing, part]) {
      bytesToSend.set(image(7));
      await pair.sender.send(bytesToSend, 1n);
      const { outputs, buffer } = await pair.take();
      assert.deepEqual(new Uint8Array(outputs[0]!), expected(pair.program, image(7)));
      pair.sink.release(buffer);
    }
    const shrinks = resizable(image().length);
    const send = pair.sender.send(new Uint8Array(shrinks), 1n);
    shrinks.resize(0);
    assert.equal((await send).refused, 0);
    await assert.rejects(pair.sender.send(new Uint8Array(WIDTH * HEIGHT), 1n), { code: 'INVALID_ARGUMENT' });
    await pair.close();
  });

  test('more than may wait is refused as BUSY', async () => {
    const pair = await Pair.open('busy');
    const sends = Array.from({ length: 500 }, () => pair.sender.send(image(), 1n));
    const codes = (await Promise.allSettled(sends)).map((s) =>
      s.status === 'rejected' ? s.reason.code : 'sent',
    );
    assert.ok(codes.includes('sent'));
    assert.ok(codes.every((code) => code === 'sent' || code === 'BUSY'));
    await pair.close();
  });
});
