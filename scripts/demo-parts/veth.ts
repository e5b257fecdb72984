/**
 * A pair of virtual Ethernet devices: one end here, without an address of the kernel's, for a DPDK port; the other in a network
 * namespace of its own, where senders run as ordinary hosts. Needs root. Removed on dispose, and at the latest when the process ends.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';

const PREFIX = 'onpath-';

export class VethPair implements Disposable {
  /** The end that a port takes. */
  readonly device: string;
  readonly namespace: string;
  /** The end in the namespace. */
  readonly peer: string;
  /** Of the port that takes `device`. */
  readonly portAddress: string;
  readonly portAddress6: string;
  /** Of the host in the namespace. */
  readonly hostAddress: string;
  readonly hostAddress6: string;
  readonly prefixBits = 24;
  readonly #atExit = (): void => this[Symbol.dispose]();

  private constructor(index: number) {
    this.namespace = `${PREFIX}${process.pid}-${index}`;
    this.device = `onp${process.pid}x${index}`;
    this.peer = `onp${process.pid}y${index}`;
    this.portAddress = `10.97.${index}.1`;
    this.hostAddress = `10.97.${index}.2`;
    this.portAddress6 = `fd97::${index}:1`;
    this.hostAddress6 = `fd97::${index}:2`;
  }

  /** @param index 0 to 255, free within this process. */
  static create(index = 0): VethPair {
    removeLeftovers();
    const pair = new VethPair(index);
    process.once('exit', pair.#atExit);
    try {
      pair.#make();
    } catch (error) {
      pair[Symbol.dispose]();
      throw error;
    }
    return pair;
  }

  #make(): void {
    const { namespace, device, peer } = this;
    must('ip', 'netns', 'add', namespace);
    must('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', peer, 'netns', namespace);
    // The kernel's own IPv6 on the port's end would send and answer beside us.
    const disable = `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;
    if (existsSync(disable)) writeFileSync(disable, '1');
    must('ip', 'link', 'set', device, 'up');
    // The kernel leaves checksums and segmentation to the other end of a veth pair, which then has to be a kernel.
    this.inside('ethtool', '-K', peer, 'tx', 'off', 'gso', 'off', 'tso', 'off');
    this.inside('ip', 'link', 'set', 'lo', 'up');
    this.inside('ip', 'address', 'add', `${this.hostAddress}/${this.prefixBits}`, 'dev', peer);
    this.inside('ip', 'address', 'add', `${this.hostAddress6}/64`, 'dev', peer, 'nodad');
    this.inside('ip', 'link', 'set', peer, 'up');
  }

  /** The command line that runs a program inside the namespace. */
  command(program: string, args: readonly string[]): [string, string[]] {
    return insideOf(this.namespace, program, args);
  }

  /** Runs a short program inside to its end; throws with its last words if it fails. */
  inside(program: string, ...args: string[]): string {
    const [command, all] = this.command(program, args);
    return must(command, ...all);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#atExit);
    // Both ends go with either.
    spawnSync('ip', ['link', 'delete', this.device], { stdio: 'ignore' });
    spawnSync('ip', ['netns', 'delete', this.namespace], { stdio: 'ignore' });
  }
}

/** Why no pair can be made here, or undefined. */
export function vethUnavailable(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const [program, check] of [
    ['ip', '-V'],
    ['ethtool', '--version'],
  ] as const) {
    if (spawnSync(program, [check], { stdio: 'ignore' }).status !== 0) return `${program} is not installed`;
  }
  const probe = `${PREFIX}${process.pid}-probe`;
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
  if (made.status !== 0) return `no network namespace can be made: ${made.stderr.trim()}`;
  const entered = spawnSync(...insideOf(probe, 'true', []), { encoding: 'utf8' });
  spawnSync('ip', ['netns', 'delete', probe], { stdio: 'ignore' });
  if (entered.status === 0) return undefined;
  return `no network namespace can be entered: ${entered.error?.message ?? entered.stderr.trim()}`;
}

/** Only the network is another one. `ip netns exec` would change mounts, too, which it may not in a container or chroot. */
function insideOf(namespace: string, program: string, args: readonly string[]): [string, string[]] {
  return ['nsenter', [`--net=/run/netns/${namespace}`, program, ...args]];
}

/** Namespaces of processes that were killed before they could clean up; their ends of the pairs go with them. */
function removeLeftovers(): void {
  const listed = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout ?? '';
  for (const line of listed.split('\n')) {
    const name = line.split(' ', 1)[0] ?? '';
    const pid = /^onpath-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
    }
  }
}

function must(program: string, ...args: string[]): string {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (done.status !== 0) {
    const why = done.error?.message ?? `${done.stderr}${done.stdout}`.trim();
    throw new Error(`${program} ${args.join(' ')} failed: ${why}`);
  }
  return done.stdout;
}
