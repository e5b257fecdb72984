/** Suite `text`: tokenizing beside the tokenizers that people use, one thread each, on text that none of them has seen. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case } from '../report.js';
import { timesAsGood } from '../report.js';
import { type Measurement, summarize } from '../statistics.js';
import type { Context, Suite } from '../suite.js';
import { CORPORA, type Corpus, cutCorpora, type Slices } from '../text-slices.js';
import { lifeCases, loadCases, runCases } from './text-life.js';
import { compareIds, MEASURED, type Measured, rates, startTokenizers, type TextChild } from './text-peers.js';

/** Of each corpus: the last slices warm everybody up, each of the others is a round, in which everybody gets it twice. */
const WARM_SLICES = 6;
/** How many times as fast as the best peer. */
const SMALL_TIMES = 5;
const RUN_AND_LOADED: readonly string[] = ['cl100k_base', 'o200k_base', 'llama3', 'gemma3'];

export const textSuite: Suite = {
  name: 'text',
  what: 'tokenizing English and a mix of code and scripts: beside gpt-tokenizer, ai-tokenizer, tiktoken, tokenizers, gigatoken, quicktok',
  async run(context) {
    const folder = mkdtempSync(join(tmpdir(), 'onpath-bench-'));
    try {
      const slices = cutCorpora(folder);
      const cases: Case[] = [];
      const chosen = chosenOf(context.only);
      for (const measured of chosen) {
        const started = await startTokenizers(measured, slices, context);
        try {
          for (const corpus of CORPORA)
            cases.push(...(await vocabularyCases(measured, corpus, started, slices, context)));
          cases.push(...(await lifeCases(measured.vocabulary, started[0]!, slices, context)));
        } finally {
          await Promise.all(started.map((child) => child.close()));
        }
      }
      const byFile = chosen
        .map(({ vocabulary }) => vocabulary)
        .filter((name) => RUN_AND_LOADED.includes(name));
      cases.push(...(await runCases(byFile, slices, context)), ...(await loadCases(byFile, slices, context)));
      return cases;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function chosenOf(only: string | undefined): readonly Measured[] {
  const chosen = MEASURED.filter(({ vocabulary }) => only === undefined || vocabulary === only);
  if (chosen.length > 0) return chosen;
  const names = MEASURED.map(({ vocabulary }) => vocabulary).join(', ');
  throw new Error(`--only is "${only}", which is not measured. There are: ${names}.`);
}

/** Whole calls on text that nobody has seen, and on the same again, and calls of 64 bytes. */
async function vocabularyCases(
  measured: Measured,
  corpus: Corpus,
  started: readonly TextChild[],
  slices: Slices,
  context: Context,
): Promise<Case[]> {
  const bytes = slices.bytes[corpus];
  const rounds = Math.min(context.rounds, bytes.length - WARM_SLICES);
  if (rounds < context.rounds)
    context.note(`${corpus}: ${rounds} rounds, for there is no more text that nobody has seen.`);
  await compareIds(started, corpus, bytes.length - 1, (text) =>
    context.note(`${measured.vocabulary}, ${text}`),
  );
  for (const child of started)
    for (let i = bytes.length - WARM_SLICES; i < bytes.length; i++) await child.time(`whole ${corpus} ${i}`);

  const times = {
    fresh: new Map<string, number[]>(),
    cold: new Map<string, number[]>(),
    warm: new Map<string, number[]>(),
  };
  const add = async (heat: keyof typeof times, child: TextChild, line: string) => {
    const seconds = await child.time(line);
    times[heat].set(child.name, [...(times[heat].get(child.name) ?? []), seconds]);
  };
  for (let round = 0; round < rounds; round++) {
    for (const child of round % 2 === 0 ? started : started.toReversed()) {
      if (child.name === 'onpath') await add('fresh', child, `fresh ${corpus} ${round}`);
      await add('cold', child, `whole ${corpus} ${round}`);
      await add('warm', child, `whole ${corpus} ${round}`);
    }
  }
  const label = `${measured.vocabulary}, ${corpus}`;
  const rate = (heat: keyof typeof times, name: string): Measurement | null => {
    const seconds = times[heat].get(name);
    return seconds === undefined ? null : rates(seconds, bytes);
  };
  const whole = (heat: 'cold' | 'warm', what: string): Case => {
    const peers = Object.fromEntries(
      [...measured.npm, ...measured.python].map((name) => [name, rate(heat, name)]),
    );
    const limits = bestOf(measured.npm, peers, measured.times[corpus][heat]);
    return { ...common, case: `${label}, ${what}`, ours: rate(heat, 'onpath')!, peers, limits };
  };
  const common = { suite: 'text', unit: 'MB/s', better: 'higher' as const };
  const cold = whole('cold', 'cold: text never seen');
  return [
    cold,
    whole('warm', 'warm: the same text again'),
    {
      ...common,
      case: `${label}, by a tokenizer just loaded`,
      ours: rate('fresh', 'onpath')!,
      peers: cold.peers,
      limits: {},
    },
    await smallCase(measured, corpus, started, bytes, label, rounds),
  ];
}

/** Calls of 64 bytes, warm, on the slices that everybody has seen by now. */
async function smallCase(
  measured: Measured,
  corpus: Corpus,
  started: readonly TextChild[],
  bytes: readonly number[],
  label: string,
  rounds: number,
): Promise<Case> {
  const inNode = started.filter(({ name }) => name === 'onpath' || measured.npm.includes(name));
  const times = new Map<string, number[]>(inNode.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const child of round % 2 === 0 ? inNode : inNode.toReversed())
      times.get(child.name)!.push(await child.time(`small ${corpus} ${round}`));
  const perCall = (name: string) =>
    times.has(name)
      ? summarize(times.get(name)!.map((seconds, round) => (seconds * 1e6) / Math.ceil(bytes[round]! / 64)))
      : null;
  const peers = Object.fromEntries(measured.npm.map((name) => [name, perCall(name)]));
  const best = least(peers);
  return {
    suite: 'text',
    case: `${label}, calls of 64 bytes`,
    unit: 'us',
    better: 'lower',
    ours: perCall('onpath')!,
    peers,
    limits: timesAsGood(SMALL_TIMES, 'the best npm peer', best, 'lower'),
  };
}

/** A limit of `times` what the fastest of them reaches; absent if none is installed. */
function bestOf(
  names: readonly string[],
  peers: Readonly<Record<string, Measurement | null>>,
  times: number,
): Record<string, number | null> {
  if (names.length === 0) return {};
  const [name, best] = names
    .map((peer) => [peer, peers[peer] ?? null] as const)
    .reduce((a, b) => ((b[1]?.value ?? 0) > (a[1]?.value ?? 0) ? b : a));
  return timesAsGood(times, name, best, 'higher');
}

function least(peers: Readonly<Record<string, Measurement | null>>): Measurement | null {
  const there = Object.values(peers).filter((peer) => peer !== null);
  return there.length === 0 ? null : there.reduce((a, b) => (b.value < a.value ? b : a));
}
