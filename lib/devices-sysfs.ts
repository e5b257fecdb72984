/**
 * What the kernel tells about network devices: bounded reads of sysfs and procfs, as plain facts. What is absent, unreadable or
 * nonsense is undefined; nothing here throws. Knows nothing of DPDK.
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { InterfaceType, LinkState } from './devices.js';

/** Where to look. Tests give trees of their own. */
export interface Places {
  /** `/sys` */
  readonly sys: string;
  /** `/proc` */
  readonly proc: string;
  /** `/dev` */
  readonly dev: string;
  /** Folders of shared libraries; DPDK's plugins lie below them, in `dpdk/pmds-<ABI>.<minor>`. */
  readonly libraries: readonly string[];
  /** Folders of programs, for `dpdk-devbind.py`. */
  readonly programs: readonly string[];
  /** Folders that may hold `libonpath_dpdk.so.<ABI>`. */
  readonly drivers: readonly string[];
}

/** The facts of one kernel interface. */
export interface InterfaceFacts extends LinkState {
  readonly type: InterfaceType;
  /** Number of the interface in its network namespace. */
  readonly index: number | undefined;
  /** False for what has no Ethernet header: tun, IP tunnels, InfiniBand. */
  readonly ethernet: boolean;
  readonly pciAddress: string | undefined;
  readonly numaNode: number | undefined;
  /** Interfaces it is built on: members of a bond or bridge, the parent of a VLAN. */
  readonly lowers: readonly string[];
}

/** The facts of one PCI function. */
export interface PciFacts {
  readonly address: string;
  readonly vendorId: string | undefined;
  readonly deviceId: string | undefined;
  readonly subsystemVendorId: string | undefined;
  readonly subsystemDeviceId: string | undefined;
  readonly kernelDriver: string | undefined;
  readonly numaNode: number | undefined;
  readonly iommuGroup: number | undefined;
  /** True once its RDMA driver has given it a verbs device, which mlx4 and mlx5 are driven through. */
  readonly verbs: boolean;
}

const LONGEST_ATTRIBUTE = 4096;
const READ_BYTES = 1 << 16;
/** A full Internet routing table is longer; its default routes come first in /proc/net/route. */
const LONGEST_ROUTES = 4 << 20;
const PCI_ADDRESS = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;
const NETWORK_CLASS = 0x02;

/** The first `most` bytes of a regular file; undefined if it cannot be read, or is longer and `whole` is asked for. */
export function readBytes(path: string, most: number, whole = false): Buffer | undefined {
  let file: number | undefined;
  try {
    // O_NONBLOCK: opening a named pipe would wait for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile() || (whole && stat.size > most)) return undefined;
    const parts: Buffer[] = [];
    let left = most;
    // Sizes in sysfs and procfs are made up (4096 or 0), so only the end of the file counts.
    for (let chunk = Math.max(stat.size, READ_BYTES); left > 0; chunk = READ_BYTES) {
      const part = Buffer.allocUnsafe(Math.min(left, chunk));
      const got = readSync(file, part);
      if (got === 0) break;
      parts.push(part.subarray(0, got));
      left -= got;
    }
    return Buffer.concat(parts);
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

export function readText(path: string, most = LONGEST_ATTRIBUTE): string | undefined {
  return readBytes(path, most)?.toString('utf8').trim();
}

/** A decimal number that is an integer of JavaScript. */
export function readInteger(path: string): number | undefined {
  const text = readText(path);
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function readHex(path: string): number | undefined {
  const text = readText(path);
  return text !== undefined && /^0x[0-9a-f]{1,8}$/i.test(text) ? Number(text) : undefined;
}

/** Names in a folder, sorted; none if it cannot be read. */
export function readNames(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** The last name of what a link points to, which need not exist. */
function linkName(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined;
  }
}

export function exists(path: string): boolean {
  return mayAccess(path, constants.F_OK);
}

/** True if this process may do what `mode` (of `fs.constants`) says; symbolic links are followed. */
export function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** PCI functions of class 02 (network controllers), in the order of their addresses. */
export function readPciNetworkDevices({ sys }: Places): PciFacts[] {
  const folder = join(sys, 'bus/pci/devices');
  return readNames(folder)
    .filter((address) => PCI_ADDRESS.test(address))
    .filter((address) => (readHex(join(folder, address, 'class')) ?? 0) >>> 16 === NETWORK_CLASS)
    .map((address) => {
      const at = (name: string) => join(folder, address, name);
      const group = linkName(at('iommu_group'));
      return {
        address,
        vendorId: readId(at('vendor')),
        deviceId: readId(at('device')),
        subsystemVendorId: readId(at('subsystem_vendor')),
        subsystemDeviceId: readId(at('subsystem_device')),
        kernelDriver: linkName(at('driver')),
        numaNode: readNode(at('numa_node')),
        iommuGroup: group !== undefined && /^\d{1,9}$/.test(group) ? Number(group) : undefined,
        verbs: readNames(at('infiniband_verbs')).length > 0,
      };
    });
}

/** The driver a PCI function of any class is bound to, and whether it is a bridge. */
export function readGroupMembers(
  { sys }: Places,
  group: number,
): { address: string; driver: string | undefined; bridge: boolean }[] {
  return readNames(join(sys, 'kernel/iommu_groups', String(group), 'devices'))
    .filter((address) => PCI_ADDRESS.test(address))
    .map((address) => {
      const folder = join(sys, 'bus/pci/devices', address);
      return {
        address,
        driver: linkName(join(folder, 'driver')),
        bridge: (readHex(join(folder, 'class')) ?? 0) >>> 16 === 0x06,
      };
    });
}

function readId(path: string): string | undefined {
  const id = readHex(path);
  return id !== undefined && id <= 0xffff ? id.toString(16).padStart(4, '0') : undefined;
}

function readNode(path: string): number | undefined {
  const node = readInteger(path);
  return node !== undefined && node >= 0 && node < 1 << 16 ? node : undefined;
}

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const ARPHRD_ETHER = 1;
const FASTEST_MBPS = 100_000_000;

/** The kernel interfaces of this network namespace, sorted by name. */
export function readInterfaces({ sys }: Places): InterfaceFacts[] {
  const folder = join(sys, 'class/net');
  return (
    readNames(folder)
      // `bonding_masters` lies there too, and is a file.
      .filter((name) => isFolder(join(folder, name)))
      .map((name) => readInterface(sys, name))
  );
}

function readInterface(sys: string, name: string): InterfaceFacts {
  const folder = join(sys, 'class/net', name);
  const at = (file: string) => join(folder, file);
  const flags = readHex(at('flags')) ?? 0;
  const arpType = readInteger(at('type'));
  const mac = readText(at('address'));
  const mtu = readInteger(at('mtu'));
  const speed = readInteger(at('speed'));
  const carrier = readText(at('carrier'));
  const names = readNames(folder);
  const pciAddress = pciAddressOf(at('device'));
  return {
    name,
    type: interfaceType(folder, names, flags, arpType),
    index: readInteger(at('ifindex')),
    ethernet: arpType === ARPHRD_ETHER,
    mac: mac !== undefined && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) ? mac : undefined,
    mtu: mtu !== undefined && mtu > 0 ? mtu : undefined,
    up: (flags & IFF_UP) !== 0,
    link: carrier === '1' ? 'up' : carrier === '0' ? 'down' : undefined,
    // Unknown is -1, or the same as an unsigned number in older kernels.
    speedMbps: speed !== undefined && speed > 0 && speed <= FASTEST_MBPS ? speed : undefined,
    pciAddress,
    numaNode: readNode(
      pciAddress === undefined
        ? at('device/numa_node')
        : join(sys, 'bus/pci/devices', pciAddress, 'numa_node'),
    ),
    lowers: names.filter((entry) => entry.startsWith('lower_')).map((entry) => entry.slice('lower_'.length)),
  };
}

function interfaceType(
  folder: string,
  names: readonly string[],
  flags: number,
  arpType: number | undefined,
): InterfaceType {
  if ((flags & IFF_LOOPBACK) !== 0) return 'loopback';
  const tun = readHex(join(folder, 'tun_flags'));
  if (tun !== undefined) return (tun & 0x2) !== 0 ? 'tap' : 'tun';
  if (names.includes('bridge')) return 'bridge';
  if (names.includes('bonding')) return 'bond';
  const kind = /^DEVTYPE=(.+)$/m.exec(readText(join(folder, 'uevent')) ?? '')?.[1];
  if (kind === 'vlan') return 'vlan';
  if (names.includes('device')) return 'physical';
  // The kernel does not name a veth: it is what links to another interface, lies on none and has no kind of its own.
  const linked = readInteger(join(folder, 'iflink')) !== readInteger(join(folder, 'ifindex'));
  const onAnother = names.some((name) => name.startsWith('lower_'));
  return kind === undefined && arpType === ARPHRD_ETHER && linked && !onAnother ? 'veth' : 'other';
}

/** The PCI function right behind an interface, or behind its virtio device; not the host controller of a USB adapter. */
function pciAddressOf(deviceLink: string): string | undefined {
  let folder: string;
  try {
    folder = realpathSync(deviceLink);
  } catch {
    return undefined;
  }
  if (/^virtio\d+$/.test(basename(folder))) folder = dirname(folder);
  const address = basename(folder);
  return PCI_ADDRESS.test(address) ? address : undefined;
}

const RTF_UP = 0x1;
const RTF_REJECT = 0x200;

/**
 * Names of the interfaces that a default route leads through, and of all they are built on: with the route over a bridge or bond
 * its members carry it. "Default" is any prefix so short that it is one in effect (0/0, or 0/1 beside 128/1, or 2000::/3).
 */
export function readDefaultRouteCarriers(
  { proc }: Places,
  interfaces: readonly InterfaceFacts[],
): Set<string> {
  const carriers = new Set<string>();
  for (const line of lines(join(proc, 'net/route'))) {
    const [name, , , flags, , , , mask] = line.split(/\s+/);
    // In the byte order of the machine.
    if (mask !== undefined && /^(00000000|00000080|80000000)$/.test(mask)) addRoute(name, flags);
  }
  for (const line of lines(join(proc, 'net/ipv6_route'))) {
    const fields = line.trim().split(/\s+/);
    if (/^0[0-3]$/.test(fields[1] ?? '')) addRoute(fields[9], fields[8]);
  }
  const byName = new Map(interfaces.map((one) => [one.name, one]));
  // A set hands out what is added while it is walked, and each name once: rings end.
  for (const name of carriers) for (const lower of byName.get(name)?.lowers ?? []) carriers.add(lower);
  return carriers;

  function addRoute(name: string | undefined, flags: string | undefined): void {
    if (name === undefined || flags === undefined || !/^[0-9a-f]{4,8}$/i.test(flags)) return;
    const bits = Number.parseInt(flags, 16);
    if ((bits & RTF_UP) !== 0 && (bits & RTF_REJECT) === 0) carriers.add(name);
  }
}

function lines(path: string): string[] {
  return readText(path, LONGEST_ROUTES)?.split('\n') ?? [];
}

/** Bits of this process's effective capabilities; undefined if the kernel does not tell. */
export function readCapabilities({ proc }: Places): bigint | undefined {
  const hex = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(readText(join(proc, 'self/status'), 1 << 16) ?? '')?.[1];
  return hex === undefined ? undefined : BigInt(`0x${hex}`);
}

/** How many bytes this process may lock; Infinity without a limit, undefined if the kernel does not tell. */
export function readLockableBytes({ proc }: Places): number | undefined {
  const soft = /^Max locked memory +(\d{1,20}|unlimited) /m.exec(
    readText(join(proc, 'self/limits')) ?? '',
  )?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft);
}

/** Hugepages of one size. */
export interface Hugepages {
  readonly kilobytes: number;
  readonly reserved: number;
  readonly free: number;
}

/** Where hugepages of a NUMA node are counted (of the machine where `node` is undefined or not told apart), below /sys. */
export function hugepagesFolder({ sys }: Places, node: number | undefined): string {
  const ofNode = `devices/system/node/node${node}/hugepages`;
  return node !== undefined && readNames(join(sys, ofNode)).length > 0 ? ofNode : 'kernel/mm/hugepages';
}

export function readHugepages({ sys }: Places, folder: string): Hugepages[] {
  return readNames(join(sys, folder)).flatMap((name) => {
    const kilobytes = Number(/^hugepages-(\d{1,9})kB$/.exec(name)?.[1] ?? 0);
    if (kilobytes === 0) return [];
    const count = (file: string) => Math.max(0, readInteger(join(sys, folder, name, file)) ?? 0);
    return [{ kilobytes, reserved: count('nr_hugepages'), free: count('free_hugepages') }];
  });
}
