/** Programs that are not ours: looked for, started, awaited; and the oracle's word on what is right. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packageRoot } from './paths.js';

const python = process.env['ONPATH_PYTHON'] ?? '/usr/bin/python3';
/** Many times what any of them takes where nothing else runs. */
const TOOL_LIMIT_MS = 180_000;

/** Frames are cropped to a centred square of `crop` pixels, then resized to `size` x `size`. */
export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly crop: number;
  readonly size: number;
}

export function hasCommand(name: string, ...check: string[]): boolean {
  return spawnSync(name, check, { stdio: 'ignore' }).status === 0;
}

export function hasPillow(): boolean {
  return spawnSync(python, ['-c', 'import PIL, numpy'], { stdio: 'ignore' }).status === 0;
}

export function pillowVersion(): string {
  return spawnSync(python, ['-c', 'import PIL; print(PIL.__version__)'], { encoding: 'utf8' }).stdout.trim();
}

/** Hashes of the tensors that Pillow makes of the raw RGB frames in a file, in order. */
export async function expectedTensors(file: string, geometry: Geometry): Promise<string[]> {
  const { width, height, crop, size } = geometry;
  const script = fileURLToPath(new URL('scripts/demo-parts/expected.py', packageRoot));
  const text = await run(python, [script, file, ...[width, height, crop, size].map(String)]);
  return text.trim().split('\n');
}

/** Runs a program to its end and gives what it printed; throws with its last words if it fails or takes too long. */
export function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TOOL_LIMIT_MS });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(
          new Error(
            `${command} ended with ${signal ?? code}: ${errors.trim().split('\n').slice(-3).join(' | ')}`,
          ),
        );
    });
  });
}
