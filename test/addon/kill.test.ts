// A killed process leaves nothing that stops the next start.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../support/plane.js';
import { run, start } from './fixture.js';

test('killed with traffic, and started again on the same UDP port', async () => {
  const port = `${await freePort()}`;
  const first = start('receive', port);
  await first.printed('up');
  first.child.kill('SIGKILL');
  assert.equal((await first.ended).signal, 'SIGKILL');
  for (let round = 0; round < 3; round++) {
    const again = start('receive', port);
    await again.printed('up');
    again.child.kill('SIGKILL');
    await again.ended;
  }
  assert.match((await run('receive', `${port} once`)).out, new RegExp(`port ${port}\n`));
});
