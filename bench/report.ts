/** What the benchmarks put out: cases as JSON and as a table, and whether every limit is met. Measures nothing itself. */
import type { Measurement } from './statistics.js';

export type Better = 'lower' | 'higher';

/** One thing that was measured. */
export interface Case {
  readonly suite: string;
  readonly case: string;
  readonly unit: string;
  readonly better: Better;
  readonly ours: Measurement;
  /** What it was measured beside, in the same unit; null: not installed. */
  readonly peers: Readonly<Record<string, Measurement | null>>;
  /** Values that ours must not be worse than, in the same unit; null: the peer it follows from is not installed. */
  readonly limits: Readonly<Record<string, number | null>>;
}

/** Whether ours keeps a limit. A limit of which the peer is missing is not kept. */
export function isMet(subject: Case, limit: number | null): boolean {
  if (limit === null) return false;
  return subject.better === 'lower' ? subject.ours.value <= limit : subject.ours.value >= limit;
}

/** The limits that are not met, as sentences. */
export function unmetLimits(cases: readonly Case[]): string[] {
  return cases.flatMap((subject) =>
    Object.entries(subject.limits)
      .filter(([, limit]) => !isMet(subject, limit))
      .map(([name, limit]) =>
        limit === null
          ? `${subject.suite}, ${subject.case}: limit "${name}" is unmet because its peer is not installed. Run: npm run bench:peers`
          : `${subject.suite}, ${subject.case}: limit "${name}" is unmet: ${figure(subject.ours.value)} ${subject.unit}, ` +
            `allowed ${subject.better === 'lower' ? 'at most' : 'at least'} ${figure(limit)} ${subject.unit}.`,
      ),
  );
}

/** A limit relative to a peer: ours must be at least `times` as good. */
export function timesAsGood(
  times: number,
  name: string,
  peer: Measurement | null,
  better: Better,
): Record<string, number | null> {
  const bound = peer === null ? null : better === 'lower' ? peer.value / times : peer.value * times;
  return { [`${times}x ${name}`]: bound };
}

/** The JSON array, one case a line. */
export function toJson(cases: readonly Case[], versions: Readonly<Record<string, string>>): string {
  const lines = cases.map((subject) =>
    JSON.stringify({
      suite: subject.suite,
      case: subject.case,
      unit: subject.unit,
      better: subject.better,
      ours: rounded(subject.ours.value),
      peers: mapValues(subject.peers, (peer) => (peer === null ? null : rounded(peer.value))),
      limits: mapValues(subject.limits, (limit) => (limit === null ? null : rounded(limit))),
      versions,
    }),
  );
  return `[\n${lines.map((line) => `  ${line}`).join(',\n')}\n]`;
}

/** For people: medians, quartiles, and how many times as good ours is as each peer. */
export function toTable(cases: readonly Case[]): string {
  const rows: string[][] = [['', 'median', '', 'quartiles', 'ours is']];
  let suite = '';
  for (const subject of cases) {
    if (subject.suite !== suite) rows.push([`${subject.suite}:`]);
    suite = subject.suite;
    rows.push([`  ${subject.case}`, figure(subject.ours.value), subject.unit, range(subject.ours)]);
    for (const [name, peer] of Object.entries(subject.peers)) {
      if (peer === null) rows.push([`    ${name}`, 'absent']);
      else {
        rows.push([`    ${name}`, figure(peer.value), subject.unit, range(peer), `${ratio(subject, peer)}x`]);
      }
    }
    for (const [name, limit] of Object.entries(subject.limits)) {
      const verdict = isMet(subject, limit) ? 'met' : 'UNMET';
      rows.push([`    limit: ${name}`, limit === null ? 'absent' : figure(limit), subject.unit, '', verdict]);
    }
  }
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length));
  const widths = [0, 1, 2, 3, 4].map(width);
  return rows
    .map((row) =>
      widths
        .map((w, i) => (i === 1 || i === 4 ? (row[i] ?? '').padStart(w) : (row[i] ?? '').padEnd(w)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function ratio(subject: Case, peer: Measurement): string {
  const times =
    subject.better === 'lower' ? peer.value / subject.ours.value : subject.ours.value / peer.value;
  return times.toPrecision(3);
}

function range(measured: Measurement): string {
  return `${figure(measured.low)} .. ${figure(measured.high)}`;
}

function figure(value: number): string {
  return String(rounded(value));
}

/** Four significant digits: more would be noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, by: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, by(value)]));
}
