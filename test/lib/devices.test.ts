// What devices() says of interfaces, routes, DPDK and nonsense on machines made of files, and of this machine.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { devices, type KernelInterface, listDevices } from '../../lib/devices.js';
import {
  CARD,
  card,
  commands,
  e1000,
  FakeMachine,
  kernel,
  machine,
  NOBODY,
  net_e1000,
  net_virtio,
  pluginBytes,
  virtualPlugins,
} from '../support/sysfs.js';
import { temporaryFolder } from '../support/tools.js';

describe('the default route', () => {
  const V6_NONE = '0'.repeat(32);
  const v6 = (prefix: string, flags: string, name: string) =>
    `${V6_NONE} ${prefix} ${V6_NONE} 00 ${'fd'.padEnd(32, '0')} 00000400 00000001 00000000 ${flags} ${name}\n`;
  const cases: readonly [claim: string, carries: boolean, build: (m: FakeMachine) => void][] = [
    ['IPv4', true, (m) => m.routes([['eth1', '00000000', '00000000']])],
    ['IPv4, as two halves', true, (m) => m.routes([['eth1', '00000080', '00000080']])],
    ['IPv4, but not up', false, (m) => m.routes([['eth1', '00000000', '00000000', '0002']])],
    ['IPv4, but one that rejects', false, (m) => m.routes([['eth1', '00000000', '00000000', '0201']])],
    ['another IPv4 route', false, (m) => m.routes([['eth1', '000200C0', '00FFFFFF']])],
    ['IPv6', true, (m) => m.write('proc/net/ipv6_route', v6('00', '00000003', 'eth1'))],
    [
      'IPv6, but one that rejects',
      false,
      (m) => m.write('proc/net/ipv6_route', v6('00', '00200200', 'eth1')),
    ],
    ['another IPv6 route', false, (m) => m.write('proc/net/ipv6_route', v6('40', '00000001', 'eth1'))],
    [
      'over a VLAN on a bond of it',
      true,
      (m) => {
        m.interface({ name: 'bond0', files: { 'bonding/': '', 'lower_eth1/': '' } });
        m.interface({ name: 'bond0.5', files: { 'lower_bond0/': '' } });
        m.routes([['bond0.5', '00000000', '00000000']]);
      },
    ],
    [
      'over interfaces that lie on each other in a ring',
      false,
      (m) => {
        m.interface({ name: 'a', files: { 'lower_b/': '' } });
        m.interface({ name: 'b', files: { 'lower_a/': '' } });
        m.routes([['a', '00000000', '00000000']]);
      },
    ],
  ];
  for (const [claim, carries, build] of cases) {
    test(`${claim}: ${carries ? 'carried' : 'not carried'}`, () => {
      const all = machine((m) => {
        m.ready({ net_e1000 });
        m.card({ ...e1000, group: 12 });
        m.interface({ name: 'eth1', card: CARD });
        build(m);
      });
      assert.equal(card(all).carriesDefaultRoute, carries);
      assert.equal(kernel(all, 'eth1').carriesDefaultRoute, carries);
      assert.equal(card(all).dpdk.usable, carries ? 'no' : 'afterSteps');
    });
  }
});

describe('a kernel interface', () => {
  const cases: readonly [type: KernelInterface['type'], files: Record<string, string>][] = [
    ['veth', { iflink: '3' }],
    ['tap', { tun_flags: '0x1802' }],
    ['bridge', { 'bridge/': '', uevent: 'DEVTYPE=bridge' }],
    ['bond', { 'bonding/': '', uevent: 'DEVTYPE=bond' }],
    ['vlan', { uevent: 'INTERFACE=x\nDEVTYPE=vlan', 'lower_eth0/': '' }],
    ['other', { iflink: '3', 'lower_eth0/': '' }],
    ['other', {}],
  ];
  for (const [type, files] of cases) {
    test(`${type}, known by ${JSON.stringify(files)}, is usable`, () => {
      const one = kernel(
        machine((m) => {
          m.ready(virtualPlugins);
          m.interface({ name: 'x0', index: 9, files });
        }),
        'x0',
      );
      assert.equal(one.type, type);
      assert.equal(one.dpdk.usable, 'yes');
      assert.equal(one.dpdk.driver, 'net_af_packet');
      assert.equal(one.dpdk.device, 'net_af_packet9,iface=x0');
      const xdp = type === 'bridge' || type === 'vlan' ? undefined : 'net_af_xdp9,iface=x0';
      assert.equal(one.afXdp.device, xdp);
      assert.equal(one.afXdp.usable, xdp === undefined ? 'no' : 'yes');
    });
  }

  test('that no port can use says what to use instead', () => {
    const all = machine((m) => {
      m.ready(virtualPlugins);
      m.interface({ name: 'lo', loopback: true, index: 1 });
      m.interface({ name: 'tun0', arpType: 65534, files: { tun_flags: '0x1801' } });
      m.interface({ name: 'a,b' });
    });
    for (const [name, type, reason] of [
      ['lo', 'loopback', /loopback.*udp port on 127\.0\.0\.1, or a memory port/],
      ['tun0', 'tun', /no Ethernet frames.*tap or veth/],
      ['a,b', 'other', /cannot be given the name "a,b"/],
    ] as const) {
      const one = kernel(all, name);
      assert.equal(one.type, type);
      for (const use of [one.dpdk, one.afXdp]) {
        assert.equal(use.usable, 'no');
        assert.match(use.reason ?? '', reason);
        assert.equal(use.device, undefined);
      }
    }
  });

  test('without rights, down, with large packets', () => {
    const one = kernel(
      machine((m) => {
        m.ready(virtualPlugins);
        m.runAs(NOBODY);
        m.interface({ name: 'veth0', up: false, mtu: 9000, files: { iflink: '3' } });
      }),
      'veth0',
    );
    assert.deepEqual(commands(one.dpdk), [
      'ip link set dev veth0 up',
      'sudo setpriv --reuid "$(id -u)" --regid "$(id -g)" --init-groups --inh-caps +net_raw --ambient-caps +net_raw node app.js',
    ]);
    assert.match(
      one.dpdk.missing[1]?.what ?? '',
      /net_af_packet opens veth0 with CAP_NET_RAW; this process lacks CAP_NET_RAW/,
    );
    assert.match(one.afXdp.missing[1]?.what ?? '', /CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF/);
    assert.match(one.dpdk.warnings.join('\n'), /tx off gso off tso off.*\n.*MTU of 9000/);
    assert.equal(one.link, undefined);
  });

  test('without hugepages: how many to reserve, and how to do without', () => {
    const one = kernel(
      machine((m) => {
        m.ready(virtualPlugins);
        m.hugepages(31);
        m.interface({ name: 'tap0', files: { tun_flags: '0x1802' } });
      }),
      'tap0',
    );
    assert.deepEqual(commands(one.dpdk), [
      'echo 287 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages',
    ]);
    assert.match(one.dpdk.missing[0]?.what ?? '', /^62 MB of hugepages are free.*64 MB.*hugepages: false/);
  });

  test('of the default route: net_af_packet leaves the kernel its packets, net_af_xdp would not', () => {
    const one = kernel(
      machine((m) => {
        m.ready(virtualPlugins);
        m.interface({ name: 'eth0' });
        m.routes([['eth0', '00000000', '00000000']]);
      }),
      'eth0',
    );
    assert.equal(one.dpdk.usable, 'yes');
    assert.match(one.dpdk.warnings.join(), /goes on handling every packet/);
    assert.equal(one.afXdp.usable, 'no');
    assert.match(one.afXdp.reason ?? '', /cut off.*net_af_packet/);
  });

  test('whose name is a command is quoted in advice', () => {
    const one = kernel(
      machine((m) => {
        m.ready(virtualPlugins);
        m.interface({ name: '$(reboot)', up: false });
      }),
      '$(reboot)',
    );
    assert.deepEqual(commands(one.dpdk), ["ip link set dev '$(reboot)' up"]);
  });
});

describe('the installed DPDK', () => {
  const onVfio = { address: CARD, id: '8086:100e', driver: 'vfio-pci', group: 1 };

  test('is the newest that there is a driver library for', () => {
    const all = machine((m) => {
      m.ready({ net_e1000 });
      m.dpdk({ net_virtio }, '25');
      m.dpdk({ net_virtio }, '99');
      m.card(onVfio);
      m.write('dev/vfio/1', '');
    });
    assert.equal(card(all).dpdk.usable, 'yes');
  });

  test('of another ABI than the driver library: the missing one is named, and the one that is there', () => {
    const all = machine((m) => {
      m.dpdk({ net_e1000, mempool_ring: [] }, '25');
      m.write('drivers/libonpath_dpdk.so.23', '');
      m.hugepages(256);
      m.card(onVfio);
      m.write('dev/vfio/1', '');
    });
    const [step, ...more] = card(all).dpdk.missing;
    assert.deepEqual(more, []);
    assert.match(
      step?.what ?? '',
      /libonpath_dpdk\.so\.25 not found in .*drivers.*There is one for DPDK 22\.11/,
    );
  });

  test('without a mempool plugin: its package', () => {
    const all = machine((m) => {
      m.ready({ net_e1000 });
      m.dpdk({ net_e1000 }, '24');
      m.write('drivers/libonpath_dpdk.so.24', '');
      m.card(onVfio);
      m.write('dev/vfio/1', '');
    });
    assert.deepEqual(commands(card(all).dpdk), [
      'apt-get install --no-install-recommends librte-mempool-ring24',
    ]);
  });

  test('is read past garbage', () => {
    const all = machine((m) => {
      m.ready({});
      const good = JSON.stringify(net_e1000[2]);
      m.plugin(
        'net_e1000',
        pluginBytes([
          '',
          '{',
          'null',
          '7',
          '[]',
          '{"name":5}',
          '{"name":"net_x","pci_ids":[[1],"a",null]}',
          good,
        ]),
      );
      m.plugin('net_empty', new Uint8Array());
      m.plugin('net_cut', Buffer.from('PMD_INFO_STRING= {"name":"net_cut"'));
      const folder = 'lib/dpdk/pmds-23.0';
      m.link(`${folder}/librte_net_gone.so`, 'nowhere');
      m.link(`${folder}/librte_net_ring.so`, 'librte_net_ring.so');
      m.write(`${folder}/librte_net_folder.so/x`, '');
      m.write(`${folder}/README`, '');
      spawnSync('mkfifo', [m.path(`${folder}/librte_net_pipe.so`)]);
      m.card(onVfio);
      m.write('dev/vfio/1', '');
    });
    assert.equal(card(all).dpdk.usable, 'yes');
    assert.equal(card(all).dpdk.driver, 'net_e1000_em');
  });

  test('is read again when a plugin changed', () => {
    using folder = temporaryFolder();
    const made = new FakeMachine(folder.path);
    made.ready({ net_e1000: [] });
    made.card(onVfio);
    made.write('dev/vfio/1', '');
    assert.equal(card(listDevices(made.places)).dpdk.usable, 'no');
    made.write(
      'lib/dpdk/pmds-23.0/librte_net_e1000.so.23.0',
      pluginBytes(net_e1000.map((driver) => JSON.stringify(driver))),
    );
    assert.equal(card(listDevices(made.places)).dpdk.usable, 'yes');
  });
});

describe('nonsense', () => {
  const garbage: readonly [what: string, content: string | Uint8Array][] = [
    ['binary', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a, 0x31])],
    ['empty', ''],
    ['huge numbers', `0x${'f'.repeat(40)}`],
    ['huge decimal numbers', '9'.repeat(400)],
    ['long', 'a'.repeat(1 << 20)],
    ['negative', '-5'],
  ];
  for (const [what, content] of garbage) {
    test(`${what} in every file: listed, with undefined for what it spoils`, () => {
      const all = machine((m) => {
        m.ready({ net_e1000 });
        m.card(e1000);
        const folder = `sys/bus/pci/devices/${CARD}`;
        for (const file of ['vendor', 'device', 'subsystem_vendor', 'subsystem_device']) {
          m.write(`${folder}/${file}`, content);
        }
        m.interface({ name: 'eth1', card: CARD });
        for (const file of [
          'address',
          'mtu',
          'type',
          'flags',
          'ifindex',
          'iflink',
          'speed',
          'carrier',
          'uevent',
        ]) {
          m.write(`sys/class/net/eth1/${file}`, content);
        }
        m.write('sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', content);
        m.write('sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages', content);
        for (const file of ['net/route', 'net/ipv6_route', 'self/status', 'self/limits'])
          m.write(`proc/${file}`, content);
      });
      const { vendorId, deviceId, subsystemVendorId, interfaces } = card(all);
      assert.deepEqual([vendorId, deviceId, subsystemVendorId], [undefined, undefined, undefined]);
      assert.deepEqual(interfaces, [
        { name: 'eth1', mac: undefined, mtu: undefined, up: false, link: undefined, speedMbps: undefined },
      ]);
      assert.equal(card(all).dpdk.usable, 'no');
    });
  }

  test('dangling links, rings, folders and files in each other’s place, unreadable files', () => {
    const all = machine((m) => {
      m.ready({ net_e1000 });
      m.write('sys/class/net/bonding_masters', 'bond0\n');
      m.link('sys/class/net/gone0', '../../devices/gone');
      m.link('sys/class/net/ring0', 'ring0');
      m.link('sys/bus/pci/devices/0000:04:00.0', '../../../devices/gone');
      m.write('sys/bus/pci/devices/0000:05:00.0', 'a file');
      m.write('sys/bus/pci/devices/nonsense/class', '0x020000');
      m.write('sys/bus/pci/devices/0000:06:00.0/class/x', '');
      m.write('sys/class/net/eth9/address/x', '');
      m.link('sys/class/net/eth9/device', 'gone');
      m.card(e1000);
      m.unreadable(`sys/bus/pci/devices/${CARD}/numa_node`);
    });
    assert.deepEqual(
      all.map((one) => (one.kind === 'pci' ? one.address : one.name)),
      [CARD, 'eth9'],
    );
    assert.equal(kernel(all, 'eth9').pciAddress, undefined);
  });

  test('nothing at all: an empty list', () => {
    const gone = '/nonexistent/onpath';
    assert.deepEqual(
      listDevices({ sys: gone, proc: gone, dev: gone, libraries: [gone], programs: [], drivers: [] }),
      [],
    );
  });
});

test('this machine has a loopback interface, and every device says how to use it or why not', () => {
  const all = devices();
  assert.equal(kernel(all, 'lo').type, 'loopback');
  const ports = all.flatMap((one) => (one.kind === 'pci' ? [one.dpdk] : [one.dpdk, one.afXdp]));
  for (const use of ports) {
    assert.equal(use.reason === undefined, use.usable !== 'no');
    assert.equal(use.device === undefined, use.usable === 'no');
    assert.equal(use.missing.length > 0, use.usable === 'afterSteps');
  }
  const names = ports.flatMap(({ device }) => (device === undefined ? [] : [device]));
  assert.equal(new Set(names).size, names.length);
});
