/** Blocks of work, timed in turn: medians, and how far they spread. */

/** Of several rounds. */
export interface Spread {
  readonly median: number;
  /** Quartiles: half of all rounds lie between them. */
  readonly low: number;
  readonly high: number;
}

/** Something that is timed. */
export interface Work {
  /** Does it so many times. */
  run(count: number): void | Promise<void>;
}

/**
 * Microseconds that each work takes once. Every round gives each of them a block, forwards and backwards in turn, so that a drift
 * of the machine meets all alike.
 */
export async function measure(
  works: readonly Work[],
  { rounds, blockMs, onBlock }: { rounds: number; blockMs: number; onBlock: () => void },
): Promise<Spread[]> {
  const counts: number[] = [];
  for (const work of works) counts.push(await blockSize(work, blockMs));
  const times = works.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const order = works.map((_, i) => (round % 2 === 0 ? i : works.length - 1 - i));
    for (const i of order) {
      times[i]!.push(await timed(works[i]!, counts[i]!));
      onBlock();
    }
  }
  return times.map(spread);
}

/** Warms up, and finds how often the work fits into a block. */
async function blockSize(work: Work, blockMs: number): Promise<number> {
  for (let count = 1; ; count *= 2) {
    const totalMs = ((await timed(work, count)) * count) / 1000;
    if (totalMs >= blockMs / 2 || count >= 1 << 24)
      return Math.max(1, Math.round((count * blockMs) / totalMs));
  }
}

async function timed(work: Work, count: number): Promise<number> {
  const begin = performance.now();
  await work.run(count);
  return ((performance.now() - begin) * 1000) / count;
}

export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return below === above ? below : below + (above - below) * (place - Math.floor(place));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}
