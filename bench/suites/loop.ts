/** Suite `loop`: what the event loop notices of a plane, and how long a finished sample takes to reach JavaScript. */
import type { Case } from '../report.js';
import { type Measurement, median, percentile, summarize, worst } from '../statistics.js';
import type { Context, Suite } from '../suite.js';
import { Traffic } from '../traffic.js';
import { compile, makeImage, RESULT_ELEMENTS } from '../work.js';

const RUN_MS = 1000;
const P99_LIMIT_MS = 5;
/** Pace of the latency runs: the plane is far from full. */
const LATENCY_GBIT = 2;

export const loopSuite: Suite = {
  name: 'loop',
  what: 'a 1 ms timer while the plane is saturated; latency from the last packet to JavaScript',
  async run(context) {
    const image = makeImage(1);
    return [...(await timerCases(image, context)), ...(await latencyCases(image, context))];
  },
};

type Load = 'saturated' | 'idle' | 'sharp-js';

async function timerCases(image: Uint8Array, context: Context): Promise<Case[]> {
  const traffic = await Traffic.open({
    port: 'memory',
    pipeline: compile(),
    image,
    inFlight: 4,
    bitsPerSecond: 0,
  });
  const loads: Load[] = ['saturated', 'idle', ...(context.sharp === null ? [] : (['sharp-js'] as const))];
  const runs: Record<Load, number[][]> = { saturated: [], idle: [], 'sharp-js': [] };
  const busy: number[] = [];
  const rates: number[] = [];
  try {
    await traffic.deliver(50);
    for (let round = 0; round < context.rounds; round++) {
      for (const load of round % 2 === 0 ? loads : loads.toReversed()) {
        const stop = new AbortController();
        const busyBefore = traffic.spent.busyMs;
        const start = performance.now();
        const work = startLoad(load, traffic, image, context, stop.signal);
        runs[load].push(await timerIntervals(RUN_MS));
        const elapsed = performance.now() - start;
        const busyMs = traffic.spent.busyMs - busyBefore;
        stop.abort();
        const arrived = await work;
        if (load === 'saturated') {
          busy.push(busyMs / elapsed);
          rates.push((arrived * 1000) / elapsed);
        }
      }
    }
  } finally {
    await traffic.close();
  }
  context.note(
    `loop: while saturated the worker was busy ${Math.round(median(busy) * 100)} % of the time, ` +
      `${Math.round(median(rates))} images/s came to JavaScript.`,
  );
  const timerCase = (name: string, of: (load: Load) => Measurement | null, limits: Case['limits']): Case => ({
    suite: 'loop',
    case: `1 ms timer while saturated, ${name}`,
    unit: 'ms',
    better: 'lower',
    ours: of('saturated')!,
    peers: { idle: of('idle'), 'sharp-js': of('sharp-js') },
    limits,
  });
  const share = (p: number) => (load: Load) =>
    runs[load].length === 0 ? null : summarize(runs[load].map((run) => percentile(run, p)));
  const longest = (load: Load) =>
    runs[load].length === 0 ? null : worst(runs[load].map((run) => Math.max(...run)));
  return [
    timerCase('p50', share(0.5), {}),
    timerCase('p99', share(0.99), { [`${P99_LIMIT_MS} ms`]: P99_LIMIT_MS }),
    timerCase('max', longest, {}),
  ];
}

/** Keeps the process busy until it is stopped; answers how many images came to JavaScript. */
async function startLoad(
  load: Load,
  traffic: Traffic,
  image: Uint8Array,
  context: Context,
  stop: AbortSignal,
): Promise<number> {
  if (load === 'saturated') return traffic.saturate(stop);
  if (load === 'idle') return 0;
  const into = new Float32Array(RESULT_ELEMENTS);
  let images = 0;
  for (; !stop.aborted; images++) await context.sharp!.run(image, into);
  return images;
}

/** Milliseconds from each firing of a 1 ms timer to the next, for a while. */
function timerIntervals(forMs: number): Promise<number[]> {
  return new Promise((resolve) => {
    const intervals: number[] = [];
    const end = performance.now() + forMs;
    let last = performance.now();
    const fire = () => {
      const now = performance.now();
      intervals.push(now - last);
      last = now;
      if (now < end) setTimeout(fire, 1);
      else resolve(intervals);
    };
    setTimeout(fire, 1);
  });
}

async function latencyCases(image: Uint8Array, context: Context): Promise<Case[]> {
  const traffic = await Traffic.open({
    port: 'memory',
    pipeline: compile(),
    image,
    inFlight: 2,
    bitsPerSecond: LATENCY_GBIT * 1e9,
  });
  const runs: number[][] = [];
  try {
    await traffic.deliver(20);
    for (let round = 0; round < context.rounds; round++) {
      const epochMs = epochOfPerformanceClock();
      const latencies: number[] = [];
      traffic.onSample = (sample) => latencies.push(epochMs + performance.now() - sample.receivedAt);
      await traffic.saturate(AbortSignal.timeout(RUN_MS));
      traffic.onSample = () => {};
      runs.push(latencies);
    }
  } finally {
    await traffic.close();
  }
  const latencyCase = (name: string, ours: Measurement): Case => ({
    suite: 'loop',
    case: `last packet to JavaScript at ${LATENCY_GBIT} Gbit/s, ${name}`,
    unit: 'ms',
    better: 'lower',
    ours,
    peers: {},
    limits: {},
  });
  return [0.5, 0.99].map((p) => latencyCase(`p${p * 100}`, summarize(runs.map((run) => percentile(run, p)))));
}

/**
 * What performance.now() counts from, in milliseconds since the epoch of the system clock as it is now. performance.timeOrigin
 * was read when the process started and does not follow the clock; Date.now() does, in whole milliseconds: its ticks are watched.
 */
function epochOfPerformanceClock(): number {
  let latest = Number.NEGATIVE_INFINITY;
  for (let tick = 0; tick < 5; tick++) {
    const before = Date.now();
    let now = Date.now();
    while (now === before) now = Date.now();
    latest = Math.max(latest, now - performance.now());
  }
  return latest;
}
