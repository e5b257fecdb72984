// scripts/host: on machines made of files (fake sysfs, fake modprobe and dpdk-devbind.py) inside real network and mount namespaces.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { CARD, e1000, FakeMachine } from '../support/sysfs.js';
import { temporaryFolder } from '../support/tools.js';

const SCRIPT = join(process.cwd(), 'scripts/host');
const SECOND = '0000:03:00.1';

/** What the real one does to sysfs, and a note of how it was called. */
const FAKE_DEVBIND = `#!/bin/bash
echo "$*" >>"$ONPATH_HOST_ROOT/devbind.log"
for word; do case $word in --bind=*) driver=\${word#--bind=} ;; --*) ;; *) card=$word ;; esac; done
link=$ONPATH_HOST_ROOT/sys/bus/pci/devices/$card/driver
rm -f "$link"
[[ -z \${driver:-} || $driver == *"\${REFUSED_DRIVER:-none}"* ]] || ln -s "../../../bus/pci/drivers/$driver" "$link"
`;
const FAKE_MODPROBE = '#!/bin/bash\nmkdir -p "$ONPATH_HOST_ROOT/sys/module/$(tr - _ <<<"$1")"\n';

/** Whether the namespaces can be made that tests run in. */
const unshared = spawnSync('unshare', ['--net', '--mount', 'ip', 'link', 'add', 'near', 'type', 'veth']);
const skip = unshared.status === 0 ? false : 'network and mount namespaces with veth take root';

interface Ran {
  readonly code: number | null;
  readonly said: string;
}

class Host extends FakeMachine implements Disposable {
  readonly #folder: Disposable;
  readonly #root: string;

  constructor() {
    const folder = temporaryFolder();
    super(folder.path);
    this.#folder = folder;
    this.#root = folder.path;
    this.write('proc/meminfo', 'Hugepagesize:       2048 kB\n');
    this.write('proc/mounts', 'sysfs /sys sysfs rw 0 0\n');
    mkdirSync(this.path('run'));
    for (const [name, text] of [
      ['dpdk-devbind.py', FAKE_DEVBIND],
      ['modprobe', FAKE_MODPROBE],
    ] as const) {
      writeFileSync(this.path(`bin/${name}`), text, { mode: 0o755 });
    }
  }

  /**
   * `$host` is the script. Interfaces that `before` makes are real ones of a namespace of this call; those of the fake sysfs are
   * only seen where they have the same names.
   */
  shell(lines: string, env: Record<string, string> = {}): Ran {
    const { SSH_CONNECTION: _ours, ...inherited } = process.env;
    const run = spawnSync('unshare', ['--net', '--mount', 'bash', '-c', `host=${SCRIPT}\n${lines}`], {
      encoding: 'utf8',
      env: {
        ...inherited,
        PATH: `${this.path('bin')}:${process.env['PATH']}`,
        ONPATH_HOST_ROOT: this.#root,
        ...env,
      },
    });
    return { code: run.status, said: run.stdout + run.stderr };
  }

  run(args: string, env: Record<string, string> = {}): Ran {
    return this.shell(`$host ${args}`, env);
  }

  driver(address = CARD): string | undefined {
    try {
      return basename(readlinkSync(this.path(`sys/bus/pci/devices/${address}/driver`)));
    } catch {
      return undefined;
    }
  }

  get calls(): string[] {
    const log = this.path('devbind.log');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  }

  pages(): number {
    return Number(readFileSync(this.path('sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages'), 'utf8'));
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** A machine with one card, its interface down and nothing on it. */
function withCard(card: Parameters<FakeMachine['card']>[0]): Host {
  const host = new Host();
  host.card(card);
  host.interface({ name: 'eth1', card: card.address, up: false });
  return host;
}

const eth1 = 'ip link add eth1 type veth peer name far; ip link set eth1 up; ip link set far up;';
const addressed = `${eth1} ip address add 10.9.0.1/24 dev eth1; ip link set lo up;`;

function assertRefused({ code, said }: Ran, why: RegExp, expected = 1): void {
  assert.equal(code, expected, said);
  assert.match(said, why);
  assert.doesNotMatch(said, /line \d+:|unbound variable/, 'a mistake of the shell');
}

describe('scripts/host', { skip }, () => {
  test('bind hands a card behind an IOMMU to vfio-pci, says so, and is idempotent; undo gives it back', () => {
    using host = withCard({ ...e1000, group: 12 });
    const bound = host.shell(`${eth1} $host bind eth1`);
    assert.equal(bound.code, 0, bound.said);
    assert.match(bound.said, /is eth1: it leaves the kernel/);
    assert.match(bound.said, /0000:03:00\.0 is bound to vfio-pci, no longer to e1000\./);
    assert.equal(host.driver(), 'vfio-pci');
    const again = host.run(`bind ${CARD}`);
    assert.match(again.said, /bound to vfio-pci already/);
    assert.equal(again.code, 0);
    assert.deepEqual(host.calls, [`--bind=vfio-pci ${CARD}`]);
    assert.match(host.run('undo').said, /given back to e1000/);
    assert.equal(host.driver(), 'e1000');
    assert.match(host.run('undo').said, /Nothing to undo/);
  });

  test('without an IOMMU it takes uio_pci_generic and tells what that means; vfio-pci is refused', () => {
    using host = withCard(e1000);
    assertRefused(host.run(`bind ${CARD} --driver vfio-pci`), /in no IOMMU group/);
    assertRefused(host.run(`bind ${CARD} --user root`), /for root only/);
    assert.equal(host.driver(), 'e1000');
    const bound = host.shell(`${eth1} $host bind 03:00.0`);
    assert.equal(bound.code, 0, bound.said);
    assert.match(bound.said, /no IOMMU confines what 0000:03:00\.0 reads and writes/);
    assert.equal(host.driver(), 'uio_pci_generic');
    assert.equal(host.run(`unbind ${CARD}`).code, 0);
    assert.equal(host.driver(), 'e1000');
  });

  test('mlx5 is refused, even with --force', () => {
    using host = withCard({ address: CARD, id: '15b3:101d', driver: 'mlx5_core', group: 12 });
    for (const force of ['', ' --force']) assertRefused(host.run(`bind eth1${force}`), /bifurcated/);
    assert.equal(host.driver(), 'mlx5_core');
    assert.deepEqual(host.calls, []);
  });

  test('the card of the default route is refused, also below a bond; --force takes it', () => {
    using host = withCard({ ...e1000, group: 12 });
    for (const [family, route] of [
      ['IPv4', `${addressed} ip route add default via 10.9.0.2`],
      ['IPv6', `${eth1} ip -6 route add default dev eth1`],
    ]) {
      assertRefused(host.shell(`${route}; $host bind eth1`), /eth1, which carries the default route/);
      assert.equal(host.driver(), 'e1000', family);
    }
    host.interface({ name: 'bond0', files: { 'lower_eth1/': '' } });
    const bond = `${eth1} ip link add bond0 type dummy || ip link add bond0 type veth; ip link set bond0 up; ip address add 10.9.0.1/24 dev bond0; ip route add default dev bond0;`;
    assertRefused(host.shell(`${bond} $host bind eth1`), /eth1, which is below bond0/);
    assert.deepEqual(host.calls, []);
    const forced = host.shell(`${addressed} ip route add default via 10.9.0.2; $host bind eth1 --force`);
    assert.equal(forced.code, 0, forced.said);
    assert.deepEqual(host.calls, [`--bind=vfio-pci --force ${CARD}`]);
  });

  test('the card of an ssh session is refused: by its variable, also above sudo, and by its connection', () => {
    using host = withCard({ ...e1000, group: 12 });
    const session = '10.9.0.7 50000 10.9.0.1 22';
    const refusal = /eth1, which carries an ssh session/;
    assertRefused(host.shell(`${addressed} $host bind eth1`, { SSH_CONNECTION: session }), refusal);
    // sudo drops the variable; the shell above still has it.
    const dropped = `${addressed} env -u SSH_CONNECTION $host bind eth1; exit $?`;
    assertRefused(host.shell(dropped, { SSH_CONNECTION: session }), refusal);
    const connected = `const { connect, createServer } = require('node:net');
      createServer().listen(22, '10.9.0.1', () => connect(22, '10.9.0.1', () => console.log('connected')));`;
    const live = `${addressed}
      exec 3< <(exec node -e "${connected.replaceAll('\n', ' ')}"); server=$!
      read -r -u 3; $host bind eth1; code=$?; kill $server; exit $code`;
    assertRefused(host.shell(live), refusal);
    assert.equal(host.driver(), 'e1000');
  });

  test('one bad card among several: nothing is bound', () => {
    using host = withCard({ ...e1000, group: 12 });
    host.card({ address: SECOND, id: '15b3:101d', driver: 'mlx5_core', group: 13 });
    assertRefused(host.run(`bind ${CARD} ${SECOND}`), /bifurcated/);
    assertRefused(host.run(`bind ${CARD} 0000:09:00.0`), /no PCI device 0000:09:00\.0/);
    assert.equal(host.driver(), 'e1000');
  });

  test('the others of an IOMMU group have to be given too', () => {
    using host = withCard({ ...e1000, group: 12 });
    host.card({ ...e1000, address: SECOND, group: 12 });
    host.interface({ name: 'eth2', card: SECOND, up: false });
    assertRefused(host.run(`bind ${CARD}`), /shares IOMMU group 12 with 0000:03:00\.1 \(e1000\)/);
    const both = host.shell(
      `${eth1} ip link add eth2 type veth peer name far2; $host bind ${CARD} eth2 ${CARD}`,
    );
    assert.equal(both.code, 0, both.said);
    assert.deepEqual([host.driver(), host.driver(SECOND)], ['vfio-pci', 'vfio-pci']);
    assert.equal(host.calls.length, 2);
  });

  test('a card whose interface is not to be seen is refused without --force', () => {
    using host = new Host();
    host.card({ ...e1000, group: 12 });
    assertRefused(host.run(`bind ${CARD}`), /its interface is not to be seen here/);
    assert.equal(host.run(`bind ${CARD} --force`).code, 0);
  });

  test('a binding that did not take is a failure, and can be undone', () => {
    using host = withCard({ ...e1000, group: 12 });
    const failed = host.shell(`${eth1} $host bind eth1`, { REFUSED_DRIVER: 'vfio' });
    assertRefused(failed, /could not be bound to vfio-pci.*bound to no driver now/);
    assert.equal(host.run('undo').code, 0);
    assert.equal(host.driver(), 'e1000');
  });

  test('hugepages by size or count are reserved once, mounted, and undone', () => {
    using host = new Host();
    host.hugepages(3);
    // The mount is a real one, in a namespace of its own; the fake procfs is told of it.
    const mounts = 'grep "$ONPATH_HOST_ROOT/dev/hugepages hugetlbfs" /proc/self/mounts';
    const made = host.shell(`
      $host hugepages 16M && ${mounts} >"$ONPATH_HOST_ROOT/proc/mounts"
      $host hugepages 4 && $host undo; ${mounts} -c`);
    assert.match(made.said, /8 hugepages of 2048 kB are reserved; before, there were 3\./);
    assert.match(made.said, /8 hugepages of 2048 kB are reserved already; 4 were asked for\./);
    assert.match(made.said, /hugetlbfs is mounted on \S+dev\/hugepages already/);
    assert.match(made.said, /is unmounted\.\n.* reserved again.*\n0\n$/);
    assert.equal(host.pages(), 3);
  });

  test('too few hugepages are no hugepages, and the boot option is named', () => {
    using host = new Host();
    host.hugepages(0);
    // A kernel that takes the number and reserves nothing.
    host.link('sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages', '/dev/null');
    assertRefused(host.run('hugepages 4G --page 1G'), /only 0 of 4 .*hugepagesz=1048576K hugepages=4/);
    assertRefused(host.run('hugepages 1M --page 4M'), /no whole number of pages/, 2);
    assertRefused(host.run('hugepages 4M --page 4M'), /It has: .*2048 kB/);
  });

  test('--dry-run prints the commands and changes nothing', () => {
    using host = withCard({ ...e1000, group: 12 });
    host.hugepages(0);
    const pages = host.run('hugepages 8 --dry-run');
    assert.match(
      pages.said,
      /^would run: echo 8 > .*nr_hugepages\nwould run: mkdir .*\nwould run: mount -t hugetlbfs/,
    );
    const bound = host.run('-n bind eth1');
    assert.match(
      bound.said,
      /would run: modprobe vfio-pci\n.*\nwould run: ip link set dev eth1 down\nwould run: dpdk-devbind\.py --bind=vfio-pci 0000:03:00\.0\n$/,
    );
    assert.deepEqual([pages.code, bound.code], [0, 0]);
    assert.equal(host.driver(), 'e1000');
    assert.equal(host.pages(), 0);
    assert.ok(!existsSync(host.path('run/onpath-host')));
  });

  test('check tells what is there, and ends with 3 where hugepages are missing', () => {
    using host = withCard({ ...e1000, group: 12 });
    host.card({ address: SECOND, id: '15b3:101d', driver: 'mlx5_core' });
    host.hugepages(0);
    const poor = host.run('check');
    assert.equal(poor.code, 3);
    assert.match(poor.said, /card 0000:03:00\.0: e1000, IOMMU group 12, eth1\n/);
    assert.match(poor.said, /card 0000:03:00\.1: mlx5_core, \(mlx: stays/);
    host.write('sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', '256\n');
    host.write('proc/mounts', 'none /dev/hugepages hugetlbfs rw 0 0\n');
    assert.equal(host.run('check').code, 0);
  });

  for (const [args, why, code] of [
    ['', /usage:/, 2],
    ['nonsense', /no command 'nonsense'/, 2],
    ['--nonsense', /no option --nonsense/, 2],
    ['bind', /takes cards/, 2],
    ['bind --driver', /--driver takes a value/, 2],
    ['bind eth1 --driver evil', /expected one of vfio-pci/, 2],
    ['bind eth1 --user no-such-user', /does not know/, 2],
    ['bind ../../etc', /neither a PCI address/, 1],
    ["bind '$(touch hacked)'", /neither a PCI address/, 1],
    ["bind ''", /neither a PCI address/, 1],
    ['bind lo', /without a PCI card/, 1],
    ['unbind eth1', /is with the kernel \(e1000\) already/, 0],
    ['hugepages', /takes one size or count/, 2],
    ['hugepages 1 2', /takes one size or count/, 2],
    ['hugepages 0', /one page or more/, 2],
    ['hugepages 10x', /expected a size/, 2],
    ['hugepages 999999999', /more than 4 TiB/, 2],
    ['hugepages 99999999999999999999', /expected a size/, 2],
    ['hugepages 08 --node 99', /on NUMA node 99/, 1],
    ['hugepages 8 --node x', /number of a NUMA node/, 2],
    ['hugepages 8 --force', /--force means nothing to hugepages/, 2],
    ['check now', /takes no arguments/, 2],
  ] as const) {
    test(`host ${args}: one sentence, code ${code}`, () => {
      using host = withCard({ ...e1000, group: 12 });
      host.hugepages(0);
      host.interface({ name: 'lo', loopback: true });
      const ran = host.run(args);
      assertRefused(ran, why, code);
      assert.equal(host.driver(), 'e1000');
      assert.ok(!existsSync('hacked'));
    });
  }
});

const carrier = spawnSync(
  'bash',
  ['-c', 'ip -4 route show default | grep -o "dev [^ ]*" | cut -d " " -f 2'],
  {
    encoding: 'utf8',
  },
).stdout.trim();
const real = carrier !== '' && existsSync(`/sys/class/net/${carrier}/device`);

test('on this machine, whose default route leads over a card: it is refused', {
  skip: real ? false : 'no card',
}, () => {
  const run = spawnSync(SCRIPT, ['--dry-run', 'bind', carrier], { encoding: 'utf8' });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /carries (the default route|an ssh session)|bifurcated|without a PCI card/);
});
