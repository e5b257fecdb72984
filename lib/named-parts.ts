/** Lookup tables and tokenizers that a specification refers to by name, so that they can be exchanged later. */
import { OnpathError } from './errors.js';

/** What the addon cannot know: which part has which name, and how the messages call it. */
export interface PartKind<Part> {
  /** The option that gives them. */
  readonly option: 'tables' | 'vocabularies';
  /** The class, such as "a LookupTable". */
  readonly expected: string;
  readonly is: (value: unknown) => value is Part;
}

/**
 * The given parts by name: one for each name that the specification uses, and no other.
 * @throws OnpathError INVALID_SPEC (a name that nothing was given for), INVALID_ARGUMENT
 */
export function namedParts<Part>(
  kind: PartKind<Part>,
  given: Readonly<Record<string, Part>> | undefined,
  used: ReadonlySet<string>,
): ReadonlyMap<string, Part> {
  const parts = new Map(partsOf(kind, given));
  for (const name of used) {
    if (parts.has(name)) continue;
    throw new OnpathError(
      'INVALID_SPEC',
      `The specification names "${name}", but options.${kind.option} has nothing of that name (${listed(parts.keys())}). Give ${kind.expected} under it.`,
    );
  }
  for (const name of parts.keys()) {
    if (used.has(name)) continue;
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `options.${kind.option} has "${name}", which the specification does not name (${listed(used)}). Leave it out, or name it in a stage.`,
    );
  }
  return parts;
}

/**
 * The parts with some of them exchanged.
 * @throws OnpathError NOT_FOUND (a name that is not used), INVALID_ARGUMENT
 */
export function exchangedParts<Part>(
  kind: PartKind<Part>,
  parts: ReadonlyMap<string, Part>,
  by: Readonly<Record<string, Part>>,
): Record<string, Part> {
  for (const [name] of partsOf(kind, by)) {
    if (parts.has(name)) continue;
    throw new OnpathError(
      'NOT_FOUND',
      `This pipeline has no ${kind.expected.replace(/^an? /, '')} named "${name}". It has: ${listed(parts.keys())}.`,
    );
  }
  return { ...Object.fromEntries(parts), ...by };
}

function partsOf<Part>(kind: PartKind<Part>, given: unknown): [string, Part][] {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `options.${kind.option} must be an object with ${kind.expected} under each name, received ${typeof given}.`,
    );
  }
  return Object.entries(given).map(([name, part]) => {
    if (kind.is(part)) return [name, part];
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `options.${kind.option}.${name} must be ${kind.expected}, received ${typeof part}.`,
    );
  });
}

const listed = (names: Iterable<string>): string =>
  [...names].map((name) => `"${name}"`).join(', ') || 'none';
