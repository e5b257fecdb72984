// Every block of the documentation is run, top to bottom, page by page, and prints what the page says.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { type Block, type Page, placeOf, readPages } from './support/doc-pages.js';
import {
  assertPrinted,
  folder,
  freePorts,
  isThere,
  type Output,
  RUN_ELSEWHERE,
  runPage,
  unfit,
  wayOf,
  withPorts,
} from './support/doc-run.js';

/** Blocks that cannot run here, each with its reason in its note. More of them is a decision, not an accident. */
const MOST_NOT_RUN = 20;
/** Languages that are run; output (`text`, `json`) is compared, and a block without a language is neither. */
const RUN = ['sh', 'ts', 'python', 'yaml'];
const KNOWN = [...RUN, 'js', 'json', 'text', ''];

const all = readPages();
const pages = all.filter(({ path }) => !Object.hasOwn(RUN_ELSEWHERE, path));
const ports = await freePorts();
const scripts = writeScripts(pages);

function writeScripts(from: readonly Page[]): Map<Block, string> {
  const place = `${folder}/ts`;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const blocks = from.flatMap((page) => page.blocks).filter(({ language }) => language === 'ts');
  return new Map(
    blocks.map((block) => {
      const file = `${place}/${block.page.replace(/\W+/g, '-')}-${block.line}.mts`;
      writeFileSync(file, withPorts(block.code, ports));
      return [block, file.replace(/\.mts$/, '.mjs')];
    }),
  );
}

const problems = compile([...scripts.values()].map((file) => file.replace(/\.mjs$/, '.mts')));

/** Type-checks and compiles all blocks together. */
function compile(files: readonly string[]): string[] {
  const program = ts.createProgram(files, {
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
  });
  const found = ts.getPreEmitDiagnostics(program).map((problem) => {
    const at = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0).line ?? 0;
    const text = ts.flattenDiagnosticMessageText(problem.messageText, '\n');
    return `${problem.file?.fileName.slice(folder.length + 4)} + ${at + 1}: ${text}`;
  });
  program.emit();
  return found;
}

test('every TypeScript block type-checks', () => {
  assert.deepEqual(problems, []);
  assert.ok(scripts.size >= 30, `${scripts.size} blocks`);
});

test('every block has a language and a note that is known', () => {
  const blocks = pages.flatMap((page) => page.blocks);
  const unknown = blocks.filter((block) => !KNOWN.includes(block.language) && wayOf(block).kind !== 'noRun');
  assert.deepEqual(unknown.map(placeOf), []);
  for (const block of blocks) wayOf(block);
  const unnamed = blocks.filter((block) => {
    const way = wayOf(block);
    return way.kind === 'file' && !block.lead.includes(way.name) && !block.code.includes(way.name);
  });
  assert.deepEqual(unnamed.map(placeOf), [], 'a file that is written has its name in the line above');
});

test(`at most ${MOST_NOT_RUN} blocks are not run, each with its reason`, () => {
  const left = pages.flatMap((page) => page.blocks).filter((block) => wayOf(block).kind === 'noRun');
  const list = left.map((block) => `${placeOf(block)}: ${block.note}\n`).join('');
  writeFileSync(`${folder}/not-run.txt`, list);
  assert.ok(left.length <= MOST_NOT_RUN, `${left.length} blocks are not run:\n${list}`);
});

test('no block does what a test must not do to the machine it runs on', () => {
  const refused = pages.flatMap(({ blocks }) => blocks).flatMap((block) => unfit(block) ?? []);
  assert.deepEqual(refused, []);
});

test('pages that are run by a test of their own are named in it', () => {
  for (const [page, file] of Object.entries(RUN_ELSEWHERE)) {
    assert.ok(
      all.some(({ path }) => path === page),
      page,
    );
    assert.ok(readFileSync(file, 'utf8').includes(page), `${file} does not read ${page}`);
  }
});

// A page with a block that is not fit is not run at all. One page after the other: they share ports.
const outputsOf = new Map<Page, Output[]>();
for (const page of pages.filter(({ blocks }) => blocks.length > 0 && !blocks.some(unfit)))
  outputsOf.set(page, await runPage(page, ports, scripts));

for (const [page, outputs] of outputsOf) {
  describe(page.path, () => {
    for (const [i, block] of page.blocks.entries()) {
      const check = checkOf(page, i, outputs);
      if (check === undefined) continue;
      const way = wayOf(block);
      const skip = way.kind === 'needs' && !isThere(way.tool) ? `${way.tool} is not there` : false;
      test(`line ${block.line}: ${block.language} of "${block.heading}" ${check.claim}`, { skip }, check.run);
    }
  });
}

/** What is claimed of a block, and its proof; `undefined`: nothing. */
function checkOf(
  page: Page,
  i: number,
  outputs: readonly Output[],
): { claim: string; run: () => void } | undefined {
  const block = page.blocks[i]!;
  const way = wayOf(block);
  const place = placeOf(block);
  if (way.kind === 'noRun') return undefined;
  if (RUN.includes(block.language)) {
    const { code, text } = outputs[i]!;
    return {
      claim: 'runs',
      run: () => {
        assert.equal(code, 0, `${place} ended with ${code ?? 'nothing, as one before it failed'}:\n${text}`);
        const said = saidBy(block);
        if (said !== undefined) assertPrinted(withoutPorts(text), said, place);
      },
    };
  }
  if (way.kind === 'file') return undefined;
  const printer = printerOf(page, i);
  if (block.language === 'text') {
    return {
      claim: 'is what was printed',
      run: () => {
        assert.ok(printer !== undefined, `${place}: no block stands above that printed it`);
        assertPrinted(withoutPorts(outputs[printer]!.text), block.code, place);
      },
    };
  }
  if (block.language !== 'json') return undefined;
  return {
    claim: printer === undefined ? 'is JSON' : 'is what was printed',
    run: () => {
      const expected: unknown = JSON.parse(block.code);
      if (printer !== undefined)
        assertAlike(JSON.parse(withoutPorts(outputs[printer]!.text)), expected, place);
    },
  };
}

/** The commands above a block of output; two blocks of output may stand below those that ran side by side, in their order. */
function printerOf({ blocks }: Page, i: number): number | undefined {
  let outputsBetween = 0;
  for (let j = i - 1; j >= 0; j--) {
    const { language } = blocks[j]!;
    const { kind } = wayOf(blocks[j]!);
    if (language === 'text' || language === 'json') {
      if (kind === 'file') return undefined;
      outputsBetween++;
    } else if (RUN.includes(language) && kind !== 'file') {
      if (outputsBetween === 0) return kind === 'noRun' ? undefined : j;
      outputsBetween--;
    }
  }
  return undefined;
}

function withoutPorts(text: string): string {
  return withPorts(text, new Map([...ports].map(([named, real]) => [real, named])));
}

/** What the comments behind a block's console.log say it prints, anything where there is none; `undefined`: there are none at all. */
function saidBy({ language, code }: Block): string | undefined {
  if (language !== 'ts') return undefined;
  const said = [...code.matchAll(/console\.log\((?:.*\); \/\/ (.*))?/g)].map((match) => match[1]);
  return said.some((line) => line !== undefined) ? said.map((line) => line ?? '...').join('\n') : undefined;
}

/** Equal, but for strings "..." and entries "...": "..." of what is expected, which stand for anything. */
function assertAlike(found: unknown, expected: unknown, place: string): void {
  if (expected === '...') return;
  if (typeof expected !== 'object' || expected === null) {
    assert.deepEqual(found, expected, place);
    return;
  }
  assert.ok(typeof found === 'object' && found !== null, `${place}: ${JSON.stringify(found)}`);
  const rest = '...' in expected;
  for (const [key, value] of Object.entries(expected))
    if (key !== '...') assertAlike((found as Record<string, unknown>)[key], value, `${place}, ${key}`);
  if (!rest) assert.deepEqual(Object.keys(found), Object.keys(expected), place);
}
