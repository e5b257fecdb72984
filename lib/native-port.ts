/** Ports and DPDK as the addon takes them. */

export type NativePortConfig =
  | {
      type: 'memory';
      name: string;
      link: string;
      side: 0 | 1;
      queues: number;
      /** Queues that only transmit; none if left out. */
      senders?: number;
      depth: number;
      maxBytes: number;
      impair?: NativeImpairments | undefined;
    }
  | {
      type: 'udp';
      name: string;
      address: string;
      port: number;
      queues: number;
      receiveBufferBytes: number;
      maxBytes: number;
      offload: boolean;
      impair?: NativeImpairments | undefined;
    }
  | {
      type: 'dpdk';
      name: string;
      device: string;
      queues: number;
      transmitQueues: number;
      /** 0: chosen, within what the device takes. */
      rxDescriptors: number;
      txDescriptors: number;
      mtu: number;
      /** 0: chosen so that a frame fits one. */
      bufferBytes: number;
      /** 0: chosen from queues and descriptors. */
      buffers: number;
      promiscuous: boolean;
      allMulticast: boolean;
      /** Names of those the NIC may do, or of mlx5 is to switch on. */
      offloads: string[];
      /** Names of those that mlx5 is to switch off; in neither list: as its driver has it. */
      offloadsOff: string[];
      host: NativeLocalHost | undefined;
      impair?: NativeImpairments | undefined;
    };

export interface NativeImpairments {
  loss: number;
  duplicate: number;
  corrupt: number;
  reorderSpan: number;
  seed: number;
}

/** What the plane is on a port that no kernel serves. */
export interface NativeLocalHost {
  /** Own ones, each with its prefix length: "10.9.0.2/24". */
  addresses: string[];
  gateways: string[];
  neighbours: { address: string; mac: Uint8Array }[];
  groups: string[];
}

/** How DPDK's environment is started. */
export interface NativeEalOptions {
  hugepages: boolean;
  memoryMb: number;
  telemetry: boolean;
  logLevel: number;
  /** -1: any. */
  controlCpu: number;
  /** Empty texts: chosen by the driver. */
  filePrefix: string;
  iova: string;
  plugins: string;
  args: string[];
}
