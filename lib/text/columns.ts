/** The columns of an encoding, and what truncation, templates and padding do to them. Knows no tokenizer. */
import { OnpathError } from '../errors.js';
import type { NativeTemplateItem, NativeTruncation } from '../native-text.js';

/** One row per token. Parts that truncation cut off are made when they are asked for: there can be many. */
export interface Columns {
  readonly ids: Uint32Array;
  readonly typeIds: Uint32Array;
  /** begin, end of each token. */
  readonly offsets: Uint32Array;
  /** -1: none. */
  readonly wordIds: Int32Array;
  readonly specialTokensMask: Uint8Array;
  readonly attentionMask: Uint8Array;
  /** 0 or 1, of which text a token is; -1: of none. */
  readonly sequenceIds: Int8Array;
  readonly overflow: () => readonly Columns[];
}

export interface Pad {
  readonly side: 'left' | 'right';
  readonly id: number;
  readonly typeId: number;
}

/** More cut-off parts than anyone reads: pairs of parts grow as a product. */
const MOST_PARTS = 1 << 20;
const none = (): readonly Columns[] => [];

/** A text's own tokens. */
export function ofText(
  ids: Uint32Array,
  sequence: 0 | 1,
  places?: { offsets: Uint32Array; words: Uint32Array },
): Columns {
  const { length } = ids;
  return {
    ids,
    typeIds: new Uint32Array(length).fill(sequence),
    offsets: places?.offsets ?? new Uint32Array(length * 2),
    wordIds: places === undefined ? new Int32Array(length).fill(-1) : Int32Array.from(places.words),
    specialTokensMask: new Uint8Array(length),
    attentionMask: new Uint8Array(length).fill(1),
    sequenceIds: new Int8Array(length).fill(sequence),
    overflow: none,
  };
}

/** Tokens that are of no text: a template's, or padding. */
function ofNone(ids: Uint32Array, typeId: number, attention: 0 | 1): Columns {
  const { length } = ids;
  return {
    ids,
    typeIds: new Uint32Array(length).fill(typeId),
    offsets: new Uint32Array(length * 2),
    wordIds: new Int32Array(length).fill(-1),
    specialTokensMask: new Uint8Array(length).fill(1),
    attentionMask: new Uint8Array(length).fill(attention),
    sequenceIds: new Int8Array(length).fill(-1),
    overflow: none,
  };
}

function part(all: Columns, from: number, to: number): Columns {
  return {
    ids: all.ids.slice(from, to),
    typeIds: all.typeIds.slice(from, to),
    offsets: all.offsets.slice(from * 2, to * 2),
    wordIds: all.wordIds.slice(from, to),
    specialTokensMask: all.specialTokensMask.slice(from, to),
    attentionMask: all.attentionMask.slice(from, to),
    sequenceIds: all.sequenceIds.slice(from, to),
    overflow: none,
  };
}

/**
 * What the reference makes of a text at all where it is to be cut: words until there are `most` tokens, and it goes on over added tokens
 * that follow at once. Parts that overflow end there. From the left, words are counted from the first one that was made.
 */
export function limitedTo(
  all: Columns,
  most: number,
  side: 'left' | 'right',
  isAdded: (index: number) => boolean,
): Columns {
  const { length } = all.ids;
  const { wordIds } = all;
  const step = side === 'right' ? 1 : -1;
  let at = side === 'right' ? 0 : length - 1;
  for (let made = 0; at >= 0 && at < length; ) {
    const word = wordIds[at]!;
    const first = at;
    while (at >= 0 && at < length && wordIds[at] === word) at += step;
    made += Math.abs(at - first);
    if (made >= most && !isAdded(first)) break;
  }
  if (side === 'right') return at >= length ? all : part(all, 0, at);
  const own = at < 0 ? all : part(all, at + 1, length);
  const before = own.wordIds[0] ?? 0;
  return before <= 0 ? own : { ...own, wordIds: own.wordIds.map((word) => word - before) };
}

/** The same with another span of the first token; in parts that overflow too. */
export function withFirstSpan(
  all: Columns,
  span: (id: number, begin: number, end: number) => readonly [number, number],
): Columns {
  const overflow =
    all.overflow === none ? none : once(() => all.overflow().map((one) => withFirstSpan(one, span)));
  const { offsets } = all;
  if (all.ids.length === 0) return { ...all, overflow };
  const [begin, end] = span(all.ids[0]!, offsets[0]!, offsets[1]!);
  if (begin === offsets[0] && end === offsets[1]) return { ...all, overflow };
  const moved = offsets.slice();
  moved.set([begin, end]);
  return { ...all, offsets: moved, overflow };
}

/** The first (or, from the right, last) `length` tokens; the others overflow, each part beginning `length - stride` further on. */
export function truncated(all: Columns, length: number, stride: number, side: 'left' | 'right'): Columns {
  const total = all.ids.length;
  if (length >= total) return all;
  if (length === 0) return { ...part(all, 0, 0), overflow: () => [all] };
  if (stride >= length) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `truncation.stride ${stride} must be less than the ${length} tokens that truncation leaves of the text. Use a smaller stride or a larger maxLength.`,
    );
  }
  const step = length - stride;
  const ranges = function* (): Generator<[number, number]> {
    for (let cut = 0; ; cut += step) {
      const far = Math.min(cut + length, total);
      yield side === 'right' ? [cut, far] : [total - far, total - cut];
      if (far === total) return;
    }
  };
  const [[from, to] = [0, 0]] = ranges();
  return {
    ...part(all, from, to),
    overflow: once(() => {
      limited((total - length) / step);
      return [...ranges()].slice(1).map(([begin, end]) => part(all, begin, end));
    }),
  };
}

/** Both texts cut to `maxLength` tokens together. `maxLength` has no room for a template's tokens any more. */
export function truncatedTexts(
  texts: readonly Columns[],
  { maxLength, stride, side, strategy }: NativeTruncation,
): Columns[] {
  const [first, second] = texts;
  const cut = (all: Columns, length: number) => truncated(all, length, stride, side);
  const total = texts.reduce((sum, { ids }) => sum + ids.length, 0);
  if (maxLength === 0) return texts.map((all) => cut(all, 0));
  if (total <= maxLength) return [...texts];
  if (strategy === 'longestFirst') {
    if (second === undefined) return [cut(first!, maxLength)];
    const lengths = shares(first!.ids.length, second.ids.length, maxLength);
    return [cut(first!, lengths[0]), cut(second, lengths[1])];
  }
  const which = strategy === 'onlyFirst' ? 0 : 1;
  const target = texts[which];
  const left = (target?.ids.length ?? 0) - (total - maxLength);
  if (target === undefined || left <= 0) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      target === undefined
        ? "truncation.strategy 'onlySecond' needs a pair, and there is only one text."
        : `truncation.strategy '${strategy}' would have to cut ${total - maxLength} of the ${target.ids.length} tokens of that text, and leave at least one. Use 'longestFirst' or a larger maxLength.`,
    );
  }
  return texts.map((all, i) => (i === which ? cut(all, left) : all));
}

/** How many tokens each of two texts keeps: the longer one gives first, then both alike. */
function shares(first: number, second: number, most: number): [number, number] {
  const swapped = first > second;
  let short = swapped ? second : first;
  let long = short > most ? short : Math.max(short, most - short);
  if (short + long > most) {
    short = Math.floor(most / 2);
    long = short + (most % 2);
  }
  return swapped ? [long, short] : [short, long];
}

/** Puts texts into a template. Of what overflows, the template's tokens surround each part. */
export function templated(
  template: readonly NativeTemplateItem[],
  texts: readonly Columns[],
  addSpecialTokens: boolean,
): Columns {
  let all: Columns | undefined;
  for (const { sequence, ids, typeId } of template) {
    let next: Columns;
    if (sequence === undefined) {
      if (!addSpecialTokens) continue;
      next = ofNone(Uint32Array.from(ids), typeId, 1);
    } else {
      const text = texts[sequence]!;
      next = { ...text, typeIds: new Uint32Array(text.ids.length).fill(typeId) };
    }
    all = all === undefined ? next : joined(all, next);
  }
  return all ?? ofNone(new Uint32Array(0), 0, 1);
}

/** Tokens that a template adds. */
export function addedBy(template: readonly NativeTemplateItem[]): number {
  return template.reduce((sum, { sequence, ids }) => sum + (sequence === undefined ? ids.length : 0), 0);
}

/** One behind the other. Parts that overflow are joined each with each, as the reference does. */
function joined(a: Columns, b: Columns): Columns {
  return {
    ids: concat(Uint32Array, a.ids, b.ids),
    typeIds: concat(Uint32Array, a.typeIds, b.typeIds),
    offsets: concat(Uint32Array, a.offsets, b.offsets),
    wordIds: concat(Int32Array, a.wordIds, b.wordIds),
    specialTokensMask: concat(Uint8Array, a.specialTokensMask, b.specialTokensMask),
    attentionMask: concat(Uint8Array, a.attentionMask, b.attentionMask),
    sequenceIds: concat(Int8Array, a.sequenceIds, b.sequenceIds),
    overflow:
      a.overflow === none && b.overflow === none
        ? none
        : once(() => {
            const others = b.overflow();
            limited((a.overflow().length + 1) * (others.length + 1));
            return [
              ...a
                .overflow()
                .flatMap((own) => [joined(own, b), ...others.map((other) => joined(own, other))]),
              ...others.map((other) => joined(a, other)),
            ];
          }),
  };
}

/** Brought to `length` tokens, parts that overflow too. */
export function padded(all: Columns, length: number, pad: Pad): Columns {
  const overflow =
    all.overflow === none ? none : once(() => all.overflow().map((one) => padded(one, length, pad)));
  const missing = length - all.ids.length;
  if (missing <= 0) return { ...all, overflow };
  const more = ofNone(new Uint32Array(missing).fill(pad.id), pad.typeId, 0);
  const own = { ...all, overflow: none };
  return { ...(pad.side === 'right' ? joined(own, more) : joined(more, own)), overflow };
}

type Column = Uint32Array | Int32Array | Uint8Array | Int8Array;

/** Both, one behind the other, in memory of their own. */
export function concat<T extends Column>(make: new (length: number) => T, a: T, b: T): T {
  const both = new make(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function limited(parts: number): void {
  if (parts <= MOST_PARTS) return;
  throw new OnpathError(
    'LIMIT_EXCEEDED',
    `Truncation cut off about ${Math.round(parts)} parts; at most ${MOST_PARTS} are made. Use a larger maxLength or a smaller stride.`,
  );
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
