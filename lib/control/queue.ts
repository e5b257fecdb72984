/** What bounds the work of the control API: changes one after the other, and the bytes of all uploads together. */
import { OnpathError } from '../errors.js';

/** Calls in the order in which they come, one at a time; so many wait at most. */
export class Queue {
  readonly #most: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws OnpathError BUSY, and whatever `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#most) {
      throw new OnpathError('BUSY', `${this.#most} changes wait already. Try again when they are done.`);
    }
    this.#waiting++;
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }
}

/** Bytes that may be held at a time. */
export class Budget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws OnpathError BUSY */
  take(bytes: number): void {
    if (this.#held + bytes > this.#most) {
      throw new OnpathError(
        'BUSY',
        `Uploads under way hold the ${this.#most} bytes that all of them may have. Try again when they are done.`,
      );
    }
    this.#held += bytes;
  }
  give(bytes: number): void {
    this.#held -= bytes;
  }
}
