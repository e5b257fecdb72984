/** Turns what the schema finds wrong into one typed error: which field, what it got, what was expected, where to read on. */
import type { z } from 'zod';
import { OnpathError } from './errors.js';
import type { ErrorCode } from './generated/error-codes.js';

type Issue = z.core.$ZodIssue;

/**
 * Validates, or throws one OnpathError that names the first wrong field.
 * @param what How the message calls the value, such as `pipeline`.
 */
export function parse<T extends z.ZodType>(
  schema: T,
  value: unknown,
  what: string,
  code: ErrorCode = 'INVALID_SPEC',
): z.output<T> {
  let result: z.ZodSafeParseResult<z.output<T>>;
  try {
    result = schema.safeParse(value, { reportInput: true });
  } catch (cause) {
    // A getter or proxy of the caller's.
    throw new OnpathError(code, `${what} could not be read: ${textOf(cause)}. Pass plain objects.`, {
      cause,
    });
  }
  if (result.success) return result.data;
  const { issues } = result.error;
  // A field that is missing is often one that was misspelt.
  const misspelt = issues.find((issue) => issue.code === 'unrecognized_keys');
  const { path, text } = closest(misspelt ?? issues[0]!);
  const where = path.length === 0 ? what : `${what}.${fieldText(path)}`;
  throw new SpecError(code, `${where}: ${text}. See docs/specification.md.`, path);
}

/** An error that knows its field, for those who know in which line of which file that stands. */
export class SpecError extends OnpathError {
  readonly path: readonly PropertyKey[];
  constructor(code: ErrorCode, message: string, path: readonly PropertyKey[]) {
    super(code, message);
    this.path = path;
  }
}

/**
 * A union fails with one list of issues for each alternative: the one that got farthest, with the fewest complaints, is what the caller
 * meant.
 */
function closest(issue: Issue): { path: readonly PropertyKey[]; text: string } {
  if (issue.code !== 'invalid_union') return { path: issue.path, text: expectation(issue) };
  const { discriminator } = issue;
  if (discriminator !== undefined) {
    return {
      path: issue.path,
      text: `${issue.message}, received ${shown(read(issue.input, discriminator))}`,
    };
  }
  const byFewest = [...issue.errors].sort((a, b) => a.length - b.length);
  const firsts = byFewest.map((alternative) => closest(alternative[0]!));
  const deepest = firsts.reduce((best, next) => (next.path.length > best.path.length ? next : best));
  if (deepest.path.length > 0) return { path: [...issue.path, ...deepest.path], text: deepest.text };
  const expected = firsts.map(({ text }) => withoutReceived(text));
  return { path: issue.path, text: `${[...new Set(expected)].join(' or ')}, received ${shown(issue.input)}` };
}

/** So many of the fields that nobody knows are named. */
const MOST_KEYS = 5;

/** What was expected and what came, without zod's own idea of the latter. */
function expectation(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') {
    const rest = issue.keys.length - MOST_KEYS;
    const named = issue.keys.slice(0, MOST_KEYS).map(shown).join(', ');
    return `unknown field ${named}${rest > 0 ? ` and ${rest} more` : ''}`;
  }
  return `${withoutReceived(issue.message)}, received ${shown(issue.input)}`;
}

function withoutReceived(text: string): string {
  return text.replace(/^Invalid input: /, '').replace(/, received .*$/s, '');
}

/** A field in a message: `routes[0].pipeline`. */
export function fieldText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** A value in a message: short, and without running any code of the caller's. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function read(value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
