// Garbage collection: what is dropped comes back, what is in use stays.
import { describe, test } from 'node:test';
import { run } from './fixture.js';

describe('garbage collection', () => {
  for (const what of [
    'deliveries nobody holds give their slots back',
    'a released delivery is not given back again when it is collected',
    'outputs outlive the plane, its sink and its sender',
    'an open plane stays although nobody holds it',
    'a sender nobody holds finishes what it sends, then its thread ends',
    'programs and streams leave no memory',
  ]) {
    test(what, async () => {
      await run('collect', what, { nodeOptions: ['--expose-gc'] });
    });
  }

  test('deliveries nobody holds give their slots back, where outputs are copied', async () => {
    await run('collect', 'a released delivery is not given back again when it is collected', {
      nodeOptions: ['--expose-gc'],
      env: { ONPATH_COPY_OUTPUTS: '1' },
    });
  });
});
