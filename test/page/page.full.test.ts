/** The live page in Chromium, of a service with real traffic over loopback. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { writeNpy } from '../../lib/files/npy.js';
import { DROP_REASONS, LookupTable, type Pipeline, Tokenizer } from '../../lib/index.js';
import { compareOrders } from '../../lib/order-facts.js';
import { onpath, start } from '../cli/onpath.js';
import { eventually } from '../support/plane.js';
import { missing } from '../support/tools.js';
import { counter, grouped, launch, open, rows, says } from './browser.js';
import {
  configFolder,
  gradient,
  height,
  hostileName,
  sendImages,
  sendText,
  serve,
  width,
} from './fixture.js';

const shownName = hostileName.replace('\u202e', '⟨U+202E⟩');

describe('the live page in Chromium', { skip: missing('chromium') }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it('shows the numbers of the snapshot, drops with their meaning, and orders', async () => {
    await using served = await serve();
    await using opened = await open(browser, served.url);
    const { page } = opened;
    await sendImages(served.to, 5);
    await sendText(served.to, 'one two');
    await sendText(served.to, 'none takes this', 99);
    const { stats, routes, memoryBytes } = await eventually('all is counted', () => {
      const snapshot = served.service.snapshot();
      const [photos, prompts] = snapshot.stats.routes;
      const dropped = snapshot.stats.ports[0]!.drops.no_route;
      return photos!.samplesDelivered === 5 && prompts!.samplesDelivered === 1 && dropped > 0 && snapshot;
    });
    const port = stats.ports[0]!;
    await says(counter(page, 'port', 0, 'dropped'), grouped(port.drops.no_route));
    for (const [label, value] of Object.entries({
      received: port.rxPackets,
      'received bytes': port.rxBytes,
      missed: port.rxMissed,
      sent: port.txPackets,
    }))
      assert.equal(await counter(page, 'port', 0, label).textContent(), grouped(value), label);
    for (const [i, route] of stats.routes.entries()) {
      for (const [label, value] of Object.entries({
        version: 1,
        packets: route.packetsUsed,
        complete: route.samplesComplete,
        delivered: route.samplesDelivered,
        dropped: 0,
      }))
        assert.equal(await counter(page, 'route', i, label).textContent(), grouped(value), `${i} ${label}`);
    }
    assert.match((await page.locator('#state').textContent())!, /^ready, up \d+ s, [\d.]+ MiB in pools$/);
    assert.ok(memoryBytes > 1 << 20);
    const meaning = DROP_REASONS.find(({ name }) => name === 'no_route')!.meaning.replaceAll('`', '');
    const [drop, ...others] = await rows(page.locator('#drops'));
    assert.deepEqual(
      [drop![0], drop![1], drop![3], drop![5]],
      ['no_route', 'port in', grouped(port.drops.no_route), meaning],
    );
    assert.deepEqual(others, []);
    assert.deepEqual(await rows(page.locator('#parts')), [
      ['negative', 'lookup table', 'photos'],
      ['words', 'vocabulary', shownName],
    ]);
    assert.equal(await page.locator('#workers tr').count(), stats.workers.length);

    const photos = page.locator('[data-route]').first();
    await says(photos.locator('.latency-about'), /^5 measured: p50 /);
    await photos.locator('.stage').selectOption('firstPacket');
    await says(photos.locator('.latency-about'), /^5 measured: p50 /);
    assert.ok((await photos.locator('.histogram rect').count()) >= 1);
    const pipeline = served.service.routes()[0]!.pipeline as Pipeline;
    await says(photos.locator('.orders-about'), /What each would cost/);
    const orders = await rows(photos.locator('.orders'));
    assert.equal(orders[0]![0], 'row-major (taken)');
    assert.deepEqual(
      orders.map((cells) => cells.slice(1)),
      compareOrders(pipeline).map((one) =>
        'refused' in one
          ? [one.refused]
          : [one.sampleBytes, one.savedBytes, one.windowBytes, one.packetsToFirstOutput].map(grouped),
      ),
    );
    assert.deepEqual(
      (await rows(photos.locator('.versions'))).map((row) => [row[0], row[1], row[3]]),
      [['1', routes[0]!.hash.slice(0, 16), 'current']],
    );
  });

  it('shows the last image, pixel by pixel, with the statistics of its channels', async () => {
    await using served = await serve();
    await using opened = await open(browser, served.url);
    await sendImages(served.to, 1);
    const photos = opened.page.locator('[data-route]').first();
    await says(
      photos.locator('.sample-about'),
      new RegExp(`^uint8\\[${height}, ${width}, 3\\]; version 1, `),
    );
    const [drawn, at] = await photos.locator('canvas').evaluate((node) => {
      const canvas = node as HTMLCanvasElement;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return [[...data].filter((_, i) => i % 4 < 3), [canvas.width, canvas.height]] as const;
    });
    assert.deepEqual(at, [width, height]);
    // The least value is 0 and the greatest 255: the picture shows the tensor as it is.
    assert.deepEqual(drawn, [...gradient.map((value) => 255 - value)]);
    const channels = await rows(photos.locator('.channels'));
    for (const channel of [0, 1, 2]) {
      const values = gradient.filter((_, i) => i % 3 === channel).map((value) => 255 - value);
      const mean = values.reduce((all, value) => all + value, 0) / values.length;
      const [name, min, max, shownMean, , nan] = channels[channel]!;
      assert.deepEqual(
        [name, min, max, nan],
        [String(channel), String(Math.min(...values)), String(Math.max(...values)), '0'],
      );
      assert.ok(Math.abs(Number(shownMean) - mean) < 0.001, `${shownMean} is not ${mean}`);
    }
  });

  it('shows a prompt as its tokens, and nothing that it could be taken for', async () => {
    await using served = await serve();
    await using opened = await open(browser, served.url);
    const { page } = opened;
    const text =
      'Hi <script>hacked()</script><img src=x onerror="hacked()">\n\ttwo  blanks &amp; \u202e\u0007 é 😀';
    await sendText(served.to, text);
    const prompts = page.locator('[data-route]').nth(1);
    const ids = [...Tokenizer.fromFile('test/data/text/tiny-bytes.json').encode(text)];
    await says(prompts.locator('.sample-about'), new RegExp(`^${ids.length} tokens; version 1, `));
    const pieces = await prompts.locator('.piece').evaluateAll((nodes) =>
      nodes.map((node) => {
        const { dataset, textContent } = node as HTMLElement;
        return { id: Number(dataset['id']), text: textContent, special: node.classList.contains('special') };
      }),
    );
    assert.deepEqual(
      pieces.map(({ id }) => id),
      ids,
    );
    assert.deepEqual(
      pieces.filter(({ special }) => special).map(({ text }) => text),
      ['<s>', '</s>'],
    );
    const shown = pieces.map((piece) => piece.text).join('');
    assert.match(
      shown,
      /<script>hacked\(\)<\/script><img·src=x·onerror="hacked\(\)">↵\n→\ttwo··blanks·&amp;·/,
    );
    assert.match(shown, /⟨U\+202E⟩⟨U\+0007⟩·…*é·…*😀/);
    assert.equal(await page.locator('main script, main img').count(), 0);
    await prompts.locator('input[type=checkbox]').check();
    assert.equal(await prompts.locator('.tokens.numbered').count(), 1);
  });

  it('takes the name of a route for nothing but a name', async () => {
    await using served = await serve();
    await using opened = await open(browser, served.url);
    await says(opened.page.locator('h3').nth(1), shownName);
    assert.equal(await opened.page.locator('img').count(), 0);
  });

  it('shows a swap under traffic: one new version, and another image', async () => {
    await using served = await serve();
    await using opened = await open(browser, served.url);
    const { page } = opened;
    using folder = configFolder();
    const file = join(dirname(folder.config), 'image.npy');
    writeFileSync(file, writeNpy({ dtype: 'uint8', shape: [height, width, 3], data: gradient }));
    const sending = start(['send', file, '--to', served.to, '--rate', '20M', '--repeat', '1000000']);
    const photos = page.locator('[data-route]').first();
    await says(photos.locator('.sample-about'), /version 1, /);
    const same = LookupTable.fromFunction((value) => value, { dtype: 'uint8' });
    const [version] = await served.service.setTable('negative', same);
    await says(counter(page, 'route', 0, 'version'), '2');
    await says(photos.locator('.sample-about'), /version 2, /);
    const versions = await rows(photos.locator('.versions'));
    assert.deepEqual(
      versions.map(([number]) => number),
      ['2', '1'],
    );
    assert.equal(versions[0]![1], version!.hash.slice(0, 16));
    const corner = () =>
      photos.locator('canvas').evaluate((node) => {
        const { data } = (node as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, 1, 1);
        return [...data].join();
      });
    assert.equal(await corner(), '0,0,255,255');
    sending.child.kill('SIGTERM');
    await sending.ended;
    const complete = () => served.service.snapshot().stats.routes[0]!.samplesComplete;
    await says(counter(page, 'route', 0, 'complete'), () => grouped(complete()));
    assert.deepEqual(
      served.service.snapshot().routes[0]!.versions.map((one) => one.version),
      [2, 1],
    );
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`can be read in the ${colorScheme} scheme, 400 pixels wide`, async () => {
      await using served = await serve();
      await using opened = await open(browser, served.url, {
        colorScheme,
        viewport: { width: 400, height: 800 },
      });
      const { page } = opened;
      await sendImages(served.to, 1);
      await sendText(served.to, 'a prompt');
      await page.locator('.piece').first().waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 400, `${wide} pixels`);
      const found = await page.evaluate(contrasts);
      assert.ok(found.length > 40, `${found.length} texts`);
      assert.deepEqual(
        found.filter(({ ratio }) => ratio < 4.5),
        [],
      );
      const isDark = found.some(({ ground }) => ground < 0.05);
      assert.equal(isDark, colorScheme === 'dark');
    });
  }

  it('can be used with the keyboard, and has a name for every picture', async () => {
    await using served = await serve();
    await using opened = await open(browser, served.url);
    const { page } = opened;
    await sendImages(served.to, 1);
    await page.locator('canvas').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'SUMMARY');
    const asked = page.waitForRequest(/events\?open=1$/);
    await page.keyboard.press('Enter');
    await asked;
    await says(page.locator('#connection'), 'live');
    assert.equal(await page.locator('[data-route] details[open]').count(), 1);
    const again = page.waitForRequest(/events\?open=1,0$/);
    await page.keyboard.press('Enter');
    await again;
    await counter(page, 'route', 0, 'packets').waitFor();
    const unnamed = await page.evaluate(() => {
      const named = (node: Element) =>
        node.getAttribute('aria-label') || node.getAttribute('aria-labelledby');
      const shown = [...document.querySelectorAll('[role=img], [role=region]')].filter((node) =>
        node.checkVisibility(),
      );
      return {
        all: shown.length,
        unnamed: shown.filter((node) => !named(node)).map((node) => node.outerHTML),
      };
    });
    assert.ok(unnamed.all > 10);
    assert.deepEqual(unnamed.unnamed, []);
  });

  it('comes back by itself when the service was restarted', async () => {
    using folder = configFolder();
    const address = async (command: ReturnType<typeof start>): Promise<string> => {
      await command.says('page on http://');
      await command.says('running');
      return /page on http:\/\/([\d.:]+)\//.exec(command.said())![1]!;
    };
    const first = start(['run', folder.config, '--ui', '127.0.0.1:0']);
    const at = await address(first);
    await using opened = await open(browser, `http://${at}/`);
    const { page } = opened;
    const port = /127\.0\.0\.1:(\d+)/;
    await says(page.locator('[data-port] .about'), port);
    const to = port.exec((await page.locator('[data-port] .about').textContent())!)![0];
    assert.equal(
      (await onpath(['send', '-', '--text', '--payload-type', '97', '--to', to], 'a prompt')).code,
      0,
    );
    await says(counter(page, 'route', 1, 'delivered'), '1');
    first.child.kill('SIGTERM');
    assert.equal((await first.ended).code, 0);
    await says(page.locator('#connection'), /No connection to the service; trying again/);
    opened.forgive();
    const second = start(['run', folder.config, '--ui', at]);
    await address(second);
    await says(page.locator('#connection'), 'live');
    opened.forgive();
    await says(counter(page, 'route', 1, 'delivered'), '0');
    assert.equal(await page.locator('[data-port]').count(), 1);
    second.child.kill('SIGTERM');
    assert.equal((await second.ended).code, 0);
  });
});

/** Runs in the page: the contrast of every text that is seen with what is behind it (WCAG 2.1, 1.4.3). */
function contrasts(): { text: string; ratio: number; ground: number }[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const over = (colours: string[]): number[] => {
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const luminance = (rgb: number[]): number => {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const found: { text: string; ratio: number; ground: number }[] = [];
  for (const node of document.querySelectorAll<HTMLElement>('body *')) {
    const text = [...node.childNodes]
      .filter((child) => child.nodeType === 3)
      .map((child) => child.textContent)
      .join('')
      .trim();
    if (text === '' || !node.checkVisibility() || node.closest('svg, select, noscript') !== null) continue;
    const grounds: string[] = [];
    for (let at: HTMLElement | null = node; at !== null; at = at.parentElement)
      grounds.unshift(getComputedStyle(at).backgroundColor);
    const { color, opacity } = getComputedStyle(node);
    const ground = luminance(over(grounds));
    const ink = over([color]).map(
      (value, i) => value * Number(opacity) + over(grounds)[i]! * (1 - Number(opacity)),
    );
    const [low, high] = [luminance(ink), ground].sort((a, b) => a - b) as [number, number];
    found.push({ text, ratio: (high + 0.05) / (low + 0.05), ground });
  }
  return found;
}
