/** Every TypeScript block of the guide runs as written; README's compiles. Blocks import the package by its own name. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
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
const readme = blocks('README.md').map((block, i) => {
  const file = `${folder}/readme-${i}.mts`;
  writeFileSync(file, block.code);
  return { ...block, file };
});

test('every TypeScript block of the guide and the README type-checks', () => {
  assert.ok(guide.length >= 10 && readme.length >= 1);
  compile([...guide, ...readme].map(({ file }) => file));
});

for (const { heading, file } of guide) {
  test(`the guide's example "${heading}" runs`, { timeout: PATIENCE_MS }, async () => {
    await import(pathToFileURL(file.replace(/\.mts$/, '.mjs')).href);
  });
}

test('every public symbol stands in an example of the guide', async () => {
  const text = guide.map(({ code }) => code).join('\n');
  // Results of calls that examples do show.
  const shownByUse = ['Batch', 'Explanation', 'PipelineStream', 'RunResult', 'Sample'];
  const missing = Object.keys(await import('../lib/index.js')).filter(
    (name) => !shownByUse.includes(name) && !new RegExp(`\\b${name}\\b`).test(text),
  );
  assert.deepEqual(missing, []);
});
