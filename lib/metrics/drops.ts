/** Drops as metrics: one for each reason. */
import { DROP_REASONS, type DropReason, type DropScope } from '../generated/drop-reasons.js';
import type { Value } from './family.js';

/**
 * What is counted before a packet has a route. It only decides which zeros are told: a counter that is there before its first drop is one
 * whose first drop `rate()` sees.
 */
const beforeRoutes: ReadonlySet<DropReason> = new Set([
  'truncated',
  'bad_ethernet',
  'not_ip',
  'bad_ip_header',
  'bad_ip_checksum',
  'ip_fragment',
  'not_udp',
  'bad_udp_length',
  'bad_udp_checksum',
  'bad_rtp_header',
  'bad_rtp_padding',
  'rtcp',
  'no_route',
  'not_for_us',
  'bad_control',
  'control_limit',
  'bad_rtcp',
  'rtcp_limit',
  'fanout_full',
]);

export function dropValues(
  place: 'port' | 'route',
  scope: DropScope,
  { name, drops }: { readonly name: string; readonly drops: Readonly<Record<DropReason, number>> },
): Value[] {
  return DROP_REASONS.filter(
    (reason) =>
      reason.scope === scope &&
      (drops[reason.name] > 0 || beforeRoutes.has(reason.name) === (place === 'port')),
  ).map((reason) => ({
    labels: { [place]: name, reason: reason.name },
    value: drops[reason.name],
  }));
}
