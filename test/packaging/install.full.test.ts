// The packed package, installed where there is no compiler.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  compileAndRun,
  environmentWithoutCompiler,
  install,
  packWithPrebuild,
  run,
  runOk,
  startOnDpdk,
  temporaryFolder,
  withoutPrebuild,
} from './package.js';

describe('packaging', () => {
  const folder = temporaryFolder();
  const consumer = join(folder.path, 'consumer');
  let tarball: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    tarball = await packWithPrebuild(folder.path);
    env = environmentWithoutCompiler(folder.path);
  });
  after(() => folder.clean());

  test('the tarball with a prebuilt binary installs where there is no compiler', async () => {
    for (const tool of ['c++', 'g++', 'gcc', 'cc', 'clang++', 'cmake', 'ninja', 'make']) {
      assert.equal(
        (await run('sh', ['-c', `command -v ${tool}`], { env })).code,
        127,
        `${tool} is on the PATH`,
      );
    }
    const installed = await install(tarball, consumer, env);
    assert.equal(installed.code, 0, installed.stdout + installed.stderr);
  });

  test('the install hook says nothing when the prebuilt binary loads', async () => {
    const hook = await runOk(process.execPath, ['node_modules/onpath/scripts/install.mjs'], {
      cwd: consumer,
      env,
    });
    assert.equal(hook.stdout + hook.stderr, '');
  });

  test('the installed package compiles and runs a pipeline when imported', async () => {
    writeFileSync(join(consumer, 'run.mjs'), `import { Pipeline } from 'onpath';\n${compileAndRun}`);
    assert.match((await runOk(process.execPath, ['run.mjs'], { cwd: consumer, env })).stdout, /^ran$/m);
  });

  test('the installed package compiles and runs a pipeline when required', async () => {
    writeFileSync(join(consumer, 'run.cjs'), `const { Pipeline } = require('onpath');\n${compileAndRun}`);
    assert.match((await runOk(process.execPath, ['run.cjs'], { cwd: consumer, env })).stdout, /^ran$/m);
  });

  test('the installed package finds the DPDK driver beside its binary', async (t) => {
    const prebuilds = join(consumer, 'node_modules/onpath/prebuilds', `${process.platform}-${process.arch}`);
    const built = readdirSync('build/Release').filter((file) => /^libonpath_dpdk\.so\.\d+$/.test(file));
    if (built.length === 0) return t.skip('the driver was not built: libdpdk is not there');
    assert.deepEqual(
      readdirSync(prebuilds).filter((file) => file.startsWith('libonpath_dpdk')),
      built,
    );
    writeFileSync(
      join(consumer, 'dpdk.mjs'),
      `import { Dataplane, Pipeline } from 'onpath';\n${startOnDpdk}`,
    );
    assert.match((await runOk(process.execPath, ['dpdk.mjs'], { cwd: consumer, env })).stdout, /^started$/m);
  });

  test('a strict TypeScript consumer compiles against the installed types', async () => {
    writeFileSync(join(consumer, 'run.mts'), `import { Pipeline } from 'onpath';\n${compileAndRun}`);
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022'];
    const types = [
      '--lib',
      'es2022,esnext.disposable',
      '--typeRoots',
      join(process.cwd(), 'node_modules/@types'),
    ];
    const tsc = join(process.cwd(), 'node_modules/typescript/bin/tsc');
    await runOk(process.execPath, [tsc, ...options, ...types, '--types', 'node', 'run.mts'], {
      cwd: consumer,
    });
  });

  test('with neither prebuilt binary nor compiler the installation ends in one error that says what to do', async () => {
    const source = await withoutPrebuild(tarball, folder.path);
    const { code, stdout, stderr } = await install(
      source,
      join(folder.path, 'consumer-without-prebuild'),
      env,
    );
    assert.notEqual(code, 0, 'npm install succeeded');
    const said = stdout + stderr;
    assert.equal(said.match(/onpath was not installed/g)?.length, 1, said);
    for (const part of [
      /no native binary for linux-\w+ that works here/,
      /Prebuilt binary: there is no folder \S+prebuilds/,
      /neither c\+\+, g\+\+ nor clang\+\+ is on PATH/,
      /cmake is not on PATH/,
      /apt-get install g\+\+ cmake ninja-build libhwy-dev rapidjson-dev libmbedtls-dev libpcre2-dev/,
      /run npm install again/,
    ]) {
      assert.match(said, part);
    }
    assert.doesNotMatch(said, /^\s+at .*\.(c|m)?js:\d+/m, 'a stack trace says nothing to a user');
  });
});
