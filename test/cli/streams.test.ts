/** Standard streams that are closed, full, endless or no stream at all, and terminals that must not be steered. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { columns, painted } from '../../lib/cli/terminal.js';

const VOCABULARY = resolve('test/data/text/tiny-words.json');
const main = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-streams-'));
  writeFileSync(
    join(folder, 'text.yaml'),
    'input: { kind: text }\nstages: [{ stage: replace, dictionary: { cat: dog } }]\n',
  );
});
after(() => rmSync(folder, { recursive: true }));

/** No wish for colours, nor against them: without the variables by which Node knows one. */
const NO_WISHES = Object.fromEntries(
  ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'COLORTERM', 'CI', 'TMUX'].map((name) => [
    name,
    undefined,
  ]),
);

/** A line for bash in which `onpath` is the command; its exit code and what it printed. */
async function bash(
  line: string,
  more: Readonly<Record<string, string | undefined>> = {},
): Promise<{ code: number; out: string; error: string }> {
  const script = `onpath() { "$NODE" "$MAIN" "$@"; }; set -o pipefail; ${line}`;
  const env = { ...process.env, NODE: process.execPath, MAIN: main, VOCABULARY, ...more };
  // Bash takes a socket as standard input for a remote shell, and would read the user's own start-up file.
  const run = promisify(execFile)('bash', ['--norc', '-c', script], { cwd: folder, env, maxBuffer: 1 << 26 });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, error: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, error: stderr }),
  );
}

describe('standard output', () => {
  it('that nobody reads is no failure', async () => {
    for (const line of [
      'onpath tokenizer encode "$VOCABULARY" $(seq 2000) | true',
      'onpath devices --json | head -c 1 >/dev/null',
      'onpath tokenizer inspect "$VOCABULARY" | true',
    ]) {
      const { code, error } = await bash(line);
      assert.equal(code, 0, `${line}: ${error}`);
      assert.equal(error, '', line);
    }
  });
  it('that is full is one', async () => {
    for (const line of [
      'onpath tokenizer encode "$VOCABULARY" a b >/dev/full',
      'onpath table --help >/dev/full',
    ]) {
      const { code, error } = await bash(line);
      assert.equal(code, 1, line);
      assert.match(error, /^onpath: standard output cannot be written \(ENOSPC\)\.\n$/, line);
    }
  });
  it('that is closed, as standard error may be, is no crash', async () => {
    assert.equal((await bash('onpath compile missing.yaml 2>&-')).code, 1);
    assert.equal((await bash('onpath compile missing.yaml 2>/dev/full')).code, 1);
    assert.ok([0, 1].includes((await bash('onpath compile text.yaml >&-')).code));
  });
});

describe('standard input', () => {
  it('without end is refused before memory is', async () => {
    for (const line of [
      'onpath tokenizer encode "$VOCABULARY" </dev/zero',
      'onpath tokenizer decode "$VOCABULARY" </dev/zero',
      'onpath send - --to 127.0.0.1:9 </dev/zero',
    ]) {
      const { code, out, error } = await bash(line);
      assert.equal(code, 1, line);
      assert.equal(out, '');
      assert.match(error, /^onpath: Standard input has more than .*\[LIMIT_EXCEEDED\]\n$/, line);
    }
  });
  it('that is a folder, closed or empty is told', async () => {
    const folders = await bash('onpath tokenizer encode "$VOCABULARY" </');
    assert.match(folders.error, /^onpath: Standard input is a folder\./);
    assert.equal(folders.code, 1);
    assert.match((await bash('onpath send - --text --to 127.0.0.1:9 </')).error, /^onpath: Standard input/);
    assert.match(
      (await bash('onpath send - --to 127.0.0.1:9 </dev/null')).error,
      /^onpath: standard input .*\]\n$/,
    );
    assert.equal((await bash('onpath tokenizer encode "$VOCABULARY" <&-')).code, 0);
  });
  it('of bytes that are no text, and names that are none, come back as something', async () => {
    const { code, error } = await bash('onpath tokenizer encode "$VOCABULARY" <<<$\'\\xff\\xfe\\x80\'');
    assert.equal(code, 0, error);
    const name = await bash("onpath compile $'\\xff\\xfe.yaml'");
    assert.equal(name.code, 1);
    assert.match(name.error, /^onpath: .*cannot be read \(ENOENT\).*\[NOT_FOUND\]\n$/);
  });
});

describe('a terminal', () => {
  it('sees control characters of others, and does not obey them', () => {
    assert.equal(painted('a\x1b[2Jb\x9b31m\u202ec\rd\ne\tf'), 'a\\x1b[2Jb\\x9b31m\\u202ec\\rd\ne\tf');
    assert.equal(columns([['name'], ['\x1b[31m\nred']]), 'name\n\\x1b[31m\\nred');
  });
  it('gets our colours and no others', async () => {
    let isThere = true;
    try {
      execFileSync('script', ['--version'], { stdio: 'ignore' });
    } catch {
      isThere = false;
    }
    // util-linux's script gives the command a terminal; without it there is none to be had.
    if (!isThere) return;
    const name = '\x1b[31mred.yaml';
    writeFileSync(join(folder, name), readFileSync(join(folder, 'text.yaml')));
    const lines = [`compile '${name}'`, `tokenizer encode "$VOCABULARY" 'one cat' --pieces`];
    writeFileSync(join(folder, 'colours.sh'), lines.map((line) => `"$NODE" "$MAIN" ${line}\n`).join(''));
    const onTerminal = async (environment: Readonly<Record<string, string | undefined>>) => {
      const { out } = await bash('script -qec "bash colours.sh" /dev/null </dev/null', environment);
      assert.ok(!out.includes('\x1b[31m'), out);
      assert.match(out, /\\x1b\[31mred\.yaml: texts/);
      return out;
    };
    // Whoever runs the tests may have a terminal of another kind, or none.
    const inColours = await onTerminal({ ...NO_WISHES, TERM: 'xterm-256color' });
    assert.ok(inColours.includes('\x1b[44mo'), inColours);
    for (const without of [{ TERM: 'dumb' }, { TERM: 'xterm-256color', NO_COLOR: '1' }]) {
      const plain = await onTerminal({ ...NO_WISHES, ...without });
      assert.ok(!plain.includes('\x1b['), plain);
      assert.match(plain, /\[o\]\[n\]\[e\]/);
    }
  });
});
