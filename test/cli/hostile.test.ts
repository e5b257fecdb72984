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

const NUMBERS = [
  '',
  ' ',
  '-1',
  '1.5',
  '1e3',
  'NaN',
  'Infinity',
  '0x10',
  '99999999999999999999',
  '١',
  '1\n',
  'x',
];
const ADDRESSES = [
  '',
  ':',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:0',
  '127.0.0.1:65536',
  '127.0.0.1:-1',
  '127.0.0.1:5004:1',
  '127.0.0.1:99999999999',
  '127.0.0.1: 5004',
  '127.1:5004',
  '256.0.0.1:5004',
  'localhost:5004',
  '::1:5004',
  '[::1]',
  '[::1]:0',
  '[::g]:5004',
  '[127.0.0.1:5004',
  'http://127.0.0.1:5004',
  '\x1b]0;title\x07:5004',
];
const RATES = ['', '0', '-1', '999', '1T', '1e9', 'NaN', 'fast', '0pps', '2Gpps', 'maxmax', '100 M', '100m'];
const WORDS = ['', 'nonsense', '\x1b[31m', '--', '__proto__', 'constructor', 'x'.repeat(10_000)];

/** An option, what stands around it, and values that it cannot have. */
const options: [string, string[], readonly string[]][] = [
  ['--to', ['send', 'image.npy'], ADDRESSES],
  ['--from', ['send', 'image.npy', ...TO], ADDRESSES],
  [
    '--on',
    ['recv', '--pipeline', 'image.yaml'],
    ADDRESSES.filter((one) => one !== '127.0.0.1:0' && one !== '[::1]:0'),
  ],
  ['--rate', ['send', 'image.npy', ...TO], RATES],
  ['--interval', ['send', 'image.npy', ...TO], [...NUMBERS.filter((one) => one !== '1.5'), '0', '86401']],
  ['--repeat', ['send', 'image.npy', ...TO], [...NUMBERS, '0']],
  ['--payload-type', ['send', 'image.npy', ...TO], [...NUMBERS, '128']],
  ['--payload', ['send', 'image.npy', ...TO], WORDS],
  ['--format', ['send', 'image.npy', ...TO], WORDS],
  ['--order', ['send', 'image.npy', ...TO], [...WORDS, 'Planar', 'planer']],
  ['--order', ['recv', '--pipeline', 'image.yaml'], WORDS],
  ['--count', ['recv', '--pipeline', 'image.yaml'], [...NUMBERS, '0']],
  ['--payload-type', ['recv', '--pipeline', 'image.yaml'], NUMBERS],
  ['--as', ['recv', '--pipeline', 'image.yaml', '--out', 'out'], [...WORDS, 'gif']],
  ['--channels', ['table', 'build', '--expression', 'x', '--dtype', 'uint8', '--out', 'o.npy'], NUMBERS],
  ['--dtype', ['table', 'inspect', 'table.npy'], [...WORDS, 'int64']],
  ['--special', ['tokenizer', 'encode', VOCABULARY, 'text'], WORDS],
  ['--every', ['run', 'image.yaml'], [...NUMBERS.filter((one) => one !== '1.5'), '0', '86401']],
  ['--for', ['doctor'], WORDS],
];

describe('an option', () => {
  for (const [option, args, values] of options) {
    it(`${option} of ${args[0]} refuses values that it cannot have`, async () => {
      await each(values, (value) => assertRefused([...args, `${option}=${value}`], [2]));
    });
  }

  const inconsistent: [string, string[], RegExp][] = [
    [
      'both sources',
      ['table', 'build', '--expression', 'x', '--from', 'table.npy', '--out', 'o.npy'],
      /either/,
    ],
    ['a list of sources that is none', ['recv', '--pipeline', 'image.yaml', '--sources', 'x'], /sources/],
    ['as without out', ['recv', '--pipeline', 'image.yaml', '--as', 'png'], /--out/],
    ['pictures of texts', ['recv', '--pipeline', 'text.yaml', '--as', 'png', '--out', 'o'], /\.txt/],
    ['an order of texts', ['recv', '--pipeline', 'text.yaml', '--order', 'planar'], /one size/],
    ['tile-major of nothing', ['send', 'image.npy', ...TO, '--order', 'tile-major'], /need --pipeline/],
    ['unread of nothing', ['send', 'image.npy', ...TO, '--skip-unread'], /need --pipeline/],
    [
      'texts in an order',
      ['send', 'plain.txt', '--text', ...TO, '--order', 'planar'],
      /--order is about images/,
    ],
    ['texts unread', ['send', 'plain.txt', '--text', ...TO, '--skip-unread'], /--skip-unread is about/],
    ['texts with sizes', ['send', 'plain.txt', '--text', ...TO, '--dims'], /--dims is about images/],
    ['texts as video', ['send', 'plain.txt', '--text', ...TO, '--payload', 'rfc4175'], /rfc4175/],
    ['texts by the packet', ['send', 'plain.txt', '--text', ...TO, '--rate', '5pps'], /--interval/],
    ['video by the packet', ['send', 'image.npy', ...TO, '--payload', 'rfc4175', '--rate', '5pps'], /bits/],
    [
      'video in planes',
      ['send', 'image.npy', ...TO, '--payload', 'rfc4175', '--order', 'planar'],
      /row-major/,
    ],
    ['input twice', ['send', '-', '-', ...TO], /once/],
    ['input again', ['send', '-', '--text', ...TO, '--repeat', '2'], /--repeat/],
    ['two IP versions', ['send', 'image.npy', ...TO, '--from', '[::1]:5004'], /IPv6/],
    ['ids that are none', ['tokenizer', 'decode', VOCABULARY, '1', 'x7'], /"x7" is no id/],
    ['an id too large', ['tokenizer', 'decode', VOCABULARY, '4294967295'], /no id/],
    ['an encoding there is not', ['tokenizer', 'inspect', 'broken.tiktoken', '--encoding', '\x1b[2J'], /./],
  ];
  for (const [what, args, message] of inconsistent) {
    it(`refuses ${what}`, async () => {
      await assertRefused(args, [1]);
      assert.match((await many.run(args)).error, message);
    });
  }

  it('that nobody knows is refused, with the nearest there is', async () => {
    const typos: [string[], RegExp][] = [
      [['tabel'], /Did you mean table\?/],
      [['table', 'inspekt', 'table.npy'], /Did you mean inspect\?/],
      [['send', 'image.npy', ...TO, '--repaet', '2'], /Did you mean --repeat\?/],
      [['compile', 'image.yaml', '--explian'], /Did you mean --explain\?/],
      [['devices', 'more'], /too many arguments/],
      [['table', 'diff', 'table.npy'], /missing required argument 'b'/],
      [['send', 'image.npy'], /required option '--to/],
      [['compile', 'image.yaml', '--out'], /argument missing/],
      [['\x1b[2J'], /\\x1b\[2J/],
      [['two\nlines'], /'two\\nlines'/],
    ];
    await each(typos, async ([args, message]) => {
      const { code, out, error } = await many.run(args);
      assert.equal(code, 2, args.join(' '));
      assert.equal(out, '');
      assert.match(error, message);
      assertHarmless({ code, out, error }, args.join(' '));
    });
  });
});
