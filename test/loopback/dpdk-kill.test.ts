// A process with a DPDK port that is ended by a signal, in traffic, leaves nothing that stops the next one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dataplane, Pipeline } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { dpdkMissing, eal } from '../support/dpdk.js';
import type { DpdkChildTask } from '../support/dpdk-child.js';
import { Child } from '../support/dpdk-children.js';
import { memifPort, planeOn, ringPort, route } from '../support/dpdk-loop.js';
import { eventually, takeOne } from '../support/plane.js';
import { image, resize } from '../support/small.js';
import { temporaryFolder } from '../support/tools.js';

const pipeline = Pipeline.compile(resize);
/** The same name each time: what a process leaves in its runtime folder, the next one finds. */
const named = { ...eal, filePrefix: `onpath-kill-${process.pid}` };

describe('a process on a ring', { skip: dpdkMissing() ?? false }, () => {
  const task: DpdkChildTask = { eal: named, port: ringPort() };

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    test(`that dies of ${signal} in traffic, and the next one with the same name`, async () => {
      for (let round = 0; round < 2; round++) {
        using child = await new Child(task).up();
        await sleep(20);
        child.process.kill(signal);
        assert.deepEqual(await child.ended, [null, signal]);
      }
      assert.deepEqual(await (await new Child({ ...task, samples: 5 }).up()).ended, [0, null]);
    });
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`that closes its plane on ${signal} ends by itself`, async () => {
      using child = await new Child({ ...task, graceful: true }).up();
      child.process.kill(signal);
      assert.deepEqual(await child.ended, [0, null]);
    });
  }

  test('that is killed while DPDK starts', async () => {
    for (const ms of [50, 150, 250, 350]) {
      using child = new Child(task);
      await sleep(ms);
      child.process.kill('SIGKILL');
      await child.ended;
    }
    assert.deepEqual(await (await new Child({ ...task, samples: 1 }).up()).ended, [0, null]);
  });
});

test('a peer over shared memory is killed and comes back, again and again; this end goes on', {
  skip: dpdkMissing() ?? false,
}, async () => {
  using folder = temporaryFolder();
  const socket = join(folder.path, 'memif.sock');
  await using plane = await Dataplane.start(
    planeOn([memifPort('server', socket)], [route({ port: 'server', pipeline })]),
  );
  const task: DpdkChildTask = { eal, port: memifPort('client', socket), to: '10.9.1.1:5004' };
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    using child = await new Child(task).up();
    for (let i = 0; i < 20; i++) {
      using sample = await takeOne(plane, 'r');
      assertSameBytes(sample.data, pipeline.run(image(Number(sample.requestId))).data);
    }
    await eventually('the link is up', () => plane.ports()[0]!.link?.up);
    child.process.kill(signal);
    assert.deepEqual(await child.ended, [null, signal]);
    await eventually('the link is down', () => plane.ports()[0]!.link?.up === false);
  }
});
