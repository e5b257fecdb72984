/** Whether memory stays flat: the resident set once a second, and the line through it. */
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

  /** Bytes by which the line of least squares rises from `after` seconds to the end, and the span of it. */
  growth(after: number): { bytes: number; seconds: number } {
    const readings = this.#readings.filter(({ seconds }) => seconds >= after);
    if (readings.length < 3) return { bytes: 0, seconds: 0 };
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const [x, y] = [mean(readings.map((r) => r.seconds)), mean(readings.map((r) => r.bytes))];
    let [products, squares] = [0, 0];
    for (const { seconds, bytes } of readings) {
      products += (seconds - x) * (bytes - y);
      squares += (seconds - x) ** 2;
    }
    const seconds = readings.at(-1)!.seconds - readings[0]!.seconds;
    return { bytes: (products / squares) * seconds, seconds };
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
