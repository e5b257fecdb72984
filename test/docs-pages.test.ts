// What the pages owe their readers beside blocks that run: links that lead somewhere, pictures, and no name left out.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { DROP_REASONS } from '../lib/index.js';
import { ordersPicture } from '../scripts/orders-picture.js';
import { anchorsOf, prose, readPages } from './support/doc-pages.js';

const pages = readPages();
const pictures = 'docs/pictures';
const MOST_PICTURE_BYTES = 16_000;

test('every link and picture of a page is there, and the heading it names', () => {
  const broken = pages.flatMap((page) =>
    [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1]!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path, anchor] = target.split('#') as [string, string | undefined];
        const file = path === '' ? page.path : normalize(join(dirname(page.path), path));
        if (!existsSync(file)) return true;
        if (anchor === undefined) return false;
        const other = pages.find((one) => one.path === file);
        return other === undefined || !anchorsOf(other).has(anchor);
      })
      .map((target) => `${page.path}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('every page is named in docs/README.md', () => {
  const index = pages.find(({ path }) => path === 'docs/README.md')!.text;
  const missing = pages.filter(
    ({ path }) =>
      path.startsWith('docs/') &&
      path !== 'docs/README.md' &&
      !index.includes(`(${path.slice('docs/'.length)}`),
  );
  assert.deepEqual(
    missing.map(({ path }) => path),
    [],
  );
});

for (const name of readdirSync(pictures).filter((file) => file.endsWith('.svg'))) {
  test(`the picture ${name} is small, speaks, and follows dark and light`, () => {
    const path = join(pictures, name);
    const text = readFileSync(path, 'utf8');
    assert.ok(statSync(path).size <= MOST_PICTURE_BYTES, `${statSync(path).size} bytes`);
    assert.match(text, /<svg [^>]*role="img"[^>]*aria-labelledby="title desc"/);
    assert.match(text, /<title id="title">[^<]{10,}<\/title>/);
    assert.match(text, /<desc id="desc">[^<]{40,}<\/desc>/);
    assert.match(text, /@media \(prefers-color-scheme: dark\)/);
    assert.match(text, /viewBox="0 0 \d+ \d+"/);
    // Nothing is fetched and nothing is run.
    assert.doesNotMatch(
      text.replace('http://www.w3.org/2000/svg', ''),
      /https?:|<script|href=|url\((?!#)|@import/,
    );
    const users = pages.filter((page) => prose(page).includes(`pictures/${name})`));
    assert.ok(users.length > 0, 'no page shows it');
  });
}

test('every picture of a page has a description', () => {
  const mute = pages.flatMap((page) =>
    [...prose(page).matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)]
      .filter((match) => match[1]!.length < 20)
      .map((match) => `${page.path}: ${match[2]}`),
  );
  assert.deepEqual(mute, []);
});

test('the picture of the orders shows where the pixels stand', () => {
  assert.equal(readFileSync(`${pictures}/serialization-orders.svg`, 'utf8'), ordersPicture());
});

test('the page on troubleshooting has every drop reason once, and no other', () => {
  const page = pages.find(({ path }) => path === 'docs/guides/troubleshooting.md')!;
  const rows = [...page.text.matchAll(/^### `([a-z_]+)`$/gm)].map((match) => match[1]!);
  assert.deepEqual(rows.toSorted(), DROP_REASONS.map(({ name }) => name).toSorted());
});

test('every drop reason says what it means, how to see it and what to do', () => {
  const page = pages.find(({ path }) => path === 'docs/guides/troubleshooting.md')!;
  const parts = page.text.split(/^### /m).slice(1);
  const wanting = parts
    .map((part) => part.split(/^##? /m)[0]!)
    .filter((part) => !/^\*\*See\.\*\* .{20,}/m.test(part) || !/^\*\*Do\.\*\* .{15,}/m.test(part))
    .map((part) => part.split('\n')[0]);
  assert.deepEqual(wanting, []);
});

test('every public symbol stands in an example of a page', async () => {
  const examples = pages
    .flatMap(({ blocks }) => blocks)
    .filter(({ language }) => language === 'ts')
    .map(({ code }) => code)
    .join('\n');
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
