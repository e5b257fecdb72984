// scripts/load-tables against a running plane: everything is looked at before anything is loaded.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ControlClient } from '../../lib/control/client.js';
import { writeNpy } from '../../lib/files/npy.js';
import { start } from '../cli/onpath.js';
import { temporaryFolder } from '../support/tools.js';

const SCRIPT = join(process.cwd(), 'scripts/load-tables');
const VOCABULARY = join(process.cwd(), 'test/data/text/tiny-words.json');

const folder = temporaryFolder();
const at = (name: string) => join(folder.path, name);
const socket = at('control.sock');
const client = new ControlClient(socket);
let plane: ReturnType<typeof start>;

before(async () => {
  cpSync(VOCABULARY, at('tokenizer.json'));
  writeFileSync(
    at('plane.yaml'),
    `version: 1
tables:
  negative: { expression: '255 - x', dtype: uint8 }
  same: { expression: 'x', dtype: uint8 }
tokenizers:
  words: { file: tokenizer.json }
pipelines:
  photos:
    input: { kind: image, width: 8, height: 8, format: gray }
    stages: [{ stage: lookup, table: negative }, { stage: lookup, table: same }]
  prompts:
    input: { kind: text }
    stages: [{ stage: tokenize, tokenizer: words }]
ports:
  - { type: udp, name: in }
  - { type: udp, name: texts }
routes:
  - { name: photos, port: in, pipeline: photos }
  - { name: prompts, port: texts, pipeline: prompts }
`,
  );
  plane = start(['run', at('plane.yaml'), '--control', socket]);
  await plane.says('running');
});
after(async () => {
  plane.child.kill('SIGTERM');
  const { code, error } = await plane.ended;
  folder[Symbol.dispose]();
  assert.equal(code, 0, error);
});

async function load(...args: string[]): Promise<{ code: number; said: string }> {
  const child = spawn(SCRIPT, args, { env: { ...process.env, ONPATH_SOCKET: socket } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, said };
}

/** A table of one value. */
function table(path: string, value: number): void {
  const data = new Uint8Array(256).fill(value);
  writeFileSync(path, writeNpy({ dtype: 'uint8', shape: [256], data }));
}

const versions = async () =>
  Promise.all(['photos', 'prompts'].map(async (route) => (await client.versions(route))[0]!.version));

describe('scripts/load-tables', () => {
  test('loads a folder: every file under the name it has', async () => {
    for (const sub of ['good/tables', 'good/vocabularies']) mkdirSync(at(sub), { recursive: true });
    table(at('good/tables/negative.npy'), 7);
    table(at('good/tables/same.npy'), 9);
    cpSync(VOCABULARY, at('good/vocabularies/words.json'));
    const looked = await load('--check', at('good'));
    assert.equal(looked.code, 0, looked.said);
    assert.deepEqual(await versions(), [1, 1]);
    const { code, said } = await load(at('good'));
    assert.equal(code, 0, said);
    assert.match(said, /^table +negative +\S+ +loaded: photos: version 2, plan [0-9a-f]{16}$/m);
    assert.match(said, /^vocabulary +words +\S+ +loaded: /m);
    assert.equal((await versions())[0], 3);
  });

  test('loads a manifest, with comments, files beside it', async () => {
    const before = await versions();
    writeFileSync(
      at('good/list'),
      '# which\n\ntable negative tables/same.npy # why\ntable same tables/negative.npy',
    );
    const { code, said } = await load(at('good/list'), '--socket', socket);
    assert.equal(code, 0, said);
    assert.equal((await versions())[0], before[0]! + 2);
  });

  for (const [name, content, why] of [
    [
      'an unknown name',
      'table negative tables/same.npy\ntable nothing tables/same.npy',
      /called nothing; it uses: negative same|called 'nothing'; it uses: negative same/,
    ],
    [
      'a missing file',
      'table negative tables/same.npy\ntable same tables/absent.npy',
      /absent\.npy cannot be read/,
    ],
    ['a damaged file', 'table negative tables/same.npy\ntable same list', /list/],
    ['a vocabulary for a table', 'vocabulary words tables/same.npy', /same\.npy/],
    [
      'a name twice',
      'table same tables/same.npy\ntable same tables/negative.npy',
      /are both the table 'same'/,
    ],
    ['nonsense in a line', 'table same tables/same.npy\ntable same', /line 2: expected/],
    ['an option for a file', 'table same --help', /--help/],
    ['nothing', '# nothing', /has no tables and no vocabularies/],
  ] as const) {
    test(`with ${name} in a manifest nothing is loaded, and it says why`, async () => {
      const before = await versions();
      writeFileSync(at('good/bad'), content);
      const { code, said } = await load(at('good/bad'));
      assert.equal(code, 1, said);
      assert.match(said, why);
      assert.doesNotMatch(said, /scripts\/load-tables: line|unbound/);
      assert.deepEqual(await versions(), before);
    });
  }

  test('what the plane refuses leaves the others loaded, and the code is 3', async () => {
    const before = await versions();
    // For three channels, where images have one: good by itself, but not here.
    const data = new Uint8Array(3 * 256);
    writeFileSync(at('good/three.npy'), writeNpy({ dtype: 'uint8', shape: [3, 256], data }));
    writeFileSync(at('good/mixed'), 'table same tables/same.npy\ntable negative three.npy');
    const { code, said } = await load(at('good/mixed'));
    assert.equal(code, 3, said);
    assert.match(said, /^table +negative .* refused: /m);
    assert.equal((await versions())[0], before[0]! + 1);
  });

  for (const [args, code, why] of [
    [[], 2, /Name a folder or a manifest/],
    [['--nonsense'], 2, /no option --nonsense/],
    [['a', 'b'], 2, /received also 'b'/],
    [['--socket'], 2, /--socket takes a path/],
    [['/absent'], 1, /neither a folder nor a manifest/],
    [['good', '--socket', '/absent.sock'], 1, /The plane on \/absent\.sock could not be asked/],
  ] as const) {
    test(`load-tables ${args.join(' ')}: one sentence, code ${code}`, async () => {
      const ended = await load(...args.map((arg) => (arg === 'good' ? at('good') : arg)));
      assert.equal(ended.code, code, ended.said);
      assert.match(ended.said, why);
    });
  }
});
