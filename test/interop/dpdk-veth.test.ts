// DPDK ports on kernel interfaces: one end of a veth pair is the port, in a network namespace at the other end are ordinary hosts.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Dataplane, type DataplaneSpec, Pipeline } from '../../lib/index.js';
import { VethPair, vethUnavailable } from '../../scripts/demo-parts/veth.js';
import { assertSameBytes } from '../support/assert.js';
import { dpdkMissing, eal } from '../support/dpdk.js';
import { noiseImage } from '../support/images.js';
import { assertBooksBalance, eventually, PATIENCE_MS } from '../support/plane.js';
import { missing, PYTHON, resizeWithPillow, runTool, temporaryFolder } from '../support/tools.js';

const [width, height, format, count] = [61, 47, 'rgb', 4] as const;
const SIDE = 64;
const UDP_PORT = 5004;
const pipeline = Pipeline.compile({
  input: { kind: 'image', width, height, format },
  stages: [{ stage: 'resize', width: SIDE, height: SIDE }],
});
const images = Array.from({ length: count }, (_, seed) => noiseImage(width, height, format, seed));

const skip = dpdkMissing() ?? vethUnavailable() ?? (missing('pillow') || undefined);

describe('DPDK on a veth pair', { skip: skip ?? false }, () => {
  let pair: VethPair;
  before(() => {
    pair = VethPair.create();
  });
  after(() => pair[Symbol.dispose]());

  const spec = (device: string): DataplaneSpec => ({
    eal,
    ports: [
      {
        type: 'dpdk',
        name: 'in',
        device,
        addresses: [`${pair.portAddress}/24`, `${pair.portAddress6}/64`],
      },
    ],
    routes: [
      {
        name: 'frames',
        port: 'in',
        udpPort: UDP_PORT,
        sources: [`${pair.hostAddress}/32`, `${pair.hostAddress6}/128`],
        pipeline,
        deadlineMs: 5000,
      },
    ],
  });

  for (const driver of ['net_af_packet', 'net_af_xdp']) {
    describe(driver, () => {
      for (const version of [4, 6]) {
        test(`IPv${version}: a plain UDP socket finds the port by itself, and what it sends equals Pillow`, async () => {
          pair.inside('ip', 'neighbour', 'flush', 'dev', pair.peer);
          await using plane = await Dataplane.start(spec(`${driver}0,iface=${pair.device}`));
          const address = version === 4 ? pair.portAddress : pair.portAddress6;
          await assertImagesArrive(plane, address, pair);
          const { mac } = plane.ports()[0]!;
          const neighbour = pair.inside('ip', 'neighbour', 'show', address);
          assert.ok(neighbour.includes(`lladdr ${mac}`), `${neighbour} names ${mac}`);
          await plane.close();
          const stats = plane.stats();
          assertBooksBalance(stats);
          assert.ok(stats.ports[0]!.controlPackets > 0);
        });

        test(`IPv${version}: ping is answered`, async () => {
          await using plane = await Dataplane.start(spec(`${driver}0,iface=${pair.device}`));
          const address = version === 4 ? pair.portAddress : pair.portAddress6;
          // Odd sizes: the last byte stands alone in the checksum.
          for (const size of ['0', '57', '1400']) {
            // The first may be lost to a port that has just come up.
            const { stdout } = await runTool(
              ...pair.command('ping', ['-n', '-c', '5', '-i', '0.05', '-W', '5', '-s', size, address]),
            );
            const answered = Number(/(\d+) received/.exec(stdout)?.[1]);
            assert.ok(answered >= 4, stdout);
          }
          assert.ok(plane.stats().ports[0]!.controlPackets >= 12);
        });
      }

      test('what is not addressed to the port is counted, and not answered', async () => {
        await using plane = await Dataplane.start(spec(`${driver}0,iface=${pair.device}`));
        const { mac } = plane.ports()[0]!;
        const stranger = pair.portAddress.replace(/\d+$/, '77');
        pair.inside('ip', 'neighbour', 'replace', stranger, 'lladdr', mac!, 'dev', pair.peer);
        await eventually('a packet to a stranger was dropped', () => {
          spawnSync(...toStranger(stranger));
          return plane.stats().ports[0]!.drops.not_for_us > 0;
        });
      });
    });
  }

  const toStranger = (address: string): [string, string[]] =>
    pair.command(PYTHON, [
      '-c',
      `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("${address}", ${UDP_PORT}))`,
    ]);

  test('an interface that vanishes takes only its own port along', async () => {
    using other = VethPair.create(7);
    const one = spec(`net_af_packet0,iface=${other.device}`);
    const two = spec(`net_af_packet1,iface=${pair.device}`);
    await using plane = await Dataplane.start({
      ...two,
      ports: [{ ...one.ports[0]!, name: 'gone', addresses: [`${other.portAddress}/24`] }, ...two.ports],
    } as DataplaneSpec);
    assert.equal(plane.ports().find(({ name }) => name === 'gone')!.removed, false);
    other[Symbol.dispose]();
    await eventually('the port is reported as removed', () => plane.ports()[0]!.removed);
    await assertImagesArrive(plane, pair.portAddress, pair);
    assert.equal(plane.ports()[1]!.removed, false);
  });
});

/** Sends the images from the namespace until each has come at least once; every one that comes equals Pillow. */
async function assertImagesArrive(plane: Dataplane, address: string, pair: VethPair): Promise<void> {
  const [expected] = resizeWithPillow([
    { width, height, mode: 'RGB', toWidth: SIDE, toHeight: SIDE, pixels: Buffer.concat(images) },
  ]);
  using folder = temporaryFolder();
  const file = join(folder.path, 'images.raw');
  writeFileSync(file, Buffer.concat(images));
  const came = new Set<number>();
  const enough = new AbortController();
  const receiving = (async () => {
    for await (using sample of plane.samples('frames', { signal: AbortSignal.timeout(PATIENCE_MS) })) {
      const index = Number(sample.requestId) - 1;
      const bytes = SIDE * SIDE * 3;
      assertSameBytes(
        sample.data,
        expected!.subarray(index * bytes, (index + 1) * bytes),
        `image ${index + 1}`,
      );
      came.add(index);
      if (came.size === count) break;
    }
  })().finally(() => enough.abort());
  // A socket buffer of the kernel may overflow on a busy machine: whoever needs delivery sends again.
  const script = join(process.cwd(), 'test', 'interop', 'sender.py');
  const args = [script, address, `${UDP_PORT}`, `${width}`, `${height}`, format, file];
  while (!enough.signal.aborted) await runTool(...pair.command(PYTHON, args));
  await receiving;
}
