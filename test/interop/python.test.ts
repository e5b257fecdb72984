// A sender of onpath chunks in plain Python, written from the description of the wire format.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertSameBytes } from '../support/assert.js';
import { FORMATS, noiseImage } from '../support/images.js';
import { assertNothingLost, type Frames, receive, receiverOf, SIDE } from '../support/interop.js';
import { model } from '../support/model.js';
import { missing, runPython, temporaryFolder } from '../support/tools.js';

const SENDER = join(process.cwd(), 'test', 'interop', 'sender.py');

describe('Python as sender', { skip: missing('python') }, () => {
  for (const format of FORMATS) {
    test(`${format}: every image is received exact, with its request id and timestamp`, async () => {
      using folder = temporaryFolder();
      const file = join(folder.path, 'images.raw');
      const frames: Frames = { width: 61, height: 47, format, count: 3 };
      const images = [1, 2, 3].map((seed) => noiseImage(61, 47, format, seed));
      writeFileSync(file, Buffer.concat(images));
      await using plane = await receiverOf(frames, 'chunk');
      let printed = '';
      const samples = await receive(plane, frames.count, async () => {
        const { address, port } = plane.address('in');
        const { stdout } = await runPython([SENDER, address, `${port}`, '61', '47', format, file]);
        printed = stdout;
      });
      assert.equal(
        samples.map(({ requestId, timestamp }) => `${requestId} ${timestamp}\n`).join(''),
        printed,
      );
      samples.forEach((sample, i) => {
        const stages = [{ stage: 'resize', width: SIDE, height: SIDE } as const];
        const input = { kind: 'image', width: 61, height: 47, format } as const;
        assertSameBytes(sample.data, model({ input, stages }, images[i]!).data, `image ${i + 1}`);
        sample.release();
      });
      await assertNothingLost(plane);
    });
  }
});
