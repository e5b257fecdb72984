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
  readonly npm?: readonly string[];
  /** Packages as `pip install` takes them. */
  readonly pip?: readonly string[];
}

export const PEERS: readonly Peer[] = [
  {
    name: 'sharp-js',
    what: 'sharp resizes, a JavaScript loop over tables normalizes',
    npm: ['sharp@0.34.5'],
  },
  {
    name: 'transformers-js',
    what: 'the image processor of @huggingface/transformers, which resizes with sharp',
    npm: ['@huggingface/transformers@4.3.1'],
  },
  {
    name: 'torch',
    what: 'torch resizes bytes with antialias, then subtracts and divides',
    pip: ['torch==2.13.0', 'numpy==2.4.6'],
  },
  {
    name: 'opencv',
    what: 'cv2.resize (INTER_LINEAR, which is not antialiased), numpy normalizes',
    pip: ['opencv-python-headless==5.0.0.93', 'numpy==2.4.6'],
  },
  {
    name: 'pillow',
    what: 'Pillow resizes, numpy normalizes: the same bits as ours',
    pip: ['pillow==12.3.0', 'numpy==2.4.6'],
  },
  { name: 'gpt-tokenizer', what: 'tokenizing in JavaScript', npm: ['gpt-tokenizer@4.0.0'] },
  { name: 'ai-tokenizer', what: 'tokenizing in JavaScript', npm: ['ai-tokenizer@1.0.6'] },
  {
    name: 'tiktoken',
    what: 'tiktoken in WebAssembly, the reference of .tiktoken files',
    npm: ['tiktoken@1.0.22'],
  },
  {
    name: 'tokenizers',
    what: "Hugging Face's tokenizers, native, the reference of tokenizer.json",
    npm: ['tokenizers@0.23.2'],
  },
  { name: 'tiktoken-py', what: 'tiktoken in Rust', pip: ['tiktoken==0.14.0'] },
  { name: 'gigatoken', what: 'tokenizing in Rust', pip: ['gigatoken==0.10.0', 'numpy==2.4.6'] },
  { name: 'quicktok', what: 'tokenizing in C++', pip: ['quicktok-v1==0.4.0'] },
];

/** The folder of the package's own package.json: compiled benchmarks run from a build folder. */
export const packageFolder = findPackage();

/** Where `npm run bench:peers` installs. */
export const peersFolder = join(packageFolder, 'bench', '.peers');

/** The Python of the peers: a virtual environment in the peers' folder, or the one that ONPATH_BENCH_PYTHON names. */
export const peersPython = process.env['ONPATH_BENCH_PYTHON'] ?? join(peersFolder, 'python', 'bin', 'python');

/**
 * A peer's module: the one in the peers' folder, else one that the package itself has installed (sharp is an optional
 * dependency); undefined if there is neither.
 */
export function loadPeer(module: string): unknown {
  try {
    return fromPeers()(module);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Whether a peer's module is there, without loading it. */
export function loadable(module: string): boolean {
  try {
    return resolvePeer(module) !== '';
  } catch {
    return false;
  }
}

/** The file that a peer's module is loaded from. */
export function resolvePeer(module: string): string {
  return fromPeers().resolve(module);
}

function fromPeers(): NodeJS.Require {
  return createRequire(join(peersFolder, 'package.json'));
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
