/** The soak: starts, sends, watches, ends, judges. `npm run soak -- --help` tells the options. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlaneStats } from '../../lib/index.js';
import { dpdkMissing } from '../support/dpdk.js';
import { memoryClaims, missingPackets, packetClaims, sampleClaims } from './books.js';
import { Consumers } from './consumers.js';
import { MemoryWatch, watchEventLoop } from './memory.js';
import { type Options, optionsFrom, usage } from './options.js';
import { type Soaked, startSoaked } from './plane.js';
import { type Report, show } from './report.js';
import { Storm } from './storm.js';

const SKIPPED = 77;
/** Part of the samples that must come where what is lost is asked for again. */
const REPAIRED = 0.999;
/** What is under way when sending ends comes, or is given up, within this. */
const DRAIN_MS = 30_000;

async function soak(options: Options): Promise<Report> {
  const soaked = await startSoaked(options);
  const { plane, flows } = soaked;
  const errors: string[] = [];
  const watched = <T>(what: string, work: Promise<T>) =>
    work.catch((error: unknown) => void errors.push(`${what}: ${String(error)}`));

  const consumers = new Consumers(plane, flows);
  const consuming = [
    watched('images', consumers.samples('images', true)),
    watched('sizes', consumers.samples('sizes', true)),
    watched('second', consumers.samples('second', false)),
    watched('prompts', consumers.texts('prompts')),
    watched('slow', consumers.slowly('slow', soaked.slowSlots, options.seed)),
  ];

  const pools = { first: plane.stats().memoryBytes, last: 0 };
  const memory = new MemoryWatch();
  const delays = watchEventLoop();
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const sending = flows.map((flow) =>
    watched(
      flow.route,
      flow.run(() => elapsed() >= options.seconds),
    ),
  );
  const storm = new Storm(plane, soaked.material);
  sending.push(
    watched(
      'swap',
      storm.run(options.swap, () => elapsed() >= options.seconds),
    ),
  );
  const sent = Promise.all(sending).then(elapsed);
  let over = false;
  void sent.then(() => {
    over = true;
  });
  while (!over) {
    await Promise.race([sent, sleep(1000)]);
    const resident = memory.read();
    progress(soaked, elapsed(), resident, errors.length + consumers.wrongCount);
  }
  const eventLoopMs = delays();
  const growth = memory.growth(Math.min(30, options.seconds / 3));
  const seconds = await sent;
  consumers.hurry();
  if (storm.done > 0) await watched('swap back', storm.calm());
  const atRest = await drain(soaked);
  for (const flow of flows) await watched('close', flow.close());
  await plane.close();
  await Promise.all(consuming);

  const stats = plane.stats();
  pools.last = atRest.memoryBytes;
  const claims = [
    ...packetClaims(atRest, stats, flows),
    ...sampleClaims(plane, flows, consumers.wrongCount, options.repair ? REPAIRED : 0),
    ...memoryClaims(growth, pools, atRest),
  ];
  const packets = flows.reduce((sum, flow) => sum + flow.packets, 0);
  return {
    options,
    holds: errors.length === 0 && claims.every(({ holds }) => holds),
    claims,
    packetsPerSecond: packets / seconds,
    eventLoopMs,
    swaps: { done: storm.done, longestMs: storm.longest },
    residentMiB: process.memoryUsage.rss() / (1 << 20),
    errors: [...errors, ...consumers.wrong],
    stats,
  };
}

/** Until every sample has ended and every packet that left has come in; what the books say then. Closing sends packets that nobody receives. */
async function drain({ plane }: Soaked): Promise<PlaneStats> {
  const end = performance.now() + DRAIN_MS;
  for (;;) {
    await sleep(100);
    const stats = plane.stats();
    const open = stats.routes.some((route) => route.samplesOpen > 0 || route.versionsAlive > 1);
    if ((!open && missingPackets(stats) === 0) || performance.now() > end) return stats;
  }
}

let shown = 0;
function progress({ flows }: Soaked, seconds: number, resident: number, wrong: number): void {
  if (!process.stderr.isTTY && seconds - shown < 10) return;
  shown = seconds;
  const sum = (of: (flow: Soaked['flows'][number]) => number) => flows.reduce((a, flow) => a + of(flow), 0);
  const line = `${seconds.toFixed(0)} s: ${sum((f) => f.packets)} packets, ${sum((f) => f.sent)} samples sent, ${sum((f) => f.exact)} exact, ${wrong} wrong, ${(resident / (1 << 20)).toFixed(0)} MiB`;
  process.stderr.write(process.stderr.isTTY ? `\r${line} ` : `${line}\n`);
}

async function main(): Promise<number> {
  let options: Options | 'help';
  try {
    options = optionsFrom(process.argv.slice(2));
  } catch (error) {
    console.error(`soak: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  const missing = dpdkMissing();
  if (missing !== undefined) {
    console.error(`soak: left out, because ${missing}`);
    return SKIPPED;
  }
  const report = await soak(options);
  if (process.stderr.isTTY) process.stderr.write('\n');
  console.log(options.json ? JSON.stringify(report, undefined, 2) : show(report));
  return report.holds ? 0 : 1;
}

process.exitCode = await main();
