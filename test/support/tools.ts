/** Programs of the system that tests compare with: Python with Pillow, GStreamer, FFmpeg, tshark. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

export const PYTHON = process.env['ONPATH_PYTHON'] ?? '/usr/bin/python3';
const TOOL_TIMEOUT_MS = 60_000;

function works(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: TOOL_TIMEOUT_MS }).status === 0;
}

/** False, or why the tests that need the tool, or IPv6 on loopback, are left out. */
export function missing(
  tool: 'python' | 'pillow' | 'gstreamer' | 'ffmpeg' | 'tshark' | 'chromium' | 'ipv6',
): string | false {
  switch (tool) {
    case 'python':
      return works(PYTHON, ['-c', '']) ? false : `${PYTHON} is not there`;
    case 'pillow':
      return works(PYTHON, ['-c', 'import PIL.Image'])
        ? false
        : `${PYTHON} has no Pillow (Debian: python3-pil)`;
    case 'gstreamer':
      return works('gst-inspect-1.0', ['rtpvrawpay'])
        ? false
        : 'GStreamer with rtpvrawpay is not there (Debian: gstreamer1.0-tools, -plugins-base, -plugins-good)';
    case 'ffmpeg':
      return works('ffmpeg', ['-version']) ? false : 'ffmpeg is not there';
    case 'tshark':
      return works('tshark', ['--version']) ? false : 'tshark is not there';
    case 'ipv6':
      return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
        ? false
        : 'this host has no IPv6';
    case 'chromium':
      return works('chromium', ['--version']) ? false : 'chromium is not there (Debian: chromium)';
  }
}

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; rejects with its words if it fails. */
export function runTool(
  command: string,
  args: readonly string[],
  options: { signal?: AbortSignal } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { stdio, timeout: TOOL_TIMEOUT_MS, ...options });
    const finished = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      finished.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      finished.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(finished);
      else reject(new Error(`${command} ended with ${signal ?? code}: ${finished.stderr}${finished.stdout}`));
    });
  });
}

export function runPython(args: readonly string[]): Promise<Finished> {
  return runTool(PYTHON, args);
}

export interface ResizeJob {
  readonly width: number;
  readonly height: number;
  /** Pillow's mode: L, RGB, RGBA, or RGBX for four channels of their own. */
  readonly mode: string;
  readonly toWidth: number;
  readonly toHeight: number;
  /** Several images, one after the other, are resized one by one. */
  readonly pixels: Uint8Array;
}

const RESIZE_PROGRAM = `
import json, sys
from PIL import Image
for line in sys.stdin.buffer:
    job = json.loads(line)
    mode, size, to, count = job["mode"], tuple(job["size"]), tuple(job["to"]), job["bytes"]
    one = size[0] * size[1] * len(mode)
    data = sys.stdin.buffer.read(count)
    for at in range(0, count, one):
        image = Image.frombytes(mode, size, data[at:at + one])
        sys.stdout.buffer.write(image.resize(to, Image.BILINEAR).tobytes())
`;

/** What Pillow makes of each job, bilinear. */
export function resizeWithPillow(jobs: readonly ResizeJob[]): Uint8Array[] {
  const input = jobs.flatMap(({ mode, width, height, toWidth, toHeight, pixels }) => [
    Buffer.from(
      `${JSON.stringify({ mode, size: [width, height], to: [toWidth, toHeight], bytes: pixels.length })}\n`,
    ),
    pixels,
  ]);
  const run = spawnSync(PYTHON, ['-c', RESIZE_PROGRAM], {
    input: Buffer.concat(input),
    maxBuffer: 1 << 30,
    timeout: TOOL_TIMEOUT_MS,
  });
  if (run.status !== 0) throw new Error(`Pillow failed: ${run.stderr}`);
  let at = 0;
  return jobs.map(({ mode, width, height, toWidth, toHeight, pixels }) => {
    const bytes = toWidth * toHeight * mode.length * (pixels.length / (width * height * mode.length));
    at += bytes;
    return new Uint8Array(run.stdout.subarray(at - bytes, at));
  });
}

/** A picture file's pixels as Pillow decodes them. */
export function decodeWithPillow(file: string): { width: number; height: number; pixels: Uint8Array } {
  const program =
    'import sys; from PIL import Image; i = Image.open(sys.argv[1]).convert("RGB"); ' +
    'sys.stdout.buffer.write(b"%d %d\\n" % i.size + i.tobytes())';
  const run = spawnSync(PYTHON, ['-c', program, file], { maxBuffer: 1 << 30, timeout: TOOL_TIMEOUT_MS });
  if (run.status !== 0) throw new Error(`Pillow failed: ${run.stderr}`);
  const end = run.stdout.indexOf('\n');
  const [width, height] = run.stdout.subarray(0, end).toString().split(' ').map(Number);
  return { width: width!, height: height!, pixels: new Uint8Array(run.stdout.subarray(end + 1)) };
}

/** A folder that is gone at the end of the block that holds it with `using`. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'onpath-'));
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
