/** How long what takes in a plane: histograms that can be merged, and what `plane.latency()` gives. */
import { OnpathError } from './errors.js';
import type { NativeHistogram } from './native-observation.js';

/**
 * What is measured, in nanoseconds. A packet arrives at its port's timestamp, or where the port has none when the worker began the round of
 * polling that found it.
 *
 * Of every complete sample: `firstPacket`, `lastPacket`: from the arrival of its first packet, and of the one that completed it, until its
 * buffer (with batches: the whole batch; of a text, its last part) was ready for JavaScript, or the port had taken its last packet.
 * `wait`: from ready to taken by JavaScript (one per buffer), or from staged to taken by the port.
 *
 * Of every 16th complete sample: `finish`: from its last byte in place to ready or staged.
 *
 * Of one packet of every 64th burst of a worker: `receive`: the port's receive call for the whole burst; `classify`: from the worker's look
 * at the packet until its bytes go to the program; `program`: placing and transforming its bytes.
 */
export type LatencyStage =
  | 'firstPacket'
  | 'lastPacket'
  | 'wait'
  | 'finish'
  | 'receive'
  | 'classify'
  | 'program';

/** A histogram for each stage; those of which nothing was measured have `count` 0. */
export type PlaneLatency = Readonly<Record<LatencyStage, LatencyHistogram>>;

/** Values `from` to `to`, both included; `to` is Infinity for the last bucket. */
export interface LatencyBucket {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A histogram as JSON, in nanoseconds. */
export interface LatencySummary {
  readonly unit: 'ns';
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly buckets: readonly LatencyBucket[];
}

const BUCKETS = 1024;

/** The smallest value of a bucket: values below 64 have one each, from there every power of two is cut into 32. */
function lower(bucket: number): number {
  if (bucket < 64) return bucket;
  const shift = Math.floor(bucket / 32) - 1;
  return (bucket - shift * 32) * 2 ** shift;
}

/**
 * Durations in nanoseconds, counted in 1024 buckets of growing width: `percentile` is at most one part in 32 above the value it stands for;
 * `count`, `min` and `max` are exact. A snapshot: it does not change.
 *
 * @example
 * const { lastPacket } = plane.latency('photos');
 * console.log(`p99 ${lastPacket.percentile(99) / 1000} µs of ${lastPacket.count} samples`);
 */
export class LatencyHistogram {
  readonly #counts: Float64Array;
  readonly #sum: number;
  readonly count: number;
  /** Nanoseconds; 0 if nothing was measured, like the others. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;

  /** @internal */
  constructor({ counts, sum, min, max }: NativeHistogram) {
    this.#counts = counts;
    this.#sum = sum;
    this.count = counts.reduce((all, n) => all + n, 0);
    this.max = this.count === 0 ? 0 : max;
    this.min = this.count === 0 ? 0 : Math.min(min, max);
    this.mean = this.count === 0 ? 0 : sum / this.count;
  }

  /**
   * The value that `p` percent of all values do not exceed, in nanoseconds.
   * @param p 0 to 100
   * @throws OnpathError INVALID_ARGUMENT
   */
  percentile(p: number): number {
    if (typeof p !== 'number' || !(p >= 0 && p <= 100))
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `A percentile is a number from 0 to 100, received ${String(p)}.`,
      );
    if (this.count === 0) return 0;
    const rank = Math.max(1, Math.ceil((this.count * p) / 100));
    let seen = 0;
    for (let i = 0; i < BUCKETS - 1; i++) {
      seen += this.#counts[i]!;
      if (seen >= rank) return Math.min(Math.max(lower(i + 1) - 1, this.min), this.max);
    }
    return this.max;
  }

  /** Those that are not empty, in order. */
  get buckets(): LatencyBucket[] {
    const buckets: LatencyBucket[] = [];
    this.#counts.forEach((count, i) => {
      if (count > 0)
        buckets.push({ from: lower(i), to: i === BUCKETS - 1 ? Infinity : lower(i + 1) - 1, count });
    });
    return buckets;
  }

  /** Both together: what one histogram would hold that had measured all of it. Of workers, routes, planes or moments. */
  merge(other: LatencyHistogram): LatencyHistogram {
    return new LatencyHistogram({
      counts: this.#counts.map((n, i) => n + other.#counts[i]!),
      sum: this.#sum + other.#sum,
      min: this.count === 0 ? other.min : other.count === 0 ? this.min : Math.min(this.min, other.min),
      max: Math.max(this.max, other.max),
    });
  }

  /** What `JSON.stringify` writes: the summary with the buckets that are not empty. */
  toJSON(): LatencySummary {
    const { count, min, mean, max, buckets } = this;
    const [p50, p90, p99, p999] = [50, 90, 99, 99.9].map((p) => this.percentile(p)) as [
      number,
      number,
      number,
      number,
    ];
    return { unit: 'ns', count, min, mean, p50, p90, p99, p999, max, buckets };
  }
}
