/** The live page in Chromium while a vocabulary is loaded and a pipeline swapped at full rate: it shows what the control API says. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startPage } from '../../lib/page/server.js';
import { log, type Running, running } from '../control/fixture.js';
import { changeAtFullRate, fullRateConfig, untilSeen } from '../control/full-rate.js';
import { missing } from '../support/tools.js';
import { counter, grouped, launch, open, rows, says } from './browser.js';

const LOAD = { images: 40_000, texts: 4000 };
const ROUTES = ['photos', 'prompts'];

describe('the live page in Chromium, at full rate', { skip: missing('chromium') }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it(
    'load and swap during send --rate max: every version once, every sample counted',
    {
      timeout: 170_000,
    },
    () =>
      untilSeen(async () => {
        await using plane = await running({ config: fullRateConfig(LOAD) });
        await using served = await startPage(plane.service, { listen: '127.0.0.1:0', log });
        await using opened = await open(browser, `http://${served.address}/`);
        const { page } = opened;
        await says(counter(page, 'route', 1, 'version'), '1');
        await noteVersions(page);
        if ((await changeAtFullRate(plane, LOAD)) === undefined) return false;
        await assertShown(page, plane);
        return true;
      }),
  );
});

/** What the page says of versions from now on, each text that differs from the one before. */
async function noteVersions(page: Page): Promise<void> {
  await page.evaluate(() => {
    const noted = [...document.querySelectorAll('[data-route] [data-counter=version]')].map((node) => {
      const texts = [node.textContent];
      new MutationObserver(() => {
        if (node.textContent !== texts.at(-1)) texts.push(node.textContent);
      }).observe(node, { childList: true, characterData: true, subtree: true });
      return texts;
    });
    Object.assign(globalThis, { noted });
  });
}

/** The plane is at rest: the page has come to say what the control API says. */
async function assertShown(page: Page, { client }: Running): Promise<void> {
  const { ports, routes } = await client.stats();
  for (const [i, name] of ROUTES.entries()) {
    const versions = await client.versions(name);
    const route = routes[i]!;
    assert.equal(route.name, name);
    for (const [label, value] of Object.entries({
      version: versions[0]!.version,
      packets: route.packetsUsed,
      complete: route.samplesComplete,
      delivered: route.samplesDelivered,
      dropped: 0,
    }))
      await says(counter(page, 'route', i, label), grouped(value));
    assert.deepEqual(
      (await rows(page.locator('[data-route]').nth(i).locator('.versions'))).map(([number, plan]) => [
        number,
        plan,
      ]),
      versions.map(({ version, hash }) => [`${version}`, hash.slice(0, 16)]),
    );
  }
  await says(counter(page, 'port', 0, 'received'), grouped(ports[0]!.rxPackets));
  await says(counter(page, 'port', 0, 'dropped'), '0');
  assert.deepEqual(await page.evaluate('noted'), [
    ['1', '2'],
    ['1', '2'],
  ]);
}
