/**
 * Lists network devices and what stands between each and a `dpdk` port. Reads sysfs, procfs and DPDK's plugin files; starts neither
 * DPDK nor a process, and needs no rights.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afPacketUse, afXdpUse, pciUse } from './devices-advice.js';
import { driverAbis, findDpdk } from './devices-plugins.js';
import type { Ground } from './devices-steps.js';
import {
  exists,
  type InterfaceFacts,
  type Places,
  readCapabilities,
  readDefaultRouteCarriers,
  readInterfaces,
  readLockableBytes,
  readPciNetworkDevices,
} from './devices-sysfs.js';

/** A PCI network card, or a network interface of the kernel. A card that the kernel drives is listed as both. */
export type Device = PciDevice | KernelInterface;

/** One PCI function of class 02 (network controller). */
export interface PciDevice {
  readonly kind: 'pci';
  /** Domain, bus, device and function: `0000:03:00.0`. */
  readonly address: string;
  /** Four hexadecimal digits as `lspci -n` prints them, `8086`; undefined where the kernel does not tell. */
  readonly vendorId: string | undefined;
  readonly deviceId: string | undefined;
  readonly subsystemVendorId: string | undefined;
  readonly subsystemDeviceId: string | undefined;
  /** The kernel driver it is bound to now: `e1000e`, `mlx5_core`, `vfio-pci`; undefined if to none. */
  readonly kernelDriver: string | undefined;
  /** Its interfaces in this network namespace; empty once it is handed to DPDK. */
  readonly interfaces: readonly LinkState[];
  /** NUMA node it is attached to; undefined if the machine does not tell nodes apart. */
  readonly numaNode: number | undefined;
  /** Number of its IOMMU group; undefined without an IOMMU in use. */
  readonly iommuGroup: number | undefined;
  /** True if a default route (IPv4, main table, or IPv6) leads over one of its interfaces, or over a bond, bridge or VLAN on it. */
  readonly carriesDefaultRoute: boolean;
  /** Through DPDK's driver for the card. */
  readonly dpdk: DpdkUse;
}

/** One network interface of the kernel, physical or virtual, in this network namespace. */
export interface KernelInterface extends LinkState {
  readonly kind: 'interface';
  readonly type: InterfaceType;
  /** The PCI card behind it; undefined for virtual interfaces and other buses. */
  readonly pciAddress: string | undefined;
  /** NUMA node of the hardware behind it; undefined if there is none or the machine does not tell nodes apart. */
  readonly numaNode: number | undefined;
  /** As of `PciDevice`. */
  readonly carriesDefaultRoute: boolean;
  /** Through `net_af_packet`: works on every Ethernet interface, and the kernel keeps its packets. */
  readonly dpdk: DpdkUse;
  /** Through `net_af_xdp`: faster, needs more rights, and takes the packets of its queues from the kernel. */
  readonly afXdp: DpdkUse;
}

/** `other`: virtual, and none of the kinds named here (dummy, macvlan, tunnels). */
export type InterfaceType =
  | 'physical'
  | 'loopback'
  | 'veth'
  | 'tap'
  | 'tun'
  | 'bridge'
  | 'bond'
  | 'vlan'
  | 'other';

/** What the kernel knows of an interface. */
export interface LinkState {
  readonly name: string;
  /** `52:54:00:12:34:56`; undefined if it has no Ethernet address. */
  readonly mac: string | undefined;
  /** Bytes of the largest IP packet; undefined where the kernel does not tell. */
  readonly mtu: number | undefined;
  /** Whether it is switched on (`ip link set dev NAME up`). */
  readonly up: boolean;
  /** Whether the link has a carrier; undefined while it is not switched on. */
  readonly link: 'up' | 'down' | undefined;
  /** Megabits per second; undefined without a carrier and for devices that know no speed. */
  readonly speedMbps: number | undefined;
}

/** Whether and how DPDK can drive a device. */
export interface DpdkUse {
  /**
   * `yes`: as things are. `afterSteps`: once `missing` is done. `no`: not at all, or not without harm; `reason` says why and what
   * to do instead. Only opening a port proves it: what a card's firmware or a kernel's settings refuse is not seen here.
   */
  readonly usable: 'yes' | 'afterSteps' | 'no';
  /** Undefined unless `usable` is `no`. */
  readonly reason: string | undefined;
  /** DPDK's driver as its plugin names it: `net_e1000_em`; undefined if there is none, or it is not known before DPDK is installed. */
  readonly driver: string | undefined;
  /** What to write into a port's `device`: `0000:03:00.0`, `net_af_packet4,iface=veth0`; undefined if `no`. */
  readonly device: string | undefined;
  /** What to do first, in this order. */
  readonly missing: readonly MissingStep[];
  /** What to know before doing that, or before opening the port. */
  readonly warnings: readonly string[];
}

/** One thing to do before DPDK can drive a device. */
export interface MissingStep {
  /** What was looked for and not found. */
  readonly what: string;
  /** What to type: as root on Debian, unless it begins with `sudo`. Look at `warnings` before. */
  readonly command: string;
}

/**
 * The PCI network cards and the kernel's network interfaces of this machine, cards first, each in the order of their names.
 *
 * Of what this process cannot read (in a container, say) fields are undefined; it never throws. The state is that of the moment:
 * call it again after a change. The first call reads the plugins of an installed DPDK, some 15 MB, in about a tenth of a second;
 * later ones take some milliseconds. Interfaces and routes are those of this network namespace.
 */
export function devices(): Device[] {
  return listDevices(placesOfThisMachine());
}

/** `devices()` over another tree. @internal */
export function listDevices(places: Places): Device[] {
  const interfaces = readInterfaces(places);
  const carriers = readDefaultRouteCarriers(places, interfaces);
  const ground: Ground = {
    places,
    dpdk: findDpdk(places),
    served: driverAbis(places),
    capabilities: readCapabilities(places),
    lockableBytes: readLockableBytes(places),
    carriers,
    routedCards: new Set(
      interfaces.flatMap(({ name, pciAddress }) =>
        carriers.has(name) && pciAddress !== undefined ? [pciAddress] : [],
      ),
    ),
  };
  const cards = readPciNetworkDevices(places).map((facts): PciDevice => {
    const own = interfaces.filter(({ pciAddress }) => pciAddress === facts.address);
    const { verbs: _, ...shown } = facts;
    return {
      kind: 'pci',
      ...shown,
      interfaces: own.map(linkState),
      carriesDefaultRoute: ground.routedCards.has(facts.address),
      dpdk: pciUse(facts, own, ground),
    };
  });
  const kernels = interfaces.map(
    (facts): KernelInterface => ({
      kind: 'interface',
      ...linkState(facts),
      type: facts.type,
      pciAddress: facts.pciAddress,
      numaNode: facts.numaNode,
      carriesDefaultRoute: carriers.has(facts.name),
      dpdk: afPacketUse(facts, ground),
      afXdp: afXdpUse(facts, ground),
    }),
  );
  return [...cards, ...kernels];
}

function linkState({ name, mac, mtu, up, link, speedMbps }: InterfaceFacts): LinkState {
  return { name, mac, mtu, up, link, speedMbps };
}

const TRIPLETS: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** @internal */
export function placesOfThisMachine(): Places {
  const triplet = TRIPLETS[process.arch] ?? `${process.arch}-linux-gnu`;
  const prefixes = ['/usr/lib', '/usr/local/lib', '/opt/mellanox/dpdk/lib'];
  return {
    sys: '/sys',
    proc: '/proc',
    dev: '/dev',
    libraries: prefixes.flatMap((prefix) => [join(prefix, triplet), `${prefix}64`, prefix]).filter(exists),
    programs: ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/mellanox/dpdk/bin'].filter(
      exists,
    ),
    drivers: driverFolders(),
  };
}

/** Where the native binary lies, and with it the driver library. */
function driverFolders(): string[] {
  let root: string;
  try {
    root = dirname(createRequire(import.meta.url).resolve('onpath/package.json'));
  } catch {
    // Bundled away from its package: then there is no driver to be found beside it.
    return [];
  }
  return [join(root, 'build', 'Release'), join(root, 'prebuilds', `${process.platform}-${process.arch}`)];
}
