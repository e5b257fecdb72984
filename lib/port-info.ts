/** What `plane.ports()` says of each port. */
import type { NativePortInfo } from './native.js';
import type { ParsedDataplaneSpec } from './schema.js';

/** Done by the NIC, or in software with the same result. */
export type OffloadState = 'hardware' | 'software';

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
  readonly offloads: {
    readonly rxChecksums: OffloadState;
    readonly txChecksums: OffloadState;
    /** Streams are spread over the queues by the NIC, or not at all: then every packet comes in by the queue the device chooses. */
    readonly rss: 'hardware' | 'none';
    /** Arrival times of the NIC's clock, or of the poll that found the packet. */
    readonly timestamps: OffloadState;
  };
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
        offloads: {
          rxChecksums: done(info.rxChecksums),
          txChecksums: done(info.txChecksums),
          rss: info.rss ? 'hardware' : 'none',
          timestamps: done(info.timestamps),
        },
        promiscuous: info.promiscuous,
        allMulticast: info.allMulticast,
      };
  }
}

function done(byHardware: boolean): OffloadState {
  return byHardware ? 'hardware' : 'software';
}
