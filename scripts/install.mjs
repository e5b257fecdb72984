// The npm install hook: a prebuilt binary that loads, else a build from source, else one error that says what to do.
// Silent on success. In a checkout of the repository it does nothing: there scripts/setup builds.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  buildFromSource,
  builtBinary,
  debianPackages,
  missingForBuild,
  packageRoot,
} from './source-build.mjs';

const isCheckout = existsSync(join(packageRoot, 'scripts', 'setup'));
const buildWanted = ['true', 'onpath'].includes(process.env.npm_config_build_from_source ?? '');

if (!isCheckout) process.exitCode = install();

function install() {
  const prebuilt = buildWanted ? 'not used, because --build-from-source was given' : prebuiltProblem();
  if (prebuilt === undefined) return 0;

  const missing = missingForBuild();
  if (missing.length > 0) {
    return fail(prebuilt, [
      'Built from source: not possible here, because this is missing:',
      ...missing.map((line) => `  - ${line}`),
    ]);
  }
  const { ok, log } = buildFromSource();
  if (!ok) return fail(prebuilt, ['Built from source: the build failed and said:', ...lastLines(log)]);
  const built = loadProblem(builtBinary);
  if (built !== undefined)
    return fail(prebuilt, [`Built from source: ${builtBinary} does not load: ${built}`]);
  return 0;
}

/** Why no prebuilt binary can be used; undefined if one was found and loads. */
function prebuiltProblem() {
  const require = createRequire(import.meta.url);
  let binary;
  try {
    binary = require('node-gyp-build').resolve(packageRoot);
  } catch {
    const folder = join(packageRoot, 'prebuilds', `${process.platform}-${process.arch}`);
    return existsSync(folder)
      ? `none in ${folder} is for this C library and Node ${process.versions.node}`
      : `there is no folder ${folder}`;
  }
  const problem = loadProblem(binary);
  return problem === undefined ? undefined : `${binary} does not load: ${problem}`;
}

function loadProblem(binary) {
  try {
    createRequire(import.meta.url)(binary);
    return undefined;
  } catch (error) {
    return error.message.split('\n')[0];
  }
}

function lastLines(log) {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-40).map((line) => `  | ${line}`);
}

function fail(prebuilt, source) {
  console.error(
    [
      `onpath was not installed: it has no native binary for ${process.platform}-${process.arch} that works here.`,
      `Prebuilt binary: ${prebuilt}.`,
      ...source,
      'What to do, on Debian or Ubuntu:',
      `  apt-get install ${debianPackages}`,
      'and then run npm install again. On other systems install the same tools and libraries from its packages',
      '(the static library libmbedcrypto.a is needed, too), or use a release of onpath that has a prebuilt binary.',
    ].join('\n'),
  );
  return 1;
}
