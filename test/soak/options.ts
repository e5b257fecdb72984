/** The options of the soak, from the command line. */
import { parseArgs } from 'node:util';

export interface Options {
  readonly seconds: number;
  readonly seed: number;
  /** Packets per second of all senders together. */
  readonly rate: number;
  readonly workers: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly reorder: number;
  /** Slots and open samples of every route are multiplied by it. */
  readonly pools: number;
  /** Milliseconds from one swap to the next, the routes in turn; 0: none. */
  readonly swap: number;
  /** Whether senders are told what is missing. */
  readonly repair: boolean;
  readonly json: boolean;
}

export const usage = `usage: npm run soak [-- OPTION ...]

A plane with every kind of route over a net_ring port with a bad network in front of it. Every sample that completes is
compared with the direct call; in the end the books must balance to the packet and memory must have stayed flat.

  --seconds N    how long is sent (600)
  --rate N       packets per second, all senders together (10000)
  --workers N    1 to 4 (2)
  --seed N       of the bad network and of what is sent (1)
  --loss P       probabilities of the bad network (0.05)
  --duplicate P  (0.02)
  --corrupt P    (0.005)
  --reorder N    span of its window of reordering, in packets (32)
  --pools F      factor on the sizes of the routes' pools (1)
  --swap N       milliseconds from one swap to the next, the routes in turn; 0: none (100)
  --no-repair    senders are not told what is missing
  --json         the report as JSON on stdout
  --help`;

const defaults = {
  seconds: 600,
  rate: 10_000,
  workers: 2,
  seed: 1,
  loss: 0.05,
  duplicate: 0.02,
  corrupt: 0.005,
  reorder: 32,
  pools: 1,
  swap: 100,
};
const bounds: Record<keyof typeof defaults, [least: number, most: number, whole: boolean]> = {
  seconds: [1, 1e6, false],
  rate: [10, 1e7, false],
  workers: [1, 4, true],
  seed: [0, 2 ** 32, true],
  loss: [0, 1, false],
  duplicate: [0, 1, false],
  corrupt: [0, 1, false],
  reorder: [0, 65536, true],
  pools: [0.01, 100, false],
  swap: [0, 1e6, false],
};

/** @throws Error with a sentence for the user */
export function optionsFrom(args: readonly string[]): Options | 'help' {
  const numbers = Object.fromEntries(
    Object.keys(defaults).map((name) => [name, { type: 'string' as const }]),
  );
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...numbers,
      json: { type: 'boolean' },
      help: { type: 'boolean' },
      'no-repair': { type: 'boolean' },
    },
  });
  if (values['help'] === true) return 'help';
  const read = { ...defaults };
  for (const [name, [least, most, whole]] of Object.entries(bounds) as [
    keyof typeof defaults,
    [number, number, boolean],
  ][]) {
    const text = (values as Record<string, unknown>)[name];
    if (text === undefined) continue;
    const value = Number(text);
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
      throw new Error(
        `--${name} is ${String(text)}, expected ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`,
      );
    read[name] = value;
  }
  return { ...read, json: values['json'] === true, repair: values['no-repair'] !== true };
}
