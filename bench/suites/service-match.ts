/** Contestants of one setting: one client, their services, and what each does with the same requests, in turn in each round. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Conversation } from '../conversation.js';
import type { Case } from '../report.js';
import { type Measurement, median, summarize } from '../statistics.js';
import type { Context } from '../suite.js';
import { type Cpu, ServiceChild } from './service-child.js';

export const OURS = 'behind onpath';

/** Which service, what is sent to it. */
export interface Contestant {
  readonly name: string;
  readonly service: string;
  readonly payload: 'raw' | 'jpeg' | 'text';
}

export interface Setting {
  /** In notes and cases. */
  readonly what: string;
  /** What a request is, in notes. */
  readonly requests: string;
  /** The first is ours. */
  readonly contestants: readonly Contestant[];
  readonly folder: string;
  /** What each service is started with: the program and its variant, then options. */
  readonly services: Readonly<Record<string, readonly string[]>>;
  /** What the client sends: see service-client.ts. */
  readonly sends: readonly string[];
  /** Where the client takes results; loopback without. */
  readonly clientAddress?: string;
  /** How the client is started, if not as any program. */
  readonly within?: (command: string, args: readonly string[]) => [string, string[]];
  /** Workers that poll are looked at while nothing comes, too. */
  readonly polls?: boolean;
  /** Where a service takes requests that does not say so itself. */
  readonly addressOf?: (service: string) => { readonly address: string; readonly port: number };
}

/** What one contestant did in each round. */
export interface Runs {
  readonly rate: number[];
  readonly p50: number[];
  readonly p99: number[];
  /** Milliseconds for a request. */
  readonly service: number[];
  readonly workers: number[];
  /** Per cent of a core that onpath's threads have taken at that rate; and, of a setting that polls, while nothing came. */
  readonly busy: number[];
  readonly idle: number[];
}

const WARM_UP_MS = 700;
const SATURATED_MS = 1000;
/** A block at that rate is at least so long, and has so many requests, as the kernel counts a process in hundredths of a second. */
const PACED_MS = 2000;
const PACED_REQUESTS = 40;
const MOST_PACED_MS = 6000;
const IDLE_MS = 500;
/** Of what the slowest contestant reaches: all get the same requests at this rate, and none is at its end. */
const PACE = 0.5;

const LOOPBACK = '127.0.0.1';
const clientProgram = join(dirname(dirname(fileURLToPath(import.meta.url))), 'children', 'service-client.js');

export async function measure(setting: Setting, context: Context): Promise<ReadonlyMap<string, Runs>> {
  const { what, contestants, folder } = setting;
  const args = [clientProgram, setting.clientAddress ?? LOOPBACK, folder, ...setting.sends];
  const [command, all] = setting.within?.(process.execPath, args) ?? [process.execPath, args];
  const client = new Conversation(command, all);
  const services = new Map<string, ServiceChild>();
  try {
    const [, ready] = await client.wait(/^ready (.*)\n/m);
    const { results } = JSON.parse(ready!) as { results: string };
    for (const [name, started] of Object.entries(setting.services))
      services.set(name, await ServiceChild.start(folder, [...started, '--results', results]));
    const match = new Match(client, services, setting);
    for (const { name, service, payload } of contestants) {
      const { address, port } = services.get(service)!.address ?? setting.addressOf!(service);
      const variant = setting.services[service]![1]!;
      await client.ask(`connect ${key(name)} ${variant} ${address} ${port} ${payload}`, /^connected\n/m);
    }
    for (const { name } of contestants) await match.saturate(name, WARM_UP_MS);
    // Most of the first image is lost where the sender's kernel has yet to ask for an address.
    match.lost = 0;
    await inTurn(contestants, context.rounds, async ({ name }) => {
      match.runs.get(name)!.rate.push(await match.saturate(name, SATURATED_MS));
    });
    const slowest = Math.min(...[...match.runs.values()].map((run) => median(run.rate)));
    const rate = Math.max(1, Math.floor(PACE * slowest));
    await inTurn(contestants, context.rounds, (contestant) => match.pace(contestant, rate));
    context.note(`service, ${what}: CPU and latency at ${rate} ${setting.requests}/s each.`);
    if (match.lost > 0)
      context.note(`service, ${what}: ${match.lost} ${setting.requests} had no result; they do not count.`);
    return match.runs;
  } finally {
    await Promise.all([client.close(), ...[...services.values()].map((service) => service.close())]);
  }
}

/** One client and all the services. */
class Match {
  readonly runs: ReadonlyMap<string, Runs>;
  lost = 0;
  readonly #client: Conversation;
  readonly #services: ReadonlyMap<string, ServiceChild>;
  readonly #polls: boolean;

  constructor(
    client: Conversation,
    services: ReadonlyMap<string, ServiceChild>,
    { contestants, polls = false }: Setting,
  ) {
    this.#client = client;
    this.#services = services;
    this.#polls = polls;
    this.runs = new Map(
      contestants.map(({ name }) => [
        name,
        { rate: [], p50: [], p99: [], service: [], workers: [], busy: [], idle: [] },
      ]),
    );
  }

  /** Requests a second. */
  async saturate(name: string, ms: number): Promise<number> {
    const answer = /^saturated (\S+) (\d+) (\d+)\n/m;
    const [, seconds, arrived, lost] = await this.#client.ask(`saturate ${key(name)} ${ms}`, answer);
    this.lost += Number(lost);
    return Number(arrived) / Number(seconds);
  }

  async pace({ name, service: serviceName }: Contestant, rate: number): Promise<void> {
    const service = this.#services.get(serviceName)!;
    const runs = this.runs.get(name)!;
    const [before, began] = [service.cpu(), performance.now()];
    const answer = /^paced (\S+) (\S+) (\d+) (\d+)\n/m;
    const ms = Math.min(MOST_PACED_MS, Math.max(PACED_MS, (PACED_REQUESTS * 1000) / rate));
    const line = `pace ${key(name)} ${rate} ${ms}`;
    const [, p50, p99, arrived, lost] = await this.#client.ask(line, answer);
    const [after, ended] = [service.cpu(), performance.now()];
    this.lost += Number(lost);
    const each = (part: keyof Cpu) => (after[part] - before[part]) / Number(arrived);
    runs.p50.push(Number(p50));
    runs.p99.push(Number(p99));
    runs.service.push(each('service'));
    runs.workers.push(each('workers'));
    runs.busy.push((100 * (after.workers - before.workers)) / (ended - began));
    if (!this.#polls) return;
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    runs.idle.push((100 * (service.cpu().workers - after.workers)) / (performance.now() - ended));
  }
}

/** Every contestant in every round, forwards and backwards in turn. */
async function inTurn(
  contestants: readonly Contestant[],
  rounds: number,
  one: (contestant: Contestant) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) await one(contestant);
}

/** A name without blanks. */
function key(name: string): string {
  return name.replaceAll(/\W+/g, '-');
}

/** Of a setting: the first contestant is ours. */
export function casesOf(what: string, runs: ReadonlyMap<string, Runs>): Case[] {
  const one = (name: string, unit: string, better: Case['better'], of: (runs: Runs) => readonly number[]) => {
    const [[, ours], ...others] = [...runs].map(([who, run]) => [who, summarize(of(run))] as const) as [
      readonly [string, Measurement],
      ...(readonly [string, Measurement])[],
    ];
    const peers = Object.fromEntries(others);
    return { suite: 'service', case: `${what}, ${name}`, unit, better, ours, peers, limits: {} };
  };
  return [
    one('saturated', 'requests/s', 'higher', ({ rate }) => rate),
    one('service CPU per request', 'ms', 'lower', ({ service }) => service),
    one('service and onpath workers, CPU per request', 'ms', 'lower', together),
    one('latency p50', 'ms', 'lower', ({ p50 }) => p50),
    one('latency p99', 'ms', 'lower', ({ p99 }) => p99),
  ];
}

export function together({ service, workers }: Runs): number[] {
  return service.map((ms, round) => ms + workers[round]!);
}

/** What the workers of a contestant take of a core: a worker that polls takes some of it for nothing. */
export function workerCases(what: string, { busy, idle }: Runs): Case[] {
  const one = (name: string, all: readonly number[]): Case => ({
    ...{ suite: 'service', case: `${what}, onpath workers, of a core, ${name}`, unit: '%', better: 'lower' },
    ...{ ours: summarize(all), peers: {}, limits: {} },
  });
  return [one('at that rate', busy), one('while nothing comes', idle)];
}
