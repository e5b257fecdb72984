// GStreamer's rtpvrawpay as sender of raw video; Pillow and numpy, on the frames that GStreamer itself wrote to a file, as judges.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Pipeline, parseSdp } from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';
import type { Format } from '../support/images.js';
import {
  assertEqualsNumpy,
  assertEqualsPillow,
  assertNothingLost,
  type Frames,
  receive,
  receiverOf,
  receiverWith,
  takenIn,
} from '../support/interop.js';
import { assertBooksBalance, dropsOf } from '../support/plane.js';
import { missing, runTool, temporaryFolder } from '../support/tools.js';

const RATE = 20;
const skip = missing('gstreamer') || missing('pillow');

type Size = Pick<Frames, 'width' | 'height'>;

const rawCaps = ({ width, height }: Size, gstFormat: string) =>
  `video/x-raw,format=${gstFormat},width=${width},height=${height},framerate=${RATE}/1`;

/** The caps of the RTP stream as gst-launch prints them. Which changes it prints is a race inside it, so it is asked several times. */
async function rtpCaps(frames: Size, gstFormat: string): Promise<string> {
  const pipeline = `videotestsrc num-buffers=2 ! ${rawCaps(frames, gstFormat)} ! rtpvrawpay ! fakesink`;
  let printed = '';
  for (let attempt = 0; attempt < 5; attempt++) {
    printed = (await runTool('gst-launch-1.0', ['-v', ...pipeline.split(' ')])).stdout;
    const found = /caps = (application\/x-rtp, .*)/.exec(printed)?.[1];
    if (found !== undefined) return found;
  }
  return assert.fail(`gst-launch-1.0 printed no RTP caps: ${printed}`);
}

/** Sends test pictures to `port`. */
async function send(
  frames: Size & Pick<Frames, 'count'>,
  gstFormat: string,
  port: number,
  options: { mtu?: number; file?: string; pattern?: string } = {},
): Promise<void> {
  const file = options.file === undefined ? 'fakesink' : `filesink location=${options.file}`;
  const pipeline =
    `videotestsrc num-buffers=${frames.count} pattern=${options.pattern ?? 'smpte'} ! ${rawCaps(frames, gstFormat)} ! tee name=t ` +
    `t. ! queue ! rtpvrawpay mtu=${options.mtu ?? 1400} ! udpsink host=127.0.0.1 port=${port} ` +
    `t. ! queue ! ${file}`;
  await runTool('gst-launch-1.0', ['-q', ...pipeline.split(' ')]);
}

/** The session description of RTP caps, as GStreamer's SDP library makes it. */
function sdpOf(caps: string, port: number): string {
  const fields = new Map(
    [...caps.matchAll(/([\w-]+)=\(\w+\)([^,]+)/g)].map((match) => [match[1]!, match[2]!.trim()]),
  );
  const own = [
    'media',
    'payload',
    'clock-rate',
    'encoding-name',
    'ssrc',
    'timestamp-offset',
    'seqnum-offset',
  ];
  const parameters = [...fields].filter(([name]) => !own.includes(name) && !name.startsWith('a-'));
  const type = fields.get('payload');
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=Session streamed with GStreamer',
    't=0 0',
    `m=${fields.get('media')} ${port} RTP/AVP ${type}`,
    'c=IN IP4 127.0.0.1',
    `a=rtpmap:${type} ${fields.get('encoding-name')}/${fields.get('clock-rate')}`,
    `a=fmtp:${type} ${parameters.map(([name, value]) => `${name}=${value}`).join(';')}`,
    '',
  ].join('\r\n');
}

describe('GStreamer as sender', { skip }, () => {
  const cases: [string, Format, number, number, number, string][] = [
    ['RGB', 'rgb', 320, 240, 1400, 'smpte'],
    ['RGB', 'rgb', 321, 181, 8900, 'smpte'],
    ['RGBA', 'rgba', 160, 120, 1400, 'snow'],
    ['BGR', 'bgr', 200, 300, 8900, 'snow'],
    ['BGRA', 'bgra', 224, 100, 1400, 'smpte'],
  ];
  for (const [gstFormat, format, width, height, mtu, pattern] of cases) {
    test(`${gstFormat} ${width}x${height}, packets of ${mtu}: every frame resized equals Pillow`, async () => {
      using folder = temporaryFolder();
      const file = join(folder.path, 'frames.raw');
      const frames: Frames = { width, height, format, count: 8 };
      await using plane = await receiverOf(frames, 'rfc4175');
      const { port } = plane.address('in');
      const samples = await receive(plane, frames.count, () =>
        send(frames, gstFormat, port, { mtu, file, pattern }),
      );
      assertEqualsPillow(samples, frames, file);
      await assertNothingLost(plane);
      assert.deepEqual(parseSdp(sdpOf(await rtpCaps(frames, gstFormat), port)), {
        address: '127.0.0.1',
        udpPort: port,
        payloadType: 96,
        payload: 'rfc4175',
        input: { kind: 'image', width, height, format },
      });
    });
  }

  const ofUyvy: [number, number, number, string, 'bt601' | 'bt709'][] = [
    [320, 240, 1400, 'bt601', 'bt601'],
    [322, 181, 8900, 'bt601', 'bt601'],
    [1280, 720, 1400, 'bt709', 'bt709'],
    [640, 360, 8900, 'bt709', 'bt709'],
  ];
  for (const [width, height, mtu, colorimetry, matrix] of ofUyvy) {
    test(`UYVY ${width}x${height} of ${colorimetry}, packets of ${mtu}: every frame equals numpy`, async () => {
      using folder = temporaryFolder();
      const file = join(folder.path, 'frames.raw');
      const frames = { width, height, count: 6 };
      const format = `UYVY,colorimetry=${colorimetry}`;
      // Everything but the port is known before the first packet.
      const { input, payload, ...described } = parseSdp(sdpOf(await rtpCaps(frames, format), 5004));
      assert.deepEqual(input, { kind: 'image', width, height, format: 'uyvy' });
      assert.deepEqual(described.colorimetry, { bt601: 'BT601-5', bt709: 'BT709-2' }[matrix]);
      assert.deepEqual(described.toRgb, { matrix, range: 'studio' });
      const pipeline = Pipeline.compile({ input, stages: [{ stage: 'toRgb', ...described.toRgb }] });
      await using plane = await receiverWith(pipeline, payload);
      const { port } = plane.address('in');
      const samples = await receive(plane, frames.count, () => send(frames, format, port, { mtu, file }));
      await assertEqualsNumpy(samples, frames, file, { matrix, range: 'studio' });
      await assertNothingLost(plane);
    });
  }

  for (const [gstFormat, name] of [['I420', 'YCbCr-4:2:0']] as const) {
    test(`${gstFormat}: refused by name from its SDP; its packets on an RGB route make no sample`, async () => {
      const frames: Frames = { width: 64, height: 48, format: 'rgb', count: 3 };
      await using plane = await receiverOf(frames, 'rfc4175');
      const { port } = plane.address('in');
      await send(frames, gstFormat, port);
      const caps = await rtpCaps(frames, gstFormat);
      assertThrows(() => parseSdp(sdpOf(caps, port)), 'UNSUPPORTED', new RegExp(name));
      await takenIn(plane);
      await plane.close();
      const stats = plane.stats();
      assertBooksBalance(stats);
      assert.ok(Object.keys(dropsOf(stats)).some((reason) => reason !== 'no_route'));
      assert.equal(stats.routes[0]!.samplesComplete, 0);
    });
  }
});
