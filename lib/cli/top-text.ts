/** What `onpath top` shows: the difference of two snapshots, as values and as text. */
import { dropCounts } from '../drop-counts.js';
import type { LatencyStage } from '../latency.js';
import type { Snapshot } from '../service/snapshot.js';
import { bytes, columns } from './terminal.js';

const STAGES: readonly LatencyStage[] = ['firstPacket', 'lastPacket', 'wait'];

export interface Difference {
  /** Milliseconds since the Unix epoch, of the later snapshot. */
  readonly at: number;
  readonly state: Snapshot['state'];
  readonly uptimeSeconds: number;
  /** Between the two. */
  readonly seconds: number;
  readonly memoryBytes: number;
  /** Per second. */
  readonly ports: readonly {
    name: string;
    received: number;
    receivedBytes: number;
    sent: number;
    missed: number;
  }[];
  readonly routes: readonly {
    name: string;
    version: number;
    pipelineName: string;
    packets: number;
    samples: number;
    open: number;
  }[];
  /** `total` since start, `perSecond` between the two; none that never happened. */
  readonly drops: readonly { where: string; reason: string; total: number; perSecond: number }[];
  /** Microseconds since start. */
  readonly latency: readonly {
    route: string;
    stage: string;
    count: number;
    p50: number;
    p99: number;
    max: number;
  }[];
}

/** Rates are 0 where no time lies between the two. */
export function difference(before: Snapshot, now: Snapshot): Difference {
  const seconds = (now.at - before.at) / 1000;
  const rate = (later: number, earlier: number | undefined) =>
    seconds <= 0 ? 0 : Math.max(0, (later - (earlier ?? 0)) / seconds);
  const places = [...now.stats.ports, ...now.stats.routes];
  const earlier = [...before.stats.ports, ...before.stats.routes];
  return {
    at: now.at,
    state: now.state,
    uptimeSeconds: now.uptimeSeconds,
    seconds,
    memoryBytes: now.memoryBytes,
    ports: now.stats.ports.map((port, i) => {
      const was = before.stats.ports[i];
      return {
        name: port.name,
        received: rate(port.rxPackets, was?.rxPackets),
        receivedBytes: rate(port.rxBytes, was?.rxBytes),
        sent: rate(port.txPackets, was?.txPackets),
        missed: rate(port.rxMissed, was?.rxMissed),
      };
    }),
    routes: now.stats.routes.map((route, i) => {
      const was = before.stats.routes[i];
      const { version, pipelineName } = now.routes.find(({ name }) => name === route.name)!;
      return {
        ...{ name: route.name, version, pipelineName },
        packets: rate(route.packetsUsed, was?.packetsUsed),
        samples: rate(route.samplesComplete, was?.samplesComplete),
        open: route.samplesOpen,
      };
    }),
    drops: places.flatMap(({ name, drops }, i) =>
      dropCounts(drops).map(([reason, total]) => ({
        where: name,
        reason,
        total,
        perSecond: rate(total, (earlier[i]?.drops as Record<string, number> | undefined)?.[reason]),
      })),
    ),
    latency: now.routes.flatMap(({ name, latency }) =>
      STAGES.flatMap((stage) => {
        const of = latency?.[stage];
        if (of === undefined || of.count === 0) return [];
        const { count, p50, p99, max } = of;
        return [{ route: name, stage, count, p50: p50 / 1000, p99: p99 / 1000, max: max / 1000 }];
      }),
    ),
  };
}

export function topText(before: Snapshot, now: Snapshot): string {
  const { state, uptimeSeconds, memoryBytes, ports, routes, drops, latency } = difference(before, now);
  const whole = (n: number) => Math.round(n);
  const tables = [
    columns([
      ['port', 'packets/s', 'bit/s', 'sent/s', 'missed/s'],
      ...ports.map((port) => [
        port.name,
        whole(port.received),
        bits(port.receivedBytes * 8),
        whole(port.sent),
        whole(port.missed),
      ]),
    ]),
    columns([
      ['route', 'version', 'pipeline', 'packets/s', 'samples/s', 'open'],
      ...routes.map(({ name, version, pipelineName, packets, samples, open }) => [
        name,
        version,
        pipelineName,
        whole(packets),
        rounded(samples),
        open,
      ]),
    ]),
    drops.length === 0
      ? 'nothing dropped'
      : columns([
          ['dropped at', 'reason', 'count', 'per second'],
          ...drops.map(({ where, reason, total, perSecond }) => [where, reason, total, whole(perSecond)]),
        ]),
    latency.length === 0
      ? 'no latency measured'
      : columns([
          ['route', 'latency since start', 'samples', 'p50 us', 'p99 us', 'max us'],
          ...latency.map(({ route, stage, count, p50, p99, max }) => [
            route,
            stage,
            count,
            rounded(p50),
            rounded(p99),
            rounded(max),
          ]),
        ]),
  ];
  const time = new Date(now.at).toISOString();
  return [`onpath ${state}, up ${duration(uptimeSeconds)}, ${bytes(memoryBytes)}, ${time}`, ...tables].join(
    '\n\n',
  );
}

function rounded(n: number): number {
  return n < 100 ? Math.round(n * 10) / 10 : Math.round(n);
}

function bits(perSecond: number): string {
  const units = ['', 'k', 'M', 'G'];
  let value = perSecond;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 2 : 1)}${units[unit]}`;
}

function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  const clock = [hours, minutes, whole % 60].map((part) => String(part).padStart(2, '0')).join(':');
  return days === 0 ? clock : `${days} d ${clock}`;
}
