/** The soak in words: a line while it runs, a table when it is over. */
import type { PlaneStats } from '../../lib/index.js';
import { dropsOf } from '../support/plane.js';
import type { Claim } from './books.js';
import type { Options } from './options.js';

export interface Report {
  readonly options: Options;
  readonly holds: boolean;
  readonly claims: readonly Claim[];
  readonly packetsPerSecond: number;
  readonly eventLoopMs: { p50: number; p99: number; max: number };
  readonly swaps: { done: number; longestMs: number };
  readonly residentMiB: number;
  readonly errors: readonly string[];
  readonly stats: PlaneStats;
}

export function show(report: Report): string {
  const { options, stats, eventLoopMs: loop } = report;
  const sumOf = (name: 'nacksSent' | 'packetsRepaired' | 'packetsResent') =>
    stats.routes.reduce((sum, route) => sum + route[name], 0);
  const lines = [
    `${options.seconds} s, seed ${options.seed}, ${options.workers} workers, ${options.rate} packets/s asked for, ${report.packetsPerSecond.toFixed(0)} sent`,
    `bad network: loss ${options.loss}, duplicates ${options.duplicate}, corruption ${options.corrupt}, reordering within ${options.reorder}`,
    '',
    row('route', 'opened', 'complete', 'delivered', 'packets used', 'bytes'),
    ...stats.routes.map((r) =>
      row(r.name, r.samplesOpened, r.samplesComplete, r.samplesDelivered, r.packetsUsed, r.bytesUsed),
    ),
    '',
    ...stats.ports.map(
      ({ name, txPackets, rxPackets, impaired: { lost, duplicated, corrupted, reordered } }) =>
        `port ${name}: left ${txPackets}, lost ${lost}, duplicated ${duplicated}, corrupted ${corrupted}, reordered ${reordered}, received ${rxPackets}`,
    ),
    `drops: ${
      Object.entries(dropsOf(stats))
        .map(([name, count]) => `${name} ${count}`)
        .join(', ') || 'none'
    }`,
    `${report.swaps.done} swaps, the longest took ${report.swaps.longestMs.toFixed(0)} ms; ${sumOf('nacksSent')} packets asked for again, ${sumOf('packetsRepaired')} came, ${sumOf('packetsResent')} forwarded ones sent again`,
    `event loop late by ${loop.p50.toFixed(1)} ms (half of the time less), ${loop.p99.toFixed(1)} (99 %), ${loop.max.toFixed(1)} (most); resident ${report.residentMiB.toFixed(0)} MiB`,
    '',
    ...report.claims.map(({ claim, holds, found }) => `${holds ? 'holds ' : 'BROKEN'} ${claim}: ${found}`),
    ...report.errors.map((error) => `ERROR  ${error}`),
  ];
  return lines.join('\n');
}

function row(...cells: (string | number)[]): string {
  return cells.map((cell, i) => (i === 0 ? String(cell).padEnd(10) : String(cell).padStart(14))).join('');
}
