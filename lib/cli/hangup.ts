/** SIGHUP: something is to be read again; or the terminal that a command was started in has gone, which ends it. */
import { closeSync, openSync } from 'node:fs';

/** Takes SIGHUP from now on, and does what it asks for as soon as it is told what that is. */
export class Hangups implements Disposable {
  readonly #inTerminal = hasTerminal();
  readonly #listener = (): void => this.#onSignal();
  #again: (() => Promise<void>) | undefined;
  #asked = false;
  #running = false;

  constructor() {
    process.on('SIGHUP', this.#listener);
  }

  /** Calls `again` on SIGHUP, one call after the other; signals that come during a call, or came before this, make one more. */
  answerBy(again: () => Promise<void>): void {
    this.#again = again;
    void this.#run();
  }

  [Symbol.dispose](): void {
    process.off('SIGHUP', this.#listener);
  }

  #onSignal(): void {
    if (this.#inTerminal && !hasTerminal()) {
      // What the signal does to whoever does not take it: Node cannot exit in an orderly way without the terminal it began in.
      this[Symbol.dispose]();
      process.kill(process.pid, 'SIGHUP');
      return;
    }
    this.#asked = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running || this.#again === undefined) return;
    this.#running = true;
    while (this.#asked) {
      this.#asked = false;
      await this.#again();
    }
    this.#running = false;
  }
}

/** Whether the process has a controlling terminal. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
