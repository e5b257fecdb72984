// FFmpeg 5.1 as sender of raw video: its RFC 4175 packetizer takes rgb24, bgr24, uyvy422, yuv420p and 10-bit 4:2:2.
// The first three are received exact; the others are refused by name.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Pipeline, parseSdp } from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';
import {
  assertEqualsNumpy,
  assertEqualsPillow,
  assertNothingLost,
  type Frames,
  receive,
  receiverOf,
  receiverWith,
  SIDE,
  takenIn,
} from '../support/interop.js';
import { assertBooksBalance, dropsOf, freePort, startPlane } from '../support/plane.js';
import { missing, runTool, temporaryFolder } from '../support/tools.js';

const skip = missing('ffmpeg') || missing('pillow');

async function send(
  frames: Omit<Frames, 'format'>,
  pixelFormat: string,
  port: number,
  files: { sdp: string; raw: string; packetBytes?: number },
): Promise<void> {
  const source = `testsrc2=size=${frames.width}x${frames.height}:rate=20`;
  const video = ['-map', '0:v', '-frames:v', `${frames.count}`, '-pix_fmt', pixelFormat, '-c:v', 'rawvideo'];
  await runTool('ffmpeg', [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', '-re', '-f', 'lavfi', '-i', source],
    ...[...video, '-f', 'rtp', '-sdp_file', files.sdp],
    `rtp://127.0.0.1:${port}?pkt_size=${files.packetBytes ?? 1400}`,
    ...[...video, '-f', 'rawvideo', files.raw],
  ]);
}

describe('FFmpeg as sender', { skip }, () => {
  for (const [pixelFormat, format, packetBytes] of [
    ['rgb24', 'rgb', 1400],
    ['bgr24', 'bgr', 1400],
    ['rgb24', 'rgb', 8900],
  ] as const) {
    test(`${pixelFormat}, packets of ${packetBytes}: every frame resized equals Pillow, its SDP is understood`, async () => {
      using folder = temporaryFolder();
      const files = { sdp: join(folder.path, 'a.sdp'), raw: join(folder.path, 'frames.raw'), packetBytes };
      const frames: Frames = { width: 322, height: 182, format, count: 8 };
      await using plane = await receiverOf(frames, 'rfc4175');
      const { port } = plane.address('in');
      const samples = await receive(plane, frames.count, () => send(frames, pixelFormat, port, files));
      assertEqualsPillow(samples, frames, files.raw);
      await assertNothingLost(plane);
      assert.deepEqual(parseSdp(readFileSync(files.sdp, 'utf8')), {
        address: '127.0.0.1',
        udpPort: port,
        payloadType: 96,
        payload: 'rfc4175',
        input: { kind: 'image', width: 322, height: 182, format },
      });
    });
  }

  test('a route made from nothing but its SDP file receives it', async () => {
    using folder = temporaryFolder();
    const files = { sdp: join(folder.path, 'a.sdp'), raw: join(folder.path, 'frames.raw') };
    const frames: Frames = { width: 128, height: 96, format: 'bgr', count: 4 };
    const port = await freePort();
    await send({ ...frames, count: 1 }, 'bgr24', port, files);
    const { address, udpPort, payloadType, payload, input } = parseSdp(readFileSync(files.sdp, 'utf8'));
    const pipeline = Pipeline.compile({ input, stages: [{ stage: 'resize', width: SIDE, height: SIDE }] });
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in', address, port: udpPort }],
      routes: [{ name: 'frames', port: 'in', payload, payloadType, pipeline }],
    });
    const samples = await receive(plane, frames.count, () => send(frames, 'bgr24', port, files));
    assertEqualsPillow(samples, frames, files.raw);
  });

  for (const packetBytes of [1400, 8900]) {
    test(`uyvy422, packets of ${packetBytes}: every frame equals numpy, its SDP is understood`, async () => {
      using folder = temporaryFolder();
      const files = { sdp: join(folder.path, 'a.sdp'), raw: join(folder.path, 'frames.raw'), packetBytes };
      const frames = { width: 322, height: 182, count: 8 };
      const toRgb = { matrix: 'bt601', range: 'studio' } as const;
      const input = { kind: 'image', width: 322, height: 182, format: 'uyvy' } as const;
      const pipeline = Pipeline.compile({ input, stages: [{ stage: 'toRgb', ...toRgb }] });
      await using plane = await receiverWith(pipeline, 'rfc4175');
      const { port } = plane.address('in');
      const samples = await receive(plane, frames.count, () => send(frames, 'uyvy422', port, files));
      await assertEqualsNumpy(samples, frames, files.raw, toRgb);
      await assertNothingLost(plane);
      assert.deepEqual(parseSdp(readFileSync(files.sdp, 'utf8')).input, input);
    });
  }

  for (const [pixelFormat, says] of [
    ['yuv420p', /YCbCr-4:2:0/],
    ['yuv422p10', /depth=10/],
  ] as const) {
    test(`${pixelFormat}: refused by name from its SDP; its packets on an RGB route make no sample`, async () => {
      using folder = temporaryFolder();
      const files = { sdp: join(folder.path, 'a.sdp'), raw: join(folder.path, 'frames.raw') };
      const frames: Frames = { width: 64, height: 48, format: 'rgb', count: 3 };
      await using plane = await receiverOf(frames, 'rfc4175');
      await send(frames, pixelFormat, plane.address('in').port, files);
      assertThrows(() => parseSdp(readFileSync(files.sdp, 'utf8')), 'UNSUPPORTED', says);
      await takenIn(plane);
      await plane.close();
      const stats = plane.stats();
      assertBooksBalance(stats);
      assert.equal(stats.routes[0]!.samplesComplete, 0);
      assert.ok(Object.keys(dropsOf(stats)).some((reason) => reason !== 'no_route'));
    });
  }
});
