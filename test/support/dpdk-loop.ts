/** Ports of DPDK that need no wire: rings that give back what is sent, and pairs joined by shared memory. */
import type { DataplaneSpec, PortSpec, RouteSpec } from '../../lib/index.js';
import { eal } from './dpdk.js';

export type DpdkPort = Extract<PortSpec, { type: 'dpdk' }>;

/** Joined by ring ports: what is sent to a group comes back to the host. What is sent to its own address would not leave. */
export const GROUP = '239.1.1.1';
export const OTHER_GROUP = '239.1.1.2';

let devices = 0;
/** A virtual device that no other test of this process has used. */
export const freshDevice = (driver: string): string => `${driver}${++devices}`;

export function ringPort(more: Partial<DpdkPort> = {}): DpdkPort {
  return {
    type: 'dpdk',
    name: 'ring',
    device: freshDevice('net_ring'),
    addresses: ['10.9.0.2/24', '2001:db8:9::2/64'],
    groups: [GROUP, OTHER_GROUP, 'ff3e::8000:1'],
    senders: 1,
    ...more,
  };
}

/** One end of a memif; the server is 10.9.1.1, the client 10.9.1.2. */
export function memifPort(role: 'server' | 'client', socket: string, more: Partial<DpdkPort> = {}): DpdkPort {
  const host = role === 'server' ? 1 : 2;
  return {
    type: 'dpdk',
    name: role,
    device: `${freshDevice('net_memif')},role=${role},socket-abstract=no,socket=${socket}`,
    addresses: [`10.9.1.${host}/24`, `2001:db8:1::${host}/64`],
    senders: 1,
    ...more,
  };
}

export const route = (more: Partial<RouteSpec> & Pick<RouteSpec, 'pipeline'>): RouteSpec => ({
  name: 'r',
  port: 'ring',
  udpPort: 5004,
  sources: ['10.0.0.0/8', '2001:db8::/32'],
  deadlineMs: 20_000,
  ...more,
});

export function planeOn(ports: readonly DpdkPort[], routes: readonly RouteSpec[]): DataplaneSpec {
  return { eal, ports, routes };
}
