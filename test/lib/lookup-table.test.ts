// LookupTable: what fits is kept exactly, what does not is refused by entry.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DType, LookupTable, Pipeline } from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';

const ramp = Array.from({ length: 256 }, (_, i) => i);
const allBytes = Uint8Array.from(ramp);

describe('a lookup table', () => {
  test('keeps the extremes of every type and looks them up', () => {
    const extremes: [DType, number, number, new (...args: never[]) => ArrayBufferView][] = [
      ['uint8', 0, 255, Uint8Array],
      ['int8', -128, 127, Int8Array],
      ['uint16', 0, 65535, Uint16Array],
      ['float16', 0, 65535, Uint16Array],
      ['bfloat16', 0, 65535, Uint16Array],
      ['uint32', 0, 0xffffffff, Uint32Array],
      ['float32', -3.4028234663852886e38, 3.4028234663852886e38, Float32Array],
    ];
    for (const [dtype, low, high, view] of extremes) {
      const table = LookupTable.from(
        ramp.map((i) => (i % 2 === 0 ? low : high)),
        { dtype },
      );
      assert.ok(table.data instanceof view, dtype);
      const { data } = Pipeline.compile({
        input: { kind: 'image', width: 256, height: 1, format: 'gray' },
        stages: [{ stage: 'lookup', table }],
      }).run(allBytes);
      assert.ok(data instanceof view, dtype);
      assert.deepEqual([...data.slice(0, 3)], [low, high, low]);
    }
  });

  test('float32 entries are rounded to nearest even, infinities kept', () => {
    const values = ramp.map((i) => [0.1, 16777217, 16777219, Infinity, -Infinity, -0, 1e-50][i % 7]!);
    const { data } = LookupTable.from(values, { dtype: 'float32' });
    assert.deepEqual(
      [...data.slice(0, 7)],
      [Math.fround(0.1), 16777216, 16777220, Infinity, -Infinity, -0, 0],
    );
  });

  test('one table serves every channel, or each channel has its own', () => {
    const one = LookupTable.from(ramp, { dtype: 'uint8' });
    const three = LookupTable.fromFunction((value, channel) => (value + channel) % 256, {
      dtype: 'uint8',
      channels: 3,
    });
    assert.deepEqual([one.channels, three.channels, three.data.length], [1, 3, 768]);
    const run = (table: LookupTable) =>
      Pipeline.compile({
        input: { kind: 'image', width: 1, height: 1, format: 'rgb' },
        stages: [{ stage: 'lookup', table }],
      }).run(Uint8Array.of(10, 20, 255)).data;
    assert.deepEqual([...run(one)], [10, 20, 255]);
    assert.deepEqual([...run(three)], [10, 21, 1]);
  });

  test('it is a copy: neither its source nor `data` can change it', () => {
    const source = [...ramp];
    const table = LookupTable.from(source, { dtype: 'uint8' });
    source.fill(0);
    table.data.fill(0);
    assert.deepEqual([...table.data], ramp);
  });

  test('any list of numbers will do as source', () => {
    const expected = LookupTable.from(ramp, { dtype: 'uint8' }).data;
    for (const source of [allBytes, Float64Array.from(ramp), { ...ramp, length: 256 }]) {
      assert.deepEqual(LookupTable.from(source as ArrayLike<number>, { dtype: 'uint8' }).data, expected);
    }
    const nested = LookupTable.from([allBytes, allBytes], { dtype: 'uint8' });
    assert.equal(nested.channels, 2);
  });

  const misfits: [string, DType, unknown, RegExp][] = [
    ['256 in uint8', 'uint8', 256, /Entry 7 .* 256; uint8.*0 to 255/],
    ['-1 in uint8', 'uint8', -1, /Entry 7 .* -1/],
    ['0.5 in uint8', 'uint8', 0.5, /whole numbers/],
    ['-129 in int8', 'int8', -129, /-128 to 127/],
    ['65536 in uint16', 'uint16', 65536, /0 to 65535/],
    ['a negative number as bits of float16', 'float16', -1, /0 to 65535/],
    ['2^32 in uint32', 'uint32', 2 ** 32, /0 to 4294967295/],
    ['NaN in float32', 'float32', Number.NaN, /NaN/],
    ['NaN in uint8', 'uint8', Number.NaN, /NaN/],
    ['a text', 'float32', '1', /Entry 7/],
    ['a bigint', 'uint8', 1n, /Entry 7/],
    ['null', 'float32', null, /Entry 7 .* null/],
    ['a hole', 'float32', undefined, /Entry 7 .* undefined/],
    ['a symbol', 'float32', Symbol('x'), /Entry 7 .* Symbol\(x\)/],
  ];
  for (const [what, dtype, value, says] of misfits) {
    test(`${what} is refused by entry, value and range`, () => {
      const values = ramp.map((i) => (i === 7 ? value : 0)) as number[];
      assertThrows(() => LookupTable.from(values, { dtype }), 'INVALID_ARGUMENT', says, /table 0/);
      assertThrows(
        () => LookupTable.from([ramp.map(() => 0), values], { dtype }),
        'INVALID_ARGUMENT',
        /table 1/,
      );
    });
  }

  test('wrong lengths, counts and types are refused', () => {
    const wrong: [unknown, RegExp][] = [
      [[], /256/],
      [ramp.slice(1), /256.*255/],
      [[...ramp, 0], /256.*257/],
      [[ramp, ramp.slice(1)], /Table 1.*256.*255/],
      [new Array(5).fill(ramp), /1 to 4.*5/],
      [null, /./],
      [undefined, /./],
      ['x'.repeat(256), /Entry 0/],
      [256, /./],
      [{ length: Number.NaN }, /256/],
      [[null], /./],
      [[ramp, null], /./],
    ];
    for (const [values, says] of wrong) {
      assertThrows(() => LookupTable.from(values as number[], { dtype: 'uint8' }), 'INVALID_ARGUMENT', says);
    }
    for (const dtype of ['float64', '', null, undefined, 8, Symbol('t'), 'toString', '__proto__']) {
      assertThrows(() => LookupTable.from(ramp, { dtype: dtype as DType }), 'INVALID_ARGUMENT', /dtype/);
    }
    for (const channels of [0, 5, -1, 1.5, Number.NaN, 1e9]) {
      assertThrows(
        () => LookupTable.fromFunction((x) => x, { dtype: 'uint8', channels }),
        'INVALID_ARGUMENT',
      );
    }
  });
});
