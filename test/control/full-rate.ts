/** A vocabulary is loaded and a pipeline swapped while images and prompts arrive as fast as they can be sent. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeNpy } from '../../lib/files/npy.js';
import type { Dataplane, PlaneStats } from '../../lib/index.js';
import { start } from '../cli/onpath.js';
import { assertBooksBalance, eventually, settled } from '../support/plane.js';
import { CONFIG, HEIGHT, otherVocabulary, type Running, WIDTH } from './fixture.js';

/** How many of each are sent at most: they end when the changes have been made, and some more have come. */
export interface Load {
  readonly images: number;
  readonly texts: number;
}

/** Slots for all: a consumer whose event loop loads a vocabulary meanwhile is slow, and that is not what is asked. */
export function fullRateConfig({ images, texts }: Load): string {
  return CONFIG.replace('port: 0 }', 'port: 0, receiveBufferBytes: 67108864 }')
    .replace('slots: 256', `slots: ${images}`)
    .replace('pipeline: prompts,', `pipeline: prompts, slots: ${texts},`);
}

/**
 * Where the kernel throws packets away, because the machine is too busy to take them, there is nothing to be seen: once more then.
 * @param run resolves to whether there was
 */
export async function untilSeen(run: () => Promise<boolean>): Promise<void> {
  for (let tries = 1; !(await run()); tries++)
    assert.ok(tries < 5, 'in every run the kernel dropped packets, or samples ended too soon');
}

/**
 * Fails if a sample is lost, or if versions did not change once for each change.
 * @returns undefined if the kernel dropped packets, or if no samples came after the change
 */
export async function changeAtFullRate(plane: Running, load: Load): Promise<PlaneStats | undefined> {
  const inFolder = (name: string) => join(plane.folder, name);
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  writeFileSync(inFolder('image.npy'), writeNpy({ dtype: 'uint8', shape: [HEIGHT, WIDTH, 3], data }));
  writeFileSync(inFolder('prompt.txt'), 'this is an example of the input prompt');

  const to = ['--to', plane.to, '--rate', 'max', '--json', '--repeat'];
  const images = start(['send', inFolder('image.npy'), ...to, `${load.images}`]);
  const texts = start([
    ...['send', inFolder('prompt.txt'), '--text', '--payload-type', '97'],
    ...[...to, `${load.texts}`],
  ]);
  const { plane: watched } = plane.service;
  await eventually('samples arrive', () =>
    watched.stats().routes.every(({ samplesComplete }) => samplesComplete > 0),
  );

  await Promise.all([
    plane.client.setPipeline('photos', '{"pipeline": "small"}'),
    plane.client.setVocabulary('words', otherVocabulary()),
  ]);
  const between = watched.stats().routes.map(({ samplesOpened }) => samplesOpened);
  let ended = false;
  void Promise.race([images.ended, texts.ended]).then(() => {
    ended = true;
  });
  await eventually(
    'more samples arrive',
    () => ended || watched.stats().routes.every((route, i) => route.samplesOpened > between[i]! + 50),
  );
  for (const { child } of [images, texts]) child.kill('SIGTERM');
  const sent = (await Promise.all([images.ended, texts.ended])).map(({ code, out, error }) => {
    assert.equal(code, 0, error);
    return JSON.parse(out) as { samples: number; packets: number; refused: number };
  });
  const samples = sent.map((one) => one.samples);
  assert.deepEqual(
    sent.map(({ refused }) => refused),
    [0, 0],
  );

  const packets = sent.reduce((sum, one) => sum + one.packets, 0);
  if (!(await allCame(watched, packets))) return undefined;
  // Nor is there anything to be seen where the sender had ended before the change.
  if (between[0] === samples[0] || between[1] === samples[1]) return undefined;
  const stats = await settled(watched, packets);
  assert.deepEqual(
    stats.routes.map(({ samplesComplete }) => samplesComplete),
    samples,
    JSON.stringify(stats.routes.map(({ drops }) => drops)),
  );
  const last = await eventually('all are delivered', () => {
    const now = watched.stats();
    return now.routes.every((route) => route.samplesDelivered === route.samplesComplete) && now;
  });
  assertBooksBalance(last);
  for (const route of ['photos', 'prompts']) {
    assert.deepEqual(
      (await plane.client.versions(route)).map(({ version }) => version),
      [2, 1],
    );
  }
  return last;
}

/** Of packets that were sent: what the kernel dropped last it tells with the next packet only, and here comes none. */
async function allCame(plane: Dataplane, packets: number): Promise<boolean> {
  let came = -1;
  for (;;) {
    const { rxPackets, rxMissed } = plane.stats().ports[0]!;
    if (rxPackets >= packets || rxMissed > 0) return rxMissed === 0;
    if (rxPackets === came) return false;
    came = rxPackets;
    await sleep(1000);
  }
}
