/** A route that receives what another program sends, and what that program says it sent. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Dataplane,
  Pipeline,
  type RouteSpec,
  type Sample,
  type VideoDescription,
} from '../../lib/index.js';
import { assertSameBytes } from './assert.js';
import { CHANNELS, type Format } from './images.js';
import { assertBooksBalance, dropsOf, eventually, PlainSocket, startPlane, take } from './plane.js';
import { rtpPacket } from './rtp.js';
import { resizeWithPillow, runPython } from './tools.js';

export const SIDE = 224;

export interface Frames {
  readonly width: number;
  readonly height: number;
  readonly format: Format;
  readonly count: number;
}

/** A plane on a free port of 127.0.0.1 that resizes such frames. */
export function receiverOf(frames: Frames, payload: RouteSpec['payload'], udpPort = 0): Promise<Dataplane> {
  const { width, height, format } = frames;
  const pipeline = Pipeline.compile({
    input: { kind: 'image', width, height, format },
    stages: [{ stage: 'resize', width: SIDE, height: SIDE }],
  });
  return receiverWith(pipeline, payload, udpPort);
}

/** The same with any pipeline. */
export function receiverWith(
  pipeline: Pipeline,
  payload: RouteSpec['payload'],
  udpPort = 0,
): Promise<Dataplane> {
  return startPlane({
    ports: [{ type: 'udp', name: 'in', port: udpPort }],
    routes: [
      {
        name: 'frames',
        port: 'in',
        payload: payload ?? 'rfc4175',
        payloadType: 96,
        pipeline,
        slots: 64,
      },
    ],
  });
}

/** Lets `send` run to its end, however long that program takes to start, and gives what came, in the order of arrival, not released. */
export async function receive(
  plane: Dataplane,
  count: number,
  send: () => Promise<unknown>,
): Promise<Sample[]> {
  await send();
  return take(plane, 'frames', count);
}

/** Every frame that came is what Pillow makes of the frame that the sender wrote to a file. */
export function assertEqualsPillow(samples: readonly Sample[], frames: Frames, file: string): void {
  const { width, height, format, count } = frames;
  const pixels = withoutRowPadding(readFileSync(file), width * CHANNELS[format], height, count);
  // Blue before red makes no difference to a resize, and alpha is last in both.
  const mode = { 1: 'L', 3: 'RGB', 4: format === 'rgbx' ? 'RGBX' : 'RGBA' }[CHANNELS[format]];
  const [expected] = resizeWithPillow([{ width, height, toWidth: SIDE, toHeight: SIDE, mode, pixels }]);
  const bytes = SIDE * SIDE * CHANNELS[format];
  assert.equal(expected!.length, count * bytes);
  assert.equal(samples.length, count);
  samples.forEach((sample, i) => {
    assertSameBytes(sample.data, expected!.subarray(i * bytes, (i + 1) * bytes), `frame ${i}`);
    sample.release();
  });
}

/** Every frame of uyvy that came is the rgb that numpy makes of the frame that the sender wrote to a file. */
export async function assertEqualsNumpy(
  samples: readonly Sample[],
  frames: { width: number; height: number; count: number },
  file: string,
  toRgb: NonNullable<VideoDescription['toRgb']>,
): Promise<void> {
  const { width, height, count } = frames;
  const script = join(process.cwd(), 'test', 'interop', 'to_rgb.py');
  await runPython([script, file, `${file}.rgb`, `${width}`, `${height}`, toRgb.matrix, toRgb.range]);
  const expected = readFileSync(`${file}.rgb`);
  const bytes = width * height * 3;
  assert.equal(expected.length, count * bytes);
  assert.equal(samples.length, count);
  samples.forEach((sample, i) => {
    assertSameBytes(sample.data, expected.subarray(i * bytes, (i + 1) * bytes), `frame ${i}`);
    sample.release();
  });
}

/** GStreamer rounds rows up to four bytes in memory, and in files. */
function withoutRowPadding(data: Buffer, row: number, height: number, count: number): Uint8Array {
  const stride = data.length / (height * count);
  assert.ok(stride === row || stride === Math.ceil(row / 4) * 4, `the file has ${data.length} bytes`);
  if (stride === row) return data;
  const rows = Array.from({ length: height * count }, (_, y) => data.subarray(y * stride, y * stride + row));
  return Buffer.concat(rows);
}

/** Waits until the plane has taken in all that came to its socket before: a packet that no route takes, sent now, is behind it. */
export async function takenIn(plane: Dataplane): Promise<void> {
  await using socket = await PlainSocket.open();
  await socket.send(plane.address('in'), [rtpPacket({ payloadType: 35 }, new Uint8Array(1))]);
  await eventually('the last packet came', () => dropsOf(plane.stats()).no_route === 1);
}

export async function assertNothingLost(plane: Dataplane): Promise<void> {
  await plane.close();
  assertBooksBalance(plane.stats());
  assert.deepEqual(dropsOf(plane.stats()), {});
}
