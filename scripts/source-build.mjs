// Builds onpath.node, and the DPDK driver where DPDK is installed, from source with cmake-js, and says what is missing
// where that cannot work.
// Used by the install hook, by scripts/build and by the prebuild wrapper. Plain Node: runs before anything is built.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
export const buildFolder = join(packageRoot, 'build', 'Release');
export const builtBinary = join(buildFolder, 'onpath.node');
export const debianPackages = 'g++ cmake ninja-build libhwy-dev rapidjson-dev libmbedtls-dev libpcre2-dev';

/** The DPDK drivers that were built beside the addon: one, or none where DPDK is not installed. */
export function builtDrivers() {
  return readdirSync(buildFolder)
    .filter((file) => /^libonpath_dpdk\.so\.\d+$/.test(file))
    .map((file) => join(buildFolder, file));
}

const headers = [
  { name: 'Highway', header: 'hwy/highway.h' },
  { name: 'Mbed TLS', header: 'mbedtls/sha256.h' },
  { name: 'PCRE2', header: 'pcre2.h' },
  { name: 'RapidJSON', header: 'rapidjson/reader.h' },
];

/** The first of `names` that is an executable file, as a path or on PATH; undefined if none is. */
export function findProgram(names) {
  for (const name of names.filter(Boolean)) {
    const folders = name.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter).filter(Boolean);
    for (const folder of folders) {
      const candidate = join(folder, name);
      try {
        accessSync(candidate, constants.X_OK);
        if (statSync(candidate).isFile()) return candidate;
      } catch {
        // not in this folder
      }
    }
  }
  return undefined;
}

/** Lines that name each missing build requirement and where it was looked for; empty when a build can start. */
export function missingForBuild() {
  const missing = [];
  const compiler = findProgram([process.env.CXX, 'c++', 'g++', 'clang++']);
  if (!compiler)
    missing.push('a C++20 compiler: neither c++, g++ nor clang++ is on PATH (CXX names another)');
  if (!findProgram(['cmake'])) missing.push('CMake: cmake is not on PATH');
  if (!findProgram(['ninja', 'make'])) missing.push('a build tool: neither ninja nor make is on PATH');
  if (compiler) {
    if (!compiles(compiler, '#include <concepts>\n')) {
      missing.push(`a C++20 compiler: ${compiler} does not compile "#include <concepts>" with -std=c++20`);
    } else {
      for (const { name, header } of headers) {
        // Being found is enough: some want a macro before they compile.
        if (!compiles(compiler, `#if !__has_include(<${header}>)\n#error\n#endif\n`)) {
          missing.push(`the ${name} headers: ${compiler} finds no <${header}>`);
        }
      }
    }
  }
  return missing;
}

function compiles(compiler, source) {
  const includes = (process.env.CMAKE_PREFIX_PATH ?? '')
    .split(/[:;]/)
    .filter(Boolean)
    .flatMap((prefix) => ['-isystem', join(prefix, 'include')]);
  const run = spawnSync(compiler, ['-std=c++20', '-fsyntax-only', ...includes, '-x', 'c++', '-'], {
    input: source,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return run.status === 0;
}

/**
 * Compiles the addon into build/Release/onpath.node; does only what is out of date.
 * Returns {ok, log}: everything CMake and the compiler said.
 */
export function buildFromSource() {
  dropForeignCache();
  const require = createRequire(import.meta.url);
  const cmakeJs = join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  // `build` and never `compile`: the latter deletes the whole build folder after a failure.
  const run = spawnSync(
    process.execPath,
    [
      cmakeJs,
      'build',
      ...['--directory', packageRoot],
      ...['--out', buildFolder],
      ...['--config', 'Release'],
      ...['--parallel', String(availableParallelism())],
    ],
    { cwd: packageRoot, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = `${run.stdout ?? ''}${run.stderr ?? ''}${run.error ? `${run.error.message}\n` : ''}`;
  return { ok: run.status === 0 && existsSync(builtBinary), log };
}

/** A CMake cache made in another folder, or left by a configure that failed, would stop every later build. */
function dropForeignCache() {
  const cache = join(buildFolder, 'CMakeCache.txt');
  if (!existsSync(cache)) return;
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1];
  const configured = ['build.ninja', 'Makefile'].some((file) => existsSync(join(buildFolder, file)));
  if (home !== packageRoot || !configured) rmSync(buildFolder, { recursive: true, force: true });
}

// Run as a program: build, and show the log only if that failed.
if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { ok, log } = buildFromSource();
  if (!ok) {
    console.error(log);
    process.exitCode = 1;
  }
}
