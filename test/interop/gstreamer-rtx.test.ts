// GStreamer's rtprtxqueue as sender: a relay on the way loses packets, the plane asks for them, GStreamer sends them again.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Pipeline, type Sample } from '../../lib/index.js';
import { assertEqualsPillow, type Frames, SIDE } from '../support/interop.js';
import { assertBooksBalance, freePort, startPlane, take } from '../support/plane.js';
import { missing, runTool, temporaryFolder } from '../support/tools.js';

const skip = missing('gstreamer') || missing('pillow');

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Hands RTP on to `plane` but for every `lose`th packet, and what comes back to `rtcpPort`. */
async function relay(plane: number, rtcpPort: number, lose: number) {
  const near = await bound();
  const far = await bound();
  const seen = { packets: 0, lost: 0, feedback: 0 };
  near.on('message', (message) => {
    const isRtcp = message[1]! >= 192 && message[1]! <= 223;
    if (!isRtcp && ++seen.packets % lose === 0) seen.lost++;
    else far.send(message, plane, '127.0.0.1');
  });
  far.on('message', (message) => {
    seen.feedback++;
    near.send(message, rtcpPort, '127.0.0.1');
  });
  return {
    port: near.address().port,
    seen,
    [Symbol.dispose]: () => {
      near.close();
      far.close();
    },
  };
}

describe('GStreamer rtprtxqueue as sender', { skip }, () => {
  test('frames that lost packets on the way are completed by our NACKs, and equal Pillow', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'frames.raw');
    const frames: Frames = { width: 160, height: 120, format: 'rgb', count: 40 };
    // The queue gives what was asked for with the next packet: frames behind the last one that is looked at.
    const count = frames.count + 20;
    const pipeline = Pipeline.compile({
      input: { kind: 'image', width: frames.width, height: frames.height, format: 'rgb' },
      stages: [{ stage: 'resize', width: SIDE, height: SIDE }],
    });
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [
        {
          name: 'frames',
          port: 'in',
          payload: 'rfc4175',
          payloadType: 96,
          pipeline,
          slots: 128,
          openSamples: 64,
          sources: [{ prefix: '127.0.0.1', feedback: true }],
          repair: { maxRetries: 50 },
        },
      ],
    });
    const rtcpPort = await freePort();
    using way = await relay(plane.address('in').port, rtcpPort, 17);
    const caps = `video/x-raw,format=RGB,width=${frames.width},height=${frames.height},framerate=20/1`;
    const sender =
      `rtpbin name=bin videotestsrc is-live=true num-buffers=${count} pattern=smpte ! ${caps} ! tee name=t ` +
      `t. ! queue ! rtpvrawpay mtu=1400 ! rtprtxqueue max-size-packets=4000 ! bin.send_rtp_sink_0 ` +
      `bin.send_rtp_src_0 ! udpsink host=127.0.0.1 port=${way.port} sync=false async=false ` +
      `bin.send_rtcp_src_0 ! udpsink host=127.0.0.1 port=${way.port} sync=false async=false ` +
      `udpsrc address=127.0.0.1 port=${rtcpPort} ! bin.recv_rtcp_sink_0 ` +
      `t. ! queue ! filesink location=${file} buffer-mode=unbuffered`;
    // Its session waits for ever for RTCP: it is ended when the frames have come.
    const ended = new AbortController();
    const running = runTool('gst-launch-1.0', ['-q', ...sender.split(' ')], { signal: ended.signal });
    const samples: Sample[] = [];
    const firstOnes = () => samples.toSorted((a, b) => a.timestamp - b.timestamp).slice(0, frames.count);
    const isWhole = () => {
      const first = firstOnes();
      return (
        first.length === frames.count &&
        first.at(-1)!.timestamp - first[0]!.timestamp === 4500 * (frames.count - 1)
      );
    };
    while (!isWhole()) samples.push(...(await take(plane, 'frames', 1)));
    ended.abort();
    await running.catch(() => undefined);
    const bytes = frames.count * frames.width * frames.height * 3;
    writeFileSync(`${file}.first`, readFileSync(file).subarray(0, bytes));
    assertEqualsPillow(firstOnes(), frames, `${file}.first`);
    await plane.close();
    const stats = plane.stats();
    assertBooksBalance(stats);
    const [route] = stats.routes;
    assert.ok(way.seen.lost > 100, `the relay lost ${way.seen.lost}`);
    assert.ok(route!.packetsRepaired > 100, `repaired ${route!.packetsRepaired}`);
    assert.ok(way.seen.feedback > 0);
  });
});
