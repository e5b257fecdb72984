/** Latency as histograms of Prometheus, from those of the plane. */
import type { LatencyHistogram, PlaneLatency } from '../latency.js';
import type { Service } from '../service/service.js';
import type { Family, Value } from './family.js';
import type { Turn } from './turn.js';

/**
 * Exponents of two, in nanoseconds, from 64 ns to 17 s: every power from 1 µs to 17 ms, one in two or four elsewhere. The plane's buckets
 * end at 2^n - 1, and all times are whole nanoseconds: counts at these bounds are exact.
 */
const EXPONENTS = [6, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 30, 32, 34];

/** Upper bounds in nanoseconds, each included. */
export const LATENCY_BOUNDS: readonly number[] = EXPONENTS.map((exponent) => 2 ** exponent - 1);

const seconds = (ns: number): number => ns / 1e9;

export const latencyFamily: Family = {
  name: 'onpath_route_latency_seconds',
  help: 'How long what took, by stage (docs/observation.md). Absent until a stage was measured, and with latency: false.',
  type: 'histogram',
  labels: ['route', 'stage', 'le'],
  values: ({ latency }) =>
    [...latency].flatMap(([route, stages]) =>
      Object.entries(stages).flatMap(([stage, histogram]) =>
        histogram.count === 0 ? [] : histogramValues({ route, stage }, histogram),
      ),
    ),
};

/** Reading a route's takes a fraction of a millisecond, and there may be a thousand routes. */
export async function latencies(service: Service, turn: Turn): Promise<Map<string, PlaneLatency>> {
  const found = new Map<string, PlaneLatency>();
  if (service.config.spec.latency === false) return found;
  for (const { name } of service.routes()) {
    found.set(name, service.plane.latency(name));
    await turn.end();
  }
  return found;
}

function histogramValues(labels: Readonly<Record<string, string>>, histogram: LatencyHistogram): Value[] {
  const { buckets, count, mean } = histogram;
  let next = 0;
  let below = 0;
  const values = LATENCY_BOUNDS.map((bound) => {
    for (; next < buckets.length && buckets[next]!.to <= bound; next++) below += buckets[next]!.count;
    return { suffix: '_bucket', labels: { ...labels, le: String(seconds(bound)) }, value: below };
  });
  return [
    ...values,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: seconds(mean * count) },
    { suffix: '_count', labels, value: count },
  ];
}
