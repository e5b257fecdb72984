/** DPDK in tests: whether it is there, and how it is started. It starts once per process, so the tests of a file share one way. */
import { readdirSync } from 'node:fs';
import type { DataplaneSpec } from '../../lib/index.js';

/** Ordinary memory does for virtual devices, whatever the machine has reserved. */
export const eal: NonNullable<DataplaneSpec['eal']> = { hugepages: false, memoryMb: 256 };

/** Why tests that need DPDK are left out, or undefined. A driver that was built must also start: the tests then show why it does not. */
export function dpdkMissing(): string | undefined {
  const built = readdirSync('build/Release').some((name) => name.startsWith('libonpath_dpdk.so.'));
  return built ? undefined : 'the DPDK driver was not built, because DPDK is not installed here';
}
