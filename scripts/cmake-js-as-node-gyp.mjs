#!/usr/bin/env node
// What prebuildify calls in place of node-gyp: builds with cmake-js and leaves the binary, and the DPDK driver if there
// is one, where prebuildify looks for them, in build/Release of the current folder. Only Node-API builds for this machine's own processor are made.
import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildFromSource, builtBinary, builtDrivers } from './source-build.mjs';

const [command, ...options] = process.argv.slice(2);
const arch = options.find((option) => option.startsWith('--arch='))?.slice('--arch='.length) ?? process.arch;
const problem =
  command !== 'rebuild'
    ? `expected the command "rebuild", received "${command}"`
    : arch !== process.arch
      ? `expected --arch=${process.arch}, received --arch=${arch}: run this on a machine of that kind`
      : options.includes('--debug')
        ? 'only release builds are made'
        : undefined;
if (problem !== undefined) {
  console.error(`cmake-js-as-node-gyp: ${problem}`);
  process.exit(1);
}

const { ok, log } = buildFromSource();
if (!ok) {
  console.error(log);
  process.exit(1);
}
const output = join(process.cwd(), 'build', 'Release');
if (join(output, 'onpath.node') !== builtBinary) {
  mkdirSync(output, { recursive: true });
  for (const file of [builtBinary, ...builtDrivers()]) copyFileSync(file, join(output, basename(file)));
}
