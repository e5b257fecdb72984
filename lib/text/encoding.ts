/** What `tokenize` returns: a text's tokens with all that models and their users ask for. */
import type { Columns } from './columns.js';

/** How places in a text are counted: as JavaScript's strings do, as bytes of UTF-8, or as code points. */
export type OffsetUnit = 'utf16' | 'byte' | 'codepoint';

/** Tokens in order; every column has a row per token. */
export class Encoding {
  readonly ids: Uint32Array;
  /** 1 for tokens that count, 0 for padding. */
  readonly attentionMask: Uint8Array;
  /** Which segment of the template a token belongs to. */
  readonly typeIds: Uint32Array;
  /** 1 for tokens that the template or padding added, 0 for those of the text. */
  readonly specialTokensMask: Uint8Array;
  /** begin, end, begin, end, ... of each token in its text; 0, 0 where it has none. In `offsetUnit`. */
  readonly offsets: Uint32Array;
  readonly offsetUnit: OffsetUnit;
  /** The number of the word that a token is of; -1 where it is of none. */
  readonly wordIds: Int32Array;
  /** 0: the token is of the text, 1: of its pair, -1: of neither. */
  readonly sequenceIds: Int8Array;
  readonly #columns: Columns;
  readonly #textOf: (id: number) => string | undefined;
  #overflow: readonly Encoding[] | undefined;

  /** @internal */
  constructor(columns: Columns, offsetUnit: OffsetUnit, textOf: (id: number) => string | undefined) {
    this.ids = columns.ids;
    this.attentionMask = columns.attentionMask;
    this.typeIds = columns.typeIds;
    this.specialTokensMask = columns.specialTokensMask;
    this.offsets = columns.offsets;
    this.offsetUnit = offsetUnit;
    this.wordIds = columns.wordIds;
    this.sequenceIds = columns.sequenceIds;
    this.#columns = columns;
    this.#textOf = textOf;
  }

  get length(): number {
    return this.ids.length;
  }

  /** The tokens as the vocabulary has them. */
  get tokens(): string[] {
    return Array.from(this.ids, (id) => this.#textOf(id) ?? '');
  }

  /** What truncation cut off, in parts of the same length; made when first asked for. */
  get overflow(): readonly Encoding[] {
    this.#overflow ??= this.#columns
      .overflow()
      .map((part) => new Encoding(part, this.offsetUnit, this.#textOf));
    return this.#overflow;
  }

  /** Where token `index` begins and ends in its text; nothing for a token of no text. */
  span(index: number): readonly [begin: number, end: number] | undefined {
    if (!((this.sequenceIds[index] ?? -1) >= 0)) return undefined;
    return [this.offsets[2 * index]!, this.offsets[2 * index + 1]!];
  }
}
