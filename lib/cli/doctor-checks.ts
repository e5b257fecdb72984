/** The checks of `onpath doctor` on software, memory and rights; those of the kernel's settings are in doctor-kernel.ts. */
import { constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { devices } from '../devices.js';
import { DPDK_RELEASES, driverAbis, findDpdk } from '../devices-plugins.js';
import { type Ground, has, hugepageSteps, installSteps, quote } from '../devices-steps.js';
import {
  mayAccess,
  type Places,
  readCapabilities,
  readHugepages,
  readLockableBytes,
  readText,
} from '../devices-sysfs.js';
import { LONGEST_SOCKET } from '../files/config-schema.js';
import { native } from '../native.js';
import { Pipeline } from '../pipeline.js';

export interface Check {
  readonly name: string;
  /** `fail`: ports of the kind that was asked for cannot be started; `note`: they can, but something would be better. */
  readonly state: 'ok' | 'note' | 'fail';
  readonly found: string;
  /** Unless `ok`: what it costs. */
  readonly why?: string;
  /** Unless `ok`: commands, a line each, for a shell as root unless they begin with `sudo`. */
  readonly fix?: string;
}

const LEAST_NODE = [20, 19] as const;
const LEAST_OPEN_FILES = 1024;
const LEAST_LOCKABLE_BYTES = 512 << 20;

export function groundOf(places: Places): Ground {
  return {
    places,
    dpdk: findDpdk(places),
    served: driverAbis(places),
    capabilities: readCapabilities(places),
    lockableBytes: readLockableBytes(places),
    carriers: new Set(),
    routedCards: new Set(),
  };
}

export function node(version = process.versions.node): Check {
  const name = 'Node.js';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (isNew) return { name, state: 'ok', found: version };
  const why = `onpath needs ${LEAST_NODE.join('.')} or later.`;
  return { name, state: 'fail', found: version, why, fix: 'npx --yes n 22' };
}

export function addon(): Check {
  const name = 'native addon';
  try {
    native();
    return { name, state: 'ok', found: `loaded, kernels ${Pipeline.kernels().join(', ')}` };
  } catch (error) {
    const why = (error as Error).message;
    return { name, state: 'fail', found: 'cannot be loaded', why, fix: 'npm rebuild onpath' };
  }
}

export function dpdk(ground: Ground): Check {
  const name = 'DPDK';
  const { dpdk: installed, served } = ground;
  const drivers = served.map((abi) => `${DPDK_RELEASES[abi]} (ABI ${abi})`).join(', ') || 'none';
  const found =
    installed === undefined
      ? `not installed; our driver is there for ${drivers}`
      : `${DPDK_RELEASES[installed.abi]} (ABI ${installed.abi}), ${installed.drivers.length} network drivers; ours is there for ${drivers}`;
  const steps = installSteps([], ground);
  if (steps.length === 0) return { name, state: 'ok', found };
  return {
    name,
    state: 'fail',
    found,
    why: steps.map(({ what }) => what).join(' '),
    fix: steps.map(({ command }) => command).join('\n'),
  };
}

export function hugepages(ground: Ground): Check {
  const name = 'hugepages';
  const { places } = ground;
  const sizes = readHugepages(places, 'kernel/mm/hugepages');
  const free = sizes.reduce((sum, size) => sum + size.free * size.kilobytes, 0) / 1024;
  const isMounted = (readText(`${places.proc}/mounts`, 1 << 20) ?? '').includes(' hugetlbfs ');
  const steps = hugepageSteps(undefined, ground);
  const found = `${free} MiB free${isMounted ? '' : ', hugetlbfs is not mounted'}`;
  const mount = isMounted ? [] : ['mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages'];
  const fixes = [...steps.map(({ command }) => command), ...mount];
  if (fixes.length === 0) return { name, state: 'ok', found };
  const without = 'In a configuration, eal: { hugepages: false } does without, for virtual devices.';
  const why = [...steps.map(({ what }) => what), without].join(' ');
  return { name, state: 'fail', found, why, fix: fixes.join('\n') };
}

export function lockable(ground: Ground): Check {
  const name = 'locked memory';
  const { lockableBytes = Number.POSITIVE_INFINITY } = ground;
  const isFree = has('ipc_lock', ground) && ground.capabilities !== undefined;
  const found = isFree
    ? 'CAP_IPC_LOCK'
    : lockableBytes === Number.POSITIVE_INFINITY
      ? 'unlimited'
      : `${Math.floor(lockableBytes / 2 ** 20)} MiB`;
  if (isFree || lockableBytes >= LEAST_LOCKABLE_BYTES) return { name, state: 'ok', found };
  return {
    name,
    state: 'note',
    found,
    why: 'vfio locks all that DPDK uses, hugepages too. A systemd unit has LimitMEMLOCK=infinity.',
    fix: 'sudo prlimit --pid $$ --memlock=unlimited',
  };
}

export function openFiles({ proc }: Places): Check {
  const name = 'open files';
  // Node raises the soft limit to the hard one.
  const hard = /^Max open files +\S+ +(\d{1,20}|unlimited) /m.exec(
    readText(`${proc}/self/limits`) ?? '',
  )?.[1];
  const found = hard ?? 'unknown';
  if (hard === undefined || hard === 'unlimited' || Number(hard) >= LEAST_OPEN_FILES)
    return { name, state: 'ok', found };
  const why = 'Every socket of a port, sender or scraper takes one. A systemd unit has LimitNOFILE=.';
  return { name, state: 'note', found, why, fix: 'sudo prlimit --pid $$ --nofile=65536' };
}

export function rights(ground: Ground): Check {
  const name = 'rights';
  const user = process.geteuid?.();
  const who = user === 0 ? 'root' : `user ${user ?? '?'}`;
  if (ground.capabilities === undefined) return { name, state: 'ok', found: who };
  const lacking = (['net_raw', 'net_admin'] as const).filter((one) => !has(one, ground));
  const found = `${who}${lacking.length === 0 ? '' : `, without ${lacking.map((one) => `CAP_${one.toUpperCase()}`).join(', ')}`}`;
  if (lacking.length === 0) return { name, state: 'ok', found };
  const caps = '+net_raw,+net_admin';
  return {
    name,
    state: 'note',
    found,
    why: 'af_packet, af_xdp and tap devices, and receive buffers beyond rmem_max, need them; udp ports do without.',
    fix: `sudo setpriv --reuid "$(id -u)" --regid "$(id -g)" --init-groups --inh-caps ${caps} --ambient-caps ${caps} onpath run plane.yaml`,
  };
}

/** Whether a control socket can be made at `path`, and is nobody else's. */
export function controlSocket(path: string): Check {
  const name = 'control socket';
  const folder = dirname(path);
  const fix = (why: string, command: string): Check => ({
    name,
    state: 'note',
    found: path,
    why: `${why} Or choose another with run --control.`,
    fix: command,
  });
  if (Buffer.byteLength(path) > LONGEST_SOCKET)
    return fix(`The path is longer than ${LONGEST_SOCKET} bytes.`, 'onpath doctor --socket ./plane.sock');
  const there = stat(path);
  const of = stat(folder);
  const own = `sudo install -d -m 0750 -o "$(id -un)" ${quotedPath(folder)}`;
  if (of === undefined || !of.isDirectory()) return fix(`There is no folder ${folder}.`, own);
  if (!mayAccess(folder, constants.W_OK | constants.X_OK))
    return fix(`This user may not write to ${folder}.`, own);
  if ((of.mode & 0o002) !== 0 && (of.mode & 0o1000) === 0)
    return fix(`Everybody may replace what lies in ${folder}.`, `sudo chmod o-w ${quotedPath(folder)}`);
  if (there !== undefined && !there.isSocket())
    return fix('There is something else of that name.', `ls -l ${quotedPath(path)}`);
  if (there !== undefined && (there.mode & 0o077) !== 0)
    return fix('Others may use the socket.', `chmod 0600 ${quotedPath(path)}`);
  return { name, state: 'ok', found: `${path}${there === undefined ? ' can be made' : ' is there'}` };
}

export function ports(): Check {
  const found = devices();
  const count = (usable: string) => found.filter((device) => device.dpdk.usable === usable).length;
  return {
    name: 'devices',
    state: 'ok',
    found: `${found.length} seen: ${count('yes')} usable by DPDK now, ${count('afterSteps')} after steps (onpath devices --steps)`,
  };
}

function stat(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function quotedPath(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : quote(path);
}
