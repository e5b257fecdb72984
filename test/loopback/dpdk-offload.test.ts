// What a NIC does or does not do for the plane changes nothing of what comes out: the same traffic over the software NIC with every
// hook on, off, refused, broken, and failing half-way; and the right report of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Dataplane,
  type DpdkPortInfo,
  type OffloadHook,
  Pipeline,
  type PlaneStats,
  Sender,
  TextPipeline,
  Tokenizer,
} from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { type DpdkPort, GROUP, OTHER_GROUP, ringPort } from '../support/dpdk-loop.js';
import { assertBooksBalance, dropsOf, eventually, startPlane, take } from '../support/plane.js';
import { format, height, image, resize, width } from '../support/small.js';
import { type Feature, SoftNic, softNicEal, softNicMissing } from '../support/soft-nic.js';
import { temporaryFolder } from '../support/tools.js';

const pipeline = Pipeline.compile(resize);
const bytes = Array.from({ length: 256 }, (_, i) => `${Buffer.from([i]).toString('base64')} ${i}\n`).join('');
const tokenizer = Tokenizer.fromBuffer(Buffer.from(bytes), {
  format: 'tiktoken',
  encoding: { pattern: String.raw`\p{L}+|[^\p{L}]+?`, specialTokens: {} },
});
const texts = Pipeline.compile({ input: { kind: 'text' }, stages: [{ stage: 'tokenize', tokenizer }] });
assert.ok(texts instanceof TextPipeline);

const GROUP_V6 = 'ff3e::8000:1';
const ROUNDS = 25;
/** UDP ports of the routes; nobody takes the last. */
const [IMAGES, MORE_IMAGES, TEXTS, CLOSED, NOBODYS] = [6004, 6006, 6008, 6010, 6012];

const own = ['10.9.0.0/24', '2001:db8:9::/64'];
const routes = [
  { name: 'images', port: 'nic', udpPort: IMAGES, sources: own, pipeline },
  { name: 'more', port: 'nic', udpPort: MORE_IMAGES, sources: own, pipeline },
  { name: 'texts', port: 'nic', udpPort: TEXTS, sources: own, pipeline: texts },
  // Nobody here may send to it.
  { name: 'closed', port: 'nic', udpPort: CLOSED, sources: ['192.0.2.0/24'], pipeline },
] as const;

function planeOn(nic: SoftNic, port: Partial<DpdkPort> = {}): Promise<Dataplane> {
  const ports = [ringPort({ name: 'nic', device: nic.device, senders: 8, ...port })];
  return startPlane({ eal: softNicEal(), ports, routes: [...routes], workers: 2 });
}

const text = (seed: number) => `prompt ${seed} ${'words and words '.repeat(40 + seed)}`;

/** Sends to every route, to a UDP port of nobody's too, and checks each sample. Resolves to the packets sent to each UDP port. */
async function pour(plane: Dataplane): Promise<Map<number, number>> {
  const sent = new Map<number, number>();
  const via = { plane, port: 'nic' } as const;
  const one = async (group: string, udpPort: number, sendsText = false) => {
    const to = `${group}:${udpPort}`;
    await using prompts = sendsText ? await Sender.open({ to, via, text: true }) : undefined;
    await using pictures = sendsText ? undefined : await Sender.open({ to, via, width, height, format });
    for (let seed = 0; seed < ROUNDS; seed++) {
      const report =
        (await prompts?.send(text(seed), { requestId: seed })) ??
        (await pictures!.send(image(seed), { requestId: seed }));
      assert.equal(report.refused, 0);
      sent.set(udpPort, (sent.get(udpPort) ?? 0) + report.packets);
    }
  };
  const images = async (route: string, senders: number) => {
    for (const sample of await take(plane, route, senders * ROUNDS)) {
      assertSameBytes(sample.data, pipeline.run(image(Number(sample.requestId))).data);
      sample.release();
    }
  };
  const prompts = async () => {
    let left = ROUNDS;
    for await (const sample of plane.texts('texts')) {
      assert.deepEqual([...sample.ids], [...tokenizer.encode(text(Number(sample.requestId)))]);
      if (--left === 0) return;
    }
  };
  await Promise.all([
    images('images', 2),
    images('more', 2),
    prompts(),
    one(GROUP, IMAGES),
    one(`[${GROUP_V6}]`, IMAGES),
    one(OTHER_GROUP, MORE_IMAGES),
    one(GROUP, MORE_IMAGES),
    one(GROUP, TEXTS, true),
    one(GROUP, CLOSED),
    one(GROUP, NOBODYS),
  ]);
  return sent;
}

type Reports = DpdkPortInfo['offloads'];
function reportsOf(plane: Dataplane): Reports {
  const [port] = plane.ports();
  assert.ok(port?.type === 'dpdk');
  return port.offloads;
}

/** What is expected of some hooks; the others are not looked at. */
type Expected = Partial<Record<OffloadHook, readonly ['active' | 'unverified' | 'software', RegExp]>>;

interface Case {
  readonly name: string;
  readonly refuse?: Feature[];
  readonly broken?: Feature[];
  readonly failRule?: number;
  readonly port?: Partial<DpdkPort>;
  readonly expected: Expected;
  /** Rules that are in place in the end. */
  readonly rules?: number | 'some';
}

const IN_FORCE: Expected = {
  steering: ['active', /rules/],
  mark: ['active', /compared with the headers/],
  rss: ['active', /2 of 2 queues/],
  allowList: ['active', /has dropped \d+ packets/],
  rxChecksums: ['active', /compared/],
  txChecksums: ['unverified', /receivers/],
  timestamps: ['active', /clock/],
  bufferSplit: ['software', /not asked for/],
  mprq: ['software', /only mlx5/],
  cqeCompression: ['software', /only mlx5/],
};
const { bufferSplit: _, ...withoutSplit } = IN_FORCE;

const cases: Case[] = [
  { name: 'every hook on', expected: IN_FORCE, rules: 'some' },
  {
    name: 'headers in buffers apart',
    port: { offloads: { bufferSplit: true } },
    expected: {
      ...withoutSplit,
      bufferSplit: ['active', /joined/],
      rxChecksums: ['unverified', /in parts/],
    },
  },
  {
    name: 'every hook off',
    port: { offloads: 'none' },
    expected: {
      steering: ['software', /not asked for/],
      mark: ['software', /not asked for/],
      rss: ['software', /not asked for/],
      allowList: ['software', /not asked for/],
      rxChecksums: ['software', /not asked for/],
      timestamps: ['software', /not asked for/],
      mprq: ['software', /switched off/],
    },
    rules: 0,
  },
  {
    name: 'every hook refused',
    refuse: ['steering', 'mark', 'rss', 'allowList', 'checksums', 'timestamps', 'bufferSplit'],
    port: { offloads: { bufferSplit: true } },
    expected: {
      steering: ['software', /cannot isolate \(no isolated mode here\)/],
      mark: ['software', /does not hand marks over/],
      rss: ['software', /no hash/],
      allowList: ['software', /rule \d+ of \d+ .*no drops here/],
      rxChecksums: ['software', /does not verify/],
      txChecksums: ['software', /does not fill/],
      timestamps: ['software', /no timestamps/],
      bufferSplit: ['software', /does not split/],
    },
    rules: 0,
  },
  ...(
    [
      ['steering', { steering: ['software', /no isolated mode/], mark: ['active', /./] }],
      ['mark', { mark: ['software', /marks/], steering: ['active', /./], allowList: ['active', /./] }],
      ['rss', { rss: ['software', /no hash/], steering: ['active', /./] }],
      ['allowList', { allowList: ['software', /no drops here/], mark: ['active', /./] }],
      ['checksums', { rxChecksums: ['software', /./], mark: ['active', /./] }],
      ['timestamps', { timestamps: ['software', /./], mark: ['active', /./] }],
      ['count', { allowList: ['unverified', /nothing that was dropped is known of/], mark: ['active', /./] }],
    ] satisfies [Feature, Expected][]
  ).map(([feature, expected]): Case => ({ name: `${feature} refused`, refuse: [feature], expected })),
  ...(
    [
      ['steering', { steering: ['software', /\d+ packets came that no rule takes/], mark: ['active', /./] }],
      ['mark', { mark: ['software', /\d+ marks named another route/], steering: ['active', /./] }],
      ['allowList', { allowList: ['software', /unlisted sources came/], mark: ['active', /./] }],
      ['timestamps', { timestamps: ['software', /a time that cannot be/], mark: ['active', /./] }],
    ] satisfies [Feature, Expected][]
  ).map(([feature, expected]): Case => ({ name: `${feature} broken`, broken: [feature], expected })),
  {
    name: 'RSS broken: one queue has it all',
    broken: ['rss'],
    expected: { rss: ['unverified', /all by one queue/], mark: ['active', /./] },
  },
  {
    name: 'buffer split broken',
    broken: ['bufferSplit'],
    port: { offloads: { bufferSplit: true } },
    expected: { bufferSplit: ['software', /in one piece/], mark: ['active', /./] },
  },
  ...[1, 2, 5].map(
    (failRule): Case => ({
      name: `rule ${failRule} refused: no set of rules fits, so all are taken back`,
      failRule,
      expected: {
        steering: ['software', new RegExp(`rule ${failRule} of \\d+ .*the table is full`)],
        mark: ['software', new RegExp(`rule ${failRule} of \\d+ .*the table is full`)],
        allowList: ['software', /rule \d+ of \d+ .*the table is full/],
        rxChecksums: ['active', /./],
      },
      rules: 0,
    }),
  ),
  {
    // 4 UDP ports and what senders hear, of two IP versions, and five for the host; more with sources and drops.
    name: 'rule 17 refused: the rules without sources fit',
    failRule: 17,
    expected: {
      steering: ['active', /./],
      mark: ['active', /./],
      allowList: ['software', /rule \d+ of \d+ .*the table is full/],
    },
    rules: 'some',
  },
];

describe('the same traffic over a NIC with', { skip: softNicMissing() ?? false }, () => {
  for (const { name, expected, rules, port, ...how } of cases) {
    test(name, async () => {
      using folder = temporaryFolder();
      const nic = new SoftNic(folder.path, how);
      await using plane = await planeOn(nic, port);
      const sent = await pour(plane);
      for (const [hook, [state, reason]] of Object.entries(expected) as [OffloadHook, [string, RegExp]][]) {
        await eventually(`${hook} is ${state}: ${JSON.stringify(reportsOf(plane)[hook])}`, () => {
          const report = reportsOf(plane)[hook];
          return report.state === state && reason.test(report.reason);
        });
      }
      const unwanted = sent.get(CLOSED)! + sent.get(NOBODYS)!;
      await eventually(`${unwanted} packets nobody wants are accounted for`, () => {
        const { source_not_allowed = 0, no_route = 0 } = dropsOf(plane.stats());
        const { dropped, filtered } = nic.state() ?? { dropped: 0, filtered: 0 };
        return source_not_allowed + no_route + dropped + filtered === unwanted;
      });
      const state = nic.state()!;
      if (rules !== undefined) assert.equal(rules === 'some' ? state.rules > 0 : state.rules === rules, true);
      await plane.close();
      assertSameBooks(plane.stats(), sent, state);
    });
  }
});

/** What a NIC left out would have been dropped in software, packet by packet. */
function assertSameBooks(
  stats: PlaneStats,
  sent: ReadonlyMap<number, number>,
  nic: { readonly dropped: number; readonly filtered: number },
): void {
  assertBooksBalance(stats);
  const used = (name: string) => stats.routes.find((route) => route.name === name)!.packetsUsed;
  assert.equal(used('images'), sent.get(IMAGES));
  assert.equal(used('more'), sent.get(MORE_IMAGES));
  assert.equal(used('texts'), sent.get(TEXTS));
  assert.equal(used('closed'), 0);
  // Reports of its own groups come back to it.
  const {
    source_not_allowed: unlisted = 0,
    no_route: unrouted = 0,
    not_for_us: _,
    ...others
  } = dropsOf(stats);
  assert.deepEqual(others, {});
  assert.equal(unlisted + unrouted + nic.dropped + nic.filtered, sent.get(CLOSED)! + sent.get(NOBODYS)!);
}
