/** The log of a service: lines of JSON on standard error, or lines for people where that is a terminal. */
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { humanLine } from './human.js';

export type { Logger };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What waits for a reader that does not read; more is left out. */
const mostWaitingBytes = 1 << 20;

/**
 * A log that never holds up the event loop: lines are written beside it, and those that find a megabyte waiting are lost and counted.
 *
 * @example
 * const log = createLog({ level: 'info' });
 * log.info({ route: 'photos' }, 'started');
 */
export function createLog({ level = 'info' }: { readonly level?: LogLevel | undefined } = {}): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (process.stderr.isTTY) {
    const colours = process.stderr.hasColors();
    return pino(options, { write: (line) => void process.stderr.write(humanLine(line, colours)) });
  }
  const out = pino.destination({ fd: 2, sync: false, maxLength: mostWaitingBytes });
  const log = pino(options, out);
  let lost = 0;
  out.on('drop', () => {
    lost++;
  });
  out.on('drain', () => {
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    log.warn({ lines }, `${lines} lines of this log were lost because nobody read it fast enough`);
  });
  return log;
}
