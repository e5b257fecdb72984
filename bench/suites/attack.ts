/** Suite `attack`: a flood of samples that are never finished, beside an honest stream that must lose nothing. */
import { Conversation } from '../conversation.js';
import { buildNative } from '../native-program.js';
import type { Case } from '../report.js';
import { summarize } from '../statistics.js';
import type { Suite } from '../suite.js';

const FLOODS = ['images', 'texts', 'sizes'] as const;
const SOURCES = ['one', 'many'] as const;
const LIMITS = ['', '-limits'] as const;
const RUN_MS = 300;

interface Outcome {
  packetsPerSecond: number;
  sent: number;
  complete: number;
  framesBack: number;
}

export const attackSuite: Suite = {
  name: 'attack',
  what: 'unfinished samples as fast as one core sends them, beside an honest stream, with and without sourceLimits',
  async run(context) {
    const variants = FLOODS.flatMap((flood) =>
      SOURCES.flatMap((from) => LIMITS.map((limits) => `${flood}-${from}${limits}`)),
    );
    const program = new Conversation(buildNative('onpath_attack_bench', context), []);
    const outcomes = new Map<string, Outcome[]>(variants.map((name) => [name, []]));
    try {
      for (let round = 0; round < context.rounds; round++) {
        for (const name of round % 2 === 0 ? variants : variants.toReversed()) {
          const [, answer] = await program.ask(`${name} ${RUN_MS}`, /^(\{.*\})$/m);
          outcomes.get(name)!.push(JSON.parse(answer!) as Outcome);
        }
      }
    } finally {
      await program.close();
    }
    return variants.flatMap((name) => cases(name, outcomes.get(name)!));
  },
};

function cases(name: string, outcomes: readonly Outcome[]): Case[] {
  const of = (value: (outcome: Outcome) => number) => summarize(outcomes.map(value));
  const total = (value: (outcome: Outcome) => number) => {
    const sum = outcomes.reduce((all, outcome) => all + value(outcome), 0);
    return summarize([sum]);
  };
  const [flood, from, limited] = name.split('-');
  const what = `unfinished ${flood}, ${from} source${from === 'one' ? '' : 's'}${limited ? ', sourceLimits' : ''}`;
  const common = { suite: 'attack', peers: {} };
  return [
    {
      ...common,
      case: `${what}: flood`,
      unit: 'packets/s',
      better: 'higher',
      ours: of((outcome) => outcome.packetsPerSecond),
      limits: {},
    },
    {
      ...common,
      case: `${what}: honest samples`,
      unit: 'samples',
      better: 'higher',
      ours: total((outcome) => outcome.complete),
      limits: { 'all that were sent': total((outcome) => outcome.sent).value },
    },
    {
      ...common,
      case: `${what}: frames sent back`,
      unit: 'frames',
      better: 'lower',
      ours: total((outcome) => outcome.framesBack),
      limits: { none: 0 },
    },
  ];
}
