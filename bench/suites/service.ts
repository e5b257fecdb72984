/** Suite `service`: the example inference service with its preprocessing inside, and behind onpath, side by side. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Conversation } from '../conversation.js';
import type { Case } from '../report.js';
import { type Measurement, median, summarize } from '../statistics.js';
import type { Context, Suite } from '../suite.js';
import { type Cpu, ServiceChild } from './service-child.js';
import { prepareService } from './service-folder.js';

const SIZES = [
  [640, 480],
  [1280, 720],
  [1920, 1080],
] as const;
const OURS = 'behind onpath';
/** The contestants: which service, what is sent to it. */
const CONTESTANTS = [
  { name: OURS, service: 'onpath', payload: 'raw' },
  { name: 'sharp inside', service: 'sharp', payload: 'raw' },
  { name: 'sharp inside, JPEG', service: 'sharp', payload: 'jpeg' },
  { name: 'Pipeline.run inside', service: 'run', payload: 'raw' },
] as const;
type Name = (typeof CONTESTANTS)[number]['name'];
const SERVICES = {
  onpath: ['onpath'],
  sharp: ['inside', '--prepare', 'sharp'],
  run: ['inside', '--prepare', 'onpath'],
} as const;

const WARM_UP_MS = 700;
const SATURATED_MS = 1000;
const PACED_MS = 2000;
/** Of what the slowest contestant reaches: all get the same images at this rate, and none is at its end. */
const PACE = 0.5;

const clientProgram = join(dirname(dirname(fileURLToPath(import.meta.url))), 'children', 'service-client.js');

/** What one contestant did in each round. */
interface Runs {
  readonly rate: number[];
  readonly p50: number[];
  readonly p99: number[];
  /** Milliseconds for a request. */
  readonly service: number[];
  readonly workers: number[];
}

export const serviceSuite: Suite = {
  name: 'service',
  what: 'an inference service: images resized and normalized inside it, and before they reach it',
  async run(context) {
    const folder = prepareService();
    const cases: Case[] = [];
    const measured: ReadonlyMap<Name, Runs>[] = [];
    for (const [width, height] of SIZES) {
      const runs = await measure(folder, { width, height }, context);
      cases.push(...sizeCases(`${width}x${height}`, runs));
      measured.push(runs);
    }
    return [...cases, ...savedCases(measured)];
  },
};

async function measure(
  folder: string,
  size: { width: number; height: number },
  context: Context,
): Promise<ReadonlyMap<Name, Runs>> {
  const what = `${size.width}x${size.height}`;
  const client = new Conversation(process.execPath, [
    clientProgram,
    `${size.width}`,
    `${size.height}`,
    folder,
  ]);
  const services = new Map<string, ServiceChild>();
  try {
    const [, ready] = await client.wait(/^ready (.*)\n/m);
    const { results } = JSON.parse(ready!) as { results: string };
    for (const [name, variant] of Object.entries(SERVICES)) {
      const model = join(folder, 'model.onnx');
      const common = ['--listen', '127.0.0.1:0', '--results', results, '--model', model, '--largest', what];
      services.set(name, await ServiceChild.start(folder, [...variant, ...common]));
    }
    const match = new Match(client, services);
    for (const { name, service, payload } of CONTESTANTS) {
      const { address, port } = services.get(service)!.address!;
      const variant = service === 'onpath' ? 'onpath' : 'inside';
      await client.ask(`connect ${key(name)} ${variant} ${address} ${port} ${payload}`, /^connected\n/m);
    }
    for (const { name } of CONTESTANTS) await match.saturate(name, WARM_UP_MS);
    await inTurn(context.rounds, async ({ name }) => {
      match.runs.get(name)!.rate.push(await match.saturate(name, SATURATED_MS));
    });
    const slowest = Math.min(...[...match.runs.values()].map((run) => median(run.rate)));
    const rate = Math.max(1, Math.floor(PACE * slowest));
    await inTurn(context.rounds, ({ name, service }) => match.pace(name, service, rate));
    context.note(`service, ${what}: CPU and latency at ${rate} images/s each.`);
    if (match.lost > 0)
      context.note(`service, ${what}: ${match.lost} images had no result; they do not count.`);
    return match.runs;
  } finally {
    await Promise.all([client.close(), ...[...services.values()].map((service) => service.close())]);
  }
}

/** One client and all the services. */
class Match {
  readonly runs = new Map<Name, Runs>(
    CONTESTANTS.map(({ name }) => [name, { rate: [], p50: [], p99: [], service: [], workers: [] }]),
  );
  lost = 0;
  readonly #client: Conversation;
  readonly #services: ReadonlyMap<string, ServiceChild>;

  constructor(client: Conversation, services: ReadonlyMap<string, ServiceChild>) {
    this.#client = client;
    this.#services = services;
  }

  /** Requests a second. */
  async saturate(name: Name, ms: number): Promise<number> {
    const answer = /^saturated (\S+) (\d+) (\d+)\n/m;
    const [, seconds, arrived, lost] = await this.#client.ask(`saturate ${key(name)} ${ms}`, answer);
    this.lost += Number(lost);
    return Number(arrived) / Number(seconds);
  }

  async pace(name: Name, serviceName: string, rate: number): Promise<void> {
    const service = this.#services.get(serviceName)!;
    const before = service.cpu();
    const answer = /^paced (\S+) (\S+) (\d+) (\d+)\n/m;
    const line = `pace ${key(name)} ${rate} ${PACED_MS}`;
    const [, p50, p99, arrived, lost] = await this.#client.ask(line, answer);
    const after = service.cpu();
    this.lost += Number(lost);
    const each = (part: keyof Cpu) => (after[part] - before[part]) / Number(arrived);
    const runs = this.runs.get(name)!;
    runs.p50.push(Number(p50));
    runs.p99.push(Number(p99));
    runs.service.push(each('service'));
    runs.workers.push(each('workers'));
  }
}

/** Every contestant in every round, forwards and backwards in turn. */
async function inTurn(
  rounds: number,
  one: (contestant: (typeof CONTESTANTS)[number]) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const contestant of round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed()) await one(contestant);
}

/** A name without blanks. */
function key(name: Name): string {
  return name.replaceAll(/\W+/g, '-');
}

function sizeCases(size: string, runs: ReadonlyMap<Name, Runs>): Case[] {
  const one = (what: string, unit: string, better: Case['better'], of: (runs: Runs) => readonly number[]) => {
    const figures = [...runs].map(([name, run]) => [name, summarize(of(run))] as const);
    const { [OURS]: ours, ...peers } = Object.fromEntries(figures) as Record<Name, Measurement>;
    return { suite: 'service', case: `${size}, ${what}`, unit, better, ours, peers, limits: {} };
  };
  return [
    one('saturated', 'requests/s', 'higher', ({ rate }) => rate),
    one('service CPU per request', 'ms', 'lower', ({ service }) => service),
    one('service and onpath workers, CPU per request', 'ms', 'lower', together),
    one('latency p50', 'ms', 'lower', ({ p50 }) => p50),
    one('latency p99', 'ms', 'lower', ({ p99 }) => p99),
  ];
}

function together({ service, workers }: Runs): number[] {
  return service.map((ms, round) => ms + workers[round]!);
}

/**
 * Of the CPU that sharp inside takes for a request, the share that is not taken behind onpath: over all sizes, of pixels and of JPEG
 * files, as median and maximum.
 */
function savedCases(measured: readonly ReadonlyMap<Name, Runs>[]): Case[] {
  const shares = (of: (runs: Runs) => readonly number[]) =>
    measured.flatMap((runs) =>
      (['sharp inside', 'sharp inside, JPEG'] as const).map(
        (peer) => 100 * (1 - median(of(runs.get(OURS)!)) / median(of(runs.get(peer)!))),
      ),
    );
  const one = (what: string, value: number, all: readonly number[]): Case => ({
    suite: 'service',
    case: `CPU saved, ${what}`,
    unit: '%',
    better: 'higher',
    ours: { value, low: Math.min(...all), high: Math.max(...all) },
    peers: {},
    limits: {},
  });
  return Object.entries({
    'worker cores not counted': shares(({ service }) => service),
    'worker cores counted': shares(together),
  }).flatMap(([what, all]) => [
    one(`${what}, median of ${all.length}`, median(all), all),
    one(`${what}, maximum`, Math.max(...all), all),
  ]);
}
