/**
 * What runs inside the guests of scripts/nics, one process for each pair of NICs:
 *
 *   guest.js NAME ADDRESS ADDRESS       photographs from one NIC to the other
 *   guest.js refused ADDRESS ADDRESS    a PCI address that does not exist, and a NIC that is bound to no driver
 *
 * Every result is a line `path, pair, packets, result`, tab-separated, in the file that ONPATH_NICS_REPORT names; scripts/nics counts them.
 */
import { appendFileSync } from 'node:fs';
import { PATIENCE_MS } from '../support/plane.js';
import { direct, forwarded, spread } from './pair.js';
import { readPhotographs } from './photographs.js';
import { refuseAbsent, refuseUnbound } from './refused.js';

interface Outcome {
  readonly packets?: number;
  readonly result: string;
}
type Path = readonly [name: string, run: () => Promise<Outcome>];

/** A path takes seconds. One that waits for samples in vain ends by itself, and says more. */
const LIMIT_MS = PATIENCE_MS + 15_000;

function pathsOf(name: string, first: string, second: string): Path[] {
  if (name === 'refused') {
    return [
      ['absent', () => refuseAbsent(first)],
      ['unbound', () => refuseUnbound(second)],
    ];
  }
  const photographs = readPhotographs();
  return [
    ['direct', () => direct([first, second], photographs)],
    ['forwarded', () => forwarded([first, second], photographs)],
    // Of the emulated NICs this one alone has RSS that takes effect.
    ...(name === 'igb' ? [['spread', () => spread([first, second], photographs)] satisfies Path] : []),
  ];
}

/** Exit code of a failure that the report has. */
const REPORTED = 3;

const [name, first, second] = process.argv.slice(2);
const report = process.env['ONPATH_NICS_REPORT'];
if (name === undefined || first === undefined || second === undefined || report === undefined) {
  console.error('usage: ONPATH_NICS_REPORT=FILE guest.js NAME|refused ADDRESS ADDRESS');
  process.exit(2);
}

function tell(path: string, line: string): void {
  appendFileSync(report!, `${path}\t${name}\t${line}\n`);
}

/** Its ports are still open then, so that nothing more can come of this process. */
function giveUp(path: string): never {
  tell(path, `-\tFAILED: not done within ${LIMIT_MS / 1000} s`);
  process.exit(REPORTED);
}

for (const [path, run] of pathsOf(name, first, second)) {
  const limit = setTimeout(() => giveUp(path), LIMIT_MS);
  const line = await run().then(
    ({ packets, result }) => `${packets ?? '-'}\t${result}`,
    (error: unknown) => {
      console.error(`${name} ${path}:`, error);
      process.exitCode = REPORTED;
      return `-\tFAILED: ${(error instanceof Error ? error.message : String(error)).split('\n', 1)[0]}`;
    },
  );
  clearTimeout(limit);
  tell(path, line);
}
