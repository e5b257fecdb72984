/** What must hold when the soak is over: claims, each with what was found. */
import type { Dataplane, PlaneStats } from '../../lib/index.js';
import { booksOf } from '../support/plane.js';
import type { Flow } from './flow.js';

export interface Claim {
  readonly claim: string;
  readonly holds: boolean;
  readonly found: string;
}

const claim = (text: string, holds: boolean, found: string): Claim => ({ claim: text, holds, found });
const total = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** Packets that have left by the port and of which nothing is known: 0 once all is at rest. */
export function missingPackets({ ports }: PlaneStats): number {
  const { txPackets, rxPackets, rxMissed, impaired } = ports[0]!;
  return txPackets + impaired.duplicated - impaired.lost - rxMissed - rxPackets;
}

/** The way of the packets: left, through the bad network, received, ended. */
export function packetClaims(atRest: PlaneStats, stats: PlaneStats, flows: readonly Flow[]): Claim[] {
  const port = atRest.ports[0]!;
  const { lost, duplicated } = port.impaired;
  const books = booksOf(stats);
  const sent = total(flows.map((flow) => flow.packets - flow.refused));
  const forwarded = total(stats.routes.map((route) => route.packetsForwarded));
  return [
    claim(
      'packets left by the port = those of senders, forwarded ones, and what the plane says itself',
      port.txPackets >= sent + forwarded,
      `${port.txPackets} = ${sent} + ${forwarded} + ${port.txPackets - sent - forwarded}`,
    ),
    claim(
      'left + duplicated - lost - missed = received',
      missingPackets(atRest) === 0,
      `${port.txPackets} + ${duplicated} - ${lost} - ${port.rxMissed} = ${port.rxPackets}`,
    ),
    claim(
      'received = used + control + dropped',
      books.packets[0] === books.packets[1],
      books.packets.join(' = '),
    ),
    claim(
      'samples opened = complete + open + given up',
      books.samples[0] === books.samples[1],
      books.samples.join(' = '),
    ),
  ];
}

/** Every sample but those for the slow consumer; `repaired` says what part of them must have come. */
export function sampleClaims(
  plane: Dataplane,
  flows: readonly Flow[],
  wrong: number,
  repaired: number,
): Claim[] {
  const claims = [claim('every sample that came is exact, and came once', wrong === 0, `${wrong} wrong`)];
  for (const route of new Set(flows.map((flow) => flow.route))) {
    const own = flows.filter((flow) => flow.route === route);
    const [sent, exact] = [total(own.map((flow) => flow.sent)), total(own.map((flow) => flow.exact))];
    const part = exact / sent;
    const least = route === 'slow' ? 0 : repaired;
    const found = `${exact} of ${sent}, ${(part * 100).toFixed(3)} %`;
    claims.push(
      claim(`${route}: at least ${(least * 100).toFixed(1)} % came`, exact > 0 && part >= least, found),
    );
  }
  const stats = plane.stats();
  for (const { name, samplesDelivered } of stats.routes.filter(({ name }) => name !== 'first')) {
    const exact = total(flows.filter((flow) => flow.route === name).map((flow) => flow.exact));
    claims.push(
      claim(
        `${name}: as many were looked at as the plane delivered`,
        samplesDelivered === exact,
        `${exact} of ${samplesDelivered}`,
      ),
    );
  }
  return claims;
}

/** A resident set that rises by less than this over the whole run is flat. */
const FLAT_BYTES = 8 << 20;

export function memoryClaims(
  growth: { bytes: number; seconds: number },
  pools: { first: number; last: number },
  atRest: PlaneStats,
): Claim[] {
  const alive = atRest.routes.map((route) => route.versionsAlive);
  const megabytes = (growth.bytes / (1 << 20)).toFixed(2);
  return [
    claim(
      'resident memory is flat',
      growth.bytes < FLAT_BYTES,
      `${megabytes} MiB in ${growth.seconds.toFixed(0)} s`,
    ),
    claim(
      'older versions are freed',
      alive.every((count) => count === 1),
      `${alive.join(', ')} alive`,
    ),
    claim(
      'pools are as large as at the start',
      pools.first === pools.last,
      `${pools.last} of ${pools.first} bytes`,
    ),
  ];
}
