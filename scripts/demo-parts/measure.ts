/** Takes a known number of samples from a route, checks each, and says what it cost. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataplane, PlaneStats, Sample } from '../../lib/index.js';

export interface Measurement {
  readonly received: number;
  /** Samples whose tensor is one that the oracle expects, in the oracle's order; absent without an oracle. */
  readonly exact: number | undefined;
  readonly sent: number;
  /** From the first packet of the first sample to the last sample. */
  readonly seconds: number;
  readonly latencyMs: readonly number[];
  readonly nodeCpuMs: number;
  readonly stats: PlaneStats;
  /** Copy of the last tensor. */
  readonly last: Float32Array | undefined;
}

/**
 * Consumes `route` until `sending` has settled and nothing came for a while, or `count` samples have come.
 * `expected` are the oracle's hashes in sending order (one hash stands for all samples if there is one).
 */
export async function measure(
  plane: Dataplane,
  route: string,
  count: number,
  sending: () => Promise<unknown>,
  expected: Promise<string[]> | undefined,
): Promise<Measurement> {
  const quiet = new AbortController();
  const hashes: string[] = [];
  const latencyMs: number[] = [];
  let last: Float32Array | undefined;
  let lastAt = performance.now();
  let started = performance.now();
  const cpu = process.cpuUsage();
  const consume = (async () => {
    for await (const sample of plane.samples(route, { signal: quiet.signal })) {
      using taken: Sample = sample;
      if (hashes.length === 0) started = taken.firstPacketAt - performance.timeOrigin;
      latencyMs.push(performance.timeOrigin + performance.now() - taken.receivedAt);
      hashes.push(createHash('sha256').update(taken.data).digest('hex'));
      last = (taken.data as Float32Array).slice();
      lastAt = performance.now();
      if (hashes.length === count) return;
    }
  })().catch((error: unknown) => {
    if (!quiet.signal.aborted) throw error;
  });
  await Promise.race([sending(), consume.then(() => new Promise(() => {}))]);
  await Promise.race([consume, nothingMoves(plane, quiet.signal)]);
  quiet.abort();
  await consume;
  const used = process.cpuUsage(cpu);
  return {
    received: hashes.length,
    exact: expected === undefined ? undefined : countExact(hashes, await expected),
    sent: count,
    seconds: (lastAt - started) / 1000,
    latencyMs,
    nodeCpuMs: (used.user + used.system) / 1000,
    stats: plane.stats(),
    last,
  };
}

/** Waits until look after look finds no new packet and no sample taken. Looks count, not time: a machine that stood still was not quiet. */
async function nothingMoves(plane: Dataplane, over: AbortSignal): Promise<void> {
  const lookEveryMs = 100;
  const looksEnough = 15;
  let before = '';
  for (let same = 0; same < looksEnough && !over.aborted; same++) {
    await sleep(lookEveryMs);
    const { ports, routes } = plane.stats();
    const now = [...ports.map(({ rxPackets }) => rxPackets), ...routes.map((r) => r.samplesDelivered)].join();
    if (now !== before) same = 0;
    before = now;
  }
}

/** Each hash must be found in the expected order; frames that were lost on the way are passed over. */
function countExact(hashes: readonly string[], expected: readonly string[]): number {
  if (expected.length === 1) return hashes.filter((hash) => hash === expected[0]).length;
  let next = 0;
  let exact = 0;
  for (const hash of hashes) {
    const found = expected.indexOf(hash, next);
    if (found < 0) continue;
    exact++;
    next = found + 1;
  }
  return exact;
}
