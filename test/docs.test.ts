/** Every TypeScript block of the guide and of the pages on serialization and on text runs as written, and README's on tokens; its others compile. Blocks import the package by its own name. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { Pipeline, Serialization } from '../lib/index.js';
import { PATIENCE_MS } from './support/plane.js';

const folder = `${process.cwd()}/build/docs`;

function blocks(page: string): { heading: string; code: string }[] {
  const text = readFileSync(page, 'utf8');
  const found: { heading: string; code: string }[] = [];
  for (const part of text.split(/^## /m).slice(1)) {
    const heading = part.slice(0, part.indexOf('\n'));
    for (const match of part.matchAll(/```ts\n([\s\S]*?)```/g)) found.push({ heading, code: match[1]! });
  }
  return found;
}

const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  rootDir: folder,
  outDir: folder,
};

/** Type-checks and compiles the blocks together; fails on the first diagnostic. */
function compile(files: readonly string[]): void {
  const program = ts.createProgram(files, options);
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n'));
  assert.deepEqual(problems, []);
  program.emit();
}

mkdirSync(folder, { recursive: true });
const guide = blocks('docs/guide.md').map((block, i) => {
  const file = `${folder}/guide-${i}.mts`;
  writeFileSync(file, block.code);
  return { ...block, file };
});
const serialization = blocks('docs/serialization.md').map((block, i) => {
  const file = `${folder}/serialization-${i}.mts`;
  writeFileSync(file, block.code);
  return { ...block, file };
});
const text = blocks('docs/text.md').map((block, i) => {
  const file = `${folder}/text-${i}.mts`;
  writeFileSync(file, block.code);
  return { ...block, file };
});
const observation = blocks('docs/observation.md').map((block, i) => {
  const file = `${folder}/observation-${i}.mts`;
  writeFileSync(file, block.code);
  return { ...block, file };
});
const readme = blocks('README.md').map((block, i) => {
  const file = `${folder}/readme-${i}.mts`;
  writeFileSync(file, block.code);
  return { ...block, file };
});

test('every TypeScript block of the guide, the pages on serialization, text and observation, and the README type-checks', () => {
  assert.ok(guide.length >= 10 && readme.length >= 1 && serialization.length === 2 && text.length >= 7);
  assert.equal(observation.length, 2);
  compile([...guide, ...serialization, ...text, ...observation, ...readme].map(({ file }) => file));
});

for (const { heading, file } of guide) {
  test(`the guide's example "${heading}" runs`, { timeout: PATIENCE_MS }, async () => {
    await import(pathToFileURL(file.replace(/\.mts$/, '.mjs')).href);
  });
}

for (const { heading, file } of observation) {
  test(`the example "${heading}" of the page on observation runs`, { timeout: PATIENCE_MS }, async () => {
    const script = file.replace(/\.mts$/, '.mjs');
    await promisify(execFile)(process.execPath, [script], { cwd: folder, timeout: PATIENCE_MS });
  });
}

for (const { heading, file } of serialization) {
  test(`the example "${heading}" of the page on serialization prints what it says`, {
    timeout: PATIENCE_MS,
  }, async () => {
    const script = file.replace(/\.mts$/, '.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: PATIENCE_MS });
    const code = readFileSync(file, 'utf8');
    const table = /```text\n([\s\S]*?)```/.exec(readFileSync('docs/serialization.md', 'utf8'))![1]!;
    const comments = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map((match) => `${match[1]}\n`);
    assert.equal(stdout, comments.length > 0 ? comments.join('') : table);
  });
}

/** What the page on text says is there. */
function textFolder(): string {
  const place = `${folder}/text`;
  mkdirSync(`${place}/model`, { recursive: true });
  for (const name of ['tokenizer.json', 'model/tokenizer.json'])
    copyFileSync('test/data/text/tiny-words.json', `${place}/${name}`);
  writeFileSync(`${place}/prompt.txt`, 'this is an example of the input prompt');
  const template =
    '{{ cls_token }}{% for m in messages %}{{ m.role }}: {{ m.content }} {{ sep_token }}{% endfor %}{% if add_generation_prompt %} assistant:{% endif %}';
  const config = { cls_token: '[CLS]', sep_token: { content: '[SEP]' }, chat_template: template };
  writeFileSync(`${place}/model/tokenizer_config.json`, JSON.stringify(config));
  return place;
}

const readmeOnTokens = readme.filter(({ heading }) => heading === 'Tokens');
test('the README has an example of tokens', () => assert.equal(readmeOnTokens.length, 1));

for (const { heading, file } of [...text, ...readmeOnTokens]) {
  test(`the example "${heading}" of the page on text or the README prints what it says`, {
    timeout: PATIENCE_MS,
  }, async () => {
    const script = file.replace(/\.mts$/, '.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script], {
      cwd: textFolder(),
      timeout: PATIENCE_MS,
    });
    const code = readFileSync(file, 'utf8');
    const comments = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map((match) => `${match[1]}\n`);
    assert.ok(comments.length >= 2);
    assert.equal(stdout, comments.join(''));
  });
}

test('the picture of the orders shows where the pixels stand', () => {
  const picture = /```\nrow-major .*\n([\s\S]*?)```/.exec(readFileSync('docs/serialization.md', 'utf8'))![1]!;
  const rows = picture.trimEnd().split('\n');
  const pipeline = Pipeline.compile({
    input: { kind: 'image', width: 6, height: 4, format: 'gray' },
    stages: [{ stage: 'resize', width: 2, height: 2, profile: 'exact4' }],
  });
  const image = Uint8Array.from({ length: 24 }, (_, pixel) => pixel);
  const choices = [
    { order: 'row-major' },
    { order: 'tile-major' },
    { order: 'tile-major', skipUnread: true },
  ] as const;
  const places = choices.map((choice) => [...Serialization.plan(pipeline, choice).serialize(image)]);
  for (const [y, row] of rows.entries()) {
    const expected = places.flatMap((sent) =>
      [0, 1, 2, 3, 4, 5].map((x) => sent.indexOf(6 * y + x)).map((place) => (place < 0 ? '.' : `${place}`)),
    );
    assert.deepEqual(row.trim().split(/\s+/), expected);
  }
  assert.equal(rows.length, 4);
});

test('every public symbol stands in an example of the guide or of the page on text', async () => {
  const examples = [...guide, ...text].map(({ code }) => code).join('\n');
  // Results of calls that examples do show.
  const shownByUse = [
    'Batch',
    'Capture',
    'Explanation',
    'LatencyHistogram',
    'PipelineStream',
    'RunResult',
    'Sample',
    'TextPipelineStream',
    'TextSender',
  ];
  const missing = Object.keys(await import('../lib/index.js')).filter(
    (name) => !shownByUse.includes(name) && !new RegExp(`\\b${name}\\b`).test(examples),
  );
  assert.deepEqual(missing, []);
});
