/**
 * Makes the pictures of docs/page.md: the live page in Chromium, of a service on loopback that is sent images, prompts and a few packets
 * that nobody takes. Takes a minute: scripts/build ts tests && node build/ts/scripts/page-pictures.js
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { readConfig } from '../lib/files/config-file.js';
import { readImage } from '../lib/files/image-file.js';
import { LookupTable, Sender } from '../lib/index.js';
import { createLog } from '../lib/log/log.js';
import { startPage } from '../lib/page/server.js';
import { Service } from '../lib/service/service.js';
import { launch } from '../test/page/browser.js';

const SECONDS = 50;
const identity = LookupTable.fromFunction((value) => value, { dtype: 'uint8' });
const prompt = `You are a harpooneer. Answer in one line:
\tHow many whales are in <script>alert("the sea")</script>?  Count twice: Moby Dick, à la même hauteur.`;

const config = {
  version: 1,
  tables: { curve: { expression: 'round(255 * (x / 255) ^ 0.7)', dtype: 'uint8' } },
  tokenizers: { words: { file: 'tokenizer.json' } },
  pipelines: {
    photos: {
      input: { kind: 'image', width: 512, height: 512, format: 'rgb' },
      stages: [
        { stage: 'lookup', table: 'curve' },
        { stage: 'centerCrop', width: 448, height: 448 },
        { stage: 'resize', width: 224, height: 224 },
      ],
    },
    prompts: { input: { kind: 'text' }, stages: [{ stage: 'tokenize', tokenizer: 'words' }] },
  },
  ports: [{ type: 'udp', name: 'in', address: '127.0.0.1', port: 0 }],
  routes: [
    { name: 'photos', port: 'in', payloadType: 96, pipeline: 'photos' },
    { name: 'prompts', port: 'in', payloadType: 97, pipeline: 'prompts' },
  ],
};

const folder = mkdtempSync(join(tmpdir(), 'onpath-pictures-'));
try {
  copyFileSync('test/data/text/components/gpt2.json', join(folder, 'tokenizer.json'));
  writeFileSync(join(folder, 'plane.json'), JSON.stringify(config));
  mkdirSync('docs/pictures', { recursive: true });
  await using service = await Service.start(readConfig(join(folder, 'plane.json')));
  await using served = await startPage(service, { listen: '127.0.0.1:0', log: createLog({ level: 'warn' }) });
  const url = `http://${served.address}/`;
  const browser = await launch();
  try {
    const open = async (options: BrowserContextOptions): Promise<Page> => {
      const page = await browser.newPage(options);
      await page.goto(url);
      return page;
    };
    const light = await open({ colorScheme: 'light', viewport: { width: 1000, height: 760 } });
    const dark = await open({ colorScheme: 'dark', viewport: { width: 1000, height: 760 } });
    const narrow = await open({ colorScheme: 'dark', viewport: { width: 400, height: 860 } });
    const stop = new AbortController();
    const sending = traffic(service, stop.signal);
    await sleep(SECONDS * 1000);
    await picture(light, 'photos', light.locator('[data-route]').first());
    await picture(dark, 'prompts', dark.locator('[data-route]').nth(1));
    await picture(light, 'rest', light.locator('main'), { fromTop: await topOf(light, '#ports-title') });
    await picture(narrow, 'narrow', narrow.locator('body'), { height: 860 });
    stop.abort();
    await sending;
  } finally {
    await browser.close();
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Images at a rate that swells and ebbs, a prompt a second, now and then a text that no route takes; one swap. */
async function traffic(service: Service, stop: AbortSignal): Promise<void> {
  const to = `127.0.0.1:${service.plane.address('in').port}`;
  const { width, height, format, pixels } = await readImage('test/data/astronaut.png', 'rgb');
  await using images = await Sender.open({
    to,
    width,
    height,
    format,
    payloadType: 96,
    bitsPerSecond: 200e6,
  });
  await using texts = await Sender.open({ to, text: true, payloadType: 97 });
  await using strangers = await Sender.open({ to, text: true, payloadType: 99 });
  for (let turn = 1; !stop.aborted; turn++) {
    await images.send(pixels);
    if (turn % 3 === 0) await texts.send(prompt);
    if (turn % 70 < 3) await strangers.send('Nobody takes this.');
    if (turn === 100) await service.setTable('curve', identity);
    await sleep(200 + 100 * Math.sin(turn / 20));
  }
}

function topOf(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((node) => node.getBoundingClientRect().top + scrollY);
}

/** Of one part of the page, in few colours: pictures of a page need no more. */
async function picture(
  page: Page,
  name: string,
  of: ReturnType<Page['locator']>,
  { fromTop = 0, height }: { fromTop?: number; height?: number } = {},
): Promise<void> {
  const box = (await of.boundingBox())!;
  const y = Math.max(box.y, fromTop);
  const clip = {
    x: box.x,
    y,
    width: box.width,
    height: Math.min(height ?? Infinity, box.y + box.height - y),
  };
  const png = await page.screenshot({ fullPage: true, clip });
  const file = `docs/pictures/page-${name}.png`;
  await sharp(png).png({ palette: true, colours: 128, effort: 10 }).toFile(file);
  console.log(file);
}
