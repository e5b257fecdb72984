/** The checks of `onpath doctor` on CPUs and on the kernel's settings. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Places, readInteger, readNames, readPciNetworkDevices, readText } from '../devices-sysfs.js';
import type { Check } from './doctor-checks.js';

const LEAST_RECEIVE_BYTES = 8 << 20;
/** With fewer, the kernel has nowhere else to run what is moved away. */
const LEAST_CPUS_TO_ISOLATE = 4;

export function cpus(count = availableParallelism()): Check {
  const name = 'CPUs';
  const found = `${count} for this process`;
  if (count > 1) return { name, state: 'ok', found };
  const why = 'A worker polls without a break, and would share the one CPU with the event loop.';
  return { name, state: 'note', found, why, fix: 'taskset --cpu-list 0-1 onpath run plane.yaml' };
}

export function isolation({ sys }: Places, count = availableParallelism()): Check {
  const name = 'isolated CPUs';
  const isolated = readText(join(sys, 'devices/system/cpu/isolated')) ?? '';
  if (isolated !== '') return { name, state: 'ok', found: isolated };
  if (count < LEAST_CPUS_TO_ISOLATE)
    return { name, state: 'ok', found: `none, and none to spare of ${count} CPUs` };
  const last = `${count - 2}-${count - 1}`;
  return {
    name,
    state: 'note',
    found: 'none',
    why: 'The kernel runs other threads on the CPUs of workers, which shows in the slowest samples. Takes a restart; then name these CPUs in workers.',
    fix: `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX isolcpus=${last} nohz_full=${last} rcu_nocbs=${last}"' >> /etc/default/grub && update-grub`,
  };
}

export function governor({ sys }: Places): Check {
  const name = 'CPU governor';
  const folder = join(sys, 'devices/system/cpu');
  const found = new Set(
    readNames(folder)
      .filter((cpu) => /^cpu\d+$/.test(cpu))
      .flatMap((cpu) => readText(join(folder, cpu, 'cpufreq/scaling_governor')) ?? []),
  );
  const text = [...found].join(', ') || 'none is shown';
  if ([...found].every((one) => one === 'performance')) return { name, state: 'ok', found: text };
  return {
    name,
    state: 'note',
    found: text,
    why: 'CPUs that slow down between bursts lose packets when one comes.',
    fix: 'echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor',
  };
}

export function receiveBuffers({ proc }: Places): Check {
  const name = 'socket buffers';
  const most = readInteger(join(proc, 'sys/net/core/rmem_max'));
  const found = `net.core.rmem_max ${most ?? 'is not shown'}`;
  if (most === undefined || most >= LEAST_RECEIVE_BYTES) return { name, state: 'ok', found };
  return {
    name,
    state: 'note',
    found,
    why: 'udp ports lose packets of bursts that the buffer cannot hold.',
    fix: 'sudo sysctl -w net.core.rmem_max=16777216',
  };
}

export function largePages({ sys }: Places): Check {
  const name = 'transparent hugepages';
  const state = /\[(\w+)\]/.exec(readText(join(sys, 'kernel/mm/transparent_hugepage/enabled')) ?? '')?.[1];
  if (state !== 'never') return { name, state: 'ok', found: state ?? 'not shown' };
  const why = 'Tokenizers ask for them, and run slower without.';
  const fix = 'echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled';
  return { name, state: 'note', found: state, why, fix };
}

/** Only a PCI card needs it. */
export function iommu({ sys, dev }: Places): Check[] {
  if (readPciNetworkDevices({ sys } as Places).length === 0) return [];
  const groups = readNames(join(sys, 'kernel/iommu_groups')).length;
  const unit: Check =
    groups > 0
      ? { name: 'IOMMU', state: 'ok', found: `on, ${groups} groups` }
      : {
          name: 'IOMMU',
          state: 'note',
          found: 'off',
          why: 'vfio-pci needs it to hand a card to DPDK (mlx5 does without). Takes a restart, and the firmware must allow it.',
          fix: `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on iommu=pt"' >> /etc/default/grub && update-grub`,
        };
  const isThere = existsSync(join(dev, 'vfio/vfio'));
  const vfio: Check = isThere
    ? { name: 'vfio', state: 'ok', found: '/dev/vfio/vfio is there' }
    : {
        name: 'vfio',
        state: 'note',
        found: 'no /dev/vfio/vfio',
        why: 'PCI cards are handed to DPDK by it (mlx5 does without).',
        fix: 'modprobe vfio-pci',
      };
  return [unit, vfio];
}
