/** Suite `images`, normalizing alone: a table look-up for each byte, beside a copy that writes as many bytes. */
import { Pipeline } from '../../lib/index.js';
import type { Case } from '../report.js';
import { type Contestant, interleave, summarize } from '../statistics.js';
import type { Context } from '../suite.js';
import { IMAGE, MEAN, SIDE, STD } from '../work.js';

const BLOCK_MS = 50;
const ELEMENT_BYTES = { float32: 4, float16: 2 } as const;
/** How many copies of its output it may take. Small images stay in the second-level cache, where a copy costs next to nothing. */
const SIZES = [
  { width: IMAGE.width, height: IMAGE.height, copies: 1 },
  { width: SIDE, height: SIDE, copies: 2 },
] as const;

export async function normalizeCases(image: Uint8Array, context: Context): Promise<Case[]> {
  const cases: Case[] = [];
  for (const { width, height, copies } of SIZES) {
    for (const dtype of ['float32', 'float16'] as const) {
      const name = `normalize alone, ${width}x${height} to ${dtype}`;
      const sample = image.subarray(0, width * height * 3);
      const compiled = (kernels?: string) =>
        Pipeline.compile(
          {
            input: { kind: 'image', width, height, format: 'rgb' },
            stages: [{ stage: 'normalize', mean: MEAN, std: STD }],
            output: { dtype, layout: 'chw' },
          },
          kernels === undefined ? {} : { kernels },
        );
      const bytes = sample.length * ELEMENT_BYTES[dtype];
      checkKernels(sample, compiled, name);
      const rounds = await interleave([normalize(name, compiled(), sample, bytes), copy(bytes)], {
        rounds: context.rounds,
        blockMs: BLOCK_MS,
      });
      const beside = summarize(rounds.get('memcpy-output')!);
      cases.push({
        suite: 'images',
        case: name,
        unit: 'ms',
        better: 'lower',
        ours: summarize(rounds.get(name)!),
        peers: { 'memcpy-output': beside },
        limits: { [`${copies} x memcpy-output`]: copies * beside.value },
      });
    }
  }
  return cases;
}

function normalize(name: string, pipeline: Pipeline, sample: Uint8Array, bytes: number): Contestant {
  const into = new ArrayBuffer(bytes);
  return {
    name,
    run(count) {
      for (let i = 0; i < count; i++) pipeline.run(sample, { into });
      return count;
    },
  };
}

function copy(bytes: number): Contestant {
  const from = Buffer.alloc(bytes, 1);
  const to = Buffer.alloc(bytes);
  return {
    name: 'memcpy-output',
    run(count) {
      for (let i = 0; i < count; i++) from.copy(to);
      return count;
    },
  };
}

function checkKernels(sample: Uint8Array, compiled: (kernels?: string) => Pipeline, name: string): void {
  const bytesOf = ({ data }: { data: ArrayBufferView }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const expected = bytesOf(compiled('scalar').run(sample));
  for (const set of Pipeline.kernels()) {
    if (!bytesOf(compiled(set).run(sample)).equals(expected))
      throw new Error(`${name}, kernels ${set}: not the bits of scalar. Nothing was measured.`);
  }
}
