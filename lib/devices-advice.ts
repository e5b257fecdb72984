/**
 * From facts to advice: can DPDK drive this device, and what is missing. Decides and words; starts nothing. Steps stand in the
 * order in which they are to be carried out.
 */
import { constants } from 'node:fs';
import { join } from 'node:path';
import type { DpdkUse, MissingStep } from './devices.js';
import { likelyPlugin, matchDriver, type PollModeDriver } from './devices-plugins.js';
import {
  type Capability,
  capabilitySteps,
  type Ground,
  has,
  hugepageSteps,
  installSteps,
  LEAST_HUGEPAGE_BYTES,
  quote,
} from './devices-steps.js';
import { exists, type InterfaceFacts, mayAccess, type PciFacts, readGroupMembers } from './devices-sysfs.js';

/** Kernel modules that hand a PCI function to a program. */
const HANDING_MODULES = ['vfio-pci', 'uio_pci_generic', 'igb_uio'];
/** Functions driven through the kernel's RDMA stack beside their kernel driver; they must stay with it. */
const BIFURCATED: Readonly<Record<string, { kernelDriver: string; rdma: string; library: string }>> = {
  net_mlx4: { kernelDriver: 'mlx4_core', rdma: 'mlx4_ib', library: 'libmlx4.so.1' },
  net_mlx5: { kernelDriver: 'mlx5_core', rdma: 'mlx5_ib', library: 'libmlx5.so.1' },
};
const MELLANOX = '15b3';

/** net_af_packet's frame of 2048 bytes less the kernel's header in it, an Ethernet header and a VLAN tag. */
const LARGEST_AF_PACKET_MTU = 2048 - 52 - 18;

function unusable(reason: string, driver?: string): DpdkUse {
  return { usable: 'no', reason, driver, device: undefined, missing: [], warnings: [] };
}

function use(
  driver: string | undefined,
  device: string,
  missing: MissingStep[],
  warnings: string[],
): DpdkUse {
  return {
    usable: missing.length === 0 ? 'yes' : 'afterSteps',
    reason: undefined,
    driver,
    device,
    missing,
    warnings,
  };
}

/** Advice on a PCI function and the interfaces it carries. */
export function pciUse(device: PciFacts, interfaces: readonly InterfaceFacts[], ground: Ground): DpdkUse {
  const { dpdk } = ground;
  const driver = dpdk === undefined ? undefined : matchDriver(dpdk, device);
  const plugin =
    driver?.plugin ??
    likelyPlugin(device) ??
    // An mlx5 that is bound to nothing; the mlx4 generation ends at device id 100f.
    (device.vendorId === MELLANOX
      ? (device.deviceId ?? '') <= '100f'
        ? 'net_mlx4'
        : 'net_mlx5'
      : undefined);
  if (dpdk !== undefined && driver === undefined && (plugin === undefined || dpdk.plugins.has(plugin))) {
    return unusable(
      `None of the ${dpdk.drivers.length} network drivers in ${dpdk.folder} names the device ${device.vendorId ?? '?'}:${device.deviceId ?? '?'}. ` +
        'Use its kernel interface, or another card; `apt-get install librte-meta-net` brings every driver that Debian has.',
    );
  }
  const bifurcated = BIFURCATED[plugin ?? ''];
  const binding =
    bifurcated === undefined
      ? handOver(device, interfaces, driver, ground)
      : stayWithKernel(device, interfaces, bifurcated, ground);
  if ('reason' in binding) return unusable(binding.reason, driver?.name);
  const missing = [
    ...installSteps(plugin === undefined ? [] : [plugin], ground),
    ...hugepageSteps(device.numaNode, ground),
    ...binding.steps,
  ];
  return use(driver?.name, device.address, missing, binding.warnings);
}

type Binding = { readonly steps: MissingStep[]; readonly warnings: string[] } | { readonly reason: string };

/** mlx4 and mlx5: the kernel driver stays, and the program reaches queues through verbs. */
function stayWithKernel(
  device: PciFacts,
  interfaces: readonly InterfaceFacts[],
  { kernelDriver, rdma, library }: { kernelDriver: string; rdma: string; library: string },
  ground: Ground,
): Binding {
  const steps: MissingStep[] = [];
  const warnings: string[] = [];
  const missingLibraries = ['libibverbs.so.1', library].filter(
    (file) => !ground.places.libraries.some((folder) => exists(join(folder, file))),
  );
  if (missingLibraries.length > 0) {
    steps.push({
      what: `${missingLibraries.join(' and ')} of rdma-core not found in ${ground.places.libraries.join(', ')}: DPDK drives this card through them.`,
      command: 'apt-get install rdma-core ibverbs-providers',
    });
  }
  if (device.kernelDriver === undefined) {
    steps.push({
      what: `${device.address} has no kernel driver; it is driven through ${kernelDriver}.`,
      command: `modprobe ${kernelDriver}`,
    });
  } else if (device.kernelDriver !== kernelDriver) {
    steps.push(
      ...devbindSteps(ground),
      bindStep(
        `${device.address} is bound to ${device.kernelDriver}; DPDK drives it through ${kernelDriver}, and only while it is bound to that.`,
        device.address,
        kernelDriver,
      ),
    );
  }
  if (!device.verbs) {
    steps.push({
      what: `${device.address} has no verbs device: the modules ib_uverbs and ${rdma} make it.`,
      command: `modprobe -a ib_uverbs ${rdma}`,
    });
  }
  steps.push(...capabilitySteps(['net_raw', 'net_admin', 'ipc_lock'], 'DPDK drives this card with', ground));
  for (const { name } of interfaces.filter((one) => ground.carriers.has(one.name))) {
    warnings.push(
      `${name} carries the default route. It stays with the kernel, but packets that the port asks for no longer reach it.`,
    );
  }
  return { steps, warnings };
}

/** Every other function: its kernel driver has to give it up to vfio-pci or a uio module. */
function handOver(
  device: PciFacts,
  interfaces: readonly InterfaceFacts[],
  driver: PollModeDriver | undefined,
  ground: Ground,
): Binding {
  const { address, kernelDriver, iommuGroup } = device;
  const accepted = HANDING_MODULES.filter(
    (module) =>
      driver === undefined || driver.kernelDrivers.length === 0 || driver.kernelDrivers.includes(module),
  );
  if (kernelDriver !== undefined && accepted.includes(kernelDriver)) {
    const group = groupSteps(device, kernelDriver, ground);
    if ('reason' in group) return group;
    return {
      steps: [...group.steps, ...accessSteps(kernelDriver, iommuGroup, ground)],
      warnings: [...uioWarnings(kernelDriver), ...group.warnings],
    };
  }
  const routed = interfaces.filter(({ name }) => ground.carriers.has(name));
  if (routed.length > 0) {
    const names = routed.map(({ name }) => name).join(', ');
    return {
      reason: `It carries the default route (${names}): handing it to DPDK would cut this host off. Use another card, lead the route over one first, or use ${names} through net_af_packet.`,
    };
  }
  const module =
    iommuGroup !== undefined && accepted.includes('vfio-pci')
      ? 'vfio-pci'
      : accepted.find((one) => one !== 'vfio-pci');
  if (module === undefined) {
    return {
      reason: `${driver?.name ?? 'Its driver'} works over vfio-pci only, which needs an IOMMU, and ${address} is in no IOMMU group. Switch the IOMMU on: in the firmware, and on Intel with intel_iommu=on on the kernel's command line.`,
    };
  }
  const warnings = uioWarnings(module);
  const steps: MissingStep[] = [];
  if (kernelDriver !== undefined && interfaces.length === 0 && !HANDING_MODULES.includes(kernelDriver)) {
    warnings.push(
      `${address} is bound to ${kernelDriver} but none of its interfaces is seen here. If it lives in another network namespace (this is a container?), make sure there that nothing needs it, a default route above all.`,
    );
  }
  for (const { name } of interfaces.filter((one) => one.up)) {
    warnings.push(
      `${name} is up. Binding ${address} to ${module} takes it from the kernel, with its addresses, routes and connections.`,
    );
    steps.push({
      what: `${name} is up, and dpdk-devbind.py refuses a card that a route leads over.`,
      command: `ip link set dev ${quote(name)} down`,
    });
  }
  steps.push(...moduleSteps(module, ground));
  steps.push(...devbindSteps(ground));
  steps.push(bindStep(`${address} is ${boundTo(kernelDriver)}, not to ${module}.`, address, module));
  const group = groupSteps(device, module, ground);
  if ('reason' in group) return group;
  steps.push(...group.steps);
  warnings.push(...group.warnings);
  // Who may open the group cannot be seen before the binding makes its file.
  if (module !== 'vfio-pci') steps.push(...accessSteps(module, iommuGroup, ground));
  return { steps, warnings };
}

function boundTo(kernelDriver: string | undefined): string {
  return kernelDriver === undefined ? 'bound to no driver' : `bound to ${kernelDriver}`;
}

function bindStep(what: string, addresses: string, module: string): MissingStep {
  return { what, command: `dpdk-devbind.py --bind=${module} ${addresses}` };
}

/** vfio hands over an IOMMU group as a whole: every member but bridges must be with vfio or unbound. */
function groupSteps({ address, iommuGroup }: PciFacts, module: string, ground: Ground): Binding {
  if (module !== 'vfio-pci' || iommuGroup === undefined) return { steps: [], warnings: [] };
  const others = readGroupMembers(ground.places, iommuGroup).filter(
    (one) =>
      one.address !== address && !one.bridge && one.driver !== undefined && !one.driver.startsWith('vfio'),
  );
  if (others.length === 0) return { steps: [], warnings: [] };
  const list = others.map((one) => `${one.address} (${one.driver})`).join(', ');
  const routed = others.find((one) => ground.routedCards.has(one.address));
  if (routed !== undefined) {
    return {
      reason: `vfio hands over an IOMMU group as a whole, and ${routed.address}, which carries the default route, is in group ${iommuGroup} as well: this host would be cut off. Put the card into another slot, or use its interface through net_af_packet.`,
    };
  }
  return {
    warnings: [
      `${address} shares IOMMU group ${iommuGroup} with ${list}: vfio hands over a group as a whole, so these leave the kernel too. Look at what they are for first.`,
    ],
    steps: [
      bindStep(
        `IOMMU group ${iommuGroup} has devices that other drivers hold: ${list}.`,
        others.map((one) => one.address).join(' '),
        module,
      ),
    ],
  };
}

function devbindSteps({ places }: Ground): MissingStep[] {
  if (places.programs.some((folder) => exists(join(folder, 'dpdk-devbind.py')))) return [];
  return [
    {
      what: `dpdk-devbind.py, which binds cards to drivers, not found in ${places.programs.join(', ')}.`,
      command: 'apt-get install --no-install-recommends dpdk',
    },
  ];
}

function moduleSteps(module: string, { places }: Ground): MissingStep[] {
  if (exists(join(places.sys, 'module', module.replaceAll('-', '_')))) return [];
  return [
    {
      what: `The kernel module ${module} is not loaded.`,
      command: `${module === 'igb_uio' ? 'apt-get install dpdk-kmods-dkms && ' : ''}modprobe ${module}`,
    },
  ];
}

function uioWarnings(module: string): string[] {
  if (module === 'vfio-pci') return [];
  return [
    `Under ${module} no IOMMU confines what the card reads and writes, and the program needs root. With an IOMMU (on Intel: intel_iommu=on on the kernel's command line) vfio-pci does without both.`,
  ];
}

/** What this process may not open yet, of a device that is already bound. */
function accessSteps(module: string, group: number | undefined, ground: Ground): MissingStep[] {
  const { places, lockableBytes } = ground;
  if (module !== 'vfio-pci') {
    return has('sys_admin', ground)
      ? []
      : [
          {
            what: `Devices under ${module} are for root: this process lacks CAP_SYS_ADMIN.`,
            command: 'sudo -E node app.js',
          },
        ];
  }
  if (group === undefined) return [];
  const steps: MissingStep[] = [];
  const files = [`vfio/${group}`, `vfio/noiommu-${group}`];
  const file = files.find((one) => exists(join(places.dev, one)));
  if (file === undefined) {
    steps.push({
      what: `/dev/vfio/${group} is not there; a container has to be given it.`,
      command: `docker run --device /dev/vfio/vfio --device /dev/vfio/${group} --ulimit memlock=-1 IMAGE`,
    });
  } else if (!mayAccess(join(places.dev, file), constants.R_OK | constants.W_OK)) {
    steps.push({
      what: `This process may not read and write /dev/${file}.`,
      command: `sudo chown "$(id -u)" /dev/${file}`,
    });
  }
  if (!has('ipc_lock', ground) && (lockableBytes ?? Number.POSITIVE_INFINITY) < LEAST_HUGEPAGE_BYTES) {
    steps.push({
      what: `This process may lock ${lockableBytes} bytes of memory; vfio locks all that DPDK uses.`,
      command: 'ulimit -l unlimited',
    });
  }
  return steps;
}

/** Advice on a kernel interface through net_af_packet. */
export function afPacketUse(one: InterfaceFacts, ground: Ground): DpdkUse {
  const refusal = virtualRefusal(one);
  if (refusal !== undefined) return unusable(refusal);
  const warnings = interfaceWarnings(one);
  if (ground.carriers.has(one.name)) {
    warnings.push(`${one.name} carries the default route: the kernel goes on handling every packet as well.`);
  }
  if (one.mtu !== undefined && one.mtu > LARGEST_AF_PACKET_MTU) {
    warnings.push(
      `${one.name} has an MTU of ${one.mtu}: net_af_packet takes packets of at most ${LARGEST_AF_PACKET_MTU} bytes and cuts longer ones. Keep packets shorter: \`ip link set dev ${quote(one.name)} mtu 1500\` at both ends.`,
    );
  }
  return virtualUse('net_af_packet', one, ['net_raw'], warnings, ground);
}

/** Advice on a kernel interface through net_af_xdp. */
export function afXdpUse(one: InterfaceFacts, ground: Ground): DpdkUse {
  const refusal = virtualRefusal(one);
  if (refusal !== undefined) return unusable(refusal);
  if (ground.carriers.has(one.name)) {
    return unusable(
      `${one.name} carries the default route, and AF_XDP takes all packets of its queues from the kernel: this host would be cut off. Use another interface, or net_af_packet, which leaves the kernel its packets.`,
    );
  }
  if (one.type === 'bridge' || one.type === 'vlan') {
    return unusable(
      `${one.name} is a ${one.type}, and those cannot run an XDP program in native mode. Use an interface below it, or net_af_packet.`,
    );
  }
  const warnings = interfaceWarnings(one);
  if (one.type !== 'veth' && one.type !== 'tap') {
    warnings.push(
      `Opening it fails if the kernel driver of ${one.name} cannot run an XDP program in native mode: then use net_af_packet.`,
    );
  }
  warnings.push(`While the port is open the kernel gets no packet of the queues it takes on ${one.name}.`);
  return virtualUse('net_af_xdp', one, ['net_raw', 'net_admin', 'bpf'], warnings, ground);
}

function virtualRefusal({ name, type, ethernet }: InterfaceFacts): string | undefined {
  if (type === 'loopback') {
    return `${name} is the loopback interface: use a udp port on 127.0.0.1, or a memory port.`;
  }
  if (!ethernet) return `${name} carries no Ethernet frames, which ports are made of. Use a tap or veth.`;
  if (!/^[^\s,=[\]"'\\]+$/.test(name)) {
    return `DPDK cannot be given the name ${JSON.stringify(name)}: rename it without commas, quotes, brackets and "=".`;
  }
  return undefined;
}

function interfaceWarnings({ name, type }: InterfaceFacts): string[] {
  if (type !== 'veth') return [];
  return [
    `The kernel sends unfinished checksums and frames of up to 64 kB through a veth: run \`ethtool -K DEV tx off gso off tso off\` on the sending end. Without an IP address on ${name} the kernel does not answer for the port.`,
  ];
}

function virtualUse(
  driver: 'net_af_packet' | 'net_af_xdp',
  one: InterfaceFacts,
  needed: readonly Capability[],
  warnings: string[],
  ground: Ground,
): DpdkUse {
  const missing = [
    ...installSteps([driver], ground),
    ...hugepageSteps(one.numaNode, ground, ' Or do without, slower: `eal: { hugepages: false }`.'),
    ...(one.up ? [] : [{ what: `${one.name} is down.`, command: `ip link set dev ${quote(one.name)} up` }]),
    ...capabilitySteps(needed, `${driver} opens ${one.name} with`, ground),
  ];
  // The number sets devices apart within a process; that of the interface is not given twice.
  return use(driver, `${driver}${one.index ?? 0},iface=${one.name}`, missing, warnings);
}
