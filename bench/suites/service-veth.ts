/**
 * Of suite `service`: a DPDK port (net_af_packet) at one end of a veth pair, the client as an ordinary host at the other. Its workers
 * poll, so what they take of a core is told beside what a request costs, and so is what they take while nothing comes.
 */
import { spawnSync } from 'node:child_process';
import { VethPair, vethUnavailable } from '../../scripts/demo-parts/veth.js';
import { dpdkMissing } from '../../test/support/dpdk.js';
import type { Case } from '../report.js';
import type { Context } from '../suite.js';
import { type Contestant, casesOf, measure, OURS, workerCases } from './service-match.js';

/** Two of this size are in the port's ring at once, whatever else runs here. */
const SIZE = '1280x720';
const RING_FRAMES = 8192;
const CONTESTANTS: readonly Contestant[] = [
  { name: OURS, service: 'onpath', payload: 'raw' },
  { name: 'sharp inside', service: 'sharp', payload: 'raw' },
  { name: 'Pipeline.run inside', service: 'run', payload: 'raw' },
];
/** A link of the kernel's, for TCP and for results: the other one is DPDK's. */
export const KERNEL = { here: '10.98.0.1', there: '10.98.0.2' };
const PORT = 5004;

export async function vethCases(folder: string, context: Context): Promise<Case[]> {
  const missing = dpdkMissing() ?? vethUnavailable();
  if (missing !== undefined) {
    context.note(`service, over a DPDK port: left out, ${missing}.`);
    return [];
  }
  using pair = VethPair.create(9);
  addKernelLink(pair);
  const common = ['--model', 'model.onnx', '--largest', SIZE];
  const inside = ['--listen', `${KERNEL.here}:0`, ...common];
  const what = `${SIZE}, DPDK port`;
  const runs = await measure(
    {
      ...{ what, requests: 'images', contestants: CONTESTANTS, folder },
      services: {
        onpath: ['service.js', 'onpath', ...behindVeth(pair), ...common],
        sharp: ['service.js', 'inside', '--prepare', 'sharp', ...inside],
        run: ['service.js', 'inside', '--prepare', 'onpath', ...inside],
      },
      sends: ['images', ...SIZE.split('x')],
      clientAddress: KERNEL.there,
      polls: true,
      within: (command, args) => pair.command(command, args),
      addressOf: () => ({ address: pair.portAddress, port: PORT }),
    },
    context,
  );
  return [...casesOf(what, runs), ...workerCases(what, runs.get(OURS)!)];
}

export function addKernelLink(pair: VethPair): void {
  const [here, there] = [`onp${process.pid}r`, `onp${process.pid}s`];
  ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', pair.namespace);
  ip('address', 'add', `${KERNEL.here}/30`, 'dev', here);
  ip('link', 'set', here, 'up');
  pair.inside('ip', 'address', 'add', `${KERNEL.there}/30`, 'dev', there);
  pair.inside('ip', 'link', 'set', there, 'up');
}

/** What a service behind onpath is told, so that its port is the pair's end. */
export function behindVeth(pair: VethPair): string[] {
  const port = {
    type: 'dpdk',
    device: `net_af_packet0,iface=${pair.device},framecnt=${RING_FRAMES}`,
    rxDescriptors: 2048,
    addresses: [`${pair.portAddress}/${pair.prefixBits}`],
  };
  return ['--no-huge', '--sources', `${pair.hostAddress}/32`, '--port', JSON.stringify(port)];
}

function ip(...args: string[]): void {
  const run = spawnSync('ip', args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`ip ${args.join(' ')} failed: ${run.stderr.trim()}`);
}
