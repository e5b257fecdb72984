// DPDK's own programs beside a plane: testpmd as the other end of a memif, dpdk-telemetry.py as an observer.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Dataplane, Pipeline } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { dpdkMissing, eal } from '../support/dpdk.js';
import { noiseImage } from '../support/images.js';
import { udpFrame, writePcap } from '../support/pcap.js';
import {
  assertBooksBalance,
  eventually,
  PATIENCE_MS,
  PlainSocket,
  startPlane,
  take,
} from '../support/plane.js';
import { chunkPackets, digestOf } from '../support/rtp.js';
import { missing, resizeWithPillow, temporaryFolder } from '../support/tools.js';

const [width, height, format] = [61, 47, 'rgb'] as const;
const SIDE = 64;
const ADDRESS = '10.96.0.1';
const UDP_PORT = 5004;
/** What dpdk-telemetry.py prints. */
function askTelemetry(commands: readonly string[]): string {
  const { stdout } = spawnSync('dpdk-telemetry.py', ['-f', `onpath-${process.pid}`], {
    input: commands.map((command) => `${command}\n`).join(''),
    encoding: 'utf8',
    timeout: 20_000,
  });
  return stdout;
}
// What is answered depends on the command: tests say what they expect by what they read.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Answer = any;
const has = (program: string, ...args: string[]) =>
  spawnSync(program, args, { stdio: 'ignore' }).error === undefined;

describe("DPDK's own programs", { skip: dpdkMissing() ?? false }, () => {
  test('testpmd plays a capture into a memif: every sample equals Pillow', {
    skip: has('dpdk-testpmd', '--version') ? missing('pillow') : 'dpdk-testpmd is not installed',
  }, async () => {
    using folder = temporaryFolder();
    const images = [1, 2, 3, 4].map((seed) => noiseImage(width, height, format, seed));
    const frames = images.flatMap((image, i) =>
      chunkPackets(
        image,
        { timestamp: 1000 + i, ssrc: 5, sequence: i * 10 },
        { digest: digestOf(format), requestId: BigInt(i) },
        1200,
      ).map((packet) =>
        udpFrame({ source: '10.96.0.2', destination: ADDRESS, destinationPort: UDP_PORT }, packet),
      ),
    );
    const capture = join(folder.path, 'images.pcap');
    writePcap(capture, frames);
    const socket = join(folder.path, 'memif.sock');
    const pipeline = Pipeline.compile({
      input: { kind: 'image', width, height, format },
      stages: [{ stage: 'resize', width: SIDE, height: SIDE }],
    });
    await using plane = await Dataplane.start({
      eal,
      ports: [
        {
          type: 'dpdk',
          name: 'in',
          device: `net_memif0,role=server,socket=${socket},socket-abstract=no`,
          addresses: [`${ADDRESS}/24`],
        },
      ],
      routes: [{ name: 'r', port: 'in', udpPort: UDP_PORT, sources: ['10.96.0.2/32'], pipeline }],
    });
    const testpmd = spawn(
      'dpdk-testpmd',
      [
        ...['--no-huge', '-m', '256', '--no-shconf', '--no-pci', '--no-telemetry'],
        ...['--vdev', `net_pcap0,rx_pcap=${capture},tx_pcap=/dev/null`],
        ...['--vdev', `net_memif0,role=client,socket=${socket},socket-abstract=no`],
        ...['--', '-i', '--forward-mode=io', '--total-num-mbufs=4096', '--no-flush-rx'],
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    let said = '';
    for (const stream of [testpmd.stdout, testpmd.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    try {
      await eventually('the memif is connected', () => {
        assert.equal(testpmd.exitCode, null, said);
        return plane.ports()[0]!.link?.up;
      });
      testpmd.stdin.write('start\n');
      const [expected] = resizeWithPillow([
        { width, height, mode: 'RGB', toWidth: SIDE, toHeight: SIDE, pixels: Buffer.concat(images) },
      ]);
      let came = 0;
      for await (using sample of plane.samples('r', { signal: AbortSignal.timeout(PATIENCE_MS) })) {
        const bytes = SIDE * SIDE * 3;
        const at = Number(sample.requestId) * bytes;
        assertSameBytes(sample.data, expected!.subarray(at, at + bytes), `image ${sample.requestId}`);
        if (++came === images.length) break;
      }
      await plane.close();
      assertBooksBalance(plane.stats());
      assert.equal(plane.stats().ports[0]!.rxPackets, frames.length);
    } finally {
      const ended = once(testpmd, 'exit');
      testpmd.stdin.end('stop\nquit\n');
      const timer = setTimeout(() => testpmd.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    }
  });

  test('dpdk-telemetry.py lists the port and counts its packets', {
    skip: has('dpdk-telemetry.py', '--help') ? false : 'dpdk-telemetry.py is not installed',
  }, async () => {
    await using plane = await Dataplane.start({
      eal,
      ports: [{ type: 'dpdk', name: 'in', device: 'net_ring7', addresses: [`${ADDRESS}/24`] }],
      routes: [
        {
          name: 'r',
          port: 'in',
          sources: ['0.0.0.0/0'],
          pipeline: Pipeline.compile({ input: { kind: 'image', width: 8, height: 8, format } }),
        },
      ],
    });
    // The looped ring brings back what the port says of itself when it comes up.
    await eventually('a packet came', () => plane.stats().ports[0]!.rxPackets > 0);
    const asked = ['/ethdev/list', '/ethdev/info,0'];
    const stdout = askTelemetry(asked);
    assert.match(stdout, /"\/ethdev\/list": \[\d/);
    assert.match(stdout, /net_ring7/);
  });

  test('dpdk-telemetry.py shows planes, ports, routes, workers, latency and drops as they are', {
    skip: has('dpdk-telemetry.py', '--help') ? false : 'dpdk-telemetry.py is not installed',
  }, async () => {
    const pipeline = Pipeline.compile({ input: { kind: 'image', width: 8, height: 8, format } });
    await using plane = await startPlane({
      eal,
      ports: [
        { type: 'dpdk', name: 'ring', device: 'net_ring8', addresses: [`${ADDRESS}/24`] },
        { type: 'udp', name: 'in' },
      ],
      routes: [
        { name: 'photos', port: 'in', pipeline },
        { name: 'of-a-ring', port: 'ring', sources: ['0.0.0.0/0'], pipeline },
      ],
      workers: 2,
    });
    const packets = [1, 2, 3].flatMap((timestamp) =>
      chunkPackets(noiseImage(8, 8, format, 1), { timestamp, ssrc: 5 }, { digest: digestOf(format) }, 96),
    );
    await using socket = await PlainSocket.open();
    await socket.send(plane.address('in'), [...packets, Buffer.from('no rtp')]);
    await eventually('all were counted', () => {
      const { packetsUsed } = plane.stats().routes[0]!;
      return packetsUsed === packets.length && plane.stats().ports[1]!.drops.bad_rtp_header > 0;
    });
    for (const sample of await take(plane, 'photos', 3)) sample.release();

    const ask = (command: string) => {
      const line = askTelemetry([command])
        .split('\n')
        .find((text) => text.includes(`"${command.split(',')[0]}"`));
      assert.ok(line !== undefined, `no answer to ${command}`);
      const answers = JSON.parse(line.slice(line.indexOf('{'))) as Record<string, Answer>;
      return answers[command.split(',')[0]!]!;
    };
    const info = ask('/onpath/info');
    assert.deepEqual([info['pid'], info['planes'], info['ports'], info['workers']], [process.pid, 1, 2, 2]);
    assert.equal(info['memory_bytes'], plane.stats().memoryBytes);
    const [number] = Object.keys(ask('/onpath/planes'));
    assert.deepEqual(Object.keys(ask('/onpath/ports')), [`${number}/ring`, `${number}/in`]);
    const port = ask('/onpath/ports,in')[`${number}/in`];
    assert.equal(port['rx_good_packets'], packets.length + 1);
    assert.equal(port['drop_bad_rtp_header_packets'], 1);
    // A name that DPDK does not take as a key is told by its place.
    assert.deepEqual(
      Object.entries<Answer>(ask('/onpath/routes')).map(([key, { name }]) => [key, name]),
      [
        [`${number}/photos`, 'photos'],
        [`${number}/1`, 'of-a-ring'],
      ],
    );
    const route = ask(`/onpath/routes,${number}/photos`)[`${number}/photos`];
    assert.equal(route['complete_samples'], 3);
    assert.equal(route['rx_used_packets'], packets.length);
    assert.deepEqual(Object.keys(ask('/onpath/workers')), [`${number}/0`, `${number}/1`]);
    const latency = ask('/onpath/latency,photos')[`${number}/photos`];
    const { lastPacket } = plane.latency('photos');
    assert.deepEqual(
      ['count', 'min_ns', 'max_ns', 'p50_ns'].map((field) => latency.lastPacket[field]),
      [3, lastPacket.min, lastPacket.max, lastPacket.percentile(50)],
    );
    assert.equal(ask('/onpath/drops')['drop_bad_rtp_header_packets'], 1);
    assert.equal(ask('/onpath/latency,nothing'), null);
    await plane.close();
    assert.equal(ask('/onpath/info')['planes'], 0);
  });
});
