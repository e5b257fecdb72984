/** What viewers are told: a snapshot cut down to what the page shows, and what belongs to one route. */
import { dropCounts } from '../drop-counts.js';
import { DROP_REASONS } from '../generated/drop-reasons.js';
import type { LatencyHistogram } from '../latency.js';
import type { PortInfo } from '../port-info.js';
import type { Latest } from '../service/latest.js';
import type { Service } from '../service/service.js';
import type { Snapshot } from '../service/snapshot.js';
import type { RoutePipeline } from '../swaps.js';
import { TextPipeline } from '../text-pipeline.js';

/** Ports and routes that the page shows; a plane may have up to 1024 routes, and `onpath stats` lists them all. */
export const MOST_SHOWN = 64;
/** Routes that one viewer may have open: those whose samples and histograms it is sent. */
export const MOST_OPEN = 8;

/** What drop reasons mean, by name. */
export const reasons = Object.fromEntries(
  DROP_REASONS.map(({ name, scope, meaning }) => [name, { scope, meaning }]),
);

/** Ports and routes with their counters; reasons that count nothing are left out. */
export function overview({ stats, ports, routes, ...rest }: Snapshot) {
  return {
    ...rest,
    workers: stats.workers,
    ports: stats.ports.slice(0, MOST_SHOWN).map(({ drops, impaired: _impaired, ...port }, i) => ({
      ...port,
      ...about(ports[i]!),
      drops: Object.fromEntries(dropCounts(drops)),
    })),
    routes: routes.slice(0, MOST_SHOWN).map(({ versions: _versions, latency, ...route }, i) => {
      const { drops, name: _name, version: _version, ...counters } = stats.routes[i]!;
      return {
        ...route,
        ...counters,
        drops: Object.fromEntries(dropCounts(drops)),
        latency: latency?.lastPacket,
      };
    }),
    notShown: {
      ports: Math.max(0, ports.length - MOST_SHOWN),
      routes: Math.max(0, routes.length - MOST_SHOWN),
    },
  };
}

function about(port: PortInfo): { type: string; where: string; link: string } {
  switch (port.type) {
    case 'memory':
      return { type: port.type, where: `${port.linkName}, side ${port.side}`, link: 'up' };
    case 'udp':
      return { type: port.type, where: `${port.address}:${port.port}`, link: 'up' };
    case 'dpdk':
      return { type: port.type, where: `${port.device} (${port.driver})`, link: port.state };
  }
}

/** What one route has beside its counters: versions and latency. */
export function routeDetails(service: Service, snapshot: Snapshot, index: number) {
  const { name, versions, latency } = snapshot.routes[index]!;
  return { index, versions, latency: latency && barsOf(service, name) };
}

/** By stage. */
function barsOf(service: Service, route: string) {
  const stages = Object.entries(service.plane.latency(route));
  return Object.fromEntries(stages.map(([stage, histogram]) => [stage, bars(histogram)]));
}

/** A histogram in four bars for each power of two, as [from, to, count] in nanoseconds, and what is exact or finer. */
export function bars(histogram: LatencyHistogram) {
  const found: [from: number, to: number, count: number][] = [];
  for (const { from, count } of histogram.buckets) {
    const power = from < 8 ? 0 : 2 ** (Math.floor(Math.log2(from)) - 2);
    const low = power === 0 ? from : Math.floor(from / power) * power;
    const last = found.at(-1);
    if (last?.[0] === low) last[2] += count;
    else found.push([low, low + Math.max(power, 1), count]);
  }
  const { count, min, max, mean } = histogram;
  return { count, min, max, mean, p50: histogram.percentile(50), p99: histogram.percentile(99), bars: found };
}

/** The last sample of a route, with what JSON can carry: the picture's bytes in base64, special tokens marked. */
export function latestMessage(index: number, latest: Latest, { version, pipeline }: Installed) {
  if (latest.kind === 'text') {
    // Of a text that an older pipeline made it is not known any more.
    const special = latest.versionNumber === version ? specialIds(pipeline) : new Set<number>();
    const tokens = latest.tokens.map((token) =>
      special.has(token.id) ? { ...token, special: true } : token,
    );
    return { index, ...latest, tokens };
  }
  if (latest.picture === undefined) return { index, ...latest };
  const { rgb, width, height } = latest.picture;
  const base64 = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength).toString('base64');
  return { index, ...latest, picture: { width, height, rgb: base64 } };
}

/** What a route runs. */
export interface Installed {
  readonly version: number;
  readonly pipeline: RoutePipeline;
}

const specialOf = new WeakMap<RoutePipeline, ReadonlySet<number>>();

function specialIds(pipeline: RoutePipeline): ReadonlySet<number> {
  const known = specialOf.get(pipeline);
  if (known !== undefined) return known;
  const tokenizer = pipeline instanceof TextPipeline ? pipeline.tokenizer : undefined;
  const ids = new Set(tokenizer?.specialTokens.values());
  specialOf.set(pipeline, ids);
  return ids;
}
