/** Drops in the log: a line for each place and reason, at most once in a while, with how many there were since the last. */
import type { PlaneStats } from '../dataplane.js';
import { dropCounts } from '../drop-counts.js';
import { DROP_REASONS, type DropReason } from '../generated/drop-reasons.js';
import type { Logger } from './log.js';

export const DROPS_EVERY_MS = 10_000;

interface Told {
  count: number;
  at: number;
}

export class DropLog {
  readonly #log: Logger;
  /** By place and reason: as many as the configuration has. */
  readonly #told = new Map<string, Told>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param now Milliseconds. */
  look(stats: PlaneStats, now: number): void {
    for (const { name, drops } of stats.ports) this.#place('port', name, drops, now);
    for (const { name, drops } of stats.routes) this.#place('route', name, drops, now);
  }

  #place(
    kind: 'port' | 'route',
    name: string,
    drops: Readonly<Record<DropReason, number>>,
    now: number,
  ): void {
    for (const { name: reason, scope, meaning } of DROP_REASONS) {
      const total = drops[reason];
      if (total === 0) continue;
      const key = `${kind} ${name} ${reason}`;
      const last = this.#told.get(key);
      const count = total - (last?.count ?? 0);
      if (count <= 0 || (last !== undefined && now - last.at < DROPS_EVERY_MS)) continue;
      this.#told.set(key, { count: total, at: now });
      this.#log.warn(
        { [kind]: name, reason, count, total },
        `${kind} ${name}: ${count} ${scope}${count === 1 ? '' : 's'} dropped as ${reason}. ${meaning}`,
      );
    }
  }
}

/** Those that are not zero, by place. */
export function dropTotals({ ports, routes }: PlaneStats): Record<string, Record<string, number>> {
  const places = [
    ...ports.map(({ name, drops }) => [`port ${name}`, drops] as const),
    ...routes.map(({ name, drops }) => [`route ${name}`, drops] as const),
  ];
  return Object.fromEntries(
    places.flatMap(([place, drops]) => {
      const some = dropCounts(drops);
      return some.length === 0 ? [] : [[place, Object.fromEntries(some)]];
    }),
  );
}
