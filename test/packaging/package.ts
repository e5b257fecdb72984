// What the packaging tests share: packing the package as it would be published, and installing it elsewhere.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; never throws for an exit code. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Run> {
  return new Promise((resolve) => {
    execFile(program, args, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr: error !== null && stderr === '' ? error.message : stderr });
    });
  });
}

/** Like run, but a failure fails the test with everything the program said. */
export async function runOk(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Run> {
  const result = await run(program, args, options);
  const said = `${result.stdout}\n${result.stderr}`;
  assert.equal(result.code, 0, `${program} ${args.join(' ')} ended with code ${result.code}:\n${said}`);
  return result;
}

/** A temporary folder, removed by `clean`. */
export function temporaryFolder(): { readonly path: string; clean(): void } {
  const path = mkdtempSync(join(tmpdir(), 'onpath-packaging-'));
  return { path, clean: () => rmSync(path, { recursive: true, force: true }) };
}

/** Packs the package with its prebuilt binary, as a release does; the path of the tarball. */
export async function packWithPrebuild(folder: string): Promise<string> {
  await runOk(process.execPath, ['scripts/prebuild.mjs']);
  // Without scripts: prepack would compile again what this test run has compiled already.
  await runOk('npm', ['pack', '--ignore-scripts', '--pack-destination', folder]);
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  assert.ok(tarball, `npm pack left no tarball in ${folder}`);
  return join(folder, tarball);
}

/** A copy of a tarball without its prebuilds; the path of the copy. */
export async function withoutPrebuild(tarball: string, folder: string): Promise<string> {
  const unpacked = join(folder, 'unpacked');
  mkdirSync(unpacked);
  await runOk('tar', ['-xzf', tarball, '-C', unpacked]);
  const prebuilds = join(unpacked, 'package', 'prebuilds');
  assert.ok(existsSync(prebuilds), 'the tarball has no prebuilds to take away');
  rmSync(prebuilds, { recursive: true });
  const copy = join(folder, 'without-prebuild.tgz');
  await runOk('tar', ['-czf', copy, '-C', unpacked, 'package']);
  return copy;
}

/** An environment whose PATH leads to Node, npm and a shell, but to no compiler and no CMake. */
export function environmentWithoutCompiler(folder: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const program of ['npm', 'sh', 'env', 'sed', 'dirname', 'uname', 'basename', 'readlink']) {
    const found = findOnPath(program);
    if (found !== undefined) symlinkSync(found, join(bin, program));
  }
  return { ...environmentOfUser(), PATH: bin };
}

/** This process's environment without what a test runner, npm run or a choice of compiler put there. */
export function environmentOfUser(): NodeJS.ProcessEnv {
  const ours =
    /^(CXX|CC|NODE_OPTIONS|NODE_PATH|NODE_TEST_CONTEXT|ONPATH_.*|npm_(package|lifecycle)_.*|npm_config_(local_prefix|build_from_source|ignore_scripts))$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** Installs a tarball into a new, empty folder; `folder` must not exist yet. */
export function install(tarball: string, folder: string, env: NodeJS.ProcessEnv): Promise<Run> {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }\n');
  // The dependencies are in npm's cache from the installation of this checkout: asked for over the network only if not.
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--omit=optional', tarball];
  return run('npm', args, { cwd: folder, env });
}

export function findOnPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((candidate) => existsSync(candidate));
}

/** What a user's first program does: written after the line that gets `Pipeline`, it prints `ran`. */
export const compileAndRun = `
const pipeline = Pipeline.compile({
  input: { kind: 'image', width: 64, height: 48, format: 'rgb' },
  stages: [
    { stage: 'resize', width: 32, height: 32 },
    { stage: 'normalize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  ],
  output: { dtype: 'float32', layout: 'chw' },
});
const { data } = pipeline.run(new Uint8Array(64 * 48 * 3));
if (!(data instanceof Float32Array) || data.length !== 3 * 32 * 32) throw new Error('not the tensor asked for');
// A black image: every value of the first channel is (0 - mean) / std.
if (!data.subarray(0, 32 * 32).every((value) => Math.abs(value + 0.485 / 0.229) < 1e-6)) throw new Error('wrong values');
console.log('ran');
`;

/** A data plane on a port of DPDK: written after the line that gets `Dataplane` and `Pipeline`, it prints `started`. */
export const startOnDpdk = `
const pipeline = Pipeline.compile({ input: { kind: 'image', width: 4, height: 4, format: 'rgb' } });
const plane = await Dataplane.start({
  eal: { hugepages: false, telemetry: false },
  ports: [{ type: 'dpdk', name: 'p', device: 'net_ring0' }],
  routes: [{ name: 'r', port: 'p', payload: 'chunk', sources: ['10.0.0.0/8'], pipeline }],
});
console.log('started');
await plane.close();
`;
