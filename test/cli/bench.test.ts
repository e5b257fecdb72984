/** `onpath bench`: what it measures of images, images of many sizes and texts, and what it refuses. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { measure, spread } from '../../lib/cli/bench-measure.js';
import { temporaryFolder } from '../support/tools.js';
import { onpath } from './onpath.js';
import { OUTPUTS } from './outputs.js';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());
const written = (name: string, text: string): string => {
  writeFileSync(join(folder.path, name), text);
  return join(folder.path, name);
};
const stages = 'stages: [{ stage: resize, width: 16, height: 16 }]\n';
const image = written(
  'image.yaml',
  `input: { kind: image, width: 64, height: 48, format: rgb, order: planar }\n${stages}`,
);
const family = written(
  'family.yaml',
  `input: { kind: image, maxWidth: 64, maxHeight: 48, format: rgb }\n${stages}`,
);
const text = written(
  'text.yaml',
  'input: { kind: text }\nstages: [{ stage: replace, dictionary: { cat: dog } }]\n',
);
const short = ['--rounds', '3', '--block-ms', '5'];

describe('onpath bench', () => {
  it('measures every kind of pipeline in three ways, and tells packets and CPU time of a sample', async () => {
    const prompt = written('prompt.txt', 'a cat '.repeat(500));
    const run = await onpath([
      ...['bench', image, family, text, '--size', '32x24', '--text', prompt, '--json'],
      ...short,
    ]);
    assert.equal(run.code, 0, run.error);
    const { host, rounds, pipelines } = OUTPUTS.bench.parse(JSON.parse(run.out));
    assert.equal(rounds, 3);
    assert.ok(host.cpus >= 1 && host.kernels.length > 0 && host.node === process.version);
    assert.deepEqual(
      pipelines.map(({ kind, sampleBytes }: { kind: string; sampleBytes: number }) => [kind, sampleBytes]),
      [
        ['image', 64 * 48 * 3],
        ['family', 32 * 24 * 3],
        ['text', 3000],
      ],
    );
    for (const { figures, packetsPerSample, sampleBytes, workerCpuMicroseconds } of pipelines) {
      assert.deepEqual(
        figures.map(({ how }: { how: string }) => how),
        ['whole calls', 'chunks of 1400 bytes', 'packets over a memory port'],
      );
      for (const { microseconds, samplesPerSecond, bitsPerSecond } of figures) {
        const { low, median, high } = microseconds;
        assert.ok(0 < low && low <= median && median <= high);
        assert.equal(samplesPerSecond, 1e6 / median);
        assert.equal(bitsPerSecond, (8e6 * sampleBytes) / median);
      }
      assert.ok(packetsPerSample >= sampleBytes / 1400, `${packetsPerSample} packets`);
      assert.ok(workerCpuMicroseconds > 0);
    }
  });

  it('prints a table of them', async () => {
    const { out, code } = await onpath(['bench', text, ...short]);
    assert.equal(code, 0);
    assert.match(out, /text\.yaml: samples of 4\.00 KiB, plan [0-9a-f]{16}\n +µs per sample/);
    assert.match(out, /packets over a memory port +[\d,.]+ +[\d.]+ to [\d.]+/);
  });

  for (const [name, args, code, why] of [
    ['nothing', [], 2, /missing required argument/],
    ['no file', ['nothing.yaml'], 1, /nothing\.yaml cannot be read/],
    ['a size beyond', [family, '--size', '65x48'], 1, /65x48 are not in the family/],
    ['a size that is none', [family, '--size', '0x48'], 1, /--size is "0x48"; expected pixels/],
    ['no rounds', [image, '--rounds', '0'], 2, /whole number from 1 to 1000/],
    ['an empty text', [text, '--text', written('empty.txt', '')], 1, /empty\.txt is empty/],
  ] as const) {
    it(`refuses ${name} in one sentence`, async () => {
      const ended = await onpath(['bench', ...args]);
      assert.equal(ended.code, code);
      assert.equal(ended.out, '');
      assert.match(ended.error, why);
    });
  }

  it('runs works forwards and backwards in turn', async () => {
    const order: string[] = [];
    const work = (name: string) => ({
      run: () => {
        order.push(name);
        const end = performance.now() + 2;
        while (performance.now() < end);
      },
    });
    let blocks = 0;
    const onBlock = () => {
      blocks++;
    };
    await measure([work('a'), work('b')], { rounds: 2, blockMs: 1, onBlock });
    assert.equal(order.slice(-4).join(''), 'abba');
    assert.equal(blocks, 4);
  });

  it('takes medians and quartiles between neighbours', () => {
    assert.deepEqual(spread([4, 1, 3, 2, 5]), { median: 3, low: 2, high: 4 });
    assert.deepEqual(spread([1, 2]), { median: 1.5, low: 1.25, high: 1.75 });
  });
});
