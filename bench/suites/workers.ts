/** Suite `workers`: how two workers scale beside two empty loops, what an idle plane takes, how fast it wakes. */
import { availableParallelism } from 'node:os';
import { Conversation } from '../conversation.js';
import { buildNative } from '../native-program.js';
import type { Case } from '../report.js';
import { percentile, summarize } from '../statistics.js';
import type { Context, Suite } from '../suite.js';

/** Of what two empty loops gain over one, so much at least two workers gain over one. */
const LEAST_SHARE = 0.85;
/** Percent of a core that a plane may take when nothing arrives. */
const MOST_IDLE = 5;
/** Enough to outlast what a scheduler does in the beginning. */
const IMAGES = 500;
const IDLE_MS = 500;
const WAKE_UPS = 40;
/** Quiet spells in milliseconds: as long as the longest sleep and longer. */
const QUIET_MS = 10;

const CONTESTANTS = ['1 worker', '2 loops', '2 workers', '1 loop', '2 workers, 1 queue'] as const;
type Name = (typeof CONTESTANTS)[number];
const PORTS = { waits: 'port with a descriptor', polled: 'port that can only be polled' } as const;

export const workersSuite: Suite = {
  name: 'workers',
  what: 'two workers on a memory port beside two empty loops; CPU of an idle plane; wake-up latency',
  async run(context) {
    if (availableParallelism() < 2) {
      context.note('Suite workers is left out: it takes two CPUs.');
      return [];
    }
    const program = new Conversation(buildNative('onpath_workers_bench', context), []);
    try {
      await program.wait(/^ready .*\n/m);
      return [
        ...(await scalingCases(program, context)),
        ...(await idleCases(program, context)),
        ...(await wakeCases(program, context)),
      ];
    } finally {
      await program.close();
    }
  },
};

/** What two gain over one, per round, of workers and of loops that only count. */
async function scalingCases(program: Conversation, context: Context): Promise<Case[]> {
  const one = await ns(program, `workers 1 ${IMAGES}`);
  // Loops that take about as long as the workers.
  const loops = Math.max(1, Math.round((1000 * one.cpu) / (await ns(program, 'loops 1 1000')).cpu));
  const lines: Record<Name, string> = {
    '1 worker': `workers 1 ${IMAGES}`,
    '2 workers': `workers 2 ${IMAGES}`,
    '1 loop': `loops 1 ${loops}`,
    '2 loops': `loops 2 ${loops}`,
    '2 workers, 1 queue': `fanned 2 ${IMAGES}`,
  };
  const gains = {
    workers: [] as number[],
    loops: [] as number[],
    fanned: [] as number[],
    workersCpu: [] as number[],
    loopsCpu: [] as number[],
  };
  // One round first that does not count.
  for (let round = -1; round < context.rounds; round++) {
    const took = {} as Record<Name, { wall: number; cpu: number }>;
    for (const name of round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed())
      took[name] = await ns(program, lines[name]);
    if (round < 0) continue;
    const gain = (one: Name, two: Name, what: 'wall' | 'cpu') => (2 * took[one][what]) / took[two][what];
    gains.workers.push(gain('1 worker', '2 workers', 'wall'));
    gains.loops.push(gain('1 loop', '2 loops', 'wall'));
    gains.fanned.push(gain('1 worker', '2 workers, 1 queue', 'wall'));
    gains.workersCpu.push(gain('1 worker', '2 workers', 'cpu'));
    gains.loopsCpu.push(gain('1 loop', '2 loops', 'cpu'));
  }
  const share = gains.workers.map((gain, i) => gain / gains.loops[i]!);
  const workers = { suite: 'workers', better: 'higher' } as const;
  return [
    {
      ...workers,
      case: 'two workers, of what two empty loops reach',
      unit: 'share',
      ours: summarize(share),
      peers: {},
      limits: { [`${LEAST_SHARE} of the loops`]: LEAST_SHARE },
    },
    {
      ...workers,
      case: 'two workers, a queue each',
      unit: 'times one',
      ours: summarize(gains.workers),
      peers: { 'empty loops': summarize(gains.loops) },
      limits: {},
    },
    {
      ...workers,
      case: 'two workers, a queue each, by processor time',
      unit: 'times one',
      ours: summarize(gains.workersCpu),
      peers: { 'empty loops': summarize(gains.loopsCpu) },
      limits: {},
    },
    {
      ...workers,
      case: 'two workers, one queue (software fan-out)',
      unit: 'times one',
      ours: summarize(gains.fanned),
      peers: { 'empty loops': summarize(gains.loops) },
      limits: {},
    },
  ];
}

async function idleCases(program: Conversation, context: Context): Promise<Case[]> {
  const cases: Case[] = [];
  for (const [kind, port] of Object.entries(PORTS)) {
    const percents: number[] = [];
    for (let round = 0; round < context.rounds; round++) {
      const [, share] = await program.ask(`idle ${kind} ${IDLE_MS}`, /^cpu ([\d.]+)\n/m);
      percents.push(Number(share) * 100);
    }
    cases.push({
      suite: 'workers',
      case: `idle plane, ${port}`,
      unit: '% of a core',
      better: 'lower',
      ours: summarize(percents),
      peers: {},
      limits: { [`${MOST_IDLE} %`]: MOST_IDLE },
    });
  }
  return cases;
}

/** Percentiles over all wake-ups of all rounds; the range goes from the least to the greatest. */
async function wakeCases(program: Conversation, context: Context): Promise<Case[]> {
  const cases: Case[] = [];
  for (const [kind, port] of Object.entries(PORTS)) {
    const us: number[] = [];
    for (let round = 0; round < context.rounds; round++) {
      const [, list] = await program.ask(`wake ${kind} ${WAKE_UPS} ${QUIET_MS}`, /^us ([\d. ]+)\n/m);
      us.push(...list!.trim().split(' ').map(Number));
    }
    for (const p of [50, 90, 99]) {
      cases.push({
        suite: 'workers',
        case: `wake-up, ${port}, ${p}th percentile`,
        unit: 'us',
        better: 'lower',
        ours: { value: percentile(us, p / 100), low: Math.min(...us), high: Math.max(...us) },
        peers: {},
        limits: {},
      });
    }
  }
  return cases;
}

/** Nanoseconds of the clock, and of processor time for each thread. */
async function ns(program: Conversation, line: string): Promise<{ wall: number; cpu: number }> {
  const [, wall, cpu] = await program.ask(line, /^ns (\d+) (\d+)\n/m);
  return { wall: Number(wall), cpu: Number(cpu) };
}
