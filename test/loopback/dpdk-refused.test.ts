// What DPDK ports refuse, and how they say it. Nothing of it ends the process or leaves a device taken.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Dataplane, type DataplaneSpec, type ErrorCode, Pipeline, Sender } from '../../lib/index.js';
import { assertRejects } from '../support/assert.js';
import { dpdkMissing, eal } from '../support/dpdk.js';
import type { DpdkChildTask } from '../support/dpdk-child.js';
import {
  type DpdkPort,
  freshDevice,
  GROUP,
  memifPort,
  planeOn,
  ringPort,
  route,
} from '../support/dpdk-loop.js';
import { takeOne } from '../support/plane.js';
import { format, height, image, resize, width } from '../support/small.js';

const pipeline = Pipeline.compile(resize);
const on = (port: Partial<DpdkPort>, options: DataplaneSpec['eal'] = eal): DataplaneSpec => ({
  ...planeOn([ringPort(port)], [route({ pipeline })]),
  ...(options === undefined ? {} : { eal: options }),
});

const child = new URL('../support/dpdk-child.js', import.meta.url).pathname;
const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'];

/** Runs the child to its end, as nobody. */
function runAsNobody(task: DpdkChildTask): { code?: ErrorCode; message?: string; text: string } {
  const run = spawnSync('setpriv', [...nobody, process.execPath, child, JSON.stringify(task)], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(run.status, 0, run.stderr);
  const text = run.stdout.trim();
  return text.startsWith('{') ? { ...(JSON.parse(text) as object), text } : { text };
}

/** Why no process can be run as nobody here, or false. */
function noNobody(): string | false {
  if (process.getuid?.() !== 0) return 'not root';
  const run = spawnSync('setpriv', [
    ...nobody,
    process.execPath,
    '-e',
    `require('node:fs').readFileSync(${JSON.stringify(child)})`,
  ]);
  return run.status === 0 ? false : 'setpriv is not there, or nobody may not read this folder';
}

/** A PCI network card that the kernel drives alone; undefined if there is none. */
function cardOfTheKernel(): string | undefined {
  const devices = '/sys/bus/pci/devices';
  if (!existsSync(devices)) return undefined;
  return readdirSync(devices).find((address) => {
    const folder = join(devices, address);
    if (!readFileSync(join(folder, 'class'), 'utf8').startsWith('0x02')) return false;
    const driver = existsSync(join(folder, 'driver')) ? readlinkSync(join(folder, 'driver')) : '';
    return !/(^$|vfio|uio|mlx|mana)/.test(driver);
  });
}

describe('refused before DPDK starts', { skip: dpdkMissing() ?? false }, () => {
  const wrong: [string, NonNullable<DataplaneSpec['eal']>, ErrorCode, RegExp[]][] = [
    [
      'an argument that ends the process',
      { ...eal, args: ['--help'] },
      'INVALID_ARGUMENT',
      [/"--help"/, /refused/],
    ],
    ['one that prints', { ...eal, args: ['-v'] }, 'INVALID_ARGUMENT', [/"-v"/]],
    ['one that a field says', { ...eal, args: ['--no-huge'] }, 'INVALID_ARGUMENT', [/hugepages says it/]],
    [
      'one that takes devices',
      { ...eal, args: ['--vdev=net_null0'] },
      'INVALID_ARGUMENT',
      [/named by ports/],
    ],
    ['an unknown one', { ...eal, args: ['--nonsense'] }, 'INVALID_ARGUMENT', [/"--nonsense"/]],
    ['a text that is no argument', { ...eal, args: ['nonsense'] }, 'INVALID_ARGUMENT', [/"nonsense"/]],
    [
      'plugins that are not there',
      { ...eal, plugins: '/nonexistent' },
      'INVALID_ARGUMENT',
      [/\/nonexistent/],
    ],
    [
      'more hugepages than there are',
      { hugepages: true, memoryMb: 1 << 20 },
      'NO_HUGEPAGES',
      [/1048576 MB/, /nr_hugepages/, /hugepages: false/],
    ],
  ];
  for (const [claim, options, code, says] of wrong) {
    test(`${claim}: ${code}`, async () => {
      await assertRejects(Dataplane.start(on({}, options)), code, ...says);
    });
  }

  test('and then it starts all the same', async () => {
    await using plane = await Dataplane.start(on({}));
    await assertWorks(plane);
  });
});

describe('refused while DPDK runs', { skip: dpdkMissing() ?? false }, () => {
  let running: Dataplane;
  let taken: string;
  before(async () => {
    taken = freshDevice('net_ring');
    running = await Dataplane.start(on({ device: taken }));
  });
  after(() => running.close());

  const others: [string, NonNullable<DataplaneSpec['eal']>, RegExp][] = [
    ['memory', { ...eal, memoryMb: 128 }, /memoryMb is 128 here, but 256 there/],
    ['telemetry', { ...eal, telemetry: false }, /telemetry/],
    ['prefix', { ...eal, filePrefix: 'another' }, /filePrefix/],
    ['arguments', { ...eal, args: ['--no-hpet'] }, /args/],
  ];
  for (const [claim, options, says] of others) {
    test(`another ${claim} than it runs with: EAL_CONFLICT`, async () => {
      await assertRejects(Dataplane.start(on({}, options)), 'EAL_CONFLICT', says, /same options or none/);
    });
  }

  test('equal options and none are taken', async () => {
    for (const options of [eal, undefined]) await (await Dataplane.start(on({}, options))).close();
  });

  const wrong: [string, () => Partial<DpdkPort>, ErrorCode, RegExp[]][] = [
    [
      'a device that is open',
      () => ({ device: taken }),
      'DEVICE_IN_USE',
      [/net_ring/, /open in this process/],
    ],
    [
      'a PCI address that is not there',
      () => ({ device: 'ff:1f.7' }),
      'DEVICE_NOT_FOUND',
      [/0000:ff:1f\.7/, /devices\(\)/],
    ],
    [
      'an auxiliary device that is not there',
      () => ({ device: 'auxiliary:mlx5_core.sf.4095' }),
      'DEVICE_NOT_FOUND',
      [/mlx5_core\.sf\.4095/, /\/sys\/bus\/auxiliary/, /devlink/],
    ],
    [
      'a virtual device of no driver',
      () => ({ device: 'net_nonsense0' }),
      'DEVICE_NOT_FOUND',
      [/"net_nonsense0"/],
    ],
    [
      'an interface that is not there',
      () => ({ device: 'net_af_packet0,iface=onpath-nope' }),
      'DEVICE_NOT_FOUND',
      [/"onpath-nope"/, /\blo\b/],
    ],
    ['an interface that is not named', () => ({ device: 'net_af_packet0' }), 'INVALID_ARGUMENT', [/iface=/]],
    [
      'arguments that the driver does not take',
      () => ({ device: `${freshDevice('net_memif')},role=boss` }),
      'PORT_FAILED',
      [/boss/],
    ],
    [
      'a file that is not there',
      () => ({ device: `${freshDevice('net_pcap')},rx_pcap=/nonexistent` }),
      'PORT_FAILED',
      [/\/nonexistent/],
    ],
    [
      'an mtu that it does not take',
      () => memifPort('server', '/tmp/onpath-refused.sock', { mtu: 9000 }),
      'INVALID_ARGUMENT',
      [/mtu is 9000/, /46 to 1500/],
    ],
    ['an mtu that no device takes', () => ({ mtu: 65521 }), 'INVALID_ARGUMENT', [/mtu is 65521/]],
    ['too few buffers', () => ({ buffers: 64 }), 'INVALID_ARGUMENT', [/buffers is 64/, /at least/]],
    ['more buffers than memory', () => ({ buffers: 1 << 20 }), 'OUT_OF_MEMORY', [/memoryMb/]],
    [
      'a neighbour that is a broadcast',
      () => ({ neighbours: { '10.9.0.255': '02:00:00:00:00:01' } }),
      'INVALID_SPEC',
      [/10\.9\.0\.255/],
    ],
  ];
  for (const [claim, port, code, says] of wrong) {
    test(`${claim}: ${code}`, async () => {
      const spec = { ...port(), name: 'ring' };
      for (let i = 0; i < 3; i++) await assertRejects(Dataplane.start(on(spec)), code, ...says);
    });
  }

  test('one device for two ports of a plane: DEVICE_IN_USE, and the first one is free again', async () => {
    const device = freshDevice('net_ring');
    const twice = planeOn([ringPort({ device }), ringPort({ name: 'same', device })], [route({ pipeline })]);
    for (let i = 0; i < 5; i++)
      await assertRejects(Dataplane.start(twice), 'DEVICE_IN_USE', new RegExp(device));
    await using plane = await Dataplane.start(on({ device }));
    await assertWorks(plane);
  });

  test('a route that is wrong gives its device back', async () => {
    const device = freshDevice('net_ring');
    const spec = planeOn([ringPort({ device })], [route({ pipeline, slots: 65536, openSamples: 65536 })]);
    await assertRejects(Dataplane.start({ ...spec, limits: { memoryBytes: 1 << 20 } }), 'LIMIT_EXCEEDED');
    await using plane = await Dataplane.start(on({ device }));
    await assertWorks(plane);
  });

  test('a card that the kernel drives: DEVICE_IN_USE, with the command', {
    skip: cardOfTheKernel() === undefined && 'no such card here',
  }, async () => {
    const device = cardOfTheKernel()!;
    await assertRejects(
      Dataplane.start(on({ device })),
      'DEVICE_IN_USE',
      new RegExp(device),
      /dpdk-devbind\.py --bind=vfio-pci/,
    );
  });

  test('and the plane that ran before goes on', () => assertWorks(running));
});

describe('without privilege', { skip: dpdkMissing() ?? noNobody() }, () => {
  const options = { ...eal, telemetry: false };

  test('virtual devices in memory work', () => {
    const { text } = runAsNobody({ eal: options, port: ringPort(), samples: 10 });
    assert.equal(text, 'up');
  });

  test('an interface of the kernel: PERMISSION_DENIED, naming the capability', () => {
    const port = ringPort({ device: 'net_af_packet0,iface=lo' });
    const { code, message } = runAsNobody({ eal: options, port });
    assert.equal(code, 'PERMISSION_DENIED', message);
    assert.match(message!, /CAP_NET_RAW/);
  });
});

async function assertWorks(plane: Dataplane): Promise<void> {
  await using sender = await Sender.open({
    to: `${GROUP}:5004`,
    via: { plane, port: 'ring' },
    width,
    height,
    format,
  });
  await sender.send(image(1));
  (await takeOne(plane, 'r')).release();
}
