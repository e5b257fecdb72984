/** What `onpath send` has sent so far: counted, shown, and ended by a signal. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OnpathError } from '../errors.js';
import type { SendReport } from '../sender.js';
import { Progress } from './progress.js';

/** So many samples may be under way: none waits for the one before it to be reported. */
const UNDER_WAY = 8;

export class Sending {
  readonly sent = { samples: 0, packets: 0, bytes: 0, refused: 0 };
  readonly signal: AbortSignal;
  readonly #begin = performance.now();
  readonly #progress: Progress;
  readonly #interval: number | undefined;
  readonly #underWay: Promise<void>[] = [];
  #begun = 0;
  #seconds = 0;

  /** @param interval Seconds from the begin of a sample to that of the next. */
  constructor(samples: number, interval: number | undefined, signal: AbortSignal) {
    this.#progress = new Progress('sending', samples);
    this.#interval = interval;
    this.signal = signal;
  }

  /** Seconds from the first sample until `end`. */
  get seconds(): number {
    return this.#seconds;
  }

  /** Sends one sample when its turn has come; false once a signal has ended it all. */
  async sample(send: () => Promise<SendReport>): Promise<boolean> {
    if (this.#interval !== undefined) {
      const due = this.#begin + this.#begun * this.#interval * 1000;
      await sleep(Math.max(0, due - performance.now()), undefined, { signal: this.signal }).catch(() => {});
    }
    if (this.signal.aborted) return false;
    this.#begun += 1;
    const one = send().then((report) => this.#add(report));
    // Looked at when its turn comes; until then a failure is not one that nobody handles.
    one.catch(() => {});
    this.#underWay.push(one);
    if (this.#underWay.length >= UNDER_WAY) await this.#settled();
    return !this.signal.aborted;
  }

  /** Waits for what is under way. @throws OnpathError of the first sample that could not be sent */
  async rest(): Promise<void> {
    while (this.#underWay.length > 0) await this.#settled();
  }

  end(): void {
    this.#seconds = (performance.now() - this.#begin) / 1000;
    this.#progress.end();
  }

  async #settled(): Promise<void> {
    try {
      await this.#underWay.shift();
    } catch (error) {
      // A sender that was closed by a signal gives up what it had.
      if (!(this.signal.aborted && error instanceof OnpathError)) throw error;
    }
  }

  #add(report: SendReport): void {
    this.sent.samples += 1;
    this.sent.packets += report.packets;
    this.sent.bytes += report.bytes;
    this.sent.refused += report.refused;
    this.#progress.add(1);
  }
}
