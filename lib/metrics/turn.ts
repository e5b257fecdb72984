/** Long work in short turns, so that the event loop, which takes the samples, goes on in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';

const MOST_MS = 4;

export class Turn {
  #since = performance.now();

  /** A place where the work may pause. */
  async end(): Promise<void> {
    if (performance.now() - this.#since < MOST_MS) return;
    await nextTurn();
    this.#since = performance.now();
  }
}
