/** Everything that is shown of a running service, at one moment. Rates are differences of two snapshots. */
import type { PlaneStats } from '../dataplane.js';
import type { LatencyStage } from '../latency.js';
import type { PlaneEvent } from '../plane-events.js';
import type { PlanePart } from '../plane-parts.js';
import type { PortInfo } from '../port-info.js';
import type { ListedVersion } from '../swaps.js';
import type { Service, ServiceState } from './service.js';

/** Of one stage, in nanoseconds since start; all 0 if nothing was measured. */
export interface StageLatency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/** A route: what it runs, what it ran, how long it takes. */
export interface RouteSnapshot {
  readonly name: string;
  readonly port: string;
  readonly kind: 'tensor' | 'text';
  readonly sink: 'host' | 'forward';
  readonly pipelineName: string;
  /** Of the version that is installed now. */
  readonly version: number;
  readonly hash: string;
  /** Newest first. */
  readonly versions: readonly ListedVersion[];
  /** undefined: the plane was started with `latency: false`. */
  readonly latency: Readonly<Record<LatencyStage, StageLatency>> | undefined;
}

export interface Snapshot {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly uptimeSeconds: number;
  readonly state: ServiceState;
  /** Since start. */
  readonly stats: PlaneStats;
  readonly ports: readonly PortInfo[];
  readonly routes: readonly RouteSnapshot[];
  readonly tables: readonly PlanePart[];
  readonly vocabularies: readonly PlanePart[];
  readonly memoryBytes: number;
  /** The last 32, oldest first. */
  readonly events: readonly PlaneEvent[];
}

/** @internal */
export function snapshotOf(service: Service, events: readonly PlaneEvent[]): Snapshot {
  const { plane } = service;
  const at = Date.now();
  const stats = plane.stats();
  return {
    at,
    uptimeSeconds: (at - service.startedAt) / 1000,
    state: service.state,
    stats,
    ports: plane.ports(),
    routes: service.routes().map(({ name, port, kind, sink, pipelineName }) => {
      const versions = plane.versions(name);
      const { version, hash } = versions[0]!;
      const latency = latencyOf(service, name);
      return { name, port, kind, sink, pipelineName, version, hash, versions, latency };
    }),
    tables: plane.tables.list(),
    vocabularies: plane.vocabularies.list(),
    memoryBytes: stats.memoryBytes,
    events: [...events],
  };
}

function latencyOf({ plane, config }: Service, route: string): RouteSnapshot['latency'] {
  if (!config.spec.latency) return undefined;
  const stages = Object.entries(plane.latency(route)).map(([stage, histogram]) => {
    const { count, max, mean } = histogram;
    return [stage, { count, p50: histogram.percentile(50), p99: histogram.percentile(99), max, mean }];
  });
  return Object.fromEntries(stages) as Record<LatencyStage, StageLatency>;
}
