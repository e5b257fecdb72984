/** The peers: what they are, which packages they need, and where those are found. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Peer {
  /** Its key in `peers` of the results. */
  readonly name: string;
  readonly what: string;
  /** Packages as `npm install` takes them; pinned, so that figures stay comparable. */
  readonly npm: readonly string[];
}

export const PEERS: readonly Peer[] = [
  {
    name: 'sharp-js',
    what: 'sharp resizes, a JavaScript loop over tables normalizes',
    npm: ['sharp@0.34.5'],
  },
];

/** The folder of the package's own package.json: compiled benchmarks run from a build folder. */
export const packageFolder = findPackage();

/** Where `npm run bench:peers` installs. */
export const peersFolder = join(packageFolder, 'bench', '.peers');

/**
 * A peer's module: the one in the peers' folder, else one that the package itself has installed (sharp is an optional
 * dependency); undefined if there is neither.
 */
export function loadPeer(module: string): unknown {
  const require = createRequire(join(peersFolder, 'package.json'));
  try {
    return require(module);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function findPackage(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (
      existsSync(manifest) &&
      (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'onpath'
    )
      return folder;
    if (folder === dirname(folder)) throw new Error('The benchmarks cannot find the package they belong to.');
  }
}
