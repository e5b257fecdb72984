/** `onpath doctor` over made-up hosts: what is missing is found, said, and given a command. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checksOf } from '../../lib/cli/doctor.js';
import { type Check, controlSocket, node } from '../../lib/cli/doctor-checks.js';
import { cpus, isolation } from '../../lib/cli/doctor-kernel.js';
import type { Places } from '../../lib/devices-sysfs.js';

let folder: string;
let hosts = 0;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-doctor-'));
});
after(() => rmSync(folder, { recursive: true }));

const LIMITS = (lockable: string, files: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax locked memory         ${lockable}            ${lockable}            bytes\nMax open files            1024                 ${files}              files\n`;
const CARD = 'sys/bus/pci/devices/0000:03:00.0';
/** A host on which nothing is missing. */
const GOOD: Readonly<Record<string, string>> = {
  'proc/sys/net/core/rmem_max': '16777216\n',
  'proc/mounts': 'none /dev/hugepages hugetlbfs rw 0 0\n',
  'proc/self/limits': LIMITS('unlimited', '65536'),
  'proc/self/status': 'CapEff:\t000001ffffffffff\n',
  'sys/devices/system/cpu/isolated': '2-3\n',
  'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'performance\n',
  'sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n',
  'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '512\n',
  'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': '512\n',
  'sys/kernel/iommu_groups/0/type': 'DMA\n',
  [`${CARD}/class`]: '0x020000\n',
  'dev/vfio/vfio': '',
  'libraries/dpdk/pmds-23.0/librte_mempool_ring.so': '',
  'drivers/libonpath_dpdk.so.23': '',
};

function host(changes: Readonly<Record<string, string | undefined>> = {}): Places {
  const root = join(folder, String(hosts++));
  for (const [path, content] of Object.entries({ ...GOOD, ...changes })) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const at = (name: string) => join(root, name);
  return {
    sys: at('sys'),
    proc: at('proc'),
    dev: at('dev'),
    libraries: [at('libraries')],
    programs: [],
    drivers: [at('drivers')],
  };
}

function found(places: Places, name: string, kind: 'dpdk' | 'udp' = 'dpdk'): Check {
  const checks = checksOf(places, { for: kind, socket: join(folder, 'plane.sock') });
  const one = checks.find((check) => check.name === name);
  assert.ok(one !== undefined, name);
  return one;
}

describe('doctor', () => {
  it('finds nothing wrong where nothing is', () => {
    const checks = checksOf(host(), { for: 'dpdk', socket: join(folder, 'plane.sock') });
    // Whether it has a second CPU is this machine's affair.
    const bad = checks.filter(({ name, state }) => name !== 'CPUs' && state !== 'ok');
    assert.deepEqual(bad, []);
  });

  const missing: [string, Record<string, string | undefined>, Check['state'], RegExp][] = [
    [
      'socket buffers',
      { 'proc/sys/net/core/rmem_max': '212992\n' },
      'note',
      /sysctl -w net\.core\.rmem_max=/,
    ],
    [
      'transparent hugepages',
      { 'sys/kernel/mm/transparent_hugepage/enabled': 'always madvise [never]\n' },
      'note',
      /madvise/,
    ],
    [
      'CPU governor',
      { 'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave\n' },
      'note',
      /performance/,
    ],
    ['open files', { 'proc/self/limits': LIMITS('unlimited', '256') }, 'note', /--nofile=/],
    ['rights', { 'proc/self/status': 'CapEff:\t0000000000000000\n' }, 'note', /setpriv/],
    [
      'locked memory',
      { 'proc/self/status': 'CapEff:\t0000000000000000\n', 'proc/self/limits': LIMITS('65536', '65536') },
      'note',
      /--memlock=unlimited/,
    ],
    [
      'hugepages',
      { 'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': '0\n' },
      'fail',
      /nr_hugepages/,
    ],
    ['hugepages', { 'proc/mounts': 'proc /proc proc rw 0 0\n' }, 'fail', /mount -t hugetlbfs/],
    ['DPDK', { 'libraries/dpdk/pmds-23.0/librte_mempool_ring.so': undefined }, 'fail', /apt-get install/],
    ['DPDK', { 'drivers/libonpath_dpdk.so.23': undefined }, 'fail', /npm rebuild onpath/],
    ['IOMMU', { 'sys/kernel/iommu_groups/0/type': undefined }, 'note', /iommu=/],
    ['vfio', { 'dev/vfio/vfio': undefined }, 'note', /modprobe vfio-pci/],
  ];
  for (const [name, changes, state, fix] of missing) {
    it(`says how to mend ${name} (${Object.keys(changes).at(-1)})`, () => {
      const check = found(host(changes), name);
      assert.equal(check.state, state);
      assert.match(check.fix ?? '', fix);
      assert.ok((check.why ?? '').length > 10);
    });
  }

  it('asks neither for an IOMMU without a card, nor for DPDK where udp is enough', () => {
    const bare = host({ [`${CARD}/class`]: undefined, 'sys/kernel/iommu_groups/0/type': undefined });
    const names = checksOf(bare, { for: 'dpdk', socket: 'x' }).map(({ name }) => name);
    assert.ok(!names.includes('IOMMU') && names.includes('DPDK'));
    const udp = checksOf(host(), { for: 'udp', socket: 'x' }).map(({ name }) => name);
    assert.ok(!udp.includes('DPDK') && !udp.includes('hugepages') && udp.includes('socket buffers'));
  });

  it('reads a host that hides everything without a failure of its own', () => {
    const nowhere = join(folder, 'nowhere');
    const places = { sys: nowhere, proc: nowhere, dev: nowhere, libraries: [], programs: [], drivers: [] };
    for (const check of checksOf(places, { for: 'dpdk', socket: 'x' }))
      assert.equal(check.fix === undefined, check.state === 'ok', check.name);
  });

  it('knows which Node.js is too old', () => {
    assert.deepEqual(
      ['18.20.0', '20.18.3', '20.19.0', '22.0.0'].map((version) => node(version).state),
      ['fail', 'fail', 'ok', 'ok'],
    );
  });

  it('isolates CPUs only where there are some to spare', () => {
    const places = host({ 'sys/devices/system/cpu/isolated': '\n' });
    assert.equal(isolation(places, 2).state, 'ok');
    assert.match(isolation(places, 8).fix ?? '', /isolcpus=6-7/);
    assert.deepEqual([cpus(1).state, cpus(2).state], ['note', 'ok']);
  });

  it('says why a control socket cannot be made, or is open to others', () => {
    const at = (name: string) => join(folder, name);
    assert.equal(controlSocket(at('plane.sock')).state, 'ok');
    assert.match(controlSocket(at('none/plane.sock')).why ?? '', /There is no folder/);
    assert.match(controlSocket(at('x'.repeat(200))).why ?? '', /longer than 107 bytes/);
    writeFileSync(at('file'), '');
    assert.match(controlSocket(at('file')).why ?? '', /something else/);
    mkdirSync(at('open'));
    chmodSync(at('open'), 0o777);
    assert.match(controlSocket(at('open/plane.sock')).why ?? '', /Everybody may replace/);
  });
});
