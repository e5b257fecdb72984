/** Hundreds of wrong and hostile arguments and files: each is answered with one sentence, and none shakes the process or the terminal. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Names, VOCABULARY, writeHostile } from './hostile.js';
import { Many } from './many.js';
import type { Ended } from './onpath.js';

const ERROR_LINE = /^onpath: \S[^\n]* \[[A-Z_]+\]\n$/;
const TO = ['--to', '127.0.0.1:9'];

let folder: string;
let names: Names;
let many: Many;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-hostile-'));
  names = writeHostile(folder);
  many = new Many(folder);
});
after(async () => {
  await many[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Nothing that steers a terminal, and no trace of the stack. */
function assertHarmless({ out, error }: Ended, what: string): void {
  assert.doesNotMatch(out + error, /[^\P{Cc}\n\t]|\p{Bidi_Control}/u, what);
  assert.doesNotMatch(error, /^\s+at /m, what);
}

/** One sentence with a code, in both forms. */
async function assertRefused(args: readonly string[], codes: readonly number[]): Promise<void> {
  const what = JSON.stringify(args).slice(0, 200);
  const ended = await many.run(args);
  assert.ok(codes.includes(ended.code), `${what} ended with ${ended.code}: ${ended.error || ended.out}`);
  assert.equal(ended.out, '', what);
  assert.match(ended.error, ERROR_LINE, what);
  assert.ok(ended.error.length < 4200, what);
  assertHarmless(ended, what);
  const json = await many.run([...args, '--json']);
  assert.equal(json.code, ended.code, what);
  assert.match(JSON.parse(json.error).error.code, /^[A-Z_]+$/, what);
  assertHarmless(json, what);
}

/** Tries all, and fails with everything that was found. */
async function each<T>(cases: readonly T[], check: (one: T) => Promise<void>): Promise<void> {
  const failures: string[] = [];
  for (const one of cases) await check(one).catch(({ message }: Error) => failures.push(message));
  assert.deepEqual(failures, []);
}

/** Each command that reads a file, as a function of its name. */
const readers: [string, (name: string) => string[], keyof Names | undefined][] = [
  ['compile', (name) => ['compile', name], 'specs'],
  ['compile --explain --out', (name) => ['compile', name, '--explain', '--out', 'x.plan'], undefined],
  ['run --check', (name) => ['run', name, '--check'], 'specs'],
  ['run', (name) => ['run', name], 'specs'],
  ['recv', (name) => ['recv', '--on', '127.0.0.1:0', '--count', '1', '--pipeline', name], undefined],
  ['send', (name) => ['send', name, ...TO], 'images'],
  ['send --pipeline', (name) => ['send', 'image.npy', ...TO, '--pipeline', name], undefined],
  ['send --text', (name) => ['send', name, '--text', ...TO], undefined],
  ['table inspect', (name) => ['table', 'inspect', name, '--dtype', 'uint8'], 'tables'],
  ['table diff', (name) => ['table', 'diff', 'table.npy', name, '--dtype', 'uint8'], undefined],
  [
    'table build',
    (name) => ['table', 'build', '--from', name, '--dtype', 'uint8', '--out', 'out.npy'],
    undefined,
  ],
  ['tokenizer inspect', (name) => ['tokenizer', 'inspect', name], 'vocabularies'],
  ['tokenizer encode', (name) => ['tokenizer', 'encode', name, 'text'], undefined],
  ['tokenizer decode', (name) => ['tokenizer', 'decode', name, '1'], undefined],
  ['tokenizer compile', (name) => ['tokenizer', 'compile', name, '--out', 'out.onpath'], undefined],
];
/** What another reader refuses and this one takes; root may read what is closed. */
const taken: Readonly<Record<string, readonly string[]>> = {
  send: ['five.npy', 'wide.npy'],
  'table inspect': ['wide.npy'],
  'send --text': ['closed.npy'],
};
const isRefused = (reader: string) => (name: string) => taken[reader]?.includes(name) !== true;

describe('a file that cannot be used', () => {
  for (const [reader, command, kind] of readers) {
    it(`is refused by ${reader}, whatever its path is`, async () => {
      await each(names.places.filter(isRefused(reader)), (place) => assertRefused(command(place), [1]));
    });
    if (kind === undefined) continue;
    it(`is refused by ${reader}, whatever it holds`, async () => {
      await each(names[kind].filter(isRefused(reader)), (name) => assertRefused(command(name), [1]));
    });
  }

  it('is not written over', async () => {
    for (const place of names.places.filter((name) => name !== ' ' && name !== 'missing')) {
      const outs: string[][] = [
        ['compile', 'image.yaml', '--out', place],
        ['tokenizer', 'compile', VOCABULARY, '--out', place],
        ['table', 'build', '--expression', 'x', '--dtype', 'uint8', '--out', place],
      ];
      for (const args of outs) {
        const ended = await many.run(args);
        assertHarmless(ended, args.join(' '));
        if (ended.code !== 0) assert.match(ended.error, ERROR_LINE, args.join(' '));
      }
    }
  });
});
