// Compiles TypeScript: `lib` -> dist/ (the package), `all` also lib, test, bench and scripts -> build/ts/.
// What browsers are served is copied as it is. Output whose source is gone is removed, so that a deleted test does not live on.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { packageRoot } from './source-build.mjs';

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const pageFiles = 'lib/page/static';
const what = process.argv[2] ?? 'all';
const projects = [{ config: 'tsconfig.json', output: 'dist', info: 'lib', source: 'lib' }];
if (what === 'all')
  projects.push({ config: 'tsconfig.test.json', output: 'build/ts', info: 'test', source: '.' });

for (const project of projects) {
  const output = join(packageRoot, project.output);
  // Without its output the record of the last run would make tsc write nothing.
  if (!existsSync(output))
    rmSync(join(packageRoot, `build/tsc/${project.info}.tsbuildinfo`), { force: true });
  const run = spawnSync(process.execPath, [tsc, '-p', project.config, '--pretty', 'false'], {
    cwd: packageRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (run.status !== 0) process.exit(1);
  cpSync(join(packageRoot, pageFiles), join(output, relative(project.source, pageFiles)), {
    recursive: true,
  });
  removeOrphans(output, join(packageRoot, project.source));
}

function removeOrphans(output, source) {
  for (const entry of readdirSync(output, { withFileTypes: true, recursive: true })) {
    const match = /^(.*?)(\.js|\.js\.map|\.d\.ts)$/.exec(entry.name);
    if (!entry.isFile() || match === null) continue;
    const folder = entry.parentPath ?? entry.path;
    const original = join(source, folder.slice(output.length), `${match[1]}.ts`);
    if (!existsSync(original)) rmSync(join(folder, entry.name));
  }
}
