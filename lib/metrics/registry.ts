/** A service as Prometheus sees it. Everything is read when it is asked for: between scrapes nothing runs. */
import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { packageVersion } from '../package-root.js';
import type { Service } from '../service/service.js';
import { asMetric, type Family, type Reading, single } from './family.js';
import { latencies, latencyFamily } from './latency.js';
import { portFamilies } from './ports.js';
import { routeFamilies } from './routes.js';
import { Turn } from './turn.js';
import { workerFamilies } from './workers.js';

const version = packageVersion();

/** Every metric of a service, in the order of docs/metrics.md. */
export const families: readonly Family[] = [
  {
    name: 'onpath_build_info',
    help: 'Versions of onpath and of Node; always 1.',
    type: 'gauge',
    labels: ['version', 'node'],
    values: () => [{ labels: { version, node: process.versions.node }, value: 1 }],
  },
  single(
    'onpath_start_time_seconds',
    'When the service was started, since the Unix epoch.',
    ({ service }) => service.startedAt / 1000,
  ),
  single('onpath_ready', '1: it takes packets; 0: it drains or is closed.', ({ service }) =>
    Number(service.state === 'ready'),
  ),
  {
    name: 'onpath_memory_bytes',
    help: 'Pools of the plane: of each route, each port, and the plane itself.',
    type: 'gauge',
    labels: ['room'],
    values: ({ service }) => {
      const rooms = new Map<string, number>();
      for (const { room, bytes } of service.plane.memory()) rooms.set(room, (rooms.get(room) ?? 0) + bytes);
      return [...rooms].map(([room, value]) => ({ labels: { room }, value }));
    },
  },
  single(
    'onpath_memory_limit_bytes',
    'limits.memoryBytes: what the pools may take together.',
    ({ spec }) => spec.limits.memoryBytes,
  ),
  {
    name: 'onpath_event_loop_active_seconds_total',
    help: 'Time in which JavaScript and its callbacks ran; nearly a second in each second: samples wait for it.',
    type: 'counter',
    labels: [],
    values: () => [{ labels: {}, value: performance.eventLoopUtilization().active / 1000 }],
  },
  ...portFamilies,
  ...workerFamilies,
  ...routeFamilies,
  latencyFamily,
];

/**
 * Of prom-client's own, what is left out: gauges that are called totals and what is behind them, and the lag of the event loop, which needs
 * a timer; how busy the loop is does without.
 */
const leftOut = /^nodejs_(active_|eventloop_lag)/;
/** That timer cannot be done without, only be made rare. */
const hourMs = 3_600_000;

let processMetrics: Registry | undefined;

/** Metrics of the process, which are there once, however many services it has. */
export function processRegistry(): Registry {
  if (processMetrics === undefined) {
    processMetrics = new Registry();
    collectDefaultMetrics({ register: processMetrics, eventLoopMonitoringPrecision: hourMs });
    for (const { name } of processMetrics.getMetricsAsArray())
      if (leftOut.test(name)) processMetrics.removeSingleMetric(name);
  }
  return processMetrics;
}

class ServiceMetrics {
  readonly #service: Service;
  readonly #registry = new Registry();
  #reading: Reading;
  #underWay: Promise<string> | undefined;

  constructor(service: Service) {
    this.#service = service;
    this.#reading = this.#read(new Map());
    for (const family of families) this.#registry.registerMetric(asMetric(family, () => this.#reading));
  }

  /** Those who ask while an answer is being made get that one: a flood of scrapes costs one. */
  text(): Promise<string> {
    this.#underWay ??= this.#text().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #text(): Promise<string> {
    const turn = new Turn();
    this.#reading = this.#read(await latencies(this.#service, turn));
    const texts: string[] = [];
    for (const { name } of families) {
      texts.push(await this.#registry.getSingleMetricAsString(name));
      await turn.end();
    }
    return `${texts.join('\n\n')}\n\n${await processRegistry().metrics()}`;
  }

  #read(latency: Reading['latency']): Reading {
    const { plane } = this.#service;
    return {
      service: this.#service,
      spec: this.#service.config.spec,
      stats: plane.stats(),
      ports: plane.ports(),
      routes: this.#service.routes(),
      latency,
    };
  }
}

const known = new WeakMap<Service, ServiceMetrics>();

/**
 * All metrics in Prometheus' text format (version 0.0.4), as they are now; also after the service was closed. docs/metrics.md lists them.
 *
 * @example
 * const text = await metricsText(service);
 */
export function metricsText(service: Service): Promise<string> {
  let metrics = known.get(service);
  if (metrics === undefined) {
    metrics = new ServiceMetrics(service);
    known.set(service, metrics);
  }
  return metrics.text();
}
