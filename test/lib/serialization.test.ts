// Serialization: how a picture becomes bytes on the wire, and the digest by which both ends know it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ImageFormat, Pipeline, Serialization } from '../../lib/index.js';
import { assertSameBytes, assertThrows } from '../support/assert.js';
import { CHANNELS, FORMATS, noise, noiseImage } from '../support/images.js';
import { digestOf } from '../support/rtp.js';

const wire = Serialization.rowMajor({ width: 5, height: 4, format: 'rgb' });

describe('row-major serialization', () => {
  test('its digest is the beginning of the SHA-256 of its text, for every format', () => {
    for (const format of FORMATS) {
      const each = Serialization.rowMajor({ width: 3, height: 2, format });
      assert.equal(each.text, `onpath-sample/1 dtype=uint8 channels=${format} order=row-major`);
      assert.equal(each.digest, digestOf(format));
      assert.equal(each.elementBytes, CHANNELS[format]);
      assert.equal(each.bytes, 6 * CHANNELS[format]);
    }
  });

  test('the digest does not depend on the size', () => {
    assert.equal(Serialization.rowMajor({ width: 65535, height: 1, format: 'rgb' }).digest, wire.digest);
  });

  test('a pipeline takes what Serialization.of gives for it', () => {
    const pipeline = Pipeline.compile({ input: { kind: 'image', width: 5, height: 4, format: 'rgb' } });
    const own = Serialization.of(pipeline);
    assert.deepEqual(own.image, { width: 5, height: 4, format: 'rgb' });
    assert.equal(own.digest, pipeline.input.digest);
    assert.equal(own.bytes, pipeline.input.bytes);
  });

  test('a picture without gaps is returned as it is, not copied', () => {
    const image = noiseImage(5, 4, 'rgb', 1);
    assert.equal(wire.serialize(image), image);
    assert.equal(wire.serialize(image, { stride: 15 }), image);
    const view = wire.serialize(new DataView(image.buffer));
    assert.equal(view.buffer, image.buffer);
  });

  test('gaps between rows are left out; the last row needs none', () => {
    const rows = noise(3 * 20 + 15, 2);
    const expected = Buffer.concat([0, 20, 40, 60].map((at) => rows.subarray(at, at + 15)));
    assertSameBytes(wire.serialize(rows, { stride: 20 }), expected);
    assertSameBytes(wire.serialize(Buffer.concat([rows, rows]), { stride: 20 }), expected);
    assertThrows(() => wire.serialize(rows.subarray(1), { stride: 20 }), 'INVALID_ARGUMENT', /74.*75/);
  });

  test('wrong pictures and strides are refused', () => {
    for (const size of [0, 59, 61]) {
      assertThrows(
        () => wire.serialize(new Uint8Array(size)),
        'INVALID_ARGUMENT',
        new RegExp(`${size} bytes`),
        /60/,
      );
    }
    for (const image of [null, undefined, 'pixels', 60, {}, [1, 2, 3]]) {
      assertThrows(() => wire.serialize(image as Uint8Array), 'INVALID_ARGUMENT', /image/);
    }
    for (const stride of [14, 0, -15, 15.5, Number.NaN, Number.POSITIVE_INFINITY, '20', null]) {
      assertThrows(
        () => wire.serialize(new Uint8Array(600), { stride: stride as number }),
        'INVALID_ARGUMENT',
        /stride/,
        /15/,
      );
    }
  });

  test('impossible formats are refused', () => {
    const wrong: [object, RegExp][] = [
      [{ width: 0 }, /width.*0/],
      [{ width: 65536 }, /width.*65536/],
      [{ height: -1 }, /height.*-1/],
      [{ height: 1.5 }, /height.*1\.5/],
      [{ height: '4' }, /height/],
      [{ width: Symbol('w') }, /width.*Symbol\(w\)/],
      [{ width: 5n }, /width.*5/],
      [{ format: 'cmyk' }, /format.*"cmyk"/],
      [{ format: null }, /format.*null/],
      [{ format: 3n }, /format.*3/],
    ];
    for (const [change, says] of wrong) {
      const image = { width: 5, height: 4, format: 'rgb', ...change } as ImageFormat;
      assertThrows(() => Serialization.rowMajor(image), 'INVALID_ARGUMENT', says);
    }
    assert.equal(Serialization.rowMajor({ width: 5, height: 4, format: 'rgb' }).bytes, 60);
  });
});
