/**
 * What of DPDK is installed: its plugin folders, and which PCI devices each network driver names. Plugins are read as bytes and
 * never loaded: each driver leaves a text `PMD_INFO_STRING= {"name": ..., "pci_ids": [[vendor, device, subvendor, subdevice], ...]}`,
 * the one that `dpdk-pmdinfo.py` prints.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { exists, type PciFacts, type Places, readBytes, readNames } from './devices-sysfs.js';

/** DPDK by the number of its ABI, which is in the names of its libraries and packages. */
export const DPDK_RELEASES: Readonly<Record<string, string>> = {
  '23': '22.11',
  '24': '23.11',
  '25': '24.11',
  '26': '25.11',
};

/** A poll-mode driver, as its plugin describes it. */
export interface PollModeDriver {
  /** net_e1000_em */
  readonly name: string;
  /** The plugin it lies in, without `librte_` and `.so`: net_e1000. */
  readonly plugin: string;
  /** Kernel drivers that a device may be bound to for it; empty if it does not say. */
  readonly kernelDrivers: readonly string[];
  /** Vendor, device, subsystem vendor, subsystem device; 65535 stands for any. */
  readonly ids: readonly (readonly number[])[];
}

/** The DPDK that ports would use. */
export interface InstalledDpdk {
  readonly abi: string;
  readonly folder: string;
  /** Names of all its plugins, without `librte_` and `.so`. */
  readonly plugins: ReadonlySet<string>;
  readonly drivers: readonly PollModeDriver[];
}

/** Which ABIs onpath's own driver library is there for. */
export function driverAbis({ drivers }: Places): string[] {
  return Object.keys(DPDK_RELEASES).filter((abi) =>
    drivers.some((folder) => exists(join(folder, driverLibrary(abi)))),
  );
}

export function driverLibrary(abi: string): string {
  return `libonpath_dpdk.so.${abi}`;
}

/** Of several releases the newest that onpath's driver library is there for, else the newest. */
export function findDpdk(places: Places): InstalledDpdk | undefined {
  const found = places.libraries
    .flatMap((library) =>
      readNames(join(library, 'dpdk')).map((name) => ({ name, folder: join(library, 'dpdk', name) })),
    )
    .flatMap(({ name, folder }) => {
      const abi = /^pmds-(\d{1,3})\.\d{1,3}$/.exec(name)?.[1];
      return abi !== undefined && abi in DPDK_RELEASES ? [{ abi, folder }] : [];
    })
    .filter(({ folder }) => readNames(folder).some((file) => PLUGIN_FILE.test(file)))
    .sort((a, b) => Number(b.abi) - Number(a.abi));
  const served = driverAbis(places);
  const best = found.find(({ abi }) => served.includes(abi)) ?? found[0];
  return best === undefined ? undefined : { ...best, ...readPlugins(best.folder) };
}

const PLUGIN_FILE = /^librte_([a-z0-9_]{1,60})\.so(?:\.\d{1,3}){0,3}$/;
/** The largest plugin of DPDK 22.11 has 2.5 MB. */
const LARGEST_PLUGIN_BYTES = 64 << 20;

function readPlugins(folder: string): Pick<InstalledDpdk, 'plugins' | 'drivers'> {
  // One plugin goes by several names: the file and links to it, some of which may lead nowhere.
  const files = new Map<string, string[]>();
  for (const file of readNames(folder)) {
    const plugin = PLUGIN_FILE.exec(file)?.[1];
    if (plugin !== undefined) files.set(plugin, [...(files.get(plugin) ?? []), join(folder, file)]);
  }
  const plugins = new Set<string>();
  const drivers: PollModeDriver[] = [];
  for (const [plugin, paths] of files) {
    const path = paths.find(exists);
    if (path === undefined) continue;
    plugins.add(plugin);
    if (plugin.startsWith('net_')) drivers.push(...readPlugin(path, plugin));
  }
  return { plugins, drivers };
}

/** Plugins already read, by path: some 15 MB are read the first time. An upgrade changes size or time. */
const alreadyRead = new Map<string, { stamp: string; drivers: readonly PollModeDriver[] }>();

function readPlugin(path: string, plugin: string): readonly PollModeDriver[] {
  const stamp = stampOf(path);
  const known = alreadyRead.get(path);
  if (known !== undefined && known.stamp === stamp) return known.drivers;
  const bytes = readBytes(path, LARGEST_PLUGIN_BYTES, true);
  const drivers = bytes === undefined ? [] : driversIn(bytes, plugin);
  alreadyRead.set(path, { stamp, drivers });
  return drivers;
}

function stampOf(path: string): string {
  try {
    const { size, mtimeMs, ino } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}

const MARK = 'PMD_INFO_STRING= ';
const LONGEST_DESCRIPTION = 1 << 20;

function driversIn(bytes: Buffer, plugin: string): PollModeDriver[] {
  const drivers: PollModeDriver[] = [];
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    const start = at + MARK.length;
    const end = bytes.indexOf(0, start);
    if (end < 0 || end - start > LONGEST_DESCRIPTION) continue;
    const driver = parseDriver(bytes.toString('utf8', start, end), plugin);
    if (driver !== undefined) drivers.push(driver);
  }
  return drivers;
}

function parseDriver(text: string, plugin: string): PollModeDriver | undefined {
  let described: unknown;
  try {
    described = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof described !== 'object' || described === null) return undefined;
  const { name, kmod, pci_ids: ids } = described as Record<string, unknown>;
  // Plugins of network devices hold helpers too (cnxk_nix_inl), which make no port.
  if (typeof name !== 'string' || !/^(net_|mlx)[\w-]{1,60}$/.test(name)) return undefined;
  return {
    name,
    plugin,
    kernelDrivers:
      typeof kmod === 'string'
        ? (kmod.match(/[\w-]+/g) ?? []).map((one) => (one === 'vfio' ? 'vfio-pci' : one))
        : [],
    ids: Array.isArray(ids) ? ids.filter(isPciId) : [],
  };
}

function isPciId(value: unknown): value is number[] {
  return Array.isArray(value) && value.length === 4 && value.every((one) => Number.isInteger(one));
}

const ANY_ID = 0xffff;

/** The driver that names the device; one that names its subsystem goes before one that takes any. */
export function matchDriver(dpdk: InstalledDpdk, device: PciFacts): PollModeDriver | undefined {
  const ids = [device.vendorId, device.deviceId, device.subsystemVendorId, device.subsystemDeviceId].map(
    (id) => (id === undefined ? undefined : Number.parseInt(id, 16)),
  );
  let best: PollModeDriver | undefined;
  let bestRank = -1;
  for (const driver of dpdk.drivers) {
    for (const id of driver.ids) {
      if (!id.every((one, i) => one === ids[i] || (i >= 2 && one === ANY_ID))) continue;
      // net_ice_dcf takes the virtual functions of net_iavf only when told to (cap=dcf).
      const rank = driver.name.endsWith('_dcf') ? 0 : 1 + id.filter((one) => one !== ANY_ID).length;
      if (rank > bestRank) [best, bestRank] = [driver, rank];
    }
  }
  return best;
}

/** DPDK's plugin for what a kernel driver drives: a hint at what to install where the plugin cannot be asked. */
const PLUGIN_OF_KERNEL_DRIVER: Readonly<Record<string, string>> = {
  atlantic: 'net_atlantic',
  bnx2x: 'net_bnx2x',
  bnxt_en: 'net_bnxt',
  cxgb4: 'net_cxgbe',
  e1000: 'net_e1000',
  e1000e: 'net_e1000',
  ena: 'net_ena',
  enic: 'net_enic',
  fm10k: 'net_fm10k',
  gve: 'net_gve',
  hinic: 'net_hinic',
  hns3: 'net_hns3',
  i40e: 'net_i40e',
  iavf: 'net_iavf',
  ice: 'net_ice',
  idpf: 'net_idpf',
  igb: 'net_e1000',
  igbvf: 'net_e1000',
  igc: 'net_igc',
  ionic: 'net_ionic',
  ixgbe: 'net_ixgbe',
  ixgbevf: 'net_ixgbe',
  mlx4_core: 'net_mlx4',
  mlx5_core: 'net_mlx5',
  nfp: 'net_nfp',
  qede: 'net_qede',
  sfc: 'net_sfc',
  'virtio-pci': 'net_virtio',
  vmxnet3: 'net_vmxnet3',
};

export function likelyPlugin(device: PciFacts): string | undefined {
  return PLUGIN_OF_KERNEL_DRIVER[device.kernelDriver ?? ''];
}

/** Debian's package of a plugin: librte-net-e1000-23, librte-net-virtio23. */
export function packageOf(plugin: string, abi: string): string {
  const name = `librte-${plugin.replaceAll('_', '-')}`;
  return /\d$/.test(name) ? `${name}-${abi}` : `${name}${abi}`;
}
