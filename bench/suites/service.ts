/** Suite `service`: the example inference service with its preprocessing inside, and behind onpath, side by side. */
import type { Case } from '../report.js';
import { median } from '../statistics.js';
import type { Context, Suite } from '../suite.js';
import { prepareService } from './service-folder.js';
import { type Contestant, casesOf, measure, OURS, type Runs, together } from './service-match.js';
import { promptCases } from './service-prompts.js';
import { vethCases } from './service-veth.js';

const SIZES = ['640x480', '1280x720', '1920x1080'] as const;
const CONTESTANTS: readonly Contestant[] = [
  { name: OURS, service: 'onpath', payload: 'raw' },
  { name: 'sharp inside', service: 'sharp', payload: 'raw' },
  { name: 'sharp inside, JPEG', service: 'sharp', payload: 'jpeg' },
  { name: 'Pipeline.run inside', service: 'run', payload: 'raw' },
];

export const serviceSuite: Suite = {
  name: 'service',
  what: 'an inference service: images and prompts prepared inside it, and before they reach it',
  async run(context) {
    const folder = prepareService();
    const cases: Case[] = [];
    const measured: ReadonlyMap<string, Runs>[] = [];
    for (const size of SIZES) {
      const runs = await measureSize(folder, size, context);
      cases.push(...casesOf(size, runs));
      measured.push(runs);
    }
    return [
      ...cases,
      ...savedCases(measured),
      ...(await vethCases(folder, context)),
      ...(await promptCases(folder, context)),
    ];
  },
};

function measureSize(folder: string, size: string, context: Context): Promise<ReadonlyMap<string, Runs>> {
  const common = ['--listen', '127.0.0.1:0', '--model', 'model.onnx', '--largest', size];
  const services = {
    onpath: ['service.js', 'onpath', ...common],
    sharp: ['service.js', 'inside', '--prepare', 'sharp', ...common],
    run: ['service.js', 'inside', '--prepare', 'onpath', ...common],
  };
  const sends = ['images', ...size.split('x')];
  return measure(
    { what: size, requests: 'images', contestants: CONTESTANTS, folder, services, sends },
    context,
  );
}

/**
 * Of the CPU that sharp inside takes for a request, the share that is not taken behind onpath: over all sizes, of pixels and of JPEG
 * files, as median and maximum.
 */
function savedCases(measured: readonly ReadonlyMap<string, Runs>[]): Case[] {
  const shares = (of: (runs: Runs) => readonly number[]) =>
    measured.flatMap((runs) =>
      ['sharp inside', 'sharp inside, JPEG'].map(
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
