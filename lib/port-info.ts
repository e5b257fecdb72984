/** What `plane.ports()` says of each port. */
import type { NativePortInfo } from './native.js';
import type { ParsedDataplaneSpec } from './schema.js';

/** What a NIC can take off the cores, as `offloads` of a dpdk port reports it. */
export const offloadHooks = [
  'steering',
  'mark',
  'rss',
  'allowList',
  'rxChecksums',
  'txChecksums',
  'timestamps',
  'bufferSplit',
  'mprq',
  'cqeCompression',
] as const;
/** The name of something that a NIC can do for the cores. */
export type OffloadHook = (typeof offloadHooks)[number];

/** What NICs offer beyond that and this package does not use, each with the reason. */
export const absentOffloads = {
  hairpin: 'not there yet',
  meter: 'not there yet',
  count: 'not there yet',
  age: 'not there yet',
  flowTemplates: 'not there yet',
  gpuPools: 'not there yet',
  representors: 'not there yet',
  doca: 'absent: an SDK of its own, out of reach through DPDK',
  dpa: 'absent: an SDK of its own, out of reach through DPDK',
} as const;

/**
 * `active`: done by the NIC, and its effect was seen on this port. `unverified`: the NIC took it, its effect was not seen (yet).
 * `software`: done on the cores with the same result, or not done where it is only about speed.
 */
export type OffloadState = 'active' | 'unverified' | 'software';

/** Who does one thing, and why. */
export interface OffloadReport {
  readonly state: OffloadState;
  /** What was seen, or why the NIC does not do it: "rule 3 of 4 ... was refused: ...". */
  readonly reason: string;
}

/** `linkDown` ends by itself when the link is up again. A device that was `removed` is used again by opening a port on it anew. */
export type PortState = 'up' | 'linkDown' | 'removed';

/** A memory port. */
export interface MemoryPortInfo {
  readonly type: 'memory';
  readonly name: string;
  readonly linkName: string;
  readonly side: 0 | 1;
}

/** A udp port, and where it is bound. */
export interface UdpPortInfo {
  readonly type: 'udp';
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** A dpdk port and its device. After close it is what it was last. */
export interface DpdkPortInfo {
  readonly type: 'dpdk';
  readonly name: string;
  /** Poll-mode driver, such as "net_mlx5" or "net_ring". */
  readonly driver: string;
  readonly device: string;
  /** "02:00:00:00:00:09" */
  readonly mac: string;
  /** Own addresses with prefix lengths, as in the specification. */
  readonly addresses: readonly string[];
  readonly mtu: number;
  /** `mbps` is undefined where the device does not know. */
  readonly link: { readonly up: boolean; readonly mbps: number | undefined; readonly fullDuplex: boolean };
  /** The device is gone (unplugged): nothing arrives or leaves any more. */
  readonly removed: boolean;
  /** NUMA node that the device sits on; undefined where there is none. */
  readonly numaNode: number | undefined;
  readonly queues: { readonly receive: number; readonly transmit: number };
  /** Per queue, as the device took them. */
  readonly descriptors: { readonly receive: number; readonly transmit: number };
  /** Of the receive pool. */
  readonly buffers: { readonly count: number; readonly bytes: number };
  readonly offloads: { readonly [Hook in OffloadHook]: OffloadReport };
  readonly state: PortState;
  /** Why the state is what it is: what the device or the system said when it changed last; empty if it never did. */
  readonly cause: string;
  /** How often the state changed since the port was opened. */
  readonly stateChanges: number;
  readonly promiscuous: boolean;
  readonly allMulticast: boolean;
}

/** What only dpdk ports know may be asked of any port: it is undefined elsewhere. */
type NoDevice = { readonly [Key in Exclude<keyof DpdkPortInfo, 'type' | 'name'>]?: undefined };

/** What a port is and how it fares; `type` says which. */
export type PortInfo = (MemoryPortInfo & NoDevice) | (UdpPortInfo & NoDevice) | DpdkPortInfo;

/** @internal Joins what was asked for with what came of it. */
export function portInfo(
  port: ParsedDataplaneSpec['ports'][number],
  info: NativePortInfo,
  local: Readonly<Record<string, { address: string; port: number }>>,
): PortInfo {
  const { type, name } = port;
  switch (type) {
    case 'memory':
      return { type, name, linkName: port.link, side: port.side };
    case 'udp':
      return { type, name, ...local[name]! };
    case 'dpdk':
      return {
        type,
        name,
        driver: info.driver,
        device: info.device,
        mac: info.mac,
        addresses: port.addresses,
        mtu: info.mtu,
        link: { up: info.linkUp, mbps: info.linkMbps || undefined, fullDuplex: info.fullDuplex },
        removed: info.removed,
        numaNode: info.numaNode < 0 ? undefined : info.numaNode,
        queues: { receive: info.receiveQueues, transmit: info.transmitQueues },
        descriptors: { receive: info.receiveDescriptors, transmit: info.transmitDescriptors },
        buffers: { count: info.buffers, bytes: info.bufferBytes },
        offloads: Object.fromEntries(
          offloadHooks.map((hook) => [
            hook,
            info.offloads[hook] ?? { state: 'software', reason: 'the driver does not know it' },
          ]),
        ) as Record<OffloadHook, OffloadReport>,
        state: info.state === 3 ? 'removed' : info.state === 2 ? 'linkDown' : 'up',
        cause: info.cause,
        stateChanges: info.stateChanges,
        promiscuous: info.promiscuous,
        allMulticast: info.allMulticast,
      };
  }
}
