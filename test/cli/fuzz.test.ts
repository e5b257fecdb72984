/** Arguments at random, from a grammar of the commands: whatever they are, the command comes back with a documented code and says why. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { VOCABULARY, writeHostile } from './hostile.js';
import { Many } from './many.js';

const RUNS = 1000;
const SEED = Number(process.env['ONPATH_FUZZ_SEED'] ?? 7);

/** Mulberry32: the same numbers from the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Commands that end by themselves whatever they are given: `run` only checks, `recv` never gets a pipeline. */
const COMMANDS: [string[], string[]][] = [
  [['devices'], ['--steps']],
  [['doctor'], ['--for', '--socket']],
  [['compile'], ['--explain', '--out']],
  [['run', '--check'], ['--every']],
  [
    ['recv', '--pipeline', 'missing'],
    ['--on', '--sources', '--payload', '--count', '--out', '--as', '--order'],
  ],
  [
    ['send', '--to', '127.0.0.1:9'],
    [
      '--text',
      '--from',
      '--payload-type',
      '--dims',
      '--pipeline',
      '--order',
      '--skip-unread',
      '--rate',
      '--format',
    ],
  ],
  [
    ['table', 'build'],
    ['--expression', '--from', '--dtype', '--channels', '--out'],
  ],
  [['table', 'inspect'], ['--dtype']],
  [['table', 'diff'], ['--dtype']],
  [['tokenizer', 'inspect'], ['--encoding']],
  [
    ['tokenizer', 'encode', VOCABULARY],
    ['--special', '--add-special', '--pieces', '--count', '--encoding'],
  ],
  [['tokenizer', 'decode', VOCABULARY, '1'], ['--skip-special']],
  [['tokenizer', 'compile'], ['--out']],
  [['table'], []],
  [['tokenizer'], []],
  [['help'], []],
  [[], ['--version']],
];
const VALUES = [
  '',
  '-',
  '--',
  '-1',
  '0',
  '1',
  '4',
  '97',
  '1e999',
  'NaN',
  '9'.repeat(40),
  'x',
  'x + c',
  '('.repeat(500),
  'uint8',
  'float32',
  'planar',
  'tile-major',
  'png',
  'max',
  '5kpps',
  '127.0.0.1:9',
  '[::1]:9',
  'image.yaml',
  'text.yaml',
  'image.npy',
  'table.npy',
  'plain.txt',
  'made.npy',
  'made.json',
  'made.plan',
  '\x1b[31mred',
  '\u202e',
  'a\nb',
  'a\0b',
  '\ud800',
  '💥'.repeat(100),
  '--json',
  '--help',
  '--json=1',
  '--nonsense',
  '--out',
  '-x',
];

it(`onpath takes ${RUNS} random command lines without a scratch`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onpath-fuzz-'));
  try {
    const names = writeHostile(folder);
    // Texts and images leave in no time, so that none is waited for.
    const values = [...VALUES, ...names.places, ...names.tables, ...names.vocabularies];
    await using many = new Many(folder);
    const random = randomFrom(SEED);
    const below = (n: number): number => Math.floor(random() * n);
    const any = <T>(list: readonly T[]): T => list[below(list.length)]!;
    const codes = new Map<number, number>();
    for (let run = 0; run < RUNS; run++) {
      const [command, options] = any(COMMANDS);
      const args = [...command];
      for (let left = below(6); left > 0; left--) {
        const added = options.length > 0 && random() < 0.5 ? [any(options), any(values)] : [any(values)];
        args.splice(command.length + below(args.length - command.length + 1), 0, ...added);
      }
      // Standard input is for people, not for this test's child.
      const { code, out, error } = await many.run(args);
      const what = `seed ${SEED}, run ${run}: ${JSON.stringify(args).slice(0, 500)} -> ${code} ${error.slice(0, 500)}`;
      assert.ok([0, 1, 2, 3].includes(code), what);
      assert.doesNotMatch(error, /^\s+at |TypeError|ReferenceError|RangeError/m, what);
      assert.doesNotMatch(out + error, /[^\P{Cc}\n\t]|\p{Bidi_Control}/u, what);
      if (code === 1) assert.match(error, /\[[A-Z_]+\]\n$|^\{"error":\{"code":"[A-Z_]+"/, what);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    // The grammar is no use if nothing gets through it, or nothing is refused.
    for (const code of [0, 1, 2]) assert.ok((codes.get(code) ?? 0) > RUNS / 50, `${[...codes]}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
