// Routes that take images of many sizes: exact against whole runs, whatever the order in which sizes come.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Dataplane,
  Pipeline,
  PipelineFamily,
  type PipelineFamilySpec,
  type RouteSpec,
  Sender,
} from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { noiseImage, Random } from '../support/images.js';
import { assertBooksBalance, dropsOf, eventually, linkName, startPlane, take } from '../support/plane.js';

const SIZES = [
  [320, 240],
  [240, 320],
  [640, 480],
  [1, 1],
  [7, 300],
  [511, 5],
  [224, 224],
  [333, 217],
  [640, 1],
  [97, 480],
  [600, 401],
  [256, 256],
] as const;

const spec: PipelineFamilySpec = {
  input: { kind: 'image', maxWidth: 640, maxHeight: 480, format: 'rgb' },
  stages: [
    { stage: 'resize', shortestEdge: 64 },
    { stage: 'centerCrop', width: 56, height: 56 },
    { stage: 'normalize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  ],
  output: { layout: 'chw' },
};
const family = PipelineFamily.compile({
  ...spec,
  stages: [{ stage: 'resize', width: 56, height: 56 }, ...spec.stages!.slice(2)],
});

interface Photo {
  readonly width: number;
  readonly height: number;
  readonly image: Uint8Array;
}
const photos: readonly Photo[] = SIZES.map(([width, height], seed) => ({
  width,
  height,
  image: noiseImage(width, height, 'rgb', seed),
}));

/** A sender for images of this size, which it tells in every chunk or not. */
function openSender(link: string, width: number, height: number, sendDims = true): Promise<Sender> {
  return Sender.open({ to: '192.0.2.2:5004', via: { link }, width, height, format: 'rgb', sendDims });
}

/** Sends photos in this order, each by a sender for its size; the request id is the place in the order. */
async function sendAll(plane: Dataplane, link: string, order: readonly number[]): Promise<void> {
  for (const [request, which] of order.entries()) {
    const { width, height, image } = photos[which]!;
    await using sender = await openSender(link, width, height);
    const report = await sender.send(image, { requestId: request });
    assert.equal(report.refused, 0);
    await eventually('sample', () => plane.stats().routes[0]!.samplesComplete > request);
  }
}

describe('images of many sizes', () => {
  for (const cached of [16, 3]) {
    test(`arrive exact with ${cached} plans kept`, async () => {
      const link = linkName();
      await using plane = await startPlane({
        ports: [{ type: 'memory', name: 'in', link }],
        routes: [{ name: 'r', port: 'in', pipeline: family, shapes: { cached, waiting: 2 } }],
      });
      const order = new Random(5).shuffle([...SIZES.keys(), ...SIZES.keys()]);
      await sendAll(plane, link, order);
      for (const sample of await take(plane, 'r', order.length)) {
        const { width, height, image } = photos[order[Number(sample.requestId)]!]!;
        assert.deepEqual([sample.inputWidth, sample.inputHeight], [width, height]);
        assertSameBytes(sample.data, family.for(width, height).run(image).data);
        assert.equal(sample.version, family.hash);
        sample.release();
      }
      await plane.close();
      assert.deepEqual(dropsOf(plane.stats()), {});
      assertBooksBalance(plane.stats());
    });
  }

  test('come in batches and one after another on a route with an edge and a crop', async () => {
    const cropped = PipelineFamily.compile(spec);
    const link = linkName();
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [{ name: 'r', port: 'in', pipeline: cropped, deliver: { batch: 2 } }],
    });
    const order = [0, 1];
    await sendAll(plane, link, order);
    for await (const batch of plane.batches('r')) {
      assert.deepEqual(batch.shape, [2, 3, 56, 56]);
      const elements = batch.data.length / 2;
      for (const [i, { inputWidth, inputHeight }] of batch.samples.entries()) {
        const expected = cropped.for(inputWidth, inputHeight).run(photos[i]!.image).data;
        assertSameBytes(batch.data.slice(elements * i, elements * (i + 1)), expected);
      }
      batch.release();
      break;
    }
  });

  test('beyond the largest, or without dimensions, are dropped as wrong_shape', async () => {
    const link = linkName();
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [{ name: 'r', port: 'in', pipeline: family }],
    });
    const sends = [
      { width: 641, height: 10, sendDims: true },
      { width: 10, height: 481, sendDims: true },
      { width: 10, height: 10, sendDims: false },
    ];
    let packets = 0;
    for (const { width, height, sendDims } of sends) {
      await using sender = await openSender(link, width, height, sendDims);
      packets += (await sender.send(noiseImage(width, height, 'rgb', 1))).packets;
    }
    await eventually('dropped', () => dropsOf(plane.stats()).wrong_shape === packets);
    assert.deepEqual(dropsOf(plane.stats()), { wrong_shape: packets });
  });
});

describe('PipelineFamily', () => {
  test('gives the pipeline that the size alone would give, and keeps the last ones', () => {
    const own = PipelineFamily.compile(spec, { cached: 2 });
    const alone = (width: number, height: number) =>
      Pipeline.compile({ ...spec, input: { kind: 'image', width, height, format: 'rgb' } });
    for (const [width, height] of SIZES) assert.equal(own.for(width, height).hash, alone(width, height).hash);
    assert.equal(own.hash, alone(640, 480).hash);
    assert.equal(own.for(10, 20), own.for(10, 20));
    const first = own.for(10, 20);
    own.for(11, 20);
    assert.equal(own.for(10, 20), first);
    own.for(12, 20);
    assert.equal(own.for(10, 20), first);
    own.for(13, 20);
    own.for(14, 20);
    assert.notEqual(own.for(10, 20), first);
    const { digest } = alone(3, 3).input;
    assert.deepEqual(own.input, {
      maxWidth: 640,
      maxHeight: 480,
      format: 'rgb',
      maxBytes: 640 * 480 * 3,
      digest,
    });
    assert.deepEqual(own.outputs[0]!.shape, [3, 56, 56]);
  });

  test('refuses what it cannot do by name', async () => {
    const refused = (change: object, message: RegExp) =>
      assertThrows(
        () => PipelineFamily.compile({ ...spec, ...change } as PipelineFamilySpec),
        'INVALID_SPEC',
        message,
      );
    refused({ input: { ...spec.input, maxWidth: 0 } }, /family\.input\.maxWidth/);
    refused({ input: { ...spec.input, order: 'planar' } }, /family\.input\.order: .*row-major.*"planar"/);
    refused({ input: { ...spec.input, skipUnread: true } }, /unknown field "skipUnread"/);
    refused({ input: { kind: 'image', width: 1, height: 1, format: 'rgb' } }, /family\.input/);
    refused({ stages: [] }, /The output must be the same for every size/);
    refused({ stages: [{ stage: 'resize', shortestEdge: 64 }] }, /Images of 320x480 become uint8/);
    assertThrows(() => PipelineFamily.compile(spec, { cached: -1 }), 'INVALID_ARGUMENT', /cached .*-1/);
    assertThrows(() => family.for(0, 3), 'INVALID_ARGUMENT', /width .*received 0/);
    assertThrows(() => family.for(3, 1.5), 'INVALID_ARGUMENT', /height .*received 1\.5/);
    assertThrows(() => family.for(641, 3), 'INVALID_SPEC', /641x3 are not in the family, .* to 640x480/);

    const start = (change: Partial<RouteSpec>) =>
      startPlane({
        ports: [{ type: 'memory', name: 'in', link: linkName() }],
        routes: [{ name: 'r', port: 'in', pipeline: family, ...change }],
      });
    await assertRejects(start({ payload: 'rfc4175' }), 'INVALID_SPEC', /RFC 4175 does not carry the size/);
    await assertRejects(
      start({ pipeline: family.for(3, 3), shapes: {} }),
      'INVALID_SPEC',
      /routes\[0\]\.shapes is for a PipelineFamily/,
    );
    await assertRejects(start({ shapes: { cached: 0 } }), 'INVALID_SPEC', /routes\[0\]\.shapes\.cached/);
    await assertRejects(
      start({ shapes: { stateBytes: 1 } }),
      'LIMIT_EXCEEDED',
      /16 open samples of 640x480 need \d+ bytes; shapes\.stateBytes is 1/,
    );
  });
});
