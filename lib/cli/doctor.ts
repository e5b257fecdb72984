/** `onpath doctor`: what on this host stands in the way, each with its fix. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { devices, placesOfThisMachine } from '../devices.js';
import { driverAbis, findDpdk } from '../devices-plugins.js';
import { native } from '../native.js';
import { Pipeline } from '../pipeline.js';
import { columns, EXIT, styled, Terminal } from './terminal.js';

interface Check {
  readonly name: string;
  /** `fail`: a dpdk port cannot be started, or nothing at all; `note`: it works, but could be better. */
  readonly state: 'ok' | 'note' | 'fail';
  readonly found: string;
  readonly fix?: string;
}

export function doctorCommand(end: (code: number) => void): Command {
  return new Command('doctor')
    .description(
      'check hugepages, limits, drivers, kernel settings; exit code 3 if something stands in the way of dpdk ports',
    )
    .addHelpText('after', '\nExamples:\n  onpath doctor\n  onpath doctor --json')
    .action(async (options: { json?: boolean }) => {
      const checks = [addon(), cpu(), driver(), hugepages(), ...kernel(), rights(), ports()];
      if (checks.some(({ state }) => state === 'fail')) end(EXIT.no);
      await new Terminal(options).result(
        { ok: checks.every(({ state }) => state !== 'fail'), checks },
        text(checks),
      );
    });
}

function text(checks: readonly Check[]): string {
  const marks = { ok: styled('green', 'ok'), note: styled('yellow', 'note'), fail: styled('red', 'fail') };
  const fixes = checks.filter(({ fix }) => fix !== undefined);
  return [
    columns([['check', '', 'found'], ...checks.map(({ name, state, found }) => [name, marks[state], found])]),
    ...fixes.map(({ name, fix }) => `\n${name}:\n  ${fix}`),
  ].join('\n');
}

function addon(): Check {
  try {
    native();
    return { name: 'native addon', state: 'ok', found: `loaded, kernels ${Pipeline.kernels().join(', ')}` };
  } catch (error) {
    return { name: 'native addon', state: 'fail', found: 'cannot be loaded', fix: (error as Error).message };
  }
}

function cpu(): Check {
  const cpus = availableParallelism();
  const found = `${cpus} CPUs for this process`;
  if (cpus > 1) return { name: 'CPUs', state: 'ok', found };
  const fix =
    'A worker polls without a break: give the process a second CPU, or the event loop shares one with it.';
  return { name: 'CPUs', state: 'note', found, fix };
}

function driver(): Check {
  const name = 'DPDK';
  const places = placesOfThisMachine();
  const dpdk = findDpdk(places);
  const ours = driverAbis(places);
  if (dpdk === undefined) {
    return {
      name,
      state: 'fail',
      found: 'not installed; memory and udp ports work',
      fix: 'apt-get install --no-install-recommends dpdk libdpdk-dev, then npm rebuild onpath',
    };
  }
  if (!ours.includes(dpdk.abi)) {
    return {
      name,
      state: 'fail',
      found: `installed with ABI ${dpdk.abi}; our driver is there for ${ours.join(', ') || 'none'}`,
      fix: 'apt-get install libdpdk-dev, then npm rebuild onpath',
    };
  }
  return { name, state: 'ok', found: `ABI ${dpdk.abi}, our driver for it is there` };
}

function hugepages(): Check {
  const name = 'hugepages';
  const sizes = list('/sys/kernel/mm/hugepages').map((folder) => ({
    kilobytes: Number(/(\d+)kB/.exec(folder)?.[1] ?? 0),
    free: number(`/sys/kernel/mm/hugepages/${folder}/free_hugepages`) ?? 0,
  }));
  const free = sizes.reduce((sum, size) => sum + (size.free * size.kilobytes) / 1024, 0);
  const mounted = (read('/proc/mounts') ?? '').includes(' hugetlbfs ');
  const found = `${free} MiB free${mounted ? '' : ', hugetlbfs is not mounted'}`;
  if (free >= 256 && mounted) return { name, state: 'ok', found };
  return {
    name,
    state: 'fail',
    found,
    fix: 'sudo dpdk-hugepages.py --setup 1G (or: sudo sysctl vm.nr_hugepages=512 && sudo mount -t hugetlbfs none /dev/hugepages); eal: { hugepages: false } does without, for virtual devices',
  };
}

function kernel(): Check[] {
  const receive = number('/proc/sys/net/core/rmem_max') ?? 0;
  const transparent = /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1];
  return [
    receive >= 8 << 20
      ? { name: 'socket buffers', state: 'ok', found: `net.core.rmem_max ${receive}` }
      : {
          name: 'socket buffers',
          state: 'note',
          found: `net.core.rmem_max ${receive}: udp ports lose bursts`,
          fix: 'sudo sysctl net.core.rmem_max=16777216',
        },
    transparent === 'never'
      ? {
          name: 'large pages',
          state: 'note',
          found: 'transparent hugepages are off: tokenizers run slower',
          fix: 'echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled',
        }
      : { name: 'large pages', state: 'ok', found: `transparent hugepages: ${transparent ?? 'unknown'}` },
  ];
}

function rights(): Check {
  const name = 'rights';
  if (process.geteuid?.() === 0) return { name, state: 'ok', found: 'root' };
  const groups = number('/proc/sys/vm/hugetlb_shm_group');
  const vfio = existsSync('/dev/vfio/vfio');
  return {
    name,
    state: 'note',
    found: `user ${process.geteuid?.() ?? '?'}${vfio ? '' : ', no /dev/vfio/vfio'}`,
    fix: `NICs need access to /dev/vfio/* and to /dev/hugepages (group ${groups ?? '?'}), af_packet and af_xdp CAP_NET_RAW and CAP_NET_ADMIN; onpath devices --steps has the commands`,
  };
}

function ports(): Check {
  const name = 'devices';
  const found = devices();
  const now = found.filter((device) => device.dpdk.usable === 'yes').length;
  const later = found.filter((device) => device.dpdk.usable === 'afterSteps').length;
  return {
    name,
    state: 'ok',
    found: `${found.length} seen: ${now} usable by DPDK now, ${later} after steps (onpath devices --steps)`,
  };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function number(path: string): number | undefined {
  const text = read(path)?.trim();
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}
