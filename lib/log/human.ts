/** A line of the log as people read it in a terminal. */
import { styleText } from 'node:util';

const styles: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  trace: 'dim',
  debug: 'dim',
  info: 'cyan',
  warn: 'yellow',
  error: 'red',
  fatal: ['bold', 'red'],
};

/**
 * `15:12:43.120 warn  photos: 12 packets dropped as late  route=photos reason=late`
 * @param line JSON, as pino writes it.
 */
export function humanLine(line: string, colours: boolean): string {
  const { level, time, msg = '', pid: _pid, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const name = String(level).padEnd(5);
  const shown = colours ? styleText(styles[String(level)] ?? 'reset', name) : name;
  const clock = new Date(String(time))
    .toLocaleTimeString('sv-SE', { fractionalSecondDigits: 3 })
    .replace(',', '.');
  const problem = (err as { message?: unknown } | undefined)?.message;
  const rest = Object.entries(problem === undefined ? fields : { ...fields, problem }).map(
    ([key, value]) => `${key}=${fieldText(value)}`,
  );
  const details = rest.join(' ');
  const text = `${clock} ${shown} ${printable(String(msg))}`;
  return `${text}${details === '' ? '' : `  ${colours ? styleText('dim', details) : details}`}\n`;
}

/** As it is if it can be told from what stands around it, else as JSON. */
function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : printable(JSON.stringify(value));
}

/** What a terminal would obey is shown, not sent. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
