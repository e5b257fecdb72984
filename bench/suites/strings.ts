/**
 * Suite `strings`: what a call costs before and after the work: a string's bytes to native code, ids back. The ways that the tokenizer takes
 * are `ours`; the others are what was weighed against them. Compiles bench/native/string_paths.cc with the machine's compiler.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Case } from '../report.js';
import { type Contestant, convert, interleave, type Measurement, undisturbed } from '../statistics.js';
import type { Suite } from '../suite.js';

interface Paths {
  utf8(text: string): number;
  latin1(text: string): number;
  utf16(text: string): number;
  bytes(text: Uint8Array): number;
  share(memory: Uint8Array): void;
  lengthOnly(length: number): number;
  idsShared(count: number): number;
  idsMade(count: number): Uint32Array;
  idsExternal(count: number): Uint32Array;
}

const SIZES = [64, 1024, 1 << 20];
const TEXTS = {
  ASCII: 'The quick brown fox jumps over the lazy dog, and then it goes home. ',
  'Latin-1': 'Die Straße über die Brücke führt nach Köln; où est la fenêtre? ',
  'two-byte': '东京 tokyo の text with 한국어 and Ελληνικά words inside of it. ',
};
const COUNTS = [16, 64, 256, 1 << 18];
const POOL_BYTES = 16384;

export const stringsSuite: Suite = {
  name: 'strings',
  what: 'a string to native memory and ids back to JavaScript, by the ways there are',
  async run(context) {
    const paths = compiled();
    const shared = Buffer.from(new ArrayBuffer(4 << 20));
    paths.share(shared);
    const cases: Case[] = [];
    for (const [name, sentence] of Object.entries(TEXTS)) {
      for (const size of SIZES) {
        const text = sentence.repeat(Math.ceil(size / sentence.length)).slice(0, size);
        // Flat: what slice() leaves is a view that the first use would have to copy.
        JSON.parse(JSON.stringify(text));
        cases.push(
          await measured(`${name}, ${size} characters`, toNative(paths, shared, text), context.rounds),
        );
      }
    }
    for (const count of COUNTS)
      cases.push(await measured(`${count} ids back`, toJavaScript(paths, shared, count), context.rounds));
    return cases;
  },
};

type Ways = Record<string, () => unknown>;

function toNative(paths: Paths, shared: Buffer, text: string): Ways {
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(shared.buffer);
  return {
    ours: () => paths.utf8(text),
    'one-byte, no check': () => paths.latin1(text),
    'UTF-16, unconverted': () => paths.utf16(text),
    'buffer.write': () => paths.lengthOnly(shared.write(text)),
    'TextEncoder.encodeInto': () => paths.lengthOnly(encoder.encodeInto(text, bytes).written),
    'Buffer.from': () => paths.bytes(Buffer.from(text)),
  };
}

function toJavaScript(paths: Paths, shared: Buffer, count: number): Ways {
  const ids = new Uint32Array(shared.buffer);
  let pool = new ArrayBuffer(POOL_BYTES);
  let used = 0;
  const pooled = () => {
    if (used + count * 4 > POOL_BYTES) {
      pool = new ArrayBuffer(POOL_BYTES);
      used = 0;
    }
    paths.idsShared(count);
    const view = new Uint32Array(pool, used, count);
    used += count * 4;
    return view;
  };
  const made = () => paths.idsMade(count);
  return {
    ours: count <= 512 ? pooled : made,
    'made natively': made,
    'external memory': () => paths.idsExternal(count),
    'scratch.slice': () => ids.slice(0, paths.idsShared(count)),
  };
}

async function measured(name: string, ways: Ways, rounds: number): Promise<Case> {
  const contestants = Object.entries(ways).map(
    ([way, once]): Contestant => ({
      name: way,
      run(count) {
        for (let i = 0; i < count; i++) once();
        return undefined;
      },
    }),
  );
  const times = await interleave(contestants, { rounds, blockMs: 10 });
  const nanoseconds = (way: string): Measurement => convert(undisturbed(times.get(way)!), (ms) => ms * 1e6);
  const { ours: _, ...others } = ways;
  return {
    suite: 'strings',
    case: name,
    unit: 'ns',
    better: 'lower',
    ours: nanoseconds('ours'),
    peers: Object.fromEntries(Object.keys(others).map((way) => [way, nanoseconds(way)])),
    limits: {},
  };
}

function compiled(): Paths {
  const folder = join(process.cwd(), 'build', 'bench');
  mkdirSync(folder, { recursive: true });
  const output = join(folder, 'string_paths.node');
  const options = ['-std=c++20', '-O2', '-shared', '-fPIC', '-DNAPI_VERSION=8'];
  const headers = ['-I', 'node_modules/node-api-headers/include'];
  const run = spawnSync(
    process.env['CXX'] ?? 'g++',
    [...options, ...headers, 'bench/native/string_paths.cc', '-o', output],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(`bench/native/string_paths.cc does not compile: ${run.stderr}`);
  return createRequire(import.meta.url)(output) as Paths;
}
