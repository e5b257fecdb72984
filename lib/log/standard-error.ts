/** Standard error for a log: written beside the event loop, within a bound, and no reason to fail or to wait for. */
import { write, writeSync } from 'node:fs';

const FD = 2;
/** What waits for a reader that does not read; more is lost. */
const MOST_WAITING_CHARACTERS = 1 << 20;
/** After a pipe was found full. */
const AGAIN_MS = 50;
/** A process that wants to end waits so often for a reader that takes nothing. */
const MOST_TRIES = 20;

export class StandardError {
  readonly #onLost: (lines: number) => void;
  #waiting: string[] = [];
  #length = 0;
  #writing = false;
  #lost = 0;
  /** What waits for room in the pipe. */
  #rest: Buffer = Buffer.alloc(0);

  /** @param onLost Called with how many lines were lost when one could be written again. */
  constructor(onLost: (lines: number) => void) {
    this.#onLost = onLost;
    process.on('exit', () => this.#flush());
  }

  write(line: string): void {
    if (this.#length + line.length > MOST_WAITING_CHARACTERS) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line);
    this.#length += line.length;
    if (!this.#writing) this.#next();
  }

  #next(): void {
    const lines = this.#take();
    this.#writing = lines.length > 0;
    if (this.#writing) this.#write(Buffer.from(lines.join('')), lines.length);
  }

  #write(bytes: Buffer, lines: number, tries = 0): void {
    write(FD, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        this.#rest = bytes;
        const timer = setTimeout(() => this.#write(bytes, lines, tries + 1), AGAIN_MS);
        if (tries >= MOST_TRIES) timer.unref();
        return;
      }
      this.#rest = Buffer.alloc(0);
      if (error === null && written < bytes.length) {
        this.#write(bytes.subarray(written), lines);
        return;
      }
      // A full disk, a reader that is gone: there is nobody to be told, and nothing that may end for it.
      if (error !== null) this.#lost += lines;
      else this.#tellLost();
      this.#next();
    });
  }

  #tellLost(): void {
    if (this.#lost === 0) return;
    const lines = this.#lost;
    this.#lost = 0;
    this.#onLost(lines);
  }

  #take(): string[] {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#length = 0;
    return lines;
  }

  /** At the end of the process: what still waits, as far as it can be had out. */
  #flush(): void {
    try {
      writeSync(FD, Buffer.concat([this.#rest, Buffer.from(this.#take().join(''))]));
    } catch {
      // As above.
    }
  }
}
