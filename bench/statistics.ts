/** Medians, percentiles, and the one way in which things are timed against each other. Knows nothing of what is timed. */

/** The middle of several runs, and the quartiles around it. */
export interface Measurement {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The value below which the share `p` of the numbers lies, interpolated between neighbours.
 * @param p 0 to 1.
 */
export function percentile(numbers: readonly number[], p: number): number {
  if (numbers.length === 0) throw new RangeError('percentile of no numbers');
  const sorted = Float64Array.from(numbers).sort();
  const place = p * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5);
}

/** Median and quartiles of runs. */
export function summarize(runs: readonly number[]): Measurement {
  return { value: median(runs), low: percentile(runs, 0.25), high: percentile(runs, 0.75) };
}

/**
 * The first quartile of several runs, from the fastest to the median: for work of nanoseconds, to which a machine that is shared only
 * ever adds.
 */
export function undisturbed(runs: readonly number[]): Measurement {
  return { value: percentile(runs, 0.25), low: Math.min(...runs), high: median(runs) };
}

/** The worst of several runs as the value, all of them as the range. */
export function worst(runs: readonly number[]): Measurement {
  return { value: Math.max(...runs), low: Math.min(...runs), high: Math.max(...runs) };
}

/** The same measurement in another unit; a falling conversion (time to rate) swaps the ends. */
export function convert(measured: Measurement, by: (value: number) => number): Measurement {
  const ends = [by(measured.low), by(measured.high)];
  return { value: by(measured.value), low: Math.min(...ends), high: Math.max(...ends) };
}

/** Something that is timed. */
export interface Contestant {
  readonly name: string;
  /** Does the work `count` times. May answer how many of them succeeded; only those count. */
  run(count: number): undefined | number | Promise<undefined | number>;
  /** If true, `run` answers how many milliseconds all of them took instead: it works in another process. */
  readonly timesItself?: boolean;
}

/** Milliseconds for one piece of work, per round, by contestant. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/**
 * Times contestants against each other in one run: every round gives each of them one block of about `blockMs`, forwards and
 * backwards in turn, so that neighbours alternate in pairs and a drift of the machine meets all of them alike.
 */
export async function interleave(
  contestants: readonly Contestant[],
  options: { rounds: number; blockMs: number },
): Promise<Rounds> {
  const counts = new Map<string, number>();
  for (const contestant of contestants)
    counts.set(contestant.name, await blockSize(contestant, options.blockMs));
  const rounds = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      rounds.get(contestant.name)!.push(await timed(contestant, counts.get(contestant.name)!));
    }
  }
  return rounds;
}

/** Warms up, and finds how often the work fits into a block. */
async function blockSize(contestant: Contestant, blockMs: number): Promise<number> {
  for (let count = 1; ; count *= 2) {
    const total = (await timed(contestant, count)) * count;
    if (total >= blockMs / 2) return Math.max(1, Math.round((count * blockMs) / total));
  }
}

async function timed(contestant: Contestant, count: number): Promise<number> {
  if (contestant.timesItself) return (await contestant.run(count))! / count;
  const start = performance.now();
  const done = (await contestant.run(count)) ?? count;
  const elapsed = performance.now() - start;
  if (done === 0) throw new Error(`${contestant.name}: none of ${count} succeeded.`);
  return elapsed / done;
}
