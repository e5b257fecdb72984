/** The software NIC of test/softnic: devices that do, refuse or break what a real NIC would do. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { DataplaneSpec } from '../../lib/index.js';
import { dpdkMissing } from './dpdk.js';
import { freshDevice } from './dpdk-loop.js';

const library = resolve('build/softnic/librte_net_onpath_soft.so');

/** Why tests on it are left out, or undefined. */
export function softNicMissing(): string | undefined {
  const missing = dpdkMissing();
  if (missing !== undefined) return missing;
  return existsSync(library) ? undefined : 'the software NIC was not built (scripts/soft-nic says why)';
}

/** DPDK loads no plugin that lies below a folder anybody may write to, such as a checkout in /tmp. */
function isTrusted(path: string): boolean {
  return (statSync(path).mode & 0o002) === 0 && (path === '/' || isTrusted(dirname(path)));
}

function trustedLibrary(): string {
  if (isTrusted(library)) return library;
  const folder = mkdtempSync(join(process.getuid?.() === 0 ? '/run' : homedir(), 'onpath-soft-nic-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const copy = join(folder, basename(library));
  copyFileSync(library, copy);
  return copy;
}

/** Only where softNicMissing() says nothing. */
export const softNicEal = (): NonNullable<DataplaneSpec['eal']> => {
  plugin ??= trustedLibrary();
  return { hugepages: false, memoryMb: 512, plugins: plugin };
};
let plugin: string | undefined;

export type Feature =
  | 'steering'
  | 'mark'
  | 'rss'
  | 'allowList'
  | 'checksums'
  | 'timestamps'
  | 'bufferSplit'
  | 'count';

export interface SoftNicState {
  readonly rules: number;
  readonly isolated: boolean;
  /** Rules ever made. */
  readonly created: number;
  /** Packets that rules dropped. */
  readonly dropped: number;
  /** Packets that no rule took, in isolated mode. */
  readonly filtered: number;
  readonly starts: number;
  readonly resets: number;
}

/** One device, and the files by which a test speaks with it while it runs. */
export class SoftNic {
  readonly device: string;
  readonly #control: string;

  constructor(
    folder: string,
    {
      refuse = [],
      broken = [],
      failRule,
    }: { refuse?: Feature[]; broken?: Feature[]; failRule?: number } = {},
    name = freshDevice('net_onpath_soft'),
  ) {
    this.#control = join(folder, `${name}.control`);
    const parts = [name, `control=${this.#control}`];
    if (refuse.length > 0) parts.push(`refuse=${refuse.join('+')}`);
    if (broken.length > 0) parts.push(`broken=${broken.join('+')}`);
    if (failRule !== undefined) parts.push(`fail_rule=${failRule}`);
    this.device = parts.join(',');
  }

  /** Carried out within a tick of the driver; each time once. */
  tell(command: 'link=up' | 'link=down' | 'remove' | 'reset' | `broken=${string}`): void {
    writeFileSync(`${this.#control}.new`, `${command}\n`);
    renameSync(`${this.#control}.new`, this.#control);
  }

  /** As of the driver's last tick. */
  state(): SoftNicState | undefined {
    const file = `${this.#control}.state`;
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SoftNicState) : undefined;
  }
}
