// The packed package without a prebuilt binary, installed where there is a compiler.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  compileAndRun,
  environmentOfUser,
  install,
  packWithPrebuild,
  runOk,
  temporaryFolder,
  withoutPrebuild,
} from './package.js';

test('without a prebuilt binary, but with a compiler, the installation builds from source', async (t) => {
  const folder = temporaryFolder();
  t.after(() => folder.clean());
  const tarball = await withoutPrebuild(await packWithPrebuild(folder.path), folder.path);
  const consumer = join(folder.path, 'consumer');
  const installed = await install(tarball, consumer, environmentOfUser());
  assert.equal(installed.code, 0, installed.stdout + installed.stderr);
  writeFileSync(join(consumer, 'run.mjs'), `import { Pipeline } from 'onpath';\n${compileAndRun}`);
  assert.match((await runOk(process.execPath, ['run.mjs'], { cwd: consumer })).stdout, /^ran$/m);
});
