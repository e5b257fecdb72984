/** Metrics of ports. */
import type { PlaneStats } from '../dataplane.js';
import type { PortInfo } from '../port-info.js';
import { dropValues } from './drops.js';
import { each, type Family } from './family.js';

type PortStats = PlaneStats['ports'][number];

const counted = each<PortStats>(
  'port',
  ({ stats }) => stats.ports,
  ({ name }) => name,
);
const told = each<PortInfo>(
  'port',
  ({ ports }) => ports,
  ({ name }) => name,
);

export const portFamilies: readonly Family[] = [
  {
    name: 'onpath_port_info',
    help: 'What each port is; always 1.',
    type: 'gauge',
    labels: ['port', 'type', 'driver', 'device'],
    values: ({ ports }) =>
      ports.map(({ name, type, driver = '', device = '' }) => ({
        labels: { port: name, type, driver, device },
        value: 1,
      })),
  },
  told(
    'gauge',
    'onpath_port_up',
    '1: the link is up (memory and udp ports: always); 0: it is down, or the device is gone.',
    ({ state }) => (state === undefined || state === 'up' ? 1 : 0),
  ),
  told(
    'gauge',
    'onpath_port_speed_bytes_per_second',
    'Of the link, where the device knows it.',
    ({ link }) => (link?.mbps === undefined ? undefined : (link.mbps * 1e6) / 8),
  ),
  told(
    'counter',
    'onpath_port_state_changes_total',
    'How often a link went or came; dpdk ports only.',
    (port) => port.stateChanges,
  ),
  counted('counter', 'onpath_port_receive_packets_total', 'Packets that arrived.', (port) => port.rxPackets),
  counted(
    'counter',
    'onpath_port_receive_bytes_total',
    'Their bytes; on Ethernet with all headers.',
    (port) => port.rxBytes,
  ),
  counted(
    'counter',
    'onpath_port_receive_missed_packets_total',
    'Packets lost before a worker saw them: a full queue of the NIC or a full socket.',
    (port) => port.rxMissed,
  ),
  counted(
    'counter',
    'onpath_port_control_packets_total',
    'Packets that the plane itself dealt with: ARP, neighbour discovery, ICMP, group queries, RTCP.',
    (port) => port.controlPackets,
  ),
  counted('counter', 'onpath_port_transmit_packets_total', 'Packets sent.', (port) => port.txPackets),
  counted('counter', 'onpath_port_transmit_bytes_total', 'Their bytes.', (port) => port.txBytes),
  {
    name: 'onpath_port_dropped_packets_total',
    help: 'Packets dropped before they had a route, by reason (docs/drop-reasons.md).',
    type: 'counter',
    labels: ['port', 'reason'],
    values: ({ stats }) => stats.ports.flatMap((port) => dropValues('port', 'packet', port)),
  },
];
