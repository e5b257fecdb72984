// How a process ends: an open plane keeps it alive like a server does, and nothing of ours stops or spoils an end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, start } from './fixture.js';

describe('the end of a process', () => {
  for (const way of ['open plane', 'ref after unref']) {
    test(`${way}: the process stays, and ends by a signal as any other`, async () => {
      const running = start('exit', way);
      await running.printed('up');
      await sleep(300);
      assert.equal(running.child.exitCode, null);
      running.child.kill('SIGTERM');
      assert.equal((await running.ended).signal, 'SIGTERM');
    });
  }

  for (const way of [
    'unref plane',
    'unref with traffic arriving',
    'calls in an exit handler',
    'open idle sender',
  ]) {
    test(`${way}: ends by itself`, async () => {
      await run('exit', way);
    });
  }

  for (const way of [
    'process.exit with traffic',
    'process.exit with deliveries held and a run under way',
    'process.exit while closing',
    'process.exit while starting',
    'process.exit with traffic here and in a Worker',
  ]) {
    test(`${way}: ends with its code`, async () => {
      for (let round = 0; round < 5; round++) await run('exit', way, { code: 7 });
    });
  }

  test('exit code is kept through close', async () => {
    await run('exit', 'exit code is kept through close', { code: 3 });
  });

  test('what onReady throws is an uncaught exception', async () => {
    const { err } = await run('exit', 'onReady throws', { code: 1 });
    assert.match(err, /from the consumer/);
    const { out } = await run('exit', 'onReady throws and is caught');
    assert.match(out, /from the consumer/);
  });

  test('a consumer that waits does not end the process with code 13', async () => {
    await run('exit', 'pending take');
  });

  test('a consumer that waits is told of the close', async () => {
    assert.equal((await run('exit', 'take pending at close')).out, 'true\n');
  });

  test('a send that is under way is finished before the process ends', async () => {
    assert.equal((await run('exit', 'pending send')).out, '2\n');
  });
});
