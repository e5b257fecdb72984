/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The live page in Chromium: what a test does with it, and what must be true of every page. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { PATIENCE_MS } from '../support/plane.js';

export function launch(): Promise<Browser> {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  return chromium.launch({ executablePath });
}

export interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** Forgets what was said so far: of a service that is stopped the browser says that it is gone. */
  forgive(): void;
}

/** The page, live. When it is disposed, nothing must have been wrong with it: no error, no foreign request, no script of others. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on('console', (said) => wrong.push(`${said.type()}: ${said.text()}`));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('dialog', (dialog) => wrong.push(`dialog: ${dialog.message()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) wrong.push(`request: ${request.url()}`);
  });
  await page.exposeFunction('hacked', () => wrong.push('hacked'));
  await page.goto(url);
  await page.locator('#connection', { hasText: /^live$/ }).waitFor();
  return {
    page,
    forgive: () => {
      wrong.length = 0;
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}

/** Waits until the text of a place is this. */
export async function says(place: Locator, expected: string | RegExp | (() => string)): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const text = (await place.textContent()) ?? '';
    const wanted = typeof expected === 'function' ? expected() : expected;
    if (typeof wanted === 'string' ? text === wanted : wanted.test(text)) return;
    if (Date.now() > end) assert.fail(`says "${text}", expected ${wanted}`);
    await place.page().waitForTimeout(50);
  }
}

/** A counter of a port or route, by its place. */
export function counter(page: Page, kind: 'port' | 'route', index: number, label: string): Locator {
  return page.locator(`[data-${kind}]`).nth(index).locator(`[data-counter="${label}"]`);
}

/** Cells of a table's rows. */
export function rows(body: Locator): Promise<string[][]> {
  return body.evaluate((table) =>
    [...(table as HTMLTableSectionElement).rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
  );
}

export const grouped = (n: number): string => n.toLocaleString('en-US');
