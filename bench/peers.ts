/** `npm run bench:peers`: installs what onpath is measured against, in a folder of its own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PEERS, peersFolder } from './peer-table.js';

const help = `Installs the peers of the benchmarks with npm into ${peersFolder}:
${PEERS.map((peer) => `  ${peer.name}: ${peer.what} (${peer.npm.join(', ')})`).join('\n')}

usage: npm run bench:peers`;

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
  writeFileSync(join(peersFolder, 'package.json'), '{ "private": true }\n');
  const packages = PEERS.flatMap((peer) => peer.npm);
  // Without scripts: peers come as prebuilt binaries, and nothing of theirs is to run at installation.
  const options = ['--no-audit', '--no-fund', '--save-exact', '--ignore-scripts'];
  const npm = spawnSync('npm', ['install', ...options, ...packages], {
    cwd: peersFolder,
    stdio: 'inherit',
    env: outsideNpmRun(),
  });
  if (npm.error !== undefined) {
    console.error(`npm could not be started: ${npm.error.message}. Is it on PATH?`);
    return 1;
  }
  return npm.status ?? 1;
}

/** npm tells a script's children about the package it runs for; the inner npm is to work on the peers' folder instead. */
function outsideNpmRun(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name),
    ),
  );
}

process.exitCode = main();
