// Several environments in one process, and their end at every point of the life cycle.
import { describe, test } from 'node:test';
import { run } from './fixture.js';

describe('worker_threads', () => {
  test('four with a plane each, at once, and the main thread after them', async () => {
    await run('workers', 'four');
  });

  for (const what of [
    'traffic over a memory link',
    'traffic over udp',
    'deliveries held',
    'runs under way',
    'a busy loop of calls',
    'starting',
    'starting and closing',
    'closing',
    'a waiting consumer',
    'a slow send',
    'process.exit',
  ]) {
    test(`terminated with ${what}: leaves no thread and no file, and the main thread goes on`, async () => {
      await run('workers', what);
    });
  }
});
