/** `npm run bench`: runs suites, prints a table or JSON, and fails when a limit is not met. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageFolder } from './peer-table.js';
import { type Case, toJson, toTable, unmetLimits } from './report.js';
import { sharpPeer } from './sharp-peer.js';
import type { Suite } from './suite.js';
import { attackSuite } from './suites/attack.js';
import { dpdkSuite } from './suites/dpdk.js';
import { imagesSuite } from './suites/images.js';
import { loopSuite } from './suites/loop.js';
import { pathSuite } from './suites/path.js';
import { serviceSuite } from './suites/service.js';
import { stringsSuite } from './suites/strings.js';
import { textSuite } from './suites/text.js';
import { workersSuite } from './suites/workers.js';

const SUITES: readonly Suite[] = [
  pathSuite,
  imagesSuite,
  loopSuite,
  dpdkSuite,
  stringsSuite,
  textSuite,
  attackSuite,
  workersSuite,
  serviceSuite,
];
const DEFAULT_ROUNDS = 11;
/** Runnable threads, over the last minute, above which a machine is not one's own. */
const QUIET_LOAD = 0.7;

const help = `usage: npm run bench -- [suite...] [--json] [--rounds n]

Runs all suites, or those named:
${SUITES.map((suite) => `  ${suite.name.padEnd(7)} ${suite.what}`).join('\n')}

  --json      print one JSON array to stdout; the table goes to stderr
  --rounds n  measure everything n times, interleaved (default ${DEFAULT_ROUNDS})

examples:
  npm run bench
  npm run bench -- path
  npm run --silent bench -- path loop --json > results.json

Exit code: 0, or 1 if a limit is unmet or a suite fails, or 2 for wrong usage. Peers are installed by: npm run bench:peers
What the figures mean: docs/benchmarks.md`;

interface Request {
  readonly suites: readonly Suite[];
  readonly rounds: number;
  readonly json: boolean;
}

async function main(): Promise<number> {
  let request: Request | undefined;
  try {
    request = readArguments();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (request === undefined) {
    console.log(help);
    return 0;
  }
  const sharp = sharpPeer();
  const versions = { ...ownVersions(), ...sharp?.versions };
  const note = (text: string) => console.error(text);
  note(machineLine(versions));
  const load = loadavg()[0]!;
  if (load > QUIET_LOAD)
    note(`The load is ${load.toFixed(1)} already: something else runs here, and the figures will show it.`);
  const cases: Case[] = [];
  const failures: string[] = [];
  for (const suite of request.suites) {
    try {
      cases.push(...(await suite.run({ rounds: request.rounds, sharp, note })));
    } catch (error) {
      failures.push(`Suite ${suite.name} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (request.json) console.log(toJson(cases, versions));
  if (cases.length > 0) (request.json ? console.error : console.log)(toTable(cases));
  const complaints = [...unmetLimits(cases), ...failures];
  for (const sentence of complaints) console.error(sentence);
  return complaints.length === 0 ? 0 : 1;
}

/** What is asked for; undefined if it is help. */
function readArguments(): Request | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
    },
  });
  if (values.help) return undefined;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds must be a whole number from 1 up, received "${values.rounds}".`);
  const suites = positionals.map((name) => {
    const found = SUITES.find((suite) => suite.name === name);
    if (found === undefined)
      throw new Error(`No suite is called "${name}". There are: ${SUITES.map((s) => s.name).join(', ')}.`);
    return found;
  });
  return { suites: suites.length === 0 ? SUITES : [...new Set(suites)], rounds, json: values.json };
}

function ownVersions(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { onpath: version, node: process.versions.node, linux: release() };
}

function machineLine(versions: Readonly<Record<string, string>>): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return `${availableParallelism()} x ${cpu}, load ${loadavg()[0]!.toFixed(1)}; ${named.join(', ')}`;
}

process.exitCode = await main();
