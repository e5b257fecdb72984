/** The plane under soak: its port, its routes, its senders. */
import { readFileSync } from 'node:fs';
import { Dataplane, type DataplaneSpec, Sender } from '../../lib/index.js';
import { freshDevice, GROUP, OTHER_GROUP, ringPort } from '../support/dpdk-loop.js';
import { Flow } from './flow.js';
import type { Options } from './options.js';
import { asTheyAre, family, fixed, forwarded, type Material, prompts } from './routes.js';

/** One for each sender: its route, its UDP port, its share of the packets. */
interface Plan {
  readonly route: string;
  readonly results: string;
  readonly udpPort: number;
  readonly share: number;
  readonly material: Material;
  readonly items: readonly number[];
  readonly text?: true;
  /** Sizes are told in every chunk. */
  readonly sendDims?: true;
}

export interface Soaked {
  readonly plane: Dataplane;
  readonly flows: readonly Flow[];
  /** By route: what it runs, in the order of swaps. */
  readonly material: ReadonlyMap<string, Material>;
  readonly slowSlots: number;
}

const PAYLOAD_BYTES = 1400;
const all = ({ items }: Material): number[] => items.map((_, i) => i);

function plansOf(seed: number): { plans: Plan[]; material: Map<string, Material> } {
  const images = fixed(seed);
  const slow = fixed(seed + 1);
  const [chain, sizes, texts] = [forwarded(seed), family(seed), prompts(seed)];
  const to = (route: string, udpPort: number, share: number, of: Material) =>
    ({ route, results: route, udpPort, share, material: of, items: all(of) }) as const;
  return {
    plans: [
      to('images', 5004, 3, images),
      to('images', 5004, 3, images),
      to('slow', 5005, 2, slow),
      { ...to('first', 5006, 2, chain), results: 'second' },
      ...all(sizes).map((item) => ({
        ...to('sizes', 5008, 1, sizes),
        items: [item],
        sendDims: true as const,
      })),
      { ...to('prompts', 5009, 1, texts), text: true },
      { ...to('prompts', 5009, 1, texts), text: true },
    ],
    material: new Map([
      ['images', images],
      ['slow', slow],
      ['first', chain],
      ['sizes', sizes],
      ['prompts', texts],
    ]),
  };
}

/** Two megabyte pages that nobody uses. */
function freeHugepages(): number {
  return Number(/^HugePages_Free:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
}

function specOf(options: Options, material: ReadonlyMap<string, Material>, senders: number): DataplaneSpec {
  const scaled = (count: number) => Math.max(1, Math.round(count * options.pools));
  const { loss, duplicate, corrupt, reorder: reorderSpan, seed, workers } = options;
  const route = (name: string, udpPort: number, more: object = {}) => ({
    name,
    port: 'ring',
    udpPort,
    sources: [{ prefix: '10.9.0.0/24', feedback: options.repair }],
    ...(options.repair && { repair: {} }),
    pipeline: material.get(name)!.versions[0]!.pipeline,
    slots: scaled(128),
    openSamples: scaled(64),
    deadlineMs: 2000,
    ...more,
  });
  return {
    eal:
      freeHugepages() >= 256
        ? { hugepages: true, iova: 'va', filePrefix: `onpath-soak-${process.pid}` }
        : { hugepages: false, memoryMb: 512 },
    workers,
    ports: [
      ringPort({
        device: freshDevice('net_ring'),
        senders,
        rxDescriptors: 4096,
        txDescriptors: 4096,
        impair: { loss, duplicate, corrupt, reorderSpan, seed },
      }),
    ],
    routes: [
      route('images', 5004),
      route('slow', 5005, { slots: slowSlots(options), openSamples: scaled(8), slowConsumer: 'drop' }),
      route('first', 5006, {
        sink: { forward: { port: 'ring', to: `${OTHER_GROUP}:5007`, ...resend(options) } },
      }),
      { ...route('first', 5007), name: 'second', pipeline: asTheyAre() },
      route('sizes', 5008, { shapes: { cached: 8, waiting: 4, stateBytes: 16 << 20 } }),
      route('prompts', 5009, { slots: scaled(1024) }),
    ],
  };
}

/** Of what sends: packets are kept, and sent again when they are asked for. */
const resend = ({ repair }: Options) => (repair ? { resend: {} } : {});

const slowSlots = ({ pools }: Options) => Math.max(2, Math.round(16 * pools));

export async function startSoaked(options: Options): Promise<Soaked> {
  const { plans, material } = plansOf(options.seed);
  const plane = await Dataplane.start(specOf(options, material, plans.length));
  const shares = plans.reduce((sum, { share }) => sum + share, 0);
  const flows: Flow[] = [];
  for (const [index, plan] of plans.entries()) {
    const bitsPerSecond = ((options.rate * plan.share) / shares) * PAYLOAD_BYTES * 8;
    const common = {
      to: `${GROUP}:${plan.udpPort}`,
      via: { plane, port: 'ring' },
      maxPayloadBytes: PAYLOAD_BYTES,
      bitsPerSecond,
      payloadType: 96,
      ...resend(options),
    };
    const { width, height } = plan.material.items[plan.items[0]!]!;
    const sender = plan.text
      ? await Sender.open({ ...common, text: true })
      : await Sender.open({ ...common, width, height, format: 'rgb', sendDims: plan.sendDims === true });
    flows.push(new Flow(plan.results, index, plan.material, plan.items, sender));
  }
  return { plane, flows, material, slowSlots: slowSlots(options) };
}
