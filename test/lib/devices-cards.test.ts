// What devices() says of PCI cards, on machines made of files.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DpdkUse } from '../../lib/devices.js';
import {
  ALL_MODULES,
  ANY,
  CARD,
  card,
  commands,
  e1000,
  type FakeMachine,
  kernel,
  machine,
  NOBODY,
  net_e1000,
  net_virtio,
  type PluginInfo,
} from '../support/sysfs.js';

const net_i40e: PluginInfo[] = [
  { name: 'net_i40e', kmod: ALL_MODULES, pci_ids: [[0x8086, 0x1572, ANY, ANY]] },
];
const net_mlx5: PluginInfo[] = [
  { name: 'mlx5_eth', kmod: '* ib_uverbs & mlx5_core & mlx5_ib', pci_ids: [[0x15b3, 0x101d, ANY, ANY]] },
];
const net_enetc: PluginInfo[] = [
  { name: 'net_enetc', kmod: '* vfio-pci', pci_ids: [[0x1957, 0xe100, ANY, ANY]] },
];
const net_ice: PluginInfo[] = [
  { name: 'net_ice_dcf', kmod: ALL_MODULES, pci_ids: [[0x8086, 0x1889, ANY, ANY]] },
  { name: 'net_iavf', kmod: ALL_MODULES, pci_ids: [[0x8086, 0x1889, ANY, ANY]] },
];
const net_cnxk: PluginInfo[] = [
  { name: 'cnxk_nix_inl', pci_ids: [[0x177d, 0xa063, ANY, ANY]] },
  { name: 'net_cn9k', kmod: 'vfio-pci', pci_ids: [[0x177d, 0xa063, ANY, 0x0000]] },
  { name: 'net_cn10k', kmod: 'vfio-pci', pci_ids: [[0x177d, 0xa063, ANY, 0xb900]] },
];
const mlx5 = { address: CARD, id: '15b3:101d', driver: 'mlx5_core', group: 12, verbs: true };
const BIND = (module: string) => `dpdk-devbind.py --bind=${module} ${CARD}`;

interface CardCase {
  readonly claim: string;
  readonly build: (machine: FakeMachine) => void;
  readonly usable: DpdkUse['usable'];
  readonly driver?: string;
  readonly commands?: readonly string[];
  readonly warns?: readonly RegExp[];
  readonly reason?: RegExp;
}

const cardCases: readonly CardCase[] = [
  {
    claim: 'an e1000 with its kernel driver, behind an IOMMU: load vfio-pci and bind',
    build(m) {
      m.ready({ net_e1000 });
      m.card({ ...e1000, group: 12 });
      m.interface({ name: 'eth1', card: CARD, up: false });
    },
    usable: 'afterSteps',
    driver: 'net_e1000_em',
    commands: ['modprobe vfio-pci', BIND('vfio-pci')],
  },
  {
    claim: 'an interface that is up: put it down first, with a warning',
    build(m) {
      m.ready({ net_e1000 });
      m.module('vfio_pci');
      m.card({ ...e1000, group: 12 });
      m.interface({ name: 'eth1', card: CARD });
      m.routes([['eth1', '000200C0', '00FFFFFF']]);
    },
    usable: 'afterSteps',
    driver: 'net_e1000_em',
    commands: ['ip link set dev eth1 down', BIND('vfio-pci')],
    warns: [/eth1 is up.*takes it from the kernel/],
  },
  {
    claim: 'no IOMMU: uio_pci_generic, and what is lost',
    build(m) {
      m.ready({ net_e1000 });
      m.card(e1000);
      m.interface({ name: 'eth1', card: CARD, up: false });
    },
    usable: 'afterSteps',
    driver: 'net_e1000_em',
    commands: ['modprobe uio_pci_generic', BIND('uio_pci_generic')],
    warns: [/no IOMMU confines.*needs root.*intel_iommu=on/],
  },
  {
    claim: 'a virtual function without an IOMMU: igb_uio, which Debian builds from dpdk-kmods-dkms',
    build(m) {
      m.ready({ net_e1000 });
      m.card({ address: CARD, id: '8086:10ca' });
    },
    usable: 'afterSteps',
    driver: 'net_e1000_igb_vf',
    commands: ['apt-get install dpdk-kmods-dkms && modprobe igb_uio', BIND('igb_uio')],
    warns: [/igb_uio/],
  },
  {
    claim: 'a driver that works over vfio-pci only, without an IOMMU: no, with the way to one',
    build(m) {
      m.ready({ net_enetc });
      m.card({ address: CARD, id: '1957:e100' });
    },
    usable: 'no',
    driver: 'net_enetc',
    reason: /net_enetc works over vfio-pci only.*intel_iommu=on/,
  },
  {
    claim: 'virtio bound to vfio-pci: yes',
    build(m) {
      m.ready({ net_virtio });
      m.card({ address: CARD, id: '1af4:1041', driver: 'vfio-pci', group: 12 });
      m.write('dev/vfio/12', '');
    },
    usable: 'yes',
    driver: 'net_virtio',
  },
  {
    claim: 'bound to vfio-pci in a container without the group: pass it in',
    build(m) {
      m.ready({ net_virtio });
      m.card({ address: CARD, id: '1af4:1041', driver: 'vfio-pci', group: 12 });
    },
    usable: 'afterSteps',
    driver: 'net_virtio',
    commands: ['docker run --device /dev/vfio/vfio --device /dev/vfio/12 --ulimit memlock=-1 IMAGE'],
  },
  {
    claim: 'bound to vfio-pci, not root: memory has to be lockable',
    build(m) {
      m.ready({ net_virtio });
      m.runAs(NOBODY);
      m.card({ address: CARD, id: '1af4:1041', driver: 'vfio-pci', group: 12 });
      m.write('dev/vfio/12', '');
    },
    usable: 'afterSteps',
    driver: 'net_virtio',
    commands: ['ulimit -l unlimited'],
  },
  {
    claim: 'igb under uio_pci_generic, as root: yes, with a warning',
    build(m) {
      m.ready({ net_e1000 });
      m.card({ address: CARD, id: '8086:10c9', driver: 'uio_pci_generic' });
    },
    usable: 'yes',
    driver: 'net_e1000_igb',
    warns: [/no IOMMU/],
  },
  {
    claim: 'igb under igb_uio, not root: run as root',
    build(m) {
      m.ready({ net_e1000 });
      m.runAs(NOBODY);
      m.card({ address: CARD, id: '8086:10c9', driver: 'igb_uio' });
    },
    usable: 'afterSteps',
    driver: 'net_e1000_igb',
    commands: ['sudo -E node app.js'],
    warns: [/no IOMMU/],
  },
  {
    claim: 'i40e without free hugepages on its node: more there, beside those in use',
    build(m) {
      m.ready({ net_i40e });
      m.hugepages(4000, { node: 0 });
      m.hugepages(8, { node: 1, reserved: 100 });
      m.card({ address: CARD, id: '8086:1572', driver: 'vfio-pci', group: 3, node: 1 });
      m.write('dev/vfio/3', '');
    },
    usable: 'afterSteps',
    driver: 'net_i40e',
    commands: ['echo 356 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages'],
  },
  {
    claim: 'free hugepages of 1 GB do',
    build(m) {
      m.ready({ net_i40e });
      m.hugepages(0);
      m.hugepages(1, { kilobytes: 1048576 });
      m.card({ address: CARD, id: '8086:1572', driver: 'vfio-pci', group: 3 });
      m.write('dev/vfio/3', '');
    },
    usable: 'yes',
    driver: 'net_i40e',
  },
  {
    claim: 'the card of the default route: no, and never a command that binds',
    build(m) {
      m.ready({ net_e1000 });
      m.card({ ...e1000, group: 12 });
      m.interface({ name: 'eth1', card: CARD });
      m.routes([['eth1', '00000000', '00000000']]);
    },
    usable: 'no',
    driver: 'net_e1000_em',
    reason: /carries the default route \(eth1\).*cut this host off/,
  },
  {
    claim: 'a card in one IOMMU group with that of the default route: no',
    build(m) {
      m.ready({ net_e1000 });
      m.card({ ...e1000, group: 12 });
      m.card({ ...e1000, address: '0000:03:00.1', group: 12 });
      m.interface({ name: 'eth2', card: '0000:03:00.1' });
      m.routes([['eth2', '00000000', '00000000']]);
    },
    usable: 'no',
    driver: 'net_e1000_em',
    reason: /0000:03:00\.1, which carries the default route, is in group 12/,
  },
  {
    claim: 'neighbours in the IOMMU group are to be bound too; bridges and what is with vfio are not',
    build(m) {
      m.ready({ net_e1000 });
      m.module('vfio_pci');
      m.card({ ...e1000, group: 12 });
      m.card({ ...e1000, address: '0000:03:00.1', group: 12 });
      m.card({ ...e1000, address: '0000:03:00.2', driver: 'vfio-pci', group: 12 });
      m.card({ address: '0000:00:1c.0', id: '8086:a110', class: '060400', driver: 'pcieport', group: 12 });
    },
    usable: 'afterSteps',
    driver: 'net_e1000_em',
    commands: [BIND('vfio-pci'), 'dpdk-devbind.py --bind=vfio-pci 0000:03:00.1'],
    warns: [
      /none of its interfaces is seen here.*network namespace/,
      /shares IOMMU group 12 with 0000:03:00\.1 \(e1000\)/,
    ],
  },
  {
    claim: 'mlx5 with its kernel driver, carrying the default route: yes, and nothing to bind',
    build(m) {
      m.ready({ net_mlx5 });
      m.write('lib/libibverbs.so.1', '');
      m.write('lib/libmlx5.so.1', '');
      m.card(mlx5);
      m.interface({ name: 'eth1', card: CARD, speed: 100000 });
      m.routes([['eth1', '00000000', '00000000']]);
    },
    usable: 'yes',
    driver: 'mlx5_eth',
    warns: [/eth1 carries the default route. It stays with the kernel/],
  },
  {
    claim: 'mlx5 without rdma-core, without verbs, not root',
    build(m) {
      m.ready({ net_mlx5 });
      m.runAs(NOBODY);
      m.card({ ...mlx5, verbs: false });
    },
    usable: 'afterSteps',
    driver: 'mlx5_eth',
    commands: [
      'apt-get install rdma-core ibverbs-providers',
      'modprobe -a ib_uverbs mlx5_ib',
      'sudo setpriv --reuid "$(id -u)" --regid "$(id -g)" --init-groups --inh-caps +net_raw,+net_admin,+ipc_lock --ambient-caps +net_raw,+net_admin,+ipc_lock node app.js',
    ],
  },
  {
    claim: 'mlx5 that somebody bound to vfio-pci: back to mlx5_core',
    build(m) {
      m.ready({ net_mlx5 });
      m.write('lib/libibverbs.so.1', '');
      m.write('lib/libmlx5.so.1', '');
      m.card({ ...mlx5, driver: 'vfio-pci' });
    },
    usable: 'afterSteps',
    driver: 'mlx5_eth',
    commands: [BIND('mlx5_core')],
  },
  {
    claim: 'a card that no plugin names: no, with its ids',
    build(m) {
      m.ready({ net_e1000 });
      m.card({ address: CARD, id: '10ec:8168', driver: 'r8169' });
    },
    usable: 'no',
    reason: /None of the 3 network drivers .* names the device 10ec:8168.*librte-meta-net/,
  },
  {
    claim: 'a card whose plugin is not installed, known by its kernel driver: install it',
    build(m) {
      m.ready({ net_virtio });
      m.card({ ...e1000, driver: 'e1000e', group: 12 });
      m.interface({ name: 'eth1', card: CARD, up: false });
    },
    usable: 'afterSteps',
    commands: [
      'apt-get install --no-install-recommends librte-net-e1000-23',
      'modprobe vfio-pci',
      BIND('vfio-pci'),
    ],
  },
  {
    claim: 'no DPDK and no driver library: all of it, in order',
    build(m) {
      m.card({ ...e1000, group: 12 });
      m.interface({ name: 'eth1', card: CARD, up: false });
    },
    usable: 'afterSteps',
    commands: [
      'apt-get install --no-install-recommends librte-meta-net librte-meta-mempool',
      'apt-get install libdpdk-dev && npm rebuild onpath',
      'echo 256 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages',
      'modprobe vfio-pci',
      'apt-get install --no-install-recommends dpdk',
      BIND('vfio-pci'),
    ],
  },
  {
    claim: 'no DPDK, a driver library for one ABI: the smallest packages of that ABI',
    build(m) {
      m.write('drivers/libonpath_dpdk.so.23', '');
      m.write('bin/dpdk-devbind.py', '');
      m.hugepages(256);
      m.card({ address: CARD, id: '1af4:1041', driver: 'virtio-pci', group: 12 });
      m.interface({ name: 'eth1', card: CARD, virtio: true, up: false });
    },
    usable: 'afterSteps',
    commands: [
      'apt-get install --no-install-recommends librte-net-virtio23 librte-mempool-ring23',
      'modprobe vfio-pci',
      BIND('vfio-pci'),
    ],
  },
  {
    claim: 'of two subsystems each has its driver, and helpers of a plugin are none',
    build(m) {
      m.ready({ net_cnxk });
      m.card({ address: CARD, id: '177d:a063', subsystem: '177d:b900', driver: 'vfio-pci', group: 12 });
      m.write('dev/vfio/12', '');
    },
    usable: 'yes',
    driver: 'net_cn10k',
  },
  {
    claim:
      'a virtual function of the 800 series goes to net_iavf, not to net_ice_dcf, which wants to be asked',
    build(m) {
      m.ready({ net_ice });
      m.card({ address: CARD, id: '8086:1889', driver: 'vfio-pci', group: 12 });
      m.write('dev/vfio/12', '');
    },
    usable: 'yes',
    driver: 'net_iavf',
  },
];

describe('a PCI card', () => {
  for (const { claim, build, usable, driver, reason, warns = [], ...expected } of cardCases) {
    test(claim, () => {
      const { dpdk } = card(machine(build));
      assert.deepEqual(commands(dpdk), expected.commands ?? []);
      assert.equal(dpdk.usable, usable);
      assert.equal(dpdk.driver, driver);
      assert.equal(dpdk.device, usable === 'no' ? undefined : CARD);
      assert.equal(dpdk.warnings.length, warns.length, dpdk.warnings.join('\n'));
      warns.forEach((pattern, i) => {
        assert.match(dpdk.warnings[i] ?? '', pattern);
      });
      assert.match(dpdk.reason ?? '', reason ?? /^$/);
    });
  }

  test('is described by what sysfs says; other classes are left out', () => {
    const all = machine((m) => {
      m.card({ ...e1000, group: 12, node: 1 });
      m.card({ address: '0000:00:02.0', id: '1af4:1042', class: '018000', driver: 'virtio-pci' });
      m.interface({ name: 'eth1', card: CARD, index: 4, speed: 1000, mtu: 9000 });
    });
    assert.equal(all.filter(({ kind }) => kind === 'pci').length, 1);
    const { dpdk: _, ...facts } = card(all);
    const link = { name: 'eth1', mac: '52:54:00:00:00:01', mtu: 9000, up: true, link: 'up', speedMbps: 1000 };
    assert.deepEqual(facts, {
      kind: 'pci',
      address: CARD,
      vendorId: '8086',
      deviceId: '100e',
      subsystemVendorId: '1af4',
      subsystemDeviceId: '1100',
      kernelDriver: 'e1000',
      numaNode: 1,
      iommuGroup: 12,
      interfaces: [link],
      carriesDefaultRoute: false,
    });
    const { dpdk: __, afXdp: ___, ...interfaceFacts } = kernel(all, 'eth1');
    assert.deepEqual(interfaceFacts, {
      kind: 'interface',
      ...link,
      type: 'physical',
      pciAddress: CARD,
      numaNode: 1,
      carriesDefaultRoute: false,
    });
  });
});
