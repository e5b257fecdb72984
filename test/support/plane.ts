/** Data planes in tests: starting and waiting with patience, books, plain UDP sockets. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Batch,
  Dataplane,
  type DataplaneSpec,
  DROP_REASONS,
  type DropReason,
  type PlaneStats,
  type Sample,
} from '../../lib/index.js';

/** Nothing that a test waits for takes longer; a test that would hang fails instead. */
export const PATIENCE_MS = 60_000;

/**
 * A plane that gives samples up only where a test says when: a sender that is held up in the middle of a sample, for as long as a busy
 * machine may hold it up, must not cost that sample.
 */
export function startPlane(spec: DataplaneSpec): Promise<Dataplane> {
  const routes = spec.routes.map((route) => ({ deadlineMs: PATIENCE_MS, ...route }));
  return Dataplane.start({ ...spec, routes });
}

/** Waits until `probe` gives something other than undefined or false. */
export async function eventually<T>(what: string, probe: () => T | undefined | false): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    assert.ok(Date.now() < end, `${what}: did not happen within ${PATIENCE_MS} ms`);
    await sleep(2);
  }
}

/** The next `count` samples of a route, not released. */
export async function take(plane: Dataplane, route: string, count: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  if (count === 0) return samples;
  for await (const sample of plane.samples(route, { signal: AbortSignal.timeout(PATIENCE_MS) })) {
    samples.push(sample);
    if (samples.length === count) break;
  }
  return samples;
}

export async function takeOne(plane: Dataplane, route: string): Promise<Sample> {
  const [sample] = await take(plane, route, 1);
  assert.ok(sample, 'the plane was closed before a sample came');
  return sample;
}

export async function takeBatch(plane: Dataplane, route: string): Promise<Batch> {
  for await (const batch of plane.batches(route, { signal: AbortSignal.timeout(PATIENCE_MS) })) return batch;
  return assert.fail('the plane was closed before a batch came');
}

/** Drops of all ports and routes by reason, those that are not zero. */
export function dropsOf(stats: PlaneStats): Partial<Record<DropReason, number>> {
  const sum: Partial<Record<DropReason, number>> = {};
  for (const { drops } of [...stats.ports, ...stats.routes]) {
    for (const { name } of DROP_REASONS) {
      if (drops[name] > 0) sum[name] = (sum[name] ?? 0) + drops[name];
    }
  }
  return sum;
}

/** Packets received = used + control + dropped (but those that did not leave); samples opened = complete + open + given up. Finished ones are delivered or counted. */
export function booksOf(stats: PlaneStats): { packets: [number, number]; samples: [number, number] } {
  const dropped = dropsOf(stats);
  const total = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const scope = (wanted: 'packet' | 'sample', ...except: DropReason[]) =>
    total(
      DROP_REASONS.filter((r) => r.scope === wanted && !except.includes(r.name)).map(
        (r) => dropped[r.name] ?? 0,
      ),
    );
  return {
    packets: [
      total(stats.ports.map((port) => port.rxPackets)),
      total(stats.routes.map((route) => route.packetsUsed)) +
        total(stats.ports.map((port) => port.controlPackets)) +
        scope('packet', 'transmit_failed', 'no_neighbour'),
    ],
    samples: [
      total(stats.routes.map((route) => route.samplesOpened)),
      total(stats.routes.map((route) => route.samplesComplete + route.samplesOpen)) +
        scope('sample', 'undelivered'),
    ],
  };
}

/** Of a plane that is at rest or closed. */
export function assertBooksBalance(stats: PlaneStats): void {
  const { packets, samples } = booksOf(stats);
  assert.equal(
    packets[0],
    packets[1],
    `packets received and accounted for: ${JSON.stringify(dropsOf(stats))}`,
  );
  assert.equal(samples[0], samples[1], `samples opened and accounted for: ${JSON.stringify(dropsOf(stats))}`);
}

/** Waits until the plane has taken in `packets` packets and accounted for all of them. */
export async function settled(plane: Dataplane, packets: number): Promise<PlaneStats> {
  let last = plane.stats();
  try {
    return await eventually('settled', () => {
      last = plane.stats();
      const books = booksOf(last).packets;
      return books[0] >= packets && books[0] === books[1] && last;
    });
  } catch (cause) {
    const books = booksOf(last);
    throw new Error(
      `waited for ${packets} packets; books ${JSON.stringify(books)}, drops ${JSON.stringify(dropsOf(last))}`,
      { cause },
    );
  }
}

/**
 * A UDP port of 127.0.0.1 that is free. Not one of those that the system hands out on its own: nobody who asks for any port gets it before
 * the test takes it.
 */
export async function freePort(): Promise<number> {
  const lowest = 10_000;
  const [handedOut] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);
  const end = handedOut! > lowest ? handedOut! : 65_536;
  for (let tries = 1; ; tries++) {
    const socket = createSocket('udp4');
    try {
      socket.bind(lowest + Math.floor(Math.random() * (end - lowest)), '127.0.0.1');
      await once(socket, 'listening');
      return socket.address().port;
    } catch (error) {
      if (tries === 100) throw error;
    } finally {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    }
  }
}

/** A plain UDP socket that sends to one place, and keeps what it receives. */
export class PlainSocket {
  readonly received: Buffer[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message) => this.received.push(message));
  }
  static async open(address = '127.0.0.1'): Promise<PlainSocket> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new PlainSocket(socket);
  }
  get port(): number {
    return this.#socket.address().port;
  }
  /** Sends in order, each one handed to the kernel before the next. */
  async send(to: { address: string; port: number }, packets: readonly Uint8Array[]): Promise<void> {
    for (const packet of packets) {
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(packet, to.port, to.address, (error) => (error ? reject(error) : resolve()));
      });
    }
  }
  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

let links = 0;
/** A memory link name that no other test of this process uses. */
export function linkName(): string {
  return `link-${process.pid}-${++links}`;
}
