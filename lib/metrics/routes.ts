/** Metrics of routes. */
import type { PlaneStats } from '../dataplane.js';
import type { DropScope } from '../generated/drop-reasons.js';
import { dropValues } from './drops.js';
import { each, type Family } from './family.js';

type RouteStats = PlaneStats['routes'][number];

const route = each<RouteStats>(
  'route',
  ({ stats }) => stats.routes,
  ({ name }) => name,
);
const configured = each<{ readonly name: string; readonly slots: number; readonly openSamples: number }>(
  'route',
  ({ spec }) => spec.routes,
  ({ name }) => name,
);

const drops = (scope: DropScope, help: string): Family => ({
  name: `onpath_route_dropped_${scope}s_total`,
  help,
  type: 'counter',
  labels: ['route', 'reason'],
  values: ({ stats }) => stats.routes.flatMap((one) => dropValues('route', scope, one)),
});

/** Finished and not taken yet. The two counts are not read at the same instant. */
const waiting = ({ samplesComplete, samplesDelivered, drops: { undelivered } }: RouteStats): number =>
  Math.max(0, samplesComplete - samplesDelivered - undelivered);

export const routeFamilies: readonly Family[] = [
  {
    name: 'onpath_route_info',
    help: 'What each route is and runs now; always 1. `pipeline`: its name in the configuration; `hash`: of the plan.',
    type: 'gauge',
    labels: ['route', 'port', 'kind', 'sink', 'pipeline', 'hash'],
    values: ({ routes, service }) =>
      routes.map(({ name, port, kind, sink, pipelineName }) => ({
        labels: {
          route: name,
          port,
          kind,
          sink,
          pipeline: pipelineName,
          hash: service.plane.versions(name)[0]!.hash.slice(0, 16),
        },
        value: 1,
      })),
  },
  route('counter', 'onpath_route_packets_total', 'Packets whose bytes were used.', (one) => one.packetsUsed),
  route('counter', 'onpath_route_bytes_total', 'Bytes of samples that were used.', (one) => one.bytesUsed),
  route(
    'counter',
    'onpath_route_overlap_bytes_total',
    'Bytes of used packets that had been received before.',
    (one) => one.overlapBytes,
  ),
  drops('packet', 'Packets dropped, by reason (docs/drop-reasons.md).'),
  route(
    'counter',
    'onpath_route_samples_opened_total',
    'Samples of which a first packet came.',
    (one) => one.samplesOpened,
  ),
  route(
    'counter',
    'onpath_route_samples_completed_total',
    'Samples of which every byte came.',
    (one) => one.samplesComplete,
  ),
  route(
    'counter',
    'onpath_route_samples_delivered_total',
    'Samples taken by JavaScript, or sent on as a whole.',
    (one) => one.samplesDelivered,
  ),
  drops('sample', 'Samples given up, by reason (docs/drop-reasons.md).'),
  route(
    'counter',
    'onpath_route_forwarded_packets_total',
    'Packets sent to the next hop.',
    (one) => one.packetsForwarded,
  ),
  route('gauge', 'onpath_route_samples_open', 'Samples being assembled.', (one) => one.samplesOpen),
  route('gauge', 'onpath_route_samples_waiting', 'Samples finished and not yet taken.', waiting),
  configured(
    'gauge',
    'onpath_route_open_samples_limit',
    'Samples that can be assembled at a time, over all workers.',
    ({ openSamples }, { spec }) => openSamples * spec.workers,
  ),
  configured(
    'gauge',
    'onpath_route_slots',
    'Output buffers over all workers: for open samples, those that wait, and those that the consumer holds.',
    ({ slots }, { spec }) => slots * spec.workers,
  ),
  route(
    'gauge',
    'onpath_route_version',
    'Of the pipeline: what new samples are opened under, counted from 1.',
    (one) => one.version,
  ),
  route(
    'gauge',
    'onpath_route_versions_alive',
    'That one, and older ones that samples or the consumer still hold.',
    (one) => one.versionsAlive,
  ),
  route(
    'counter',
    'onpath_route_versions_freed_total',
    'Older versions given back.',
    (one) => one.versionsFreed,
  ),
  route(
    'counter',
    'onpath_route_nacks_sent_total',
    'Packets asked for again, as often as they were.',
    (one) => one.nacksSent,
  ),
  route(
    'counter',
    'onpath_route_repaired_packets_total',
    'Packets that came after they were asked for.',
    (one) => one.packetsRepaired,
  ),
  route('counter', 'onpath_route_reports_sent_total', 'RTCP receiver reports.', (one) => one.reportsSent),
  route(
    'counter',
    'onpath_route_nacks_received_total',
    'Forwarded packets that receivers asked for again.',
    (one) => one.nacksReceived,
  ),
  route('counter', 'onpath_route_resent_packets_total', 'Of these, sent again.', (one) => one.packetsResent),
  route(
    'counter',
    'onpath_route_refused_resends_total',
    'Of these, not: gone, never sent, just sent, beyond the rate.',
    (one) => one.resendsRefused,
  ),
  route(
    'counter',
    'onpath_route_probes_sent_total',
    'Last packets that left again because nothing followed them.',
    (one) => one.probesSent,
  ),
];
