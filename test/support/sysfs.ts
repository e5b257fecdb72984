/** Machines made of files: a sysfs, a procfs, DPDK's plugins, for tests of what reads them. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import {
  type Device,
  type DpdkUse,
  type KernelInterface,
  listDevices,
  type PciDevice,
} from '../../lib/devices.js';
import type { Places } from '../../lib/devices-sysfs.js';
import { temporaryFolder } from './tools.js';

export interface FakeCard {
  readonly address: string;
  /** vendor:device, as lspci prints it. */
  readonly id: string;
  readonly subsystem?: string;
  readonly class?: string;
  readonly driver?: string;
  readonly node?: number;
  readonly group?: number;
  readonly verbs?: boolean;
}

export interface FakeInterface {
  readonly name: string;
  readonly index?: number;
  /** Address of the card it belongs to. */
  readonly card?: string;
  /** A virtio device stands between card and interface. */
  readonly virtio?: boolean;
  readonly up?: boolean;
  readonly carrier?: boolean;
  readonly speed?: number;
  readonly mtu?: number;
  readonly mac?: string;
  readonly arpType?: number;
  readonly loopback?: boolean;
  /** Further files in its folder, and folders: names that end in "/". */
  readonly files?: Readonly<Record<string, string>>;
}

/** Capabilities of root, and of anybody else. */
export const ROOT = '000001ffffffffff';
export const NOBODY = '0000000000000000';

/** A machine below `root`, without devices, DPDK or hugepages until they are added. */
export class FakeMachine {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.runAs(ROOT);
    this.write(
      'proc/self/limits',
      'Max locked memory         8388608              8388608              bytes\n',
    );
    this.routes([]);
    for (const folder of ['sys/class/net', 'sys/bus/pci/devices', 'sys/kernel/mm', 'lib', 'bin', 'drivers']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
  }

  get places(): Places {
    const at = (name: string) => join(this.#root, name);
    return {
      sys: at('sys'),
      proc: at('proc'),
      dev: at('dev'),
      libraries: [at('lib')],
      programs: [at('bin')],
      drivers: [at('drivers')],
    };
  }

  path(name: string): string {
    return join(this.#root, name);
  }

  write(name: string, content: string | Uint8Array): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
  }

  link(name: string, target: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    symlinkSync(target, this.path(name));
  }

  unreadable(name: string): void {
    chmodSync(this.path(name), 0);
  }

  runAs(capabilities: string): void {
    this.write('proc/self/status', `Name:\tnode\nCapEff:\t${capabilities}\nCapBnd:\t${ROOT}\n`);
  }

  card(card: FakeCard): void {
    const folder = cardFolder(card.address);
    const [vendor, device] = card.id.split(':');
    const [subvendor, subdevice] = (card.subsystem ?? '0000:0000').split(':');
    this.#attributes(folder, {
      class: `0x${card.class ?? '020000'}`,
      vendor: `0x${vendor}`,
      device: `0x${device}`,
      subsystem_vendor: `0x${subvendor}`,
      subsystem_device: `0x${subdevice}`,
      numa_node: String(card.node ?? -1),
    });
    this.link(`sys/bus/pci/devices/${card.address}`, `../../../${relative('sys', folder)}`);
    if (card.driver !== undefined) {
      this.link(`${folder}/driver`, `../../../bus/pci/drivers/${card.driver}`);
      if (/^(vfio|uio|igb_uio)/.test(card.driver)) this.module(card.driver.replaceAll('-', '_'));
    }
    if (card.group !== undefined) {
      this.link(`${folder}/iommu_group`, `../../../kernel/iommu_groups/${card.group}`);
      this.link(`sys/kernel/iommu_groups/${card.group}/devices/${card.address}`, `../../../../${folder}`);
    }
    if (card.verbs === true) this.write(`${folder}/infiniband_verbs/uverbs0/ibdev`, 'mlx5_0\n');
  }

  interface(one: FakeInterface): void {
    const { name, index = 7, up = true, carrier = up } = one;
    const parent =
      one.card === undefined
        ? 'sys/devices/virtual'
        : `${cardFolder(one.card)}${one.virtio === true ? '/virtio2' : ''}`;
    const folder = `${parent}/net/${name}`;
    this.#attributes(folder, {
      address: one.mac ?? '52:54:00:00:00:01',
      mtu: String(one.mtu ?? 1500),
      type: String(one.arpType ?? (one.loopback === true ? 772 : 1)),
      flags: `0x${((up ? 1 : 0) | (one.loopback === true ? 8 : 0x1002)).toString(16)}`,
      ifindex: String(index),
      iflink: String(index),
      speed: String(carrier ? (one.speed ?? -1) : -1),
      ...(up ? { carrier: carrier ? '1' : '0' } : {}),
      uevent: `INTERFACE=${name}`,
      ...one.files,
    });
    if (one.card !== undefined) this.link(`${folder}/device`, '../..');
    this.link(`sys/class/net/${name}`, `../../${relative('sys', folder)}`);
  }

  /** IPv4 routes: interface, and destination/mask as the kernel prints them. */
  routes(
    routes: readonly (readonly [name: string, destination: string, mask: string, flags?: string])[],
  ): void {
    const lines = routes.map(
      ([name, destination, mask, flags = '0003']) =>
        `${name}\t${destination}\t010200C0\t${flags}\t0\t0\t0\t${mask}\t0\t0\t0`,
    );
    this.write('proc/net/route', ['Iface\tDestination\tGateway\tFlags', ...lines, ''].join('\n'));
  }

  module(name: string): void {
    mkdirSync(this.path(`sys/module/${name}`), { recursive: true });
  }

  hugepages(free: number, options: { reserved?: number; kilobytes?: number; node?: number } = {}): void {
    const { reserved = free, kilobytes = 2048, node } = options;
    const folder = node === undefined ? 'sys/kernel/mm' : `sys/devices/system/node/node${node}`;
    this.#attributes(`${folder}/hugepages/hugepages-${kilobytes}kB`, {
      nr_hugepages: String(reserved),
      free_hugepages: String(free),
    });
  }

  /** Plugins as Debian installs them: a file and a link to it. */
  dpdk(plugins: Readonly<Record<string, readonly PluginInfo[]>>, abi = '23'): void {
    for (const [plugin, drivers] of Object.entries(plugins)) {
      this.plugin(plugin, pluginBytes(drivers.map((driver) => JSON.stringify(driver))), abi);
    }
  }

  plugin(plugin: string, bytes: Uint8Array, abi = '23'): void {
    const folder = `lib/dpdk/pmds-${abi}.0`;
    this.write(`${folder}/librte_${plugin}.so.${abi}.0`, bytes);
    this.link(`${folder}/librte_${plugin}.so.${abi}`, `librte_${plugin}.so.${abi}.0`);
  }

  /** All that a port needs beside its card: onpath's driver library, hugepages, dpdk-devbind.py, DPDK with these plugins. */
  ready(plugins: Readonly<Record<string, readonly PluginInfo[]>>): void {
    this.dpdk({ ...plugins, mempool_ring: [] });
    this.write('drivers/libonpath_dpdk.so.23', '');
    this.write('bin/dpdk-devbind.py', '');
    this.hugepages(256);
  }

  #attributes(folder: string, files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      if (name.endsWith('/')) mkdirSync(this.path(`${folder}/${name}`), { recursive: true });
      else this.write(`${folder}/${name}`, `${content}\n`);
    }
  }
}

export interface PluginInfo {
  readonly name: string;
  readonly kmod?: string;
  readonly pci_ids?: readonly (readonly number[])[];
}

/** Descriptions among machine code, each ended by a zero byte. */
export function pluginBytes(descriptions: readonly string[]): Uint8Array {
  const code = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0, 0x90]);
  return Buffer.concat([
    code,
    ...descriptions.map((text) => Buffer.from(`PMD_INFO_STRING= ${text}\0\xff\0`, 'latin1')),
    code,
  ]);
}

function cardFolder(address: string): string {
  return `sys/devices/pci0000:00/${address}`;
}

/** Any id, in a plugin. */
export const ANY = 65535;
export const ALL_MODULES = '* igb_uio | uio_pci_generic | vfio-pci';

export const net_e1000: PluginInfo[] = [
  { name: 'net_e1000_igb_vf', kmod: '* igb_uio | vfio-pci', pci_ids: [[0x8086, 0x10ca, ANY, ANY]] },
  { name: 'net_e1000_igb', kmod: ALL_MODULES, pci_ids: [[0x8086, 0x10c9, ANY, ANY]] },
  { name: 'net_e1000_em', kmod: ALL_MODULES, pci_ids: [[0x8086, 0x100e, ANY, ANY]] },
];
export const net_virtio: PluginInfo[] = [
  { name: 'net_virtio_user' },
  { name: 'net_virtio', kmod: ALL_MODULES, pci_ids: [[0x1af4, 0x1041, ANY, ANY]] },
];
export const virtualPlugins = {
  net_af_packet: [{ name: 'net_af_packet' }],
  net_af_xdp: [{ name: 'net_af_xdp' }],
};
export const CARD = '0000:03:00.0';

export const e1000 = { address: CARD, id: '8086:100e', subsystem: '1af4:1100', driver: 'e1000' };

/** The devices of a machine that is built by `build`. */
export function machine(build: (machine: FakeMachine) => void): Device[] {
  using folder = temporaryFolder();
  const made = new FakeMachine(folder.path);
  build(made);
  return listDevices(made.places);
}

export function card(all: readonly Device[], address = CARD): PciDevice {
  const found = all.find((one) => one.kind === 'pci' && one.address === address);
  assert.ok(found?.kind === 'pci', `no card ${address}`);
  return found;
}

export function kernel(all: readonly Device[], name: string): KernelInterface {
  const found = all.find((one) => one.kind === 'interface' && one.name === name);
  assert.ok(found?.kind === 'interface', `no interface ${name}`);
  return found;
}

export const commands = (use: DpdkUse) => use.missing.map(({ command }) => command);
