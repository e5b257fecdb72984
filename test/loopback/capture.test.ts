// Captures of a running plane: what is in the file is what was sent, byte for byte, and captures end when they should.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import {
  type Capture,
  type Dataplane,
  type DataplaneSpec,
  type ErrorCode,
  Pipeline,
  Sender,
} from '../../lib/index.js';
import { assertRejects } from '../support/assert.js';
import { noiseImage } from '../support/images.js';
import { parsePcapng } from '../support/pcapng.js';
import { eventually, linkName, PlainSocket, settled, startPlane } from '../support/plane.js';
import { chunkPackets, digestOf } from '../support/rtp.js';
import { missing, runTool, temporaryFolder } from '../support/tools.js';

const [width, height, format] = [16, 8, 'rgb'] as const;
const pipeline = Pipeline.compile({ input: { kind: 'image', width, height, format } });
const image = noiseImage(width, height, format, 1);

const packetsOf = (timestamp: number) =>
  chunkPackets(image, { timestamp, ssrc: 5, sequence: 4 * timestamp }, { digest: digestOf(format) }, 96);

function udpPlane(more: Partial<DataplaneSpec> = {}, address = '127.0.0.1'): Promise<Dataplane> {
  return startPlane({
    ports: [{ type: 'udp', name: 'in', address }],
    routes: [{ name: 'r', port: 'in', pipeline, slots: 1024 }],
    ...more,
  });
}

async function send(
  plane: Dataplane,
  packets: readonly Uint8Array[],
  address = '127.0.0.1',
): Promise<number> {
  await using socket = await PlainSocket.open(address);
  const before = plane.stats().ports[0]!.rxPackets;
  await socket.send({ address, port: plane.address('in').port }, packets);
  await settled(plane, before + packets.length);
  return socket.port;
}

describe('a capture', () => {
  for (const address of ['127.0.0.1', '::1']) {
    const skip = address === '::1' && missing('ipv6');
    test(`of a udp port at ${address} has every datagram behind headers of its addresses`, {
      skip,
    }, async () => {
      using folder = temporaryFolder();
      const file = join(folder.path, 'capture.pcapng');
      await using plane = await udpPlane({}, address);
      const capture = await plane.capture({ port: 'in', file });
      const packets = [...packetsOf(1), ...packetsOf(2), Buffer.from('no rtp')];
      const begun = Date.now();
      const from = await send(plane, packets, address);
      const stats = await capture.stop();
      const { application, interfaces, packets: captured, statistics } = parsePcapng(readFileSync(file));
      assert.equal(application, 'onpath');
      assert.deepEqual(interfaces, [
        {
          linkType: 101,
          snapLength: 65_535,
          name: 'in',
          description:
            'Port "in" of onpath. Its packets are UDP payloads; the IP and UDP headers in front of them were written by the capture',
          tsresol: 9,
        },
      ]);
      const headers = address === '::1' ? 48 : 28;
      assert.deepEqual(
        captured.map(({ bytes }) => bytes.subarray(headers)),
        packets,
      );
      for (const { bytes, length, time } of captured) {
        assert.equal(bytes.length, length);
        assert.equal(bytes.readUInt16BE(headers - 8), from);
        assert.equal(bytes.readUInt16BE(headers - 6), plane.address('in').port);
        assert.ok(Math.abs(Number(time / 1_000_000n) - begun) < 60_000);
      }
      assert.deepEqual(statistics, [{ received: packets.length, dropped: 0 }]);
      assert.deepEqual(stats, {
        packets: packets.length,
        bytes: statSync(file).size,
        missed: 0,
        ended: true,
      });
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });
  }

  test('of a route has its packets only; tshark and capinfos read it', {
    skip: missing('tshark'),
  }, async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'capture.pcapng');
    await using plane = await udpPlane({
      routes: [
        { name: 'r', port: 'in', pipeline, payloadType: 97 },
        { name: 'other', port: 'in', pipeline, payloadType: 98 },
      ],
    });
    const wanted = chunkPackets(
      image,
      { timestamp: 1, ssrc: 5, payloadType: 97 },
      { digest: digestOf(format), requestId: 42n },
      96,
    );
    const others = chunkPackets(
      image,
      { timestamp: 1, ssrc: 6, payloadType: 98 },
      { digest: digestOf(format) },
      96,
    );
    const capture = await plane.capture({ route: 'r', file });
    await send(plane, [...wanted, ...others, ...wanted]);
    await capture.stop();
    const port = plane.address('in').port;
    const { stdout } = await runTool('tshark', [
      ...[
        '-X',
        'lua_script:scripts/onpath.lua',
        '-o',
        'onpath.payload_type:97',
        '-o',
        'ip.check_checksum:TRUE',
      ],
      ...['-d', `udp.port==${port},rtp`, '-r', file],
      ...['-T', 'fields', '-E', 'separator=|', '-e', 'udp.dstport', '-e', 'rtp.ssrc', '-e', '_ws.col.Info'],
      ...['-e', 'ip.checksum.status', '-e', 'frame.interface_name'],
    ]);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 2 * wanted.length);
    assert.equal(lines[0], `${port}|0x00000005|request 42, bytes 0 + 96 of 384, shape of the route|1|in`);
    const { stdout: infos } = await runTool('capinfos', ['-T', '-r', '-c', '-t', file]);
    assert.match(infos, /pcapng/);
    assert.match(infos, new RegExp(`\\t${lines.length}\\b`));
  });

  test('of a memory port has frames as they came, and those that are cut at snapLength', async () => {
    using folder = temporaryFolder();
    const link = linkName();
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [{ name: 'r', port: 'in', pipeline }],
    });
    await using sender = await Sender.open({ to: '192.0.2.2:5004', via: { link }, width, height, format });
    const file = (name: string) => join(folder.path, name);
    const whole = await plane.capture({ route: 'r', file: file('whole') });
    const headers = await plane.capture({ port: 'in', file: file('headers'), snapLength: 42 });
    const { packets } = await sender.send(image);
    await settled(plane, packets);
    await Promise.all([whole.stop(), headers.stop()]);
    const all = parsePcapng(readFileSync(file('whole')));
    assert.equal(all.interfaces[0]!.linkType, 1);
    assert.equal(all.packets.length, packets);
    assert.ok(
      Buffer.concat(all.packets.map(({ bytes }) => bytes)).includes(Buffer.from(image.subarray(0, 64))),
    );
    const cut = parsePcapng(readFileSync(file('headers')));
    assert.deepEqual(
      cut.packets.map(({ bytes, length }) => [bytes, length]),
      all.packets.map(({ bytes, length }) => [bytes.subarray(0, 42), length]),
    );
  });

  test('ends with the last packet that it may take, while the plane goes on', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'capture.pcapng');
    await using plane = await udpPlane();
    const capture = await plane.capture({ route: 'r', file, maxPackets: 5 });
    await send(plane, [1, 2, 3, 4].flatMap(packetsOf));
    assert.equal((await capture.done).packets, 5);
    assert.equal(parsePcapng(readFileSync(file)).packets.length, 5);
    assert.equal(plane.stats().routes[0]!.samplesComplete, 4);
  });

  test('ends by its seconds and by its signal', async () => {
    using folder = temporaryFolder();
    await using plane = await udpPlane();
    const timed = await plane.capture({ port: 'in', file: join(folder.path, 'a'), maxSeconds: 0.01 });
    assert.deepEqual({ ...(await timed.done), bytes: 0 }, { packets: 0, bytes: 0, missed: 0, ended: true });
    const controller = new AbortController();
    const aborted = await plane.capture({
      port: 'in',
      file: join(folder.path, 'b'),
      signal: controller.signal,
    });
    controller.abort();
    assert.equal((await aborted.done).ended, true);
    await assertRejects(
      plane.capture({ port: 'in', file: join(folder.path, 'c'), signal: controller.signal }),
      'ABORTED',
    );
  });

  test('into a stream gives the same bytes as into a file, and ends it', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'capture.pcapng');
    await using plane = await udpPlane();
    const pieces: Buffer[] = [];
    const stream = new PassThrough().on('data', (piece: Buffer) => pieces.push(piece));
    const captures = [
      await plane.capture({ route: 'r', file }),
      await plane.capture({ route: 'r', writable: stream }),
    ];
    await send(plane, [1, 2, 3].flatMap(packetsOf));
    const [one, other] = await Promise.all(captures.map((capture) => capture.stop()));
    assert.deepEqual(one, other);
    assert.ok(stream.writableFinished);
    assert.deepEqual(parsePcapng(Buffer.concat(pieces)).packets, parsePcapng(readFileSync(file)).packets);
  });

  test('into a stream that fails ends, and says why', async () => {
    await using plane = await udpPlane();
    const broken = new Writable({
      write(_chunk, _encoding, callback) {
        callback(new Error('no more'));
      },
    });
    const capture = await plane.capture({ port: 'in', writable: broken });
    await assertRejects(capture.done, 'PORT_FAILED', /no more/);
    await eventually('it has ended', () => capture.stats().ended);
  });

  test('is complete when the plane has closed', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'capture.pcapng');
    const plane = await udpPlane();
    const capture = await plane.capture({ port: 'in', file });
    const taken = plane.stats().memoryBytes;
    const packets = [1, 2].flatMap(packetsOf);
    await send(plane, packets);
    await plane.close();
    assert.equal(parsePcapng(readFileSync(file)).packets.length, packets.length);
    assert.equal((await capture.done).packets, packets.length);
    assert.ok(plane.stats().memoryBytes < taken, 'its rings are given back');
    await assertRejects(plane.capture({ port: 'in', file }), 'CLOSED');
  });

  test('that does not fit is refused before anything is taken', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'capture.pcapng');
    await using plane = await udpPlane({ limits: { memoryBytes: 64 << 20 } });
    const running: Capture[] = [];
    const refused = (options: object, code: ErrorCode, message: RegExp) =>
      assertRejects(plane.capture({ port: 'in', file, ...options } as never), code, message);
    await refused({ port: 'x' }, 'NOT_FOUND', /There are: in/);
    await refused({ route: 'r' }, 'INVALID_ARGUMENT', /either route or port/);
    await refused({ writable: process.stdout }, 'INVALID_ARGUMENT', /either file or writable/);
    await refused({ file: undefined, writable: {} }, 'INVALID_ARGUMENT', /writable stream/);
    await refused({ maxPackets: 0 }, 'INVALID_ARGUMENT', /maxPackets/);
    await refused({ file: folder.path }, 'INVALID_ARGUMENT', /could not be created/);
    await refused({ file: join(folder.path, 'no', 'such') }, 'NOT_FOUND', /could not be created/);
    await refused({ bufferBytes: 2 ** 27, snapLength: 100 }, 'LIMIT_EXCEEDED', /limits.memoryBytes/);
    for (let i = 0; i < 4; i++)
      running.push(await plane.capture({ port: 'in', file: join(folder.path, String(i)) }));
    await refused({}, 'BUSY', /4 captures/);
    await running[0]!.stop();
    await using after = await plane.capture({ port: 'in', file });
    assert.equal(after.stats().ended, false);
  });
});
