// uyvy through a plane: as raw video and as onpath chunks, to JavaScript and onwards, against a model in whole numbers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Pipeline, Sender, Serialization } from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { noise } from '../support/images.js';
import { assertBooksBalance, dropsOf, linkName, startPlane, takeOne } from '../support/plane.js';
import { toRgb } from '../support/ycbcr.js';

const size = { width: 38, height: 21 };
const input = { kind: 'image', ...size, format: 'uyvy' } as const;
const pipeline = Pipeline.compile({ input, stages: [{ stage: 'toRgb', matrix: 'bt709' }] });
const frame = (seed: number) => noise(38 * 21 * 2, seed);

describe('uyvy', () => {
  for (const payload of ['rfc4175', 'chunk'] as const) {
    for (const maxPayloadBytes of [80, 1400, 8900]) {
      test(`${payload} in packets of ${maxPayloadBytes} gives the model's rgb`, async () => {
        const link = linkName();
        await using plane = await startPlane({
          ports: [{ type: 'memory', name: 'in', link, maxBytes: 9200 }],
          routes: [{ name: 'r', port: 'in', payload, pipeline }],
        });
        await using sender = await Sender.open({
          to: '192.0.2.2:5004',
          via: { link, maxBytes: 9200 },
          payload,
          maxPayloadBytes,
          format: 'uyvy',
          ...size,
        });
        for (const seed of [1, 2, 3]) {
          await sender.send(frame(seed));
          const sample = await takeOne(plane, 'r');
          assert.deepEqual(sample.shape, [21, 38, 3]);
          assertSameBytes(sample.data, toRgb(frame(seed), 'bt709', 'studio'));
          sample.release();
        }
        await plane.close();
        assertBooksBalance(plane.stats());
        assert.deepEqual(dropsOf(plane.stats()), {});
      });
    }
  }

  test('a forward route sends rgb on, which another plane takes', async () => {
    const [first, second] = [linkName(), linkName()];
    await using plane = await startPlane({
      ports: [
        { type: 'memory', name: 'in', link: first },
        { type: 'memory', name: 'out', link: second, side: 1 },
      ],
      routes: [
        {
          name: 'r',
          port: 'in',
          payload: 'rfc4175',
          pipeline,
          sink: { forward: { port: 'out', to: '192.0.2.3:5004', payloadType: 97, maxPayloadBytes: 500 } },
        },
      ],
    });
    const resize = { stage: 'resize', width: 19, height: 10 } as const;
    const next = Pipeline.compile({ input: { ...input, format: 'rgb' }, stages: [resize] });
    await using other = await startPlane({
      ports: [{ type: 'memory', name: 'in', link: second }],
      routes: [{ name: 'r', port: 'in', payloadType: 97, pipeline: next }],
    });
    await using sender = await Sender.open({
      to: '192.0.2.2:5004',
      via: { link: first },
      payload: 'rfc4175',
      format: 'uyvy',
      ...size,
    });
    await sender.send(frame(9));
    const sample = await takeOne(other, 'r');
    assertSameBytes(sample.data, next.run(toRgb(frame(9), 'bt709', 'studio')).data);
    sample.release();
    assertBooksBalance(plane.stats());
  });

  test('cut anywhere in function calls, every matrix and range gives the model', () => {
    for (const matrix of ['bt601', 'bt709'] as const) {
      for (const range of ['studio', 'full'] as const) {
        const one = Pipeline.compile({ input, stages: [{ stage: 'toRgb', matrix, range }] });
        const expected = toRgb(frame(4), matrix, range);
        assertSameBytes(one.run(frame(4)).data, expected, `${matrix} ${range}`);
        const stream = one.stream();
        for (let at = frame(4).length; at > 0; at -= 5) {
          stream.push(Math.max(0, at - 5), frame(4).subarray(Math.max(0, at - 5), at));
        }
        assertSameBytes(stream.end().data, expected, `${matrix} ${range} in chunks`);
      }
    }
  });

  test('a serialized sample holds two bytes a pixel; rows may have gaps', () => {
    const wire = Serialization.rowMajor({ width: 4, height: 2, format: 'uyvy' });
    assert.equal(wire.elementBytes, 4);
    assert.equal(wire.bytes, 16);
    assert.equal(wire.text, 'onpath-sample/1 dtype=uint8 channels=uyvy order=row-major');
    const rows = noise(10 + 8, 1);
    const expected = Buffer.concat([rows.subarray(0, 8), rows.subarray(10, 18)]);
    assertSameBytes(wire.serialize(rows, { stride: 10 }), expected);
  });

  test('what it cannot be is refused, with what to do', async () => {
    const odd = { ...input, width: 39 };
    const toRgbStage = { stage: 'toRgb' } as const;
    assertThrows(
      () => Pipeline.compile({ input: odd, stages: [toRgbStage] }),
      'INVALID_SPEC',
      /input\.width is 39; expected an even number/,
    );
    assertThrows(() => Pipeline.compile({ input }), 'INVALID_SPEC', /only toRgb takes.*Add/);
    assertThrows(
      () => Pipeline.compile({ input, stages: [{ stage: 'resize', width: 4, height: 4 }, toRgbStage] }),
      'INVALID_SPEC',
      /stages\[0\] would take uyvy pixels.*first/,
    );
    assertThrows(
      () => Pipeline.compile({ input: { ...input, format: 'rgb' }, stages: [toRgbStage] }),
      'INVALID_SPEC',
      /stages\[0\] is a toRgb of rgb pixels; expected uyvy/,
    );
    assertThrows(
      () => Serialization.rowMajor({ width: 5, height: 2, format: 'uyvy' }),
      'INVALID_ARGUMENT',
      /5 pixels wide; expected an even number/,
    );
    const sender = Sender.open({ to: '127.0.0.1:9', width: 5, height: 2, format: 'uyvy' });
    await assertRejects(sender, 'INVALID_ARGUMENT', /even number/);
  });
});
