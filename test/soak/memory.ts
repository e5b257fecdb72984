/** Whether memory stays flat: the resident set once a second. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

declare const gc: (() => void) | undefined;

interface Reading {
  readonly seconds: number;
  readonly bytes: number;
}

export class MemoryWatch {
  readonly #readings: Reading[] = [];
  readonly #started = performance.now();

  /** What JavaScript does not need any more is collected first, else its garbage would hide the rest. */
  read(): number {
    if (typeof gc === 'function') gc();
    const bytes = process.memoryUsage.rss();
    this.#readings.push({ seconds: (performance.now() - this.#started) / 1000, bytes });
    return bytes;
  }

  /**
   * Bytes by which the resident set has risen from `after` seconds on: its least in the last third of that time over its least in the
   * first. What is taken and given back does not count; what leaks does.
   */
  growth(after: number): { bytes: number; seconds: number } {
    const readings = this.#readings.filter(({ seconds }) => seconds >= after);
    const third = Math.floor(readings.length / 3);
    if (third === 0) return { bytes: 0, seconds: 0 };
    const least = (of: readonly Reading[]) => Math.min(...of.map(({ bytes }) => bytes));
    return {
      bytes: least(readings.slice(-third)) - least(readings.slice(0, third)),
      seconds: readings.at(-1)!.seconds - readings[0]!.seconds,
    };
  }
}

/** How late timers of the event loop are, in milliseconds. */
export function watchEventLoop(): () => { p50: number; p99: number; max: number } {
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  return () => {
    delays.disable();
    const ms = (ns: number) => Math.max(0, ns / 1e6 - 10);
    return { p50: ms(delays.percentile(50)), p99: ms(delays.percentile(99)), max: ms(delays.max) };
  };
}
