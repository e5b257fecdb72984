// Specifications of dpdk ports, of DPDK's environment, and of senders that leave by such a port.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isOnLink, parseMac, parseOwnAddress } from '../../lib/address.js';
import { normalDeviceName } from '../../lib/device-name.js';
import { Dataplane, Pipeline, Sender } from '../../lib/index.js';
import { nativePlaneConfig } from '../../lib/plane-config.js';
import { dataplaneSpec } from '../../lib/schema.js';
import { parse } from '../../lib/validate.js';
import { assertRejects, assertThrows } from '../support/assert.js';

const pipeline = Pipeline.compile({ input: { kind: 'image', width: 1, height: 1, format: 'gray' } });
const least = { type: 'dpdk', name: 'nic', device: '0000:03:00.0' };
const route = { name: 'r', port: 'nic', pipeline, sources: ['10.9.0.0/24'] };
const planeWith = (port: object, more: object = {}) => ({
  ports: [{ ...least, ...port }],
  routes: [route],
  ...more,
});
const nativeOf = (spec: unknown) => nativePlaneConfig(parse(dataplaneSpec, spec, 'dataplane'));
const nativePort = (port: object, more: object = {}) => {
  const [native] = nativeOf(planeWith(port, more)).ports;
  assert.ok(native?.type === 'dpdk');
  return native;
};

describe('names of devices', () => {
  const right: [string, string][] = [
    ['0000:03:00.0', '0000:03:00.0'],
    ['03:00.0', '0000:03:00.0'],
    ['0000:AF:1F.7', '0000:af:1f.7'],
    ['10000:01:00.0', '10000:01:00.0'],
    ['03:00.1,representor=[0-3]', '0000:03:00.1,representor=[0-3]'],
    ['auxiliary:mlx5_core.sf.4', 'auxiliary:mlx5_core.sf.4'],
    ['net_ring0', 'net_ring0'],
    [
      'net_pcap0,rx_pcap=/tmp/a b.pcap,tx_pcap=/dev/null',
      'net_pcap0,rx_pcap=/tmp/a b.pcap,tx_pcap=/dev/null',
    ],
  ];
  for (const [text, name] of right) {
    test(`"${text}" is "${name}"`, () => {
      assert.equal(normalDeviceName(text), name);
      assert.equal(normalDeviceName(name), name);
      assert.equal(nativePort({ device: text }).device, name);
    });
  }
  const wrong = [
    '',
    'eth0',
    'mlx5_0',
    '03:00',
    '3:0.0',
    '03:00.8',
    '03:20.0',
    '0000:03:00.0 ',
    ' 03:00.0',
    '0000-03-00.0',
    'auxiliary:mlx5_core',
    'net_',
    'crypto_null0',
    'net_ring0,',
    'net_ring0,a\nb',
    'net_ring0\0',
    'net_ring0,a\0b',
    `net_${'x'.repeat(60)}`,
    `net_ring0,${'x'.repeat(250)}`,
  ];
  for (const text of wrong) {
    test(`${JSON.stringify(text.slice(0, 40))} is none`, () => {
      assertThrows(
        () => nativeOf(planeWith({ device: text })),
        'INVALID_SPEC',
        /ports\[0\]\.device/,
        /PCI address such as "0000:03:00\.0"/,
        /received/,
      );
    });
  }
});

describe('a dpdk port', () => {
  test('needs a name and a device only', () => {
    assert.deepEqual(nativePort({}, { workers: 3 }), {
      ...least,
      queues: 3,
      transmitQueues: 3,
      rxDescriptors: 0,
      txDescriptors: 0,
      mtu: 1500,
      bufferBytes: 0,
      buffers: 0,
      promiscuous: false,
      allMulticast: false,
      offloads: ['steering', 'mark', 'rss', 'allowList', 'checksums', 'timestamps'],
      offloadsOff: [],
      host: undefined,
      impair: undefined,
    });
    assert.equal(nativeOf(planeWith({})).eal, undefined);
  });

  test('is a host with the addresses, gateways, neighbours and groups given', () => {
    const { host } = nativePort({
      addresses: ['10.9.0.2/24', '2001:db8::2/64'],
      gateways: ['10.9.0.1', 'fe80::1'],
      neighbours: { '10.9.0.9': '02:00:00:00:00:09', '2001:db8::9': '02-00-00-00-00-FF' },
      groups: ['239.1.1.1', 'ff3e::8000:1'],
    });
    assert.deepEqual(host, {
      addresses: ['10.9.0.2/24', '2001:db8::2/64'],
      gateways: ['10.9.0.1', 'fe80::1'],
      neighbours: [
        { address: '10.9.0.9', mac: Uint8Array.of(2, 0, 0, 0, 0, 9) },
        { address: '2001:db8::9', mac: Uint8Array.of(2, 0, 0, 0, 0, 255) },
      ],
      groups: ['239.1.1.1', 'ff3e::8000:1'],
    });
  });

  test('has a transmit queue for each worker and each sender', () => {
    const port = nativePort({ queues: 1, senders: 3 }, { workers: 2 });
    assert.deepEqual([port.queues, port.transmitQueues], [1, 5]);
    const more = nativePort({ queues: 4, senders: 3 }, { workers: 2 });
    assert.deepEqual([more.queues, more.transmitQueues], [4, 7]);
  });

  test('takes offloads as one word or one by one', () => {
    const all = ['allowList', 'checksums', 'mark', 'rss', 'steering', 'timestamps'];
    const on = (offloads: object | string) => nativePort({ offloads }).offloads.toSorted();
    const off = (offloads: object | string) => nativePort({ offloads }).offloadsOff.toSorted();
    assert.deepEqual(on('auto'), all);
    assert.deepEqual(on({}), all);
    assert.deepEqual(
      on({ rss: false }),
      all.filter((name) => name !== 'rss'),
    );
    assert.deepEqual(on('none'), []);
    assert.deepEqual(
      on({ bufferSplit: true, cqeCompression: true }),
      [...all, 'bufferSplit', 'cqeCompression'].toSorted(),
    );
    assert.deepEqual([off('auto'), off({}), off({ mprq: false, rss: false })], [[], [], ['mprq']]);
    assert.deepEqual(off('none'), ['cqeCompression', 'mprq']);
  });

  const host = { addresses: ['10.9.0.2/24'] };
  const wrong: [string, object, RegExp[]][] = [
    ['no device', { device: undefined }, [/ports\[0\]\.device/, /received nothing/]],
    ['a misspelt field', { adresses: [] }, [/ports\[0\]/, /unknown field "adresses"/]],
    ['fields of a udp port', { port: 5004 }, [/unknown field "port"/]],
    [
      'an address without a prefix length',
      { addresses: ['10.9.0.2'] },
      [/addresses\[0\]/, /"10\.9\.0\.2\/24"/],
    ],
    ['an address that is no number', { addresses: ['nic/24'] }, [/addresses\[0\]/, /"nic\/24"/]],
    ['a prefix length of 33', { addresses: ['10.9.0.2/33'] }, [/addresses\[0\]/]],
    ['a multicast address of its own', { addresses: ['239.1.1.1/24'] }, [/addresses\[0\]/]],
    ['the loopback address', { addresses: ['127.0.0.1/8'] }, [/addresses\[0\]/]],
    ['any address', { addresses: ['0.0.0.0/8'] }, [/addresses\[0\]/]],
    ['an IPv4 address in an IPv6 coat', { addresses: ['::ffff:10.9.0.2/120'] }, [/addresses\[0\]/]],
    ['an address with a zone', { addresses: ['fe80::1%eth0/64'] }, [/addresses\[0\]/]],
    ['the same address twice', { addresses: ['10.9.0.2/24', '10.9.0.2/16'] }, [/addresses\[1\]/, /once/]],
    [
      'a gateway off the link',
      { ...host, gateways: ['10.8.0.1'] },
      [/gateways\[0\]/, /10\.9\.0\.2\/24/, /"10\.8\.0\.1"/],
    ],
    ['itself as gateway', { ...host, gateways: ['10.9.0.2'] }, [/gateways\[0\]/, /own/]],
    [
      'two gateways of one version',
      { ...host, gateways: ['10.9.0.1', '10.9.0.3'] },
      [/gateways\[1\]/, /one gateway/],
    ],
    ['a gateway of a version it has not', { ...host, gateways: ['fe80::1'] }, [/gateways\[0\]/]],
    ['a gateway without an address', { gateways: ['10.9.0.1'] }, [/gateways/, /no addresses/]],
    ['a group that is no multicast address', { ...host, groups: ['10.9.0.7'] }, [/groups\[0\]/, /multicast/]],
    ['a group without an address', { groups: ['239.1.1.1'] }, [/groups/, /no addresses/]],
    [
      'a neighbour that is no address',
      { ...host, neighbours: { peer: '02:00:00:00:00:09' } },
      [/neighbours/, /"peer"/],
    ],
    [
      'a MAC address of five bytes',
      { ...host, neighbours: { '10.9.0.9': '02:00:00:00:09' } },
      [/neighbours/, /MAC/],
    ],
    [
      'a MAC address of a group',
      { ...host, neighbours: { '10.9.0.9': '01:00:5e:00:00:09' } },
      [/neighbours/],
    ],
    ['a MAC address of zeros', { ...host, neighbours: { '10.9.0.9': '00:00:00:00:00:00' } }, [/neighbours/]],
    [
      'a neighbour off the link',
      { ...host, neighbours: { '10.8.0.9': '02:00:00:00:00:09' } },
      [/neighbours/, /within 10\.9\.0\.2\/24/, /"10\.8\.0\.9"/],
    ],
    ['itself as neighbour', { ...host, neighbours: { '10.9.0.2': '02:00:00:00:00:09' } }, [/neighbours/]],
    [
      'neighbours without an address',
      { neighbours: { '10.9.0.9': '02:00:00:00:00:09' } },
      [/neighbours/, /no addresses/],
    ],
    ['an mtu of 67', { mtu: 67 }, [/mtu/, />=68/, /67/]],
    ['an mtu of 65522', { mtu: 65522 }, [/mtu/, /<=65521/]],
    ['an mtu too small for a host', { ...host, mtu: 1279 }, [/mtu/, /1280/, /1279/]],
    ['31 descriptors', { rxDescriptors: 31 }, [/rxDescriptors/, />=32/]],
    ['32769 descriptors', { txDescriptors: 32769 }, [/txDescriptors/, /<=32768/]],
    ['no queues', { queues: 0 }, [/queues/, />=1/]],
    ['more senders than queues are left', { senders: 64 }, [/senders/, /at most 63/, /64 transmit queues/]],
    ['half a sender', { senders: 0.5 }, [/senders/]],
    ['buffers of 100 bytes', { bufferBytes: 100 }, [/bufferBytes/, />=256/]],
    ['three buffers', { buffers: 3 }, [/buffers/, />=64/]],
    ['offloads that do not exist', { offloads: { crypto: true } }, [/offloads/, /"crypto"/]],
    [
      'several packets in a buffer that is split',
      { offloads: { mprq: true, bufferSplit: true } },
      [/mprq/, /bufferSplit/],
    ],
    ['another word for offloads', { offloads: 'all' }, [/offloads/, /"auto"/, /"all"/]],
  ];
  for (const [claim, port, says] of wrong) {
    test(`with ${claim} is refused by field`, () => {
      assertThrows(() => nativeOf(planeWith(port)), 'INVALID_SPEC', ...says);
    });
  }
});

describe("DPDK's environment", () => {
  test('every field reaches the driver; what is not given it chooses', () => {
    const eal = {
      hugepages: false,
      memoryMb: 64,
      filePrefix: 'cam-1',
      iova: 'va',
      telemetry: false,
      logLevel: 8,
      controlCpu: 1,
      plugins: '/opt/pmds',
      args: ['--vfio-intr=msi'],
    };
    assert.deepEqual(nativeOf(planeWith({}, { eal })).eal, eal);
    assert.deepEqual(nativeOf(planeWith({}, { eal: {} })).eal, {
      hugepages: true,
      memoryMb: 0,
      filePrefix: '',
      iova: '',
      telemetry: true,
      logLevel: 0,
      controlCpu: -1,
      plugins: '',
      args: [],
    });
  });

  const wrong: [string, object, RegExp[]][] = [
    ['an unknown field', { hugePages: true }, [/eal/, /unknown field "hugePages"/]],
    ['a prefix that is a path', { filePrefix: '../x' }, [/filePrefix/, /"\.\.\/x"/]],
    ['a prefix of dots', { filePrefix: '..' }, [/filePrefix/]],
    ['too little memory', { memoryMb: 63 }, [/memoryMb/, /at least 64/]],
    ['an unknown iova', { iova: 'dma' }, [/iova/, /"pa"/]],
    ['negative memory', { memoryMb: -1 }, [/memoryMb/]],
    ['a log level of 9', { logLevel: 9 }, [/logLevel/, /<=8/]],
    ['an argument with a zero byte', { args: ['--a\0b'] }, [/args\[0\]/, /zero byte/]],
    ['an empty argument', { args: [''] }, [/args\[0\]/]],
  ];
  for (const [claim, eal, says] of wrong) {
    test(`with ${claim} is refused by field`, () => {
      assertThrows(() => nativeOf(planeWith({}, { eal })), 'INVALID_SPEC', ...says);
    });
  }

  test('is not started for nothing', () => {
    const ports = [{ type: 'udp', name: 'nic' }];
    assertThrows(() => nativeOf({ eal: {}, ports, routes: [route] }), 'INVALID_SPEC', /\.eal/, /no port/);
  });
});

describe('routes over dpdk ports', () => {
  test('say who may send', () => {
    const spec = planeWith({}, { routes: [{ ...route, sources: undefined }] });
    assertThrows(() => nativeOf(spec), 'INVALID_SPEC', /routes\[0\]\.sources/, /"nic" is a dpdk port/);
  });

  test('may be missing if senders can leave by a port, else not', () => {
    assert.equal(nativeOf(planeWith({ senders: 1 }, { routes: [] })).routes.length, 0);
    assertThrows(() => nativeOf(planeWith({}, { routes: [] })), 'INVALID_SPEC', /routes/, />=1/);
  });

  const forward = (port: object, to: string, from?: string) => {
    const sink = { forward: { port: 'nic', to, ...(from === undefined ? {} : { from }) } };
    const native = nativeOf(planeWith(port, { routes: [{ ...route, sink }] })).routes[0]!.sink;
    assert.ok(native.type === 'forward');
    return `${native.sourceAddress} ${native.sourceUdpPort}`;
  };

  test('forward from an address of the port that the plane chooses, or the one given', () => {
    const addresses = ['10.9.0.2/24', '2001:db8::2/64'];
    for (const to of ['10.9.0.9:5004', '192.0.2.9:5004', '[2001:db8:1::9]:5004'])
      assert.equal(forward({ addresses }, to), 'undefined 5004');
    assert.equal(forward({ addresses }, '10.9.0.9:5004', '10.9.0.2:7'), '10.9.0.2 7');
    assertThrows(
      () => forward({ addresses }, '10.9.0.9:5004', '[2001:db8::2]:7'),
      'INVALID_SPEC',
      /one is IPv4, the other IPv6/,
    );
  });

  test('do not forward by a port that is no host of that version', () => {
    for (const port of [{}, { addresses: ['2001:db8::2/64'] }]) {
      for (const from of [undefined, '10.9.0.2:5004']) {
        assertThrows(
          () => forward(port, '10.9.0.9:5004', from),
          'INVALID_SPEC',
          /sink\.forward\.to is 10\.9\.0\.9/,
          /no IPv4 address/,
          /addresses/,
        );
      }
    }
  });
});

describe('senders by a port of a plane', () => {
  const to = { to: '10.9.0.9:5004', width: 1, height: 1, format: 'gray' } as const;

  test('need a plane, and a dpdk port of it', async () => {
    await using plane = await Dataplane.start({
      ports: [{ type: 'memory', name: 'in', link: 'dpdk-spec' }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await assertRejects(
      Sender.open({ ...to, via: { plane, port: 'out' } }),
      'INVALID_SPEC',
      /sender\.via\.port/,
      /"out"/,
      /There are: in/,
    );
    await assertRejects(
      Sender.open({ ...to, via: { plane, port: 'in' } }),
      'INVALID_SPEC',
      /"in" is a memory port, expected a dpdk port/,
    );
  });

  const wrong: [object, RegExp][] = [
    [{ plane: {}, port: 'nic' }, /sender\.via\.plane.*Dataplane\.start/],
    [{ plane: undefined, port: 'nic' }, /sender\.via/],
    [{ link: 'l', port: 'nic' }, /sender\.via.*unknown field "port"/],
    [{}, /sender\.via\.link/],
    [{ link: 'l', side: 3 }, /sender\.via\.side/],
  ];
  for (const [via, says] of wrong) {
    test(`do not take ${JSON.stringify(via)}`, async () => {
      await assertRejects(Sender.open({ ...to, via } as never), 'INVALID_SPEC', says);
    });
  }
});

describe('addresses of a host', () => {
  test('an own address keeps its host part', () => {
    assert.deepEqual(parseOwnAddress('10.9.0.2/24'), { address: '10.9.0.2', bits: 24 });
    assert.deepEqual(parseOwnAddress('2001:db8::2/128'), { address: '2001:db8::2', bits: 128 });
    for (const text of [
      '10.9.0.2/0',
      '10.9.0.2/',
      '10.9.0.2/24/8',
      '/24',
      '10.9.0.2/-1',
      '255.255.255.255/32',
    ]) {
      assert.equal(parseOwnAddress(text), undefined, text);
    }
  });

  test('what is on-link is reached without a gateway', () => {
    const own = [parseOwnAddress('10.9.0.2/24')!, parseOwnAddress('2001:db8::2/64')!];
    for (const address of ['10.9.0.1', '10.9.0.255', '2001:db8::ffff', 'fe80::1'])
      assert.ok(isOnLink(address, own), address);
    for (const address of ['10.9.1.1', '2001:db8:0:1::1']) assert.ok(!isOnLink(address, own), address);
  });

  test('a MAC address of one station, in colons or dashes', () => {
    assert.deepEqual(parseMac('02:AB:00:00:00:09'), Uint8Array.of(2, 0xab, 0, 0, 0, 9));
    for (const text of ['02:00-00:00:00:09', '020000000009', '02:00:00:00:00:0g', ' 02:00:00:00:00:09'])
      assert.equal(parseMac(text), undefined, text);
  });
});
