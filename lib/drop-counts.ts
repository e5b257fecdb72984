/** Drops that happened, of the counters that are there for every reason. */

/** Reasons and counts, without those that count nothing. */
export function dropCounts(drops: Readonly<Record<string, number>>): [reason: string, count: number][] {
  return Object.entries(drops).filter(([, count]) => count > 0);
}
