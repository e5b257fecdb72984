// Deliveries that are copies: slots come back at once, release() still detaches.
import assert from 'node:assert/strict';
import { expected, image, Pair } from '../fixture.js';

const pair = await Pair.open('copies', 1);
const held = [];
for (let seed = 0; seed < 20; seed++) {
  await pair.sender.send(image(seed), BigInt(seed));
  held.push(await pair.take());
}
for (const [seed, { buffer, outputs }] of held.entries()) {
  assert.deepEqual(new Uint8Array(outputs[0]!), expected(pair.program, image(seed)));
  pair.sink.release(buffer);
  assert.equal(outputs[0]!.byteLength, 0);
  pair.sink.release(buffer);
}
await pair.close();
