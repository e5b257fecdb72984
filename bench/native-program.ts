/** The native parts of the benchmarks, built where they are out of date. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageFolder } from './peer-table.js';
import type { Context } from './suite.js';

/** Builds a target of `-DONPATH_BUILD_BENCH=ON` and gives its path. @throws Error with the end of what cmake said. */
export function buildNative(target: string, context: Context): string {
  const folder = join(packageFolder, 'build', 'bench');
  context.note(`Building ${folder} if it is out of date.`);
  const steps = [
    ['-S', packageFolder, '-B', folder, '-DCMAKE_BUILD_TYPE=Release', '-DONPATH_BUILD_BENCH=ON'],
    ['--build', folder, '--target', target, '-j', '2'],
  ];
  for (const step of steps) {
    const built = spawnSync('cmake', step, { encoding: 'utf8' });
    if (built.status !== 0)
      throw new Error(`cmake ${step.join(' ')} failed: ${(built.stdout + built.stderr).slice(-2000)}`);
  }
  return join(folder, target);
}
