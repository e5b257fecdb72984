/** What a metric is before Prometheus sees it: a name, and how its values are read from one reading of the service. */
import type { Metric } from 'prom-client';
import type { PlaneStats } from '../dataplane.js';
import type { PlaneLatency } from '../latency.js';
import type { PortInfo } from '../port-info.js';
import type { ParsedDataplaneSpec } from '../schema.js';
import type { Service, ServiceRoute } from '../service/service.js';

/** All that one scrape is made of, read at one time: what stands in it fits together. */
export interface Reading {
  readonly service: Service;
  /** With every default filled in. */
  readonly spec: ParsedDataplaneSpec;
  readonly stats: PlaneStats;
  readonly ports: readonly PortInfo[];
  readonly routes: readonly ServiceRoute[];
  /** By route; empty with `latency: false`. */
  readonly latency: ReadonlyMap<string, PlaneLatency>;
}

export interface Value {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of histograms: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string;
}

/** Metrics of one name. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly values: (reading: Reading) => Value[];
}

/** A number that a list of things have, such as ports; undefined where one has none. */
export function each<Thing>(
  label: string,
  things: (reading: Reading) => readonly Thing[],
  named: (thing: Thing, index: number) => string,
) {
  return (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    read: (thing: Thing, reading: Reading) => number | undefined,
  ): Family => ({
    name,
    help,
    type,
    labels: [label],
    values: (reading) =>
      things(reading).flatMap((thing, i) => {
        const value = read(thing, reading);
        return value === undefined ? [] : [{ labels: { [label]: named(thing, i) }, value }];
      }),
  });
}

/** A metric without labels. */
export function single(name: string, help: string, read: (reading: Reading) => number): Family {
  return {
    name,
    help,
    type: 'gauge',
    labels: [],
    values: (reading) => [{ labels: {}, value: read(reading) }],
  };
}

/** One object for all: the registry remembers what it made of each. */
const none = {};

/**
 * A family as a registry of prom-client takes it. Its own counters and histograms count what they are told of; these have been counted
 * already, by the plane.
 */
export function asMetric({ name, help, type, values }: Family, reading: () => Reading): Metric {
  const get = async () => ({
    name,
    help,
    type,
    values: values(reading()).map(({ labels, value, suffix = '' }) => ({
      labels,
      value,
      metricName: `${name}${suffix}`,
      sharedLabels: none,
    })),
  });
  return { name, get } as unknown as Metric;
}
