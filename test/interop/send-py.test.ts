// docs/examples/send.py, the sender that people copy: what it sends is what comes out of a real plane on udp.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Pipeline, PipelineFamily } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import { assertNothingLost, receive, receiverWith } from '../support/interop.js';
import { PATIENCE_MS, startPlane, takeOne } from '../support/plane.js';
import { decodeWithPillow, missing, PYTHON, runPython, temporaryFolder } from '../support/tools.js';

const SENDER = join(process.cwd(), 'docs/examples/send.py');
const PHOTO = join(process.cwd(), 'test/data/astronaut.png');
const TEXT = 'Straße, naïve, 図書館 and 🌍. '.repeat(200);

describe('docs/examples/send.py', { skip: missing('python') }, () => {
  test('is 50 lines or fewer', () => {
    assert.ok(readFileSync(SENDER, 'utf8').trimEnd().split('\n').length <= 50);
  });

  test('raw images arrive exact, in order, with request ids from 1', async () => {
    using folder = temporaryFolder();
    const images = [1, 2, 3].map((seed) => noiseImage(61, 47, 'rgb', seed));
    writeFileSync(join(folder.path, 'frames.rgb'), Buffer.concat(images));
    const pipeline = Pipeline.compile({
      input: { kind: 'image', width: 61, height: 47, format: 'rgb' },
      stages: [{ stage: 'resize', width: 32, height: 32 }],
    });
    await using plane = await receiverWith(pipeline, 'chunk');
    const samples = await receive(plane, 3, async () => {
      const { address, port } = plane.address('in');
      await runPython([SENDER, `${address}:${port}`, `61x47:${folder.path}/frames.rgb`]);
    });
    samples.forEach((sample, i) => {
      assert.equal(sample.requestId, BigInt(i + 1));
      assertSameBytes(sample.data, pipeline.run(images[i]!).data, `image ${i + 1}`);
      sample.release();
    });
    await assertNothingLost(plane);
  });

  test('a photograph arrives at a route for many sizes', { skip: missing('pillow') }, async () => {
    const pipeline = PipelineFamily.compile({
      input: { kind: 'image', maxWidth: 1024, maxHeight: 1024, format: 'rgb' },
      stages: [{ stage: 'resize', width: 32, height: 32 }],
    });
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in' }],
      routes: [{ name: 'photos', port: 'in', pipeline }],
    });
    const { address, port } = plane.address('in');
    const sent = runPython([SENDER, `${address}:${port}`, PHOTO]);
    using sample = await takeOne(plane, 'photos');
    const { width, height, pixels } = decodeWithPillow(PHOTO);
    assertSameBytes(sample.data, pipeline.for(width, height).run(pixels).data, 'photograph');
    await sent;
  });

  test('texts arrive whole, from a file and from standard input, an empty one too, over IPv6', {
    skip: missing('ipv6'),
  }, async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'prompt.txt'), TEXT);
    writeFileSync(join(folder.path, 'empty.txt'), '');
    const pipeline = Pipeline.compile({
      input: { kind: 'text' },
      stages: [{ stage: 'replace', dictionary: { and: 'or' } }],
    });
    await using plane = await startPlane({
      ports: [{ type: 'udp', name: 'in', address: '::1' }],
      routes: [{ name: 'prompts', port: 'in', pipeline }],
    });
    const files = ['prompt.txt', 'empty.txt'].map((name) => join(folder.path, name));
    const child = spawn(PYTHON, [SENDER, `[::1]:${plane.address('in').port}`, '--text', ...files, '-']);
    child.stdin.end('piped and sent');
    const texts: string[] = [];
    for await (const text of plane.texts('prompts', { signal: AbortSignal.timeout(PATIENCE_MS) })) {
      texts[Number(text.requestId) - 1] = Buffer.from(text.bytes).toString('utf8');
      if (texts.filter((one) => one !== undefined).length === 3) break;
    }
    assert.deepEqual(texts, [TEXT.replaceAll('and', 'or'), '', 'piped or sent']);
    if (child.exitCode === null) await once(child, 'close');
    assert.equal(child.exitCode, 0);
  });

  test('says how it is used where it is used wrongly', () => {
    for (const args of [[], ['127.0.0.1:5004'], ['nowhere', 'x.png']]) {
      const { status, stderr } = spawnSync(PYTHON, [SENDER, ...args], { encoding: 'utf8' });
      assert.equal(status, 1);
      assert.match(stderr, /^Sends images and texts/);
    }
  });
});
