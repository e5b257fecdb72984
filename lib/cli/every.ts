/** Something done again and again until a command is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls `work` at once and then so often, one call after the other; resolves when the signal is aborted. What `work` throws else ends it. */
export async function every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    for (let next = performance.now(); !signal.aborted; ) {
      await work();
      next = Math.max(next + ms, performance.now());
      await sleep(next - performance.now(), undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
