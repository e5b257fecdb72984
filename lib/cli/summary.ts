/** Counters of a plane as tables. */
import type { PlaneStats } from '../dataplane.js';
import { dropCounts } from '../drop-counts.js';
import { columns } from './terminal.js';

/** Routes in a table, and below it what was dropped and why. */
export function summary({ ports, routes }: PlaneStats): string {
  const drops = [...ports, ...routes].flatMap(({ name, drops: reasons }) =>
    dropCounts(reasons).map(([reason, count]) => [name, reason, count] as const),
  );
  return [
    columns([
      ['port', 'received', 'missed', 'sent'],
      ...ports.map((port) => [port.name, port.rxPackets, port.rxMissed, port.txPackets]),
    ]),
    columns([
      ['route', 'packets', 'complete', 'open', 'delivered', 'forwarded'],
      ...routes.map((route) => [
        route.name,
        route.packetsUsed,
        route.samplesComplete,
        route.samplesOpen,
        route.samplesDelivered,
        route.packetsForwarded,
      ]),
    ]),
    ...(drops.length === 0 ? [] : [columns([['dropped at', 'reason', 'count'], ...drops])]),
  ].join('\n\n');
}
