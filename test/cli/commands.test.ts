/** The commands that need no plane: good, missing, wrong and hostile arguments. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Many } from './many.js';
import { type Ended, onpath as spawned } from './onpath.js';

let folder: string;
let many: Many;
/** In a process of its own only where standard input matters. */
const onpath = (args: readonly string[], input?: string): Promise<Ended> =>
  input === undefined ? many.run(args) : spawned(args, input);
const inFolder = (name: string) => join(folder, name);
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-cli-'));
  many = new Many(process.cwd());
});
after(async () => {
  await many[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: what a command prints, looked at field by field.
async function json(args: readonly string[], input?: string): Promise<any> {
  const { code, out, error } = await onpath([...args, '--json'], input);
  assert.equal(code, 0, error);
  return JSON.parse(out);
}

describe('onpath', () => {
  it('tells a file that may not be read from one that is not there', {
    skip: process.getuid?.() === 0 ? false : 'only root can become another user',
  }, () => {
    const main = new URL('../../lib/cli/main.js', import.meta.url).pathname;
    const secret = inFolder('secret.yaml');
    writeFileSync(secret, '', { mode: 0o600 });
    const { status, stderr } = spawnSync(process.execPath, [main, 'compile', secret], {
      uid: 65534,
      gid: 65534,
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /secret\.yaml cannot be read \(EACCES\)\. .*\[PERMISSION_DENIED\]\n$/);
  });

  it('prints help with examples for every command', async () => {
    const { out } = await onpath(['--help']);
    const commands = [...out.matchAll(/^ {2}([a-z]+) (?!.*\bonpath\b)/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'help' && name !== 'onpath');
    assert.ok(commands.length >= 8, out);
    const leaves = commands.flatMap((name) =>
      name === 'table'
        ? ['table build', 'table inspect', 'table diff']
        : name === 'tokenizer'
          ? ['tokenizer inspect', 'tokenizer encode', 'tokenizer decode', 'tokenizer compile']
          : name === 'load'
            ? ['load table', 'load vocabulary']
            : [name],
    );
    for (const leaf of leaves) {
      const help = await onpath([...leaf.split(' '), '--help']);
      assert.equal(help.code, 0, leaf);
      assert.match(help.out, /Examples:\n {2}.*onpath /, leaf);
      assert.match(help.out, /--json/, leaf);
    }
  });

  it('ends with 2 and one sentence where the usage is wrong', async () => {
    for (const args of [
      ['nonsense'],
      ['devices', '--nonsense'],
      ['compile'],
      ['table', 'diff', 'a.npy'],
      ['send', 'x.jpg'],
    ]) {
      const { code, out, error } = await onpath(args);
      assert.equal(code, 2, args.join(' '));
      assert.equal(out, '');
      assert.match(error, /^onpath: [^\n]+ \[USAGE\]\n$/, args.join(' '));
    }
  });

  it('reports errors as one object with --json', async () => {
    const { code, out, error } = await onpath(['compile', inFolder('missing.yaml'), '--json']);
    assert.equal(code, 1);
    assert.equal(out, '');
    const report = JSON.parse(error);
    assert.equal(report.error.code, 'NOT_FOUND');
    assert.match(report.error.message, /missing\.yaml/);
  });

  it('lists devices', async () => {
    const found = await json(['devices']);
    assert.ok(found.some((device: { name?: string }) => device.name === 'lo'));
    const { out } = await onpath(['devices']);
    assert.match(out, /^device +kind/);
  });

  it('checks the host, each finding with its fix', async () => {
    const { code, out, error } = await onpath(['doctor', '--json']);
    assert.equal(error, '');
    const { ok, checks } = JSON.parse(out);
    assert.equal(code, ok ? 0 : 3);
    for (const check of checks) assert.equal(check.fix === undefined, check.state === 'ok', check.name);
  });
});

describe('onpath table', () => {
  it('builds from an expression, and every format gives the same table back', async () => {
    for (const kind of ['npy', 'csv', 'json']) {
      const file = inFolder(`gamma.${kind}`);
      await json([
        'table',
        'build',
        '--expression',
        'round(255 * (x / 255) ^ (1 / 2.2))',
        '--dtype',
        'uint8',
        '--out',
        file,
      ]);
      const { tables, ranges } = await json(['table', 'inspect', file, '--dtype', 'uint8']);
      const expected = Array.from({ length: 256 }, (_, x) => Math.round(255 * (x / 255) ** (1 / 2.2)));
      assert.deepEqual(tables, [expected]);
      assert.equal(ranges[0].monotone, true);
    }
    const { same } = await json([
      'table',
      'diff',
      inFolder('gamma.npy'),
      inFolder('gamma.csv'),
      '--dtype',
      'uint8',
    ]);
    assert.equal(same, true);
  });

  it('compares entry by entry', async () => {
    await json(['table', 'build', '--expression', 'x', '--dtype', 'uint8', '--out', inFolder('a.npy')]);
    await json([
      'table',
      'build',
      '--expression',
      'x == 7 ? 9 : x',
      '--dtype',
      'uint8',
      '--out',
      inFolder('b.npy'),
    ]);
    const { code, out } = await onpath(['table', 'diff', inFolder('a.npy'), inFolder('b.npy'), '--json']);
    assert.equal(code, 3);
    assert.deepEqual(JSON.parse(out).differences, [{ channel: 0, byte: 7, a: 7, b: 9 }]);
  });

  it('keeps channels and float32', async () => {
    const file = inFolder('normalize.npy');
    await json([
      'table',
      'build',
      '--expression',
      '(x / 255 - 0.5) / (c + 1)',
      '--dtype',
      'float32',
      '--channels',
      '3',
      '--out',
      file,
    ]);
    const { tables } = await json(['table', 'inspect', file]);
    assert.equal(tables.length, 3);
    assert.equal(tables[2][255], Math.fround(0.5 / 3));
  });

  const refused: [string, string[], RegExp][] = [
    ['code', ['--expression', 'process.exit(1)', '--dtype', 'uint8'], /cannot be used/],
    ['a member', ['--expression', 'x.constructor', '--dtype', 'uint8'], /cannot be used/],
    ['a prototype', ['--expression', '__proto__', '--dtype', 'uint8'], /"__proto__" is not known/],
    ['too deep', ['--expression', `${'('.repeat(2000)}x`, '--dtype', 'uint8'], /at most 1000/],
    ['beyond the type', ['--expression', 'x * 2', '--dtype', 'uint8'], /Entry 128 of table 0 is 256/],
    ['not whole', ['--expression', 'x / 2', '--dtype', 'uint8'], /Entry 1 of table 0 is 0.5/],
    [
      'both sources',
      ['--expression', 'x', '--from', 'x.npy', '--dtype', 'uint8'],
      /either --expression or --from/,
    ],
    ['no source', ['--dtype', 'uint8'], /either --expression or --from/],
  ];
  for (const [what, args, message] of refused) {
    it(`refuses ${what}`, async () => {
      const { code, error } = await onpath(['table', 'build', ...args, '--out', inFolder('refused.npy')]);
      assert.equal(code, 1);
      assert.match(error, message);
    });
  }

  it('refuses damaged files, naming them', async () => {
    const whole = readFileSync(inFolder('gamma.npy'));
    const damaged: [string, Uint8Array | string, RegExp][] = [
      ['cut.npy', whole.subarray(0, 200), /cut\.npy has \d+ bytes of elements|ends inside/],
      ['empty.npy', '', /is no \.npy file/],
      [
        'header.npy',
        Buffer.concat([whole.subarray(0, 8), Buffer.from([255, 255]), whole.subarray(10)]),
        /ends inside its header/,
      ],
      ['words.csv', 'one,two\n', /line 1, number 1 is "one"/],
      ['short.csv', '1,2,3\n', /received 3 entries/],
      ['no.json', '{', /is no JSON/],
      ['large.json', ' '.repeat(2 << 20), /at most/],
      ['kind.txt', '1', /\.npy, \.csv or \.json/],
    ];
    for (const [name, bytes, message] of damaged) {
      writeFileSync(inFolder(name), bytes);
      const { code, error } = await onpath(['table', 'inspect', inFolder(name), '--dtype', 'uint8']);
      assert.equal(code, 1, name);
      assert.match(error, message, name);
    }
  });
});

describe('onpath compile', () => {
  it('explains a pipeline and compares serialization orders', async () => {
    writeFileSync(
      inFolder('good.yaml'),
      `input: { kind: image, width: 64, height: 48, format: rgb }
stages:
  - { stage: resize, width: 32, height: 24 }
  - { stage: lookup, table: { file: gamma.npy } }
`,
    );
    const { kind, outputs, orders } = await json(['compile', inFolder('good.yaml'), '--explain']);
    assert.equal(kind, 'image');
    assert.deepEqual(outputs[0].shape, [24, 32, 3]);
    assert.deepEqual(
      orders.map(({ order, skipUnread }: { order: string; skipUnread: boolean }) => `${order} ${skipUnread}`),
      [
        'row-major false',
        'row-major true',
        'planar false',
        'planar true',
        'tile-major false',
        'tile-major true',
      ],
    );
    const text = await onpath([
      'compile',
      inFolder('good.yaml'),
      '--explain',
      '--out',
      inFolder('good.plan'),
    ]);
    assert.equal(text.code, 0, text.error);
    assert.match(text.out, /serialization order/);
    assert.ok(readFileSync(inFolder('good.plan')).length > 100);
  });

  const wrong: [string, string, RegExp][] = [
    [
      'a number that is none',
      'input: { kind: image, width: 64, height: 48, format: rgb }\nstages:\n  - stage: resize\n    width: 32\n    height: nope\n',
      /line 5: .*height: expected number/,
    ],
    [
      'an unknown field',
      'input:\n  kind: image\n  width: 64\n  heigth: 48\n  format: rgb\n',
      /line \d+: .*heigth/,
    ],
    ['no YAML', 'input: {\n', /line 2|line 1/],
    ['a list', '- 1\n', /line 1: A pipeline is a mapping/],
    ['nothing', '', /A pipeline is a mapping/],
    [
      'a table that is not there',
      'input: { kind: image, width: 8, height: 8, format: gray }\nstages:\n  - stage: lookup\n    table: { file: none.npy }\n',
      /none\.npy cannot be read/,
    ],
    [
      'a name without a table',
      'input: { kind: image, width: 8, height: 8, format: gray }\nstages:\n  - { stage: lookup, table: gamma }\n',
      /"gamma", which is not there/,
    ],
    [
      'a billion laughs',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`).join(',')}]`).join('\n')}\n`,
      /alias/i,
    ],
  ];
  for (const [what, text, message] of wrong) {
    it(`says where ${what} stands`, async () => {
      writeFileSync(inFolder('wrong.yaml'), text);
      const { code, error } = await onpath(['compile', inFolder('wrong.yaml')]);
      assert.equal(code, 1);
      assert.match(error, message);
      assert.match(error, /wrong\.yaml|none\.npy/);
    });
  }
});

describe('onpath tokenizer', () => {
  const vocabulary = 'test/data/text/tiny-words.json';
  it('encodes, decodes, and compiles to a form that gives the same ids', async () => {
    const { ids } = await json(['tokenizer', 'encode', vocabulary, 'the words of it']);
    assert.ok(ids.length > 0);
    const compiled = inFolder('compiled.onpath');
    await json(['tokenizer', 'compile', vocabulary, '--out', compiled]);
    assert.deepEqual((await json(['tokenizer', 'encode', compiled], 'the words of it')).ids, ids);
    const { text } = await json(['tokenizer', 'decode', vocabulary, ...ids.map(String)]);
    assert.equal((await json(['tokenizer', 'decode', vocabulary], ids.join(' '))).text, text);
    assert.equal(
      (await json(['tokenizer', 'encode', vocabulary, 'the words of it', '--count'])).count,
      ids.length,
    );
    const { pieces } = await json(['tokenizer', 'encode', vocabulary, 'the words of it', '--pieces']);
    assert.deepEqual(
      pieces.map(({ id }: { id: number }) => id),
      ids,
    );
    const { format, vocabSize, memory } = await json(['tokenizer', 'inspect', vocabulary]);
    assert.equal(format, 'tokenizer.json');
    assert.ok(vocabSize > 0 && memory.length > 0);
  });
  it('refuses what is no vocabulary or no id', async () => {
    writeFileSync(inFolder('tokenizer.json'), '{}');
    assert.match(
      (await onpath(['tokenizer', 'inspect', inFolder('tokenizer.json')])).error,
      /INVALID_VOCABULARY/,
    );
    assert.match((await onpath(['tokenizer', 'inspect', inFolder('none.json')])).error, /cannot be read/);
    assert.match((await onpath(['tokenizer', 'decode', vocabulary, '-1'])).error, /./);
    assert.match((await onpath(['tokenizer', 'decode', vocabulary, 'x7'])).error, /"x7" is no id/);
  });
});
