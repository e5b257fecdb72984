/** Suite `text`: streams, threads, runs of one sign, loading. Ours beside itself. */
import { compiledFile, RUN_NAMES } from '../children/text-tokenizers.js';
import { buildNative } from '../native-program.js';
import type { Case } from '../report.js';
import { summarize } from '../statistics.js';
import type { Context } from '../suite.js';
import { type Slices, sliceFile } from '../text-slices.js';
import { rates, startTokenizers, TextChild, vocabularyFile } from './text-peers.js';

/** Share of one call's speed that chunks of packets have to reach: by pairs, whatever the machine does between them. */
const CHUNKED = 0.9;
/** CPU time of two threads over that of one, by pairs too. */
const THREADS = 1.1;
const RUN_NS = 60;
const RUN_GROWTH = 1.3;
const RUN_ROUNDS = 5;
const COMPILED_MS = 20;
const HELD_BYTES = 100;
const HELD_SLICES = 10;
const THREAD_SLICES = 8;
/** A slice takes three milliseconds, in which the machine may do anything: so all slices are streamed, so many times. */
const STREAM_PASSES = 3;
const THREAD_PASSES = 3;

/** Streams and threads, on slices that were seen before: what is compared is one call with many. */
export async function lifeCases(
  vocabulary: string,
  ours: TextChild,
  slices: Slices,
  context: Context,
): Promise<Case[]> {
  const bytes = slices.bytes.english;
  const name = `${vocabulary}, english, stream of 1400 bytes`;
  const slice = (work: string) => (index: number) => `${work} english ${index}`;
  return [
    ...(await nativeStreamCases(vocabulary, name, slices, context)),
    ...(await streamCases(`${name}, from JavaScript`, ours, bytes, {
      whole: slice('bytes'),
      chunks: slice('chunks'),
    })),
    ...(await threadCases(vocabulary, ours, bytes, THREAD_PASSES * context.rounds)),
    await heldCase(vocabulary, ours),
  ];
}

/** As packets come to a plane: no JavaScript. */
async function nativeStreamCases(
  vocabulary: string,
  name: string,
  slices: Slices,
  context: Context,
): Promise<Case[]> {
  const compiled = compiledFile(slices.folder, vocabularyFile(vocabulary).path);
  const child = await TextChild.start('native', buildNative('onpath_text_bench', context), [compiled]);
  const file = (work: string) => (index: number) => `${work} ${sliceFile(slices.folder, 'english', index)}`;
  try {
    return await streamCases(
      name,
      child,
      slices.bytes.english,
      { whole: file('whole'), chunks: file('chunks') },
      CHUNKED,
    );
  } finally {
    await child.close();
  }
}

/** `lines`: what the child is told to work on a slice. */
async function streamCases(
  name: string,
  child: TextChild,
  slices: readonly number[],
  lines: Readonly<Record<'whole' | 'chunks', (slice: number) => string>>,
  limit?: number,
): Promise<Case[]> {
  const works = ['whole', 'chunks'] as const;
  const times: Record<(typeof works)[number], number[]> = { whole: [], chunks: [] };
  const bytes: number[] = [];
  for (let round = 0; round < STREAM_PASSES * slices.length; round++) {
    const slice = round % slices.length;
    for (const work of round % 2 === 0 ? works : works.toReversed())
      times[work].push(await child.time(lines[work](slice)));
    bytes.push(slices[slice]!);
  }
  const common = { suite: 'text', better: 'higher' as const };
  return [
    {
      ...common,
      case: name,
      unit: 'MB/s',
      ours: rates(times.chunks, bytes),
      peers: { 'one call': rates(times.whole, bytes) },
      limits: {},
    },
    {
      ...common,
      case: `${name}, of one call's speed`,
      unit: 'share',
      ours: summarize(times.whole.map((whole, round) => whole / times.chunks[round]!)),
      peers: {},
      limits: limit === undefined ? {} : { [`${limit} of one call`]: limit },
    },
  ];
}

async function threadCases(
  vocabulary: string,
  ours: TextChild,
  bytes: readonly number[],
  rounds: number,
): Promise<Case[]> {
  const cpu: Record<1 | 2, number[]> = { 1: [], 2: [] };
  const megabytes = bytes.slice(0, THREAD_SLICES).reduce((sum, size) => sum + size, 0) / 1e6;
  const measure = async (threads: 1 | 2): Promise<number> => {
    const [, seconds] = await ours.ask(`threads ${threads} ${THREAD_SLICES}`, /^cpu ([\d.e+-]+) wall/m);
    return (Number(seconds) * 1000) / megabytes;
  };
  // The first run makes the threads and their memories.
  for (const threads of [1, 2] as const) await measure(threads);
  for (let round = 0; round < rounds; round++)
    for (const threads of round % 2 === 0 ? ([1, 2] as const) : ([2, 1] as const))
      cpu[threads].push(await measure(threads));
  const common = { suite: 'text', better: 'lower' as const };
  const name = `${vocabulary}, english, two threads, CPU`;
  return [
    {
      ...common,
      case: name,
      unit: 'ms/MB',
      ours: summarize(cpu[2]),
      peers: { 'one thread': summarize(cpu[1]) },
      limits: {},
    },
    {
      ...common,
      case: `${name}, of one thread's`,
      unit: 'times',
      ours: summarize(cpu[2].map((two, round) => two / cpu[1][round]!)),
      peers: {},
      limits: { [`${THREADS} times`]: THREADS },
    },
  ];
}

async function heldCase(vocabulary: string, ours: TextChild): Promise<Case> {
  const p99: number[] = [];
  for (let index = 0; index < HELD_SLICES; index++) {
    const [, , high] = await ours.ask(`held english ${index}`, /^held (\S+) (\S+) (\S+)\n/m);
    p99.push(Number(high));
  }
  return {
    suite: 'text',
    case: `${vocabulary}, english, bytes held back, p99`,
    unit: 'bytes',
    better: 'lower',
    ours: summarize(p99),
    peers: {},
    limits: { [`${HELD_BYTES} bytes`]: HELD_BYTES },
  };
}

/** Runs of 1 and 10 MB: linear, whatever is repeated. */
export async function runCases(
  vocabularies: readonly string[],
  slices: Slices,
  context: Context,
): Promise<Case[]> {
  const cases: Case[] = [];
  for (const vocabulary of vocabularies) {
    const [ours] = await startTokenizers({ vocabulary, npm: [], python: [] }, slices, context);
    try {
      for (const run of RUN_NAMES) cases.push(...(await runCase(vocabulary, run, ours!)));
    } finally {
      await ours!.close();
    }
  }
  return cases;
}

async function runCase(vocabulary: string, run: string, ours: TextChild): Promise<Case[]> {
  const nsPerByte = async (bytes: number) => {
    const times: number[] = [];
    for (let round = 0; round < RUN_ROUNDS; round++)
      times.push(((await ours.time(`run ${run} ${bytes}`)) * 1e9) / bytes);
    return summarize(times);
  };
  const one = await nsPerByte(1e6);
  const ten = await nsPerByte(1e7);
  const common = { suite: 'text', unit: 'ns/byte', better: 'lower' as const };
  return [
    {
      ...common,
      case: `${vocabulary}, run of ${run}, 1 MB`,
      ours: one,
      peers: {},
      limits: { [`${RUN_NS} ns`]: RUN_NS },
    },
    {
      ...common,
      case: `${vocabulary}, run of ${run}, 10 MB`,
      ours: ten,
      peers: { '1 MB': one },
      // A nanosecond is measured to a tenth at best.
      limits: { [`${RUN_NS} ns`]: RUN_NS, [`${RUN_GROWTH}x 1 MB`]: RUN_GROWTH * one.value + 0.5 },
    },
  ];
}

/** From file to tokenizer: what people have, and the compiled form. */
export async function loadCases(
  vocabularies: readonly string[],
  slices: Slices,
  context: Context,
): Promise<Case[]> {
  const cases: Case[] = [];
  for (const vocabulary of vocabularies) {
    const [ours] = await startTokenizers({ vocabulary, npm: [], python: [] }, slices, context);
    try {
      for (const form of ['source', 'compiled'] as const) {
        const times: number[] = [];
        for (let round = 0; round < context.rounds; round++)
          times.push((await ours!.time(`load ${form}`)) * 1000);
        cases.push({
          suite: 'text',
          case: `${vocabulary}, load ${form === 'source' ? "the publisher's file" : 'the compiled form'}`,
          unit: 'ms',
          better: 'lower',
          ours: summarize(times),
          peers: {},
          limits: form === 'compiled' ? { [`${COMPILED_MS} ms`]: COMPILED_MS } : {},
        });
      }
    } finally {
      await ours!.close();
    }
  }
  return cases;
}
