/** What `--json` prints: of every command, by the schema that docs/cli.md shows. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeNpy } from '../../lib/files/npy.js';
import { Many } from './many.js';
import { LINES, OUTPUTS, typesText } from './outputs.js';

const page = 'docs/cli.md';
const vocabulary = resolve('test/data/text/tiny-words.json');
const BLOCK = /(?<=<!-- outputs -->\n```\n).*?(?=\n```\n<!-- end of outputs -->)/s;

describe('--json', () => {
  let folder: string;
  let many: Many;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'onpath-outputs-'));
    const at = (name: string) => join(folder, name);
    const input = 'input: { kind: image, width: 8, height: 6, format: rgb }\n';
    writeFileSync(at('image.yaml'), `${input}stages: [{ stage: resize, width: 4, height: 3 }]\n`);
    writeFileSync(
      at('family.yaml'),
      'input: { kind: image, maxWidth: 8, maxHeight: 6, format: rgb }\nstages: [{ stage: resize, width: 4, height: 3 }]\n',
    );
    writeFileSync(
      at('text.yaml'),
      'input: { kind: text }\nstages: [{ stage: replace, dictionary: { cat: dog } }]\n',
    );
    const data = Uint8Array.from({ length: 8 * 6 * 3 }, (_, i) => i);
    writeFileSync(at('image.npy'), writeNpy({ dtype: 'uint8', shape: [6, 8, 3], data }));
    many = new Many(folder);
  });
  after(async () => {
    await many[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  /** By command; `recv` is beside `send` in plane.test.ts. */
  const runs: [keyof typeof OUTPUTS, string[]][] = [
    ['devices', []],
    ['devices', ['--steps']],
    ['doctor', []],
    ['doctor', ['--for', 'udp', '--socket', './plane.sock']],
    ['compile', ['image.yaml']],
    ['compile', ['image.yaml', '--explain', '--out', 'image.plan']],
    ['compile', ['family.yaml', '--explain']],
    ['compile', ['text.yaml', '--explain']],
    ['completion', ['bash']],
    ['table build', ['--expression', 'x', '--dtype', 'uint8', '--out', 'a.npy']],
    ['table build', ['--expression', '1 / (x - 7)', '--dtype', 'float32', '--out', 'b.npy']],
    ['table build', ['--expression', '255 - x', '--dtype', 'uint8', '--channels', '3', '--out', 'c.json']],
    ['table inspect', ['b.npy']],
    ['table diff', ['a.npy', 'a.npy']],
    ['table diff', ['a.npy', 'c.json']],
    ['tokenizer inspect', [vocabulary]],
    ['tokenizer encode', [vocabulary, 'one cat', 'two']],
    ['tokenizer encode', [vocabulary, 'one cat', '--pieces']],
    ['tokenizer encode', [vocabulary, 'one cat', '--count']],
    ['tokenizer decode', [vocabulary, '1', '2']],
    ['tokenizer compile', [vocabulary, '--out', 'compiled.onpath']],
    ['send', ['image.npy', '--to', '127.0.0.1:9', '--repeat', '2', '--rate', 'max']],
  ];
  for (const [command, args] of runs) {
    it(`of ${command} ${args.filter((arg) => arg !== vocabulary).join(' ')} is as documented`, async () => {
      const { code, out, error } = await many.run([...command.split(' '), ...args, '--json']);
      assert.ok(code === 0 || code === 3, error);
      assert.equal(error, '');
      const values = LINES.includes(command) ? out.trimEnd().split('\n') : [out];
      for (const value of values) OUTPUTS[command].parse(JSON.parse(value));
    });
  }

  it('has no form for some numbers: they are strings', async () => {
    const { out } = await many.run(['table', 'inspect', 'b.npy', '--json']);
    const { tables, ranges } = JSON.parse(out);
    assert.equal(tables[0][7], 'Infinity');
    assert.equal(ranges[0].max, 'Infinity');
  });

  it('is documented of every command', async () => {
    const { out } = await many.run(['--help']);
    const names = [...out.matchAll(/^ {2}([a-z]+)\b.* {2}/gm)].map(([, name]) => name!);
    assert.ok(names.includes('swap') && names.includes('doctor'), out);
    const documented = new Set(Object.keys(OUTPUTS).map((command) => command.split(' ')[0]!));
    assert.deepEqual(
      names.filter((name) => !documented.has(name) && name !== 'help'),
      [],
    );
  });

  it('is on the page as the schemas have it', () => {
    const text = readFileSync(page, 'utf8');
    if (process.env['ONPATH_UPDATE'] === '1') writeFileSync(page, text.replace(BLOCK, typesText));
    assert.equal(BLOCK.exec(readFileSync(page, 'utf8'))?.[0], typesText());
  });
});
