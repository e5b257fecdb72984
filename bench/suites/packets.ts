/** The packet cases of suite `path`: sender, port, worker, JavaScript, all in this process. */
import type { Case } from '../report.js';
import {
  type Contestant,
  convert,
  interleave,
  type Measurement,
  type Rounds,
  summarize,
} from '../statistics.js';
import type { Context } from '../suite.js';
import { Traffic } from '../traffic.js';
import { compile, IMAGE_BYTES, RESULT_ELEMENTS } from '../work.js';

const BLOCK_MS = 250;
/** Images between the sender and JavaScript at a time. */
const IN_FLIGHT = 2;
/** Tried from the fastest; 0 is as fast as the socket takes packets. */
const PACES_GBIT = [0, 12, 10, 8, 6, 5, 4, 3, 2, 1, 0.5];
const TRIAL_IMAGES = 40;
const PORTS = ['memory port', 'udp loopback'] as const;

export async function packetCases(image: Uint8Array, context: Context): Promise<Case[]> {
  const memory = await Traffic.open({
    port: 'memory',
    pipeline: compile(),
    image,
    inFlight: IN_FLIGHT,
    bitsPerSecond: 0,
  });
  const udp = await udpWithoutLoss(image, context);
  let lost = 0;
  const delivering = (name: string, traffic: Traffic): Contestant => ({
    name,
    async run(count) {
      const arrived = await traffic.deliver(count);
      lost += count - arrived;
      return arrived;
    },
  });
  const cpu = new Map<string, number[]>();
  const contestants = [
    countCpu(delivering(PORTS[0], memory), () => memory.spent.cpuMs, cpu),
    ...sharpAlone(image, context).map((peer) => countCpu(peer, processCpuMs, cpu)),
    countCpu(delivering(PORTS[1], udp), () => udp.spent.cpuMs, cpu),
  ];
  try {
    const rounds = await interleave(contestants, { rounds: context.rounds, blockMs: BLOCK_MS });
    if (lost > 0)
      context.note(`${lost} images were lost on the way while measuring; they count as not delivered.`);
    // The blocks before the rounds were for warming up.
    const cpuRounds = new Map([...cpu].map(([name, blocks]) => [name, blocks.slice(-context.rounds)]));
    return PORTS.flatMap((name) => [...rateCases(name, rounds), cpuCase(name, cpuRounds)]);
  } finally {
    await memory.close();
    await udp.close();
  }
}

/** UDP has no back-pressure: finds the fastest pace at which nothing is lost here. */
async function udpWithoutLoss(image: Uint8Array, context: Context): Promise<Traffic> {
  for (const gbit of PACES_GBIT) {
    const traffic = await Traffic.open({
      port: 'udp',
      pipeline: compile(),
      image,
      inFlight: IN_FLIGHT,
      bitsPerSecond: gbit * 1e9,
    });
    if ((await traffic.deliver(TRIAL_IMAGES)) === TRIAL_IMAGES) {
      const pace = gbit === 0 ? 'as fast as the socket takes packets' : `at ${gbit} Gbit/s`;
      context.note(`udp loopback: sent ${pace}, the fastest pace tried at which nothing was lost.`);
      return traffic;
    }
    await traffic.close();
  }
  throw new Error(
    `udp loopback lost packets even at ${PACES_GBIT.at(-1)} Gbit/s. Is the machine overloaded?`,
  );
}

/** The peer without any transport: its images are in memory already, which flatters it. */
function sharpAlone(image: Uint8Array, { sharp }: Context): Contestant[] {
  if (sharp === null) return [];
  const into = new Float32Array(RESULT_ELEMENTS);
  return [
    {
      name: 'sharp-js',
      async run(count) {
        for (let i = 0; i < count; i++) await sharp.run(image, into);
        return count;
      },
    },
  ];
}

/** The same contestant; the processor time that each of its blocks took per image is added to `into`. */
function countCpu(contestant: Contestant, cpuMs: () => number, into: Map<string, number[]>): Contestant {
  const blocks: number[] = [];
  into.set(contestant.name, blocks);
  return {
    name: contestant.name,
    async run(count) {
      const before = cpuMs();
      const done = (await contestant.run(count)) ?? count;
      if (done > 0) blocks.push((cpuMs() - before) / done);
      return done;
    },
  };
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Images a second, and the same as bits of samples. */
function rateCases(name: string, rounds: Rounds): Case[] {
  const inUnit = (suffix: string, unit: string, perImage: number): Case => {
    const rate = (ms: number) => (perImage * 1000) / ms;
    const sharp = measured('sharp-js', rounds);
    return {
      suite: 'path',
      case: `${name}, ${suffix}`,
      unit,
      better: 'higher',
      ours: convert(measured(name, rounds)!, rate),
      peers: { 'sharp-js': sharp === null ? null : convert(sharp, rate) },
      limits: {},
    };
  };
  return [inUnit('end to end', 'images/s', 1), inUnit('sample bytes', 'Gbit/s', (IMAGE_BYTES * 8) / 1e9)];
}

/** What an image costs the host that receives it: the worker's processor time, beside the peer's. */
function cpuCase(name: string, cpu: Rounds): Case {
  return {
    suite: 'path',
    case: `${name}, worker CPU per image`,
    unit: 'ms',
    better: 'lower',
    ours: measured(name, cpu)!,
    peers: { 'sharp-js': measured('sharp-js', cpu) },
    limits: {},
  };
}

function measured(contestant: string, rounds: Rounds): Measurement | null {
  const runs = rounds.get(contestant);
  return runs === undefined ? null : summarize(runs);
}
