/** Photographs over two NICs that a hub joins: every tensor equals Pillow and the whole-sample call, and nothing is dropped. */
import assert from 'node:assert/strict';
import { Dataplane, Pipeline, type PlaneStats, type RouteSpec, Sender } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { assertBooksBalance, dropsOf, eventually, take } from '../support/plane.js';
import type { Photographs } from './photographs.js';

/** PCI addresses of NICs a and b. */
type Pair = readonly [a: string, b: string];

export interface Outcome {
  /** That all routes took in. */
  readonly packets: number;
  readonly result: 'exact';
}

const NETWORK = '10.0.0.0/24';
const ADDRESSES = { a: '10.0.0.1', b: '10.0.0.2' } as const;
const GREETING_PORT = 5003;
const ENTRY_PORT = 5004;
/** Emulated NICs have short queues, and their processor may have other guests. */
const BITS_PER_SECOND = 2e7;
const DEADLINE_MS = 60_000;

/** a -> b: sent by one NIC, a tensor at the other. */
export function direct(pair: Pair, photographs: Photographs): Promise<Outcome> {
  return run(pair, photographs, [{ ...route('tensors', 'b', ENTRY_PORT), pipeline: photographs.pipeline }]);
}

/** a -> b -> a -> b: inverted by both routes that forward it, so that the photograph itself arrives. */
export function forwarded(pair: Pair, photographs: Photographs): Promise<Outcome> {
  const { input, pipeline } = photographs;
  const values = Array.from({ length: 256 }, (_, value) => 255 - value);
  const invert = Pipeline.compile({
    input,
    stages: [{ stage: 'lookup', table: { dtype: 'uint8', values } }],
  });
  const to = (port: keyof typeof ADDRESSES, udpPort: number) => `${ADDRESSES[port]}:${udpPort}`;
  return run(pair, photographs, [
    {
      ...route('back', 'b', ENTRY_PORT),
      pipeline: invert,
      sink: { forward: { port: 'b', to: to('a', ENTRY_PORT + 1) } },
    },
    {
      ...route('forth', 'a', ENTRY_PORT + 1),
      pipeline: invert,
      sink: { forward: { port: 'a', to: to('b', ENTRY_PORT + 2) } },
    },
    { ...route('tensors', 'b', ENTRY_PORT + 2), pipeline },
  ]);
}

/** a -> b, to many UDP ports of a plane with two workers: the NIC's own RSS spreads them over both queues. */
export async function spread(pair: Pair, photographs: Photographs): Promise<Outcome> {
  const { pipeline } = photographs;
  const one = { ...photographs, frames: photographs.frames.slice(0, 1) };
  const udpPorts = Array.from({ length: 24 }, (_, i) => ENTRY_PORT + 1021 * i);
  await using plane = await Dataplane.start({
    eal: { hugepages: true },
    ports: [
      { type: 'dpdk', name: 'a', device: pair[0], addresses: [`${ADDRESSES.a}/24`], senders: 1 },
      { type: 'dpdk', name: 'b', device: pair[1], addresses: [`${ADDRESSES.b}/24`] },
    ],
    routes: udpPorts.map((udpPort) => ({ ...route(`to${udpPort}`, 'b', udpPort), pipeline })),
    workers: 2,
  });
  for (const udpPort of udpPorts)
    await sendAndCompare(plane, one, 'a', `${ADDRESSES.b}:${udpPort}`, `to${udpPort}`);
  const rss = () => plane.ports()[1]!.offloads!.rss;
  await eventually(`RSS takes effect: ${JSON.stringify(rss())}`, () => rss().state === 'active');
  await plane.close();
  assertBooksBalance(plane.stats());
  const packets = plane.stats().routes.reduce((sum, { packetsUsed }) => sum + packetsUsed, 0);
  return { packets, result: 'exact' };
}

function route(name: string, port: string, udpPort: number) {
  return { name, port, udpPort, sources: [NETWORK], deadlineMs: DEADLINE_MS };
}

/** Routes stand in the order in which a photograph passes them; the last one is called `tensors`. */
async function run(pair: Pair, photographs: Photographs, routes: readonly RouteSpec[]): Promise<Outcome> {
  const { pipeline, frames } = photographs;
  await using plane = await Dataplane.start({
    eal: { hugepages: true },
    ports: [
      { type: 'dpdk', name: 'a', device: pair[0], addresses: [`${ADDRESSES.a}/24`], senders: 1 },
      { type: 'dpdk', name: 'b', device: pair[1], addresses: [`${ADDRESSES.b}/24`], senders: 1 },
    ],
    routes: [...routes, { ...route('greeting', 'a', GREETING_PORT), pipeline }],
  });
  try {
    // A sender waits until its next hop has said where it is; a route that forwards does not. So b asks before it forwards.
    const greeting = { ...photographs, frames: frames.slice(0, 1) };
    const greeted = await sendAndCompare(plane, greeting, 'b', `${ADDRESSES.a}:${GREETING_PORT}`, 'greeting');
    const sent = await sendAndCompare(plane, photographs, 'a', `${ADDRESSES.b}:${ENTRY_PORT}`, 'tensors');
    await plane.close();
    return { packets: countPackets(plane.stats(), sent, greeted, frames.length), result: 'exact' };
  } catch (error) {
    console.error(JSON.stringify({ ports: plane.ports(), stats: plane.stats() }));
    throw error;
  }
}

/** Sends every photograph by `port`, and compares what `route` delivers. Resolves to the packets sent. */
async function sendAndCompare(
  plane: Dataplane,
  { frames, tensors, pipeline, input }: Photographs,
  port: string,
  to: string,
  route: string,
): Promise<number> {
  const { width, height, format } = input;
  await using sender = await Sender.open({
    to,
    via: { plane, port },
    width,
    height,
    format,
    bitsPerSecond: BITS_PER_SECOND,
  });
  const arriving = take(plane, route, frames.length);
  let sent = 0;
  for (const frame of frames) {
    const { packets, refused } = await sender.send(frame);
    assert.equal(refused, 0, 'packets that the port did not take');
    sent += packets;
  }
  for (const sample of await arriving) {
    using taken = sample;
    const i = Number(taken.requestId) - 1;
    assertSameBytes(taken.data, tensors[i]!, `photograph ${i} against Pillow`);
    assertSameBytes(
      taken.data,
      pipeline.run(frames[i]!).data,
      `photograph ${i} against the whole-sample call`,
    );
  }
  return sent;
}

/** Of all routes, once it is certain that every packet went the way it was to go. */
function countPackets(stats: PlaneStats, sent: number, greeted: number, samples: number): number {
  assert.deepEqual(dropsOf(stats), {}, 'nothing is dropped');
  assertBooksBalance(stats);
  for (const { name, rxMissed } of stats.ports) assert.equal(rxMissed, 0, `packets that NIC ${name} missed`);
  let expected = sent;
  for (const { name, packetsUsed, samplesComplete, packetsForwarded } of stats.routes) {
    const isGreeting = name === 'greeting';
    assert.equal(packetsUsed, isGreeting ? greeted : expected, `packets that route ${name} took in`);
    assert.equal(samplesComplete, isGreeting ? 1 : samples, `samples of route ${name}`);
    // What one route forwards, the next takes in.
    expected = packetsForwarded;
  }
  return stats.routes.reduce((sum, { packetsUsed }) => sum + packetsUsed, 0);
}
