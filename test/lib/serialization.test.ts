// Serialization: how a picture becomes bytes on the wire, and the digest by which both ends know it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  type ImageFormat,
  type Order,
  Pipeline,
  type PipelineSpec,
  Sender,
  Serialization,
} from '../../lib/index.js';
import { assertSameBytes, assertThrows } from '../support/assert.js';
import { CHANNELS, FORMATS, noise, noiseImage, Random } from '../support/images.js';
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

const orders: readonly Order[] = ['row-major', 'planar', 'tile-major'];
const choices = orders.flatMap((order) => [false, true].map((skipUnread) => ({ order, skipUnread })));

function resizing(width: number, height: number, profile: 'pillow' | 'exact4', input = {}): Pipeline {
  return Pipeline.compile({
    input: { kind: 'image', width: 1280, height: 720, format: 'rgb', ...input },
    stages: [
      { stage: 'resize', width, height, profile },
      { stage: 'normalize', mean: 0.5, std: 0.5 },
    ],
    output: { layout: 'chw' },
  });
}

describe('planned serialization', () => {
  test('exact4 1280x720 to 224x224 by tiles sends 22 % at most and starts with the first packet', () => {
    const rowMajor = resizing(224, 224, 'exact4');
    const tiles = Serialization.plan(rowMajor, { order: 'tile-major', skipUnread: true });
    assert.equal(tiles.bytes, 4 * 224 * 224 * 3);
    assert.equal(tiles.bytesSaved, 1280 * 720 * 3 - tiles.bytes);
    assert.ok(tiles.bytes <= 0.22 * 1280 * 720 * 3);
    assert.equal(tiles.packetsToFirstOutput(), 1);
    assert.equal(tiles.windowBytes, 4 * 3);
    assert.ok(Serialization.of(rowMajor).packetsToFirstOutput() > 1);
    const image = noiseImage(1280, 720, 'rgb', 5);
    assertSameBytes(tiles.pipeline.run(tiles.serialize(image)).data, rowMajor.run(image).data);
  });

  test('every order of random sizes gives the bits of row-major, from images with gaps too', () => {
    const random = new Random(11);
    for (let i = 0; i < 40; i++) {
      const input = {
        kind: 'image',
        width: random.between(1, 60),
        height: random.between(1, 60),
        format: random.pick(FORMATS),
      } as const;
      const { width, height, format } = input;
      const profile = random.pick(['pillow', 'exact4'] as const);
      const stages: PipelineSpec['stages'] = [
        { stage: 'centerCrop', width: random.between(1, 60), height: random.between(1, 60) },
        { stage: 'resize', width: random.between(1, 30), height: random.between(1, 30), profile },
      ];
      const rowMajor = Pipeline.compile({ input, stages });
      const stride = width * CHANNELS[format] + random.between(0, 9);
      const rows = noise(stride * height, i);
      const image = Serialization.of(rowMajor).serialize(rows, { stride });
      const expected = rowMajor.run(image).data;
      for (const choice of choices) {
        const wire = Serialization.plan(rowMajor, choice);
        const sample = wire.serialize(rows, { stride });
        assert.equal(sample.length, wire.bytes);
        assertSameBytes(wire.serialize(image), sample);
        assertSameBytes(wire.pipeline.run(sample).data, expected);
        const same: Pipeline = Pipeline.compile({ input: { ...input, ...choice }, stages });
        assert.equal(same.hash, wire.pipeline.hash, 'compile and plan agree');
        assert.equal(Serialization.plan(wire.pipeline, 'row-major').pipeline.hash, rowMajor.hash);
      }
    }
  });

  test('packetsToFirstOutput is what a stream shows', () => {
    for (const profile of ['pillow', 'exact4'] as const) {
      for (const choice of choices) {
        const wire = Serialization.plan(resizing(224, 224, profile), choice);
        const sample = new Uint8Array(wire.bytes);
        for (const maxPayloadBytes of [200, 1400, 9000]) {
          const chunk = Math.floor((maxPayloadBytes - 44) / wire.elementBytes) * wire.elementBytes;
          const stream = wire.pipeline.stream();
          let packets = 0;
          for (let at = 0; ; at += chunk) {
            packets++;
            if (stream.push(at, sample.subarray(at, at + chunk)).emitted.length > 0) break;
          }
          assert.equal(wire.packetsToFirstOutput(maxPayloadBytes), packets, wire.text);
        }
      }
    }
  });

  test('tile-major needs a few rows for pillow, planar most of the image', () => {
    const rowMajor = resizing(224, 224, 'pillow');
    assert.ok(Serialization.plan(rowMajor, 'tile-major').windowBytes < 10 * 1280 * 3);
    assert.ok(Serialization.plan(rowMajor, 'planar').windowBytes > 2 * 1280 * 720);
  });

  test('the digest is that of the text, and tells plans apart', () => {
    const seen = new Map<string, number>();
    for (const [width, height] of [
      [224, 224],
      [224, 160],
      [100, 100],
    ] as const) {
      for (const choice of choices) {
        const { text, digest } = Serialization.plan(resizing(width, height, 'exact4'), choice);
        assert.equal(createHash('sha256').update(text).digest().readUInt32BE(0), digest);
        seen.set(text, digest);
      }
    }
    // Row-major and planar of whole images are the same for all three sizes.
    assert.equal(seen.size, 3 * 4 + 2);
    assert.equal(new Set(seen.values()).size, seen.size);
  });

  test('the hash in the text is that of the bands, as docs/wire-format.md defines it', () => {
    // exact4 from 6x4 to 2x1 reads the middle column of each three, rows 1 and 2.
    const rowMajor = Pipeline.compile({
      input: { kind: 'image', width: 6, height: 4, format: 'gray' },
      stages: [{ stage: 'resize', width: 2, height: 1, profile: 'exact4' }],
    });
    const out = 0xffffffff;
    const words = [6, 4, out, 0, 0, out, out, 0, out, out, 1, out];
    const bytes = Buffer.alloc(words.length * 4);
    words.forEach((word, i) => {
      bytes.writeUInt32BE(word, i * 4);
    });
    const bands = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    assert.equal(
      Serialization.plan(rowMajor, { order: 'tile-major', skipUnread: true }).text,
      `onpath-sample/1 dtype=uint8 channels=gray order=tile-major unread=skipped bands=${bands}`,
    );
  });

  test('explain names the order', () => {
    const { pipeline } = Serialization.plan(resizing(224, 224, 'exact4'), {
      order: 'tile-major',
      skipUnread: true,
    });
    assert.match(String(pipeline.explain()), /order tile-major, unread pixels skipped/);
    assert.match(String(pipeline.explain()), /sends 448 of 720 rows in 224 bands, 448 of 1280 columns/);
  });

  test('plan bytes keep the order', () => {
    for (const choice of choices) {
      const { pipeline } = Serialization.plan(resizing(99, 50, 'exact4'), choice);
      const again = Pipeline.fromBytes(pipeline.toBytes());
      assert.deepEqual(again.input, pipeline.input);
      assert.deepEqual({ order: again.input.order, skipUnread: again.input.skipUnread }, choice);
    }
  });

  test('unknown orders, uyvy and samples without a pixel are refused by name', () => {
    const pipeline = resizing(224, 224, 'pillow');
    for (const order of ['column-major', 3, null, undefined, {}, { order: 'tiles' }, { skipUnread: true }]) {
      assertThrows(() => Serialization.plan(pipeline, order as Order), 'INVALID_ARGUMENT', /order/);
    }
    const odd = { order: 'planar', skipUnread: 1 } as unknown as Order;
    assertThrows(() => Serialization.plan(pipeline, odd), 'INVALID_ARGUMENT', /skipUnread/);
    assertThrows(
      () => resizing(9, 9, 'pillow', { order: 'rows' as Order }),
      'INVALID_SPEC',
      /input\.order/,
      /tile-major/,
    );
    for (const order of ['planar', 'tile-major'] as const) {
      assertThrows(
        () => Pipeline.compile({ input: { kind: 'image', width: 4, height: 4, format: 'uyvy', order } }),
        'UNSUPPORTED',
        new RegExp(order),
        /uyvy/,
      );
    }
    assertThrows(
      () =>
        Pipeline.compile({
          input: { kind: 'image', width: 4, height: 4, format: 'rgb', skipUnread: true },
          stages: [{ stage: 'crop', left: 4, top: 0, width: 2, height: 2 }],
        }),
      'INVALID_SPEC',
      /skipUnread/,
    );
  });

  test('wrong images and packet sizes are refused in every order', () => {
    for (const choice of choices) {
      const wire = Serialization.plan(resizing(99, 50, 'exact4'), choice);
      for (const size of [0, 1280 * 720 * 3 - 1, 1280 * 720 * 3 + 1]) {
        assertThrows(() => wire.serialize(new Uint8Array(size)), 'INVALID_ARGUMENT', /2764800/);
      }
      assertThrows(() => wire.serialize(new Uint8Array(9), { stride: 3839 }), 'INVALID_ARGUMENT', /3840/);
      assertThrows(() => wire.serialize(new Uint8Array(9), { stride: 1e300 }), 'INVALID_ARGUMENT', /stride/);
      assertThrows(
        () => wire.pipeline.run(new Uint8Array(7)),
        'INVALID_ARGUMENT',
        /7 bytes/,
        new RegExp(choice.order),
      );
      for (const bytes of [43, 44, 0, -1, 1.5, Number.NaN, 65001]) {
        assertThrows(() => wire.packetsToFirstOutput(bytes), 'INVALID_ARGUMENT', /maxPayloadBytes/);
      }
    }
    assertThrows(() => wire.packetsToFirstOutput(), 'INVALID_ARGUMENT', /pipeline/);
    assertThrows(() => wire.windowBytes, 'INVALID_ARGUMENT', /pipeline/);
  });

  test('a sender takes a serialization or a shape, and RFC 4175 is row-major', async () => {
    const to = '192.0.2.2:5004';
    const via = { link: 'orders-refused' };
    const serialization = Serialization.plan(resizing(99, 50, 'exact4'), 'tile-major');
    const shape = { width: 5, height: 4, format: 'rgb' } as const;
    for (const spec of [{}, { width: 5, height: 4 }, { ...shape, serialization }, { serialization: {} }]) {
      await assert.rejects(Sender.open({ to, via, ...spec } as never), {
        code: 'INVALID_SPEC',
        message: /serialization/,
      });
    }
    await assert.rejects(Sender.open({ to, via, payload: 'rfc4175', serialization }), {
      code: 'UNSUPPORTED',
      message: /row-major/,
    });
    await using sender = await Sender.open({
      to,
      via,
      payload: 'rfc4175',
      serialization: Serialization.plan(serialization.pipeline, 'row-major'),
    });
    assert.equal(sender.serialization.order, 'row-major');
  });
});
