/** Steps that every kind of device may need: DPDK and its packages, hugepages, rights. */
import type { MissingStep } from './devices.js';
import { DPDK_RELEASES, driverLibrary, type InstalledDpdk, packageOf } from './devices-plugins.js';
import { hugepagesFolder, type Places, readHugepages } from './devices-sysfs.js';

/** What advice on every device rests on. */
export interface Ground {
  readonly places: Places;
  readonly dpdk: InstalledDpdk | undefined;
  /** ABIs that onpath's own driver library is there for. */
  readonly served: readonly string[];
  readonly capabilities: bigint | undefined;
  readonly lockableBytes: number | undefined;
  /** Interfaces that a default route leads over. */
  readonly carriers: ReadonlySet<string>;
  /** PCI addresses of the cards that carry those. */
  readonly routedCards: ReadonlySet<string>;
}

const CAPABILITY_BITS = { net_admin: 12, net_raw: 13, ipc_lock: 14, sys_admin: 21, bpf: 39 } as const;
export type Capability = keyof typeof CAPABILITY_BITS;

/** Less than this does not hold the packets of a port. */
export const LEAST_HUGEPAGE_BYTES = 64 << 20;
const ADVISED_HUGEPAGE_KILOBYTES = 512 << 10;

/** DPDK with these plugins, its default mempool, and onpath's own driver library for it. */
export function installSteps(needed: readonly string[], ground: Ground): MissingStep[] {
  const { dpdk, served } = ground;
  const steps: MissingStep[] = [];
  const plugins = [...needed, 'mempool_ring'];
  if (dpdk === undefined) {
    // Packages carry the ABI in their names; where it is open or the plugin is, there are the ones that bring all.
    const abi = served.length === 1 && needed.length > 0 ? served[0] : undefined;
    const packages =
      abi === undefined
        ? ['librte-meta-net', 'librte-meta-mempool']
        : plugins.map((plugin) => packageOf(plugin, abi));
    steps.push({
      what: `DPDK ${listOf(Object.values(DPDK_RELEASES))} is not installed: no folder dpdk/pmds-* with plugins in ${ground.places.libraries.join(', ')}.`,
      command: `apt-get install --no-install-recommends ${packages.join(' ')}`,
    });
    if (served.length > 0) return steps;
  } else {
    const absent = plugins.filter((plugin) => !dpdk.plugins.has(plugin));
    if (absent.length > 0) {
      const files = absent.map((plugin) => `librte_${plugin}.so`);
      steps.push({
        what: `${files.join(' and ')} of DPDK ${DPDK_RELEASES[dpdk.abi]} not found in ${dpdk.folder}.`,
        command: `apt-get install --no-install-recommends ${absent.map((plugin) => packageOf(plugin, dpdk.abi)).join(' ')}`,
      });
    }
    if (served.includes(dpdk.abi)) return steps;
  }
  const others = served.length > 0 ? ` There is one for DPDK ${listOf(served.map(releaseOf))}.` : '';
  const library = dpdk === undefined ? driverLibrary('<ABI>') : driverLibrary(dpdk.abi);
  steps.push({
    what: `onpath's own DPDK driver ${library} not found in ${ground.places.drivers.join(', ') || 'any folder of its package'}.${others} It is built where DPDK's headers are.`,
    command: 'apt-get install libdpdk-dev && npm rebuild onpath',
  });
  return steps;
}

function releaseOf(abi: string): string {
  return DPDK_RELEASES[abi] ?? abi;
}

function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** `instead`: a sentence on how to do without. */
export function hugepageSteps(node: number | undefined, { places }: Ground, instead = ''): MissingStep[] {
  const folder = hugepagesFolder(places, node);
  const sizes = readHugepages(places, folder);
  const freeBytes = sizes.reduce((sum, { kilobytes, free }) => sum + kilobytes * 1024 * free, 0);
  if (freeBytes >= LEAST_HUGEPAGE_BYTES) return [];
  // 2 MB pages are the ones that can still be had once a machine runs.
  const size = sizes.find(({ kilobytes }) => kilobytes === 2048) ?? sizes.toSorted(bySize)[0];
  const { kilobytes, reserved } = size ?? { kilobytes: 2048, reserved: 0 };
  const pages = reserved + Math.ceil(ADVISED_HUGEPAGE_KILOBYTES / kilobytes);
  const where = folder.startsWith('devices') ? ` on NUMA node ${node}, where the card is` : '';
  return [
    {
      what:
        (sizes.length === 0
          ? 'This kernel shows no hugepages, which hold the packets: it was built without them, or a container hides them.'
          : `${Math.floor(freeBytes / 2 ** 20)} MB of hugepages are free${where}; a port needs ${LEAST_HUGEPAGE_BYTES >> 20} MB or more for its packets.`) +
        instead,
      command: `echo ${pages} > /sys/${folder}/hugepages-${kilobytes}kB/nr_hugepages`,
    },
  ];
}

function bySize(a: { kilobytes: number }, b: { kilobytes: number }): number {
  return a.kilobytes - b.kilobytes;
}

/** True as well where the kernel does not tell: then there is nothing to advise. */
export function has(capability: Capability, { capabilities }: Ground): boolean {
  return capabilities === undefined || ((capabilities >> BigInt(CAPABILITY_BITS[capability])) & 1n) === 1n;
}

export function capabilitySteps(needed: readonly Capability[], who: string, ground: Ground): MissingStep[] {
  // CAP_BPF was split off from CAP_SYS_ADMIN, which still implies it.
  const lacking = needed.filter((one) => !has(one, ground) && !(one === 'bpf' && has('sys_admin', ground)));
  if (lacking.length === 0) return [];
  const caps = needed.map((one) => `+${one}`).join(',');
  return [
    {
      what: `${who} ${listOf(needed.map(capabilityName)).replace(' or ', ' and ')}; this process lacks ${lacking.map(capabilityName).join(', ')}. Run it as root, or with these alone (a systemd service: AmbientCapabilities=).`,
      command: `sudo setpriv --reuid "$(id -u)" --regid "$(id -g)" --init-groups --inh-caps ${caps} --ambient-caps ${caps} node app.js`,
    },
  ];
}

function capabilityName(one: Capability): string {
  return `CAP_${one.toUpperCase()}`;
}

/** Interface names may hold anything but "/" and white space; advice must be safe to paste. */
export function quote(name: string): string {
  return /^[\w.@:][\w.@:-]*$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
