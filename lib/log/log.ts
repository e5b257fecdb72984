/** The log of a service: lines of JSON on standard error, or lines for people where that is a terminal. */
import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { LogLevel } from '../files/config-schema.js';
import { humanLine } from './human.js';
import { StandardError } from './standard-error.js';

export type { Logger };

/**
 * A log that never holds up the event loop: lines are written beside it, and those that find a megabyte waiting are lost and counted.
 *
 * @example
 * const log = createLog({ level: 'info' });
 * log.info({ route: 'photos' }, 'started');
 */
export function createLog({ level = 'info' }: { readonly level?: LogLevel | undefined } = {}): Logger {
  const out = new StandardError((lines) =>
    log.warn(
      { lines },
      `${lines} lines of this log were lost: they could not be written fast enough, or at all`,
    ),
  );
  const colours = process.stderr.isTTY && process.stderr.hasColors();
  const log = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    process.stderr.isTTY ? { write: (line: string) => out.write(humanLine(line, colours)) } : out,
  );
  return log;
}
