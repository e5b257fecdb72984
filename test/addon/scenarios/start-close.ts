// Starts and closes planes and senders, with traffic, many times in one process; threads, files and memory must not grow.
import assert from 'node:assert/strict';
import { fileCount, image, Pair, threadCount, until } from '../fixture.js';

const ROUNDS = 200;
const WARM_UP = 40;
const over = process.argv[2]!;
const collect = (globalThis as { gc?: () => void }).gc!;

async function round(): Promise<void> {
  const pair = await Pair.open(over === 'udp' ? 'udp' : 'again', 4);
  pair.pour();
  const held = await pair.take();
  const released = await pair.take();
  assert.ok(held.outputs[0]!.byteLength > 0);
  pair.sink.release(released.buffer);
  await pair.sender.send(image(), 1n).catch(() => undefined);
  await pair.close();
}

/** What is left once everything that is garbage has been collected; finalizers take a few turns of the event loop. */
async function look() {
  for (let turn = 0; turn < 5; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // A thread that was joined is listed until the kernel has taken it down.
  await until('no thread of ours', () => threadCount() === 0);
  return { files: fileCount(), bytes: process.memoryUsage().rss };
}

for (let i = 0; i < WARM_UP; i++) await round();
const before = await look();
for (let i = WARM_UP; i < ROUNDS; i++) await round();
const after = await look();
console.log(JSON.stringify({ before, after }));
assert.ok(after.files <= before.files, 'files');
assert.ok(after.bytes <= before.bytes + (16 << 20), 'memory');
