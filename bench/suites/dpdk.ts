/** Suite `dpdk`: what a packet costs over DPDK's virtual devices, beside dpdk-testpmd and DPDK's own functions in the same run. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { Conversation } from '../conversation.js';
import { buildNative } from '../native-program.js';
import type { Case } from '../report.js';
import { type Measurement, undisturbed } from '../statistics.js';
import type { Suite } from '../suite.js';

/** What a packet may cost beyond what testpmd's `io` does with it, in nanoseconds. */
const BEYOND_IO_NS = 25;
const TOUCHES = 1.5;
const RECEIVE_TIMES = 1.25;
const TESTPMD_MS = 200;
/** The measuring CPU of both programs; the other is left to the one that waits. */
const CPU = 1;
/** Bursts of 32 packets that circulate in testpmd's ring; our program has as many packets under way. */
const FIRST_BURSTS = 1;

const OURS = ['path', 'forward', 'receive', 'bare', 'copy-sum'] as const;
const MODES = ['io', 'macswap'] as const;
type Figure = (typeof OURS)[number] | (typeof MODES)[number];

export const dpdkSuite: Suite = {
  name: 'dpdk',
  what: 'one packet over net_ring and net_null, one core: beside dpdk-testpmd and a bare receive loop',
  async run(context) {
    const missing = whatIsMissing();
    if (missing !== null) {
      context.note(`Suite dpdk is left out: ${missing}.`);
      return [];
    }
    const program = buildNative('onpath_dpdk_bench', context);
    const rounds = new Map<Figure, number[]>([...OURS, ...MODES].map((name) => [name, []]));
    // It writes for a terminal; into a pipe its answers would come when it ends.
    const testpmd = new Conversation('stdbuf', ['-o0', 'dpdk-testpmd', ...TESTPMD_ARGUMENTS]);
    const ours = new Conversation(program, ['--no-huge', '--cpu', String(CPU)]);
    try {
      await testpmd.wait(/testpmd> /);
      // One round first that does not count.
      for (let round = -1; round < context.rounds; round++) {
        const figures: Figure[] = ['io', 'path', 'macswap', 'forward', 'copy-sum', 'bare', 'receive'];
        for (const name of round % 2 === 0 ? figures : figures.toReversed()) {
          const ns = isMode(name) ? await askTestpmd(testpmd, name) : await askOurs(ours, name);
          if (round >= 0) rounds.get(name)!.push(ns);
        }
      }
    } finally {
      testpmd.say('quit');
      await Promise.all([testpmd.close(), ours.close()]);
    }
    context.note(
      'dpdk: the figures are first quartiles of the rounds, the ranges go from the least to the median.',
    );
    return cases((name) => undisturbed(rounds.get(name)!));
  },
};

const TESTPMD_ARGUMENTS = [
  ...['--no-huge', '-m', '256', '--no-shconf', '--no-pci', '--no-telemetry'],
  ...['-l', `0,${CPU}`, '--vdev=net_ring0', '--', '-i', '--total-num-mbufs=4096'],
];

function whatIsMissing(): string | null {
  if (availableParallelism() < 2) return 'it takes two CPUs';
  const works = (command: string, args: readonly string[]) => spawnSync(command, args).status === 0;
  if (!works('pkg-config', ['--exists', 'libdpdk']) || !works('which', ['dpdk-testpmd']))
    return 'DPDK is not installed (on Debian: apt-get install libdpdk-dev dpdk)';
  return null;
}

function isMode(name: Figure): name is (typeof MODES)[number] {
  return (MODES as readonly string[]).includes(name);
}

/** Nanoseconds per packet of our program. */
async function askOurs(program: Conversation, name: string): Promise<number> {
  const [, ns] = await program.ask(name, new RegExp(`^${name} ([\\d.]+)$`, 'm'));
  return Number(ns);
}

/** Nanoseconds per packet that circulates through one ring, forwarded in this mode. */
async function askTestpmd(testpmd: Conversation, mode: string): Promise<number> {
  await testpmd.ask(`set fwd ${mode}`, /Set \w+ packet forwarding mode/);
  await testpmd.ask(`start tx_first ${FIRST_BURSTS}`, /testpmd> $/);
  const stats = () => testpmd.ask('show port stats all', /Rx-pps:\s+(\d+)[\s\S]*testpmd> $/);
  await pause(TESTPMD_MS / 4);
  await stats();
  await pause(TESTPMD_MS);
  const [, rate] = await stats(); // since the last time it was asked for
  await testpmd.ask('stop', /Done\./);
  if (Number(rate) === 0) throw new Error(`dpdk-testpmd forwarded nothing in mode ${mode}.`);
  return 1e9 / Number(rate);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function cases(figure: (name: Figure) => Measurement): Case[] {
  const inNs = { suite: 'dpdk', unit: 'ns/packet', better: 'lower' } as const;
  const [io, macswap, touched, bare] = [figure('io'), figure('macswap'), figure('copy-sum'), figure('bare')];
  return [
    {
      ...inNs,
      case: 'receive to sample slot, net_ring',
      ours: figure('path'),
      peers: { 'testpmd io': io },
      limits: { [`testpmd io + ${BEYOND_IO_NS} ns`]: io.value + BEYOND_IO_NS },
    },
    {
      ...inNs,
      case: 'look-up in place, net_ring to net_ring',
      ours: figure('forward'),
      peers: { 'testpmd macswap': macswap, 'memcpy + checksum of 1400 bytes': touched },
      limits: {
        [`testpmd macswap + ${TOUCHES} x (memcpy + checksum)`]: macswap.value + TOUCHES * touched.value,
      },
    },
    {
      ...inNs,
      case: 'receive and release, net_null',
      ours: figure('receive'),
      peers: { 'rte_eth_rx_burst + free': bare },
      limits: { [`${RECEIVE_TIMES} x rte_eth_rx_burst + free`]: bare.value * RECEIVE_TIMES },
    },
  ];
}
