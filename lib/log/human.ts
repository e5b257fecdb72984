/** A line of the log as people read it in a terminal. */
import { STEERING } from '../visible.js';

const DIM = 2;
/** Of ECMA-48's "select graphic rendition". */
const styles: Readonly<Record<string, number>> = {
  trace: DIM,
  debug: DIM,
  info: 36,
  warn: 33,
  error: 31,
  fatal: 31,
};

const styled = (style: number, text: string): string => `\u001b[${style}m${text}\u001b[0m`;

/**
 * `15:12:43.120 warn  photos: 12 packets dropped as late  route=photos reason=late`
 * @param line JSON, as pino writes it.
 */
export function humanLine(line: string, colours: boolean): string {
  const { level, time, msg = '', pid: _pid, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const name = String(level).padEnd(5);
  const shown = colours ? styled(styles[String(level)] ?? DIM, name) : name;
  const at = new Date(String(time));
  const clock = `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  const problem = (err as { message?: unknown } | undefined)?.message;
  const rest = Object.entries(problem === undefined ? fields : { ...fields, problem }).map(
    ([key, value]) => `${printable(key)}=${fieldText(value)}`,
  );
  const details = rest.join(' ');
  const text = `${clock} ${shown} ${printable(String(msg))}`;
  return `${text}${details === '' ? '' : `  ${colours ? styled(DIM, details) : details}`}\n`;
}

/** As it is if it can be told from what stands around it, else as JSON. */
function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : printable(JSON.stringify(value));
}

/** What a terminal would obey is shown, not sent. */
function printable(text: string): string {
  return text.replace(STEERING, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
