/** Where this package lies, and which it is. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OnpathError } from './errors.js';

interface Manifest {
  readonly name?: string;
  readonly version: string;
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The folder of our package.json: the code runs from dist/ when installed and from a build folder in tests. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    if (existsSync(join(folder, 'package.json')) && manifestIn(folder).name === 'onpath') return folder;
    const parent = dirname(folder);
    if (parent === folder)
      throw new OnpathError('NATIVE_MISSING', 'onpath cannot find its own package.json.');
    folder = parent;
  }
}

/** Such as "0.1.0". */
export function packageVersion(): string {
  return manifestIn(packageRoot()).version;
}
