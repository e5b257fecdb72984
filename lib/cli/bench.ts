/** `onpath bench`: how fast a pipeline runs on this host, as whole calls, chunk by chunk, and as packets. */
import { availableParallelism, cpus } from 'node:os';
import { Command } from 'commander';
import { OnpathError } from '../errors.js';
import { compilePipeline } from '../files/pipeline-file.js';
import { SpecFile } from '../files/spec-file.js';
import { Pipeline } from '../pipeline.js';
import { PipelineFamily } from '../pipeline-family.js';
import { readBounded } from '../read-file.js';
import { TextPipeline } from '../text-pipeline.js';
import { wholeNumber } from './arguments.js';
import { measure, type Spread, type Work } from './bench-measure.js';
import { BenchPlane, type Load } from './bench-plane.js';
import { Progress } from './progress.js';
import { bytes, columns, Terminal } from './terminal.js';

interface Options {
  readonly rounds: number;
  readonly blockMs: number;
  readonly size?: string;
  readonly text?: string;
  readonly json?: boolean;
}

/** About what a packet carries. */
const CHUNK_BYTES = 1400;
const MOST_TEXT_BYTES = 16 << 20;
const HOWS = ['whole calls', `chunks of ${CHUNK_BYTES} bytes`, 'packets over a memory port'] as const;

/** Of one way to run a pipeline. */
interface Figures {
  readonly how: (typeof HOWS)[number];
  /** Microseconds that one sample takes, from round to round. */
  readonly microseconds: Spread;
  readonly samplesPerSecond: number;
  /** Bits of samples, a second. */
  readonly bitsPerSecond: number;
}

interface Result {
  readonly file: string;
  readonly hash: string;
  readonly kind: 'image' | 'family' | 'text';
  readonly sampleBytes: number;
  readonly packetsPerSample: number;
  /** What a sample costs the worker's CPU when it comes as packets. */
  readonly workerCpuMicroseconds: number;
  readonly figures: readonly Figures[];
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('how fast pipelines run on this host: whole calls, chunks, packets')
    .argument('<specs...>', 'pipelines in YAML or JSON (docs/specification.md)')
    .option('--rounds <n>', 'rounds; the median counts', wholeNumber(1, 1000), 9)
    .option('--block-ms <ms>', 'how long each way runs in a round', wholeNumber(1, 60_000), 200)
    .option(
      '--size <width>x<height>',
      'of the images, where a pipeline takes many sizes; default: its largest',
    )
    .option('--text <file>', 'the text, for pipelines of texts; default: 4 KiB of prose')
    .addHelpText(
      'after',
      `
Sender, plane and consumer of packets run in this process, over a memory port: with fewer than three CPUs they wait for each other.
Images are noise; what they show does not change the speed. To compare onpath with its peers (sharp, Pillow, tokenizers, ...):
npm run bench in its repository.

Examples:
  onpath bench resnet.yaml
  onpath bench resnet.yaml clip.yaml --rounds 21 --json
  onpath bench prompts.yaml --text prompt.txt`,
    )
    .action(async (paths: string[], options: Options) => {
      const loads = paths.map((path) => ({ path, load: loadOf(path, options) }));
      const progress = new Progress('measuring', loads.length * HOWS.length * options.rounds);
      const pipelines: Result[] = [];
      try {
        for (const { path, load } of loads) {
          pipelines.push(await bench(path, load, options, () => progress.add(1)));
        }
      } finally {
        progress.end();
      }
      const { rounds, blockMs } = options;
      const host = hostFacts();
      await new Terminal(options).result(
        { host, rounds, blockMs, pipelines },
        [
          `${host.cpu}, ${host.cpus} CPUs, kernels ${host.kernels}, Node ${host.node}; medians of ${rounds} rounds of ${blockMs} ms, and quartiles`,
          ...pipelines.map(resultText),
        ].join('\n\n'),
      );
    });
}

async function bench(
  file: string,
  load: Load,
  { rounds, blockMs }: Options,
  onBlock: () => void,
): Promise<Result> {
  const { pipeline, sample } = load;
  await using plane = await BenchPlane.open(load);
  const spreads = await measure([...calls(load), plane], { rounds, blockMs, onBlock });
  const { packets, samples, workerCpuMs } = plane.spent;
  return {
    file,
    hash: pipeline.hash,
    kind: pipeline instanceof TextPipeline ? 'text' : pipeline instanceof Pipeline ? 'image' : 'family',
    sampleBytes: sample.byteLength,
    packetsPerSample: packets / samples,
    workerCpuMicroseconds: (workerCpuMs * 1000) / samples,
    figures: spreads.map((microseconds, i) => ({
      how: HOWS[i]!,
      microseconds,
      samplesPerSecond: 1e6 / microseconds.median,
      bitsPerSecond: (8e6 * sample.byteLength) / microseconds.median,
    })),
  };
}

/** Whole calls and chunks, as functions. */
function calls({ pipeline, width, height, sample }: Load): Work[] {
  const chunks = Array.from({ length: Math.ceil(sample.byteLength / CHUNK_BYTES) }, (_, i) =>
    sample.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
  if (pipeline instanceof TextPipeline) {
    return [
      times(() => void pipeline.run(sample)),
      times(() => {
        const stream = pipeline.stream();
        for (const chunk of chunks) stream.push(chunk);
        stream.end();
      }),
    ];
  }
  const fixed = pipeline instanceof PipelineFamily ? pipeline.for(width, height) : pipeline;
  const into = Object.fromEntries(fixed.outputs.map((output) => [output.name, new Uint8Array(output.bytes)]));
  return [
    times(() => void fixed.run(sample, { into })),
    times(() => {
      const stream = fixed.stream({ into });
      chunks.forEach((chunk, i) => void stream.push(i * CHUNK_BYTES, chunk));
      stream.end();
    }),
  ];
}

function times(once: () => void): Work {
  return {
    run(count) {
      for (let i = 0; i < count; i++) once();
    },
  };
}

function loadOf(path: string, { size, text }: Options): Load {
  const pipeline = compilePipeline(SpecFile.read(path));
  if (pipeline instanceof TextPipeline) {
    const sample = text === undefined ? prose() : readBounded(text, MOST_TEXT_BYTES, 'a text for bench');
    if (sample.byteLength === 0) throw new OnpathError('INVALID_ARGUMENT', `${text} is empty.`);
    return { pipeline, width: 0, height: 0, sample };
  }
  if (pipeline instanceof Pipeline) {
    const { width, height, bytes: length } = pipeline.input;
    return { pipeline, width, height, sample: noise(length) };
  }
  const { maxWidth, maxHeight } = pipeline.input;
  const [width, height] = size === undefined ? [maxWidth, maxHeight] : sides(size);
  return { pipeline, width, height, sample: noise(pipeline.for(width, height).input.bytes) };
}

function sides(text: string): [number, number] {
  const match = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(text);
  if (match !== null) return [Number(match[1]), Number(match[2])];
  throw new OnpathError('INVALID_ARGUMENT', `--size is "${text}"; expected pixels such as 640x480.`);
}

/** The same in every run. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

/** 4 KiB, mostly plain words; numbers and accents as letters have them. */
function prose(): Uint8Array {
  const sentence =
    'On the 14th of March the naïve courier, 37 years old, carried two letters over the bridge; nobody asked who had written them, and she didn’t say. ';
  return Buffer.from(sentence.repeat(32)).subarray(0, 4096);
}

function hostFacts() {
  const { version: node, arch } = process;
  return {
    cpu: cpus()[0]?.model ?? arch,
    cpus: availableParallelism(),
    kernels: Pipeline.kernels()[0]!,
    node,
  };
}

function resultText({
  file,
  hash,
  sampleBytes,
  packetsPerSample,
  workerCpuMicroseconds,
  figures,
}: Result): string {
  const round = (value: number): number => Number(value.toPrecision(3));
  return [
    `${file}: samples of ${bytes(sampleBytes)}, plan ${hash.slice(0, 16)}`,
    columns([
      ['', 'µs per sample', 'quartiles', 'samples/s', 'Gbit/s'],
      ...figures.map(({ how, microseconds: { median, low, high }, samplesPerSecond, bitsPerSecond }) => [
        how,
        round(median),
        `${round(low)} to ${round(high)}`,
        round(samplesPerSecond),
        round(bitsPerSecond / 1e9),
      ]),
    ]),
    `As packets: ${round(packetsPerSample)} packets and ${round(workerCpuMicroseconds)} µs of the worker's CPU for each sample.`,
  ].join('\n');
}
