/** `npm run bench:peers`: installs what onpath is measured against, in a folder of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { outsideNpmRun } from './npm-run.js';
import { PEERS, peersFolder } from './peer-table.js';

const help = `Installs the peers of the benchmarks with npm and pip into ${peersFolder}:
${PEERS.map((peer) => `  ${peer.name}: ${peer.what} (${[...(peer.npm ?? []), ...(peer.pip ?? [])].join(', ')})`).join('\n')}

usage: npm run bench:peers

pip reads its own variables: where PIP_INDEX_URL names an index with torch for CPUs alone, the 5 GB of libraries for GPUs stay away.`;

function main(): number {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
    if (values.help) {
      console.log(help);
      return 0;
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  mkdirSync(peersFolder, { recursive: true });
  // Both are tried: what one of them lacks, the other may have.
  return [installFromNpm(), installFromPip()].every(Boolean) ? 0 : 1;
}

function installFromNpm(): boolean {
  writeFileSync(join(peersFolder, 'package.json'), '{ "private": true }\n');
  // Without scripts: peers come as prebuilt binaries, and nothing of theirs is to run at installation.
  const options = ['--no-audit', '--no-fund', '--save-exact', '--ignore-scripts'];
  return succeeds('npm', ['install', ...options, ...PEERS.flatMap((peer) => peer.npm ?? [])]);
}

function installFromPip(): boolean {
  const environment = join(peersFolder, 'python');
  const python = join(environment, 'bin', 'python');
  if (!existsSync(python) && !succeeds('python3', ['-m', 'venv', environment])) return false;
  // One by one: not every Python has all of them.
  const install = ['-m', 'pip', 'install', '--only-binary', ':all:'];
  return PEERS.map(({ pip }) => pip === undefined || succeeds(python, [...install, ...pip])).every(Boolean);
}

function succeeds(command: string, args: readonly string[]): boolean {
  const run = spawnSync(command, args, { cwd: peersFolder, stdio: 'inherit', env: outsideNpmRun() });
  if (run.error !== undefined)
    console.error(`${command} could not be started: ${run.error.message}. Is it on PATH?`);
  return run.status === 0;
}

process.exitCode = main();
