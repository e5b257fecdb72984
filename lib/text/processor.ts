/** From the tokens of one or two texts to an encoding: truncation, template, padding. Equal to Hugging Face's `post_process`. */
import { OnpathError } from '../errors.js';
import type { NativeTemplateItem } from '../native-text.js';
import {
  addedBy,
  type Columns,
  limitedTo,
  padded,
  templated,
  truncatedTexts,
  withFirstSpan,
} from './columns.js';
import type { OffsetUnit } from './encoding.js';
import {
  type Defaults,
  type EncodeOptions,
  type Padding,
  paddedLength,
  paddingOf,
  truncationOf,
} from './options.js';

/** The tokens of a text, and which of them were found as added tokens. */
export interface Tokens {
  readonly columns: Columns;
  readonly isAdded?: (index: number) => boolean;
}

/** How blanks at the edges of tokens are left out of their spans. */
export interface Trim {
  /** Whether a blank before a part's first token is taken for one that was added, and stays. */
  readonly addPrefixSpace: boolean;
  readonly textOf: (id: number) => string | undefined;
}

/** What the file's post-processor does beside its templates. */
export interface Habits {
  /** Absent: spans are as they are. */
  readonly trim?: Trim | undefined;
  /** Type ids are 0 also in what truncation cuts off. */
  readonly allTypeZero?: boolean;
}

export class Processor {
  readonly single: readonly NativeTemplateItem[];
  readonly pair: readonly NativeTemplateItem[];
  readonly defaults: Defaults;
  readonly #habits: Habits;

  constructor(
    single: readonly NativeTemplateItem[],
    pair: readonly NativeTemplateItem[],
    defaults: Defaults,
    habits: Habits = {},
  ) {
    this.single = single.length > 0 ? single : [{ sequence: 0, ids: [], typeId: 0 }];
    this.pair = pair.length > 0 ? pair : [...this.single, { sequence: 1, ids: [], typeId: 1 }];
    this.defaults = defaults;
    this.#habits = habits;
  }

  /** Whether an encoding is more than the tokens of the text and of its template. */
  changes(options: EncodeOptions | undefined): boolean {
    return (
      truncationOf(options?.truncation, this.defaults) !== undefined ||
      paddingOf(options?.padding, this.defaults) !== undefined
    );
  }

  /** Each of `batch`: the tokens of one text or two; spans in `unit`. */
  run(
    batch: readonly (readonly Tokens[])[],
    options: EncodeOptions | undefined,
    unit: OffsetUnit = 'byte',
  ): Columns[] {
    const all = batch.map((texts) => this.#one(texts, options, unit));
    const padding = paddingOf(options?.padding, this.defaults);
    return padding === undefined ? all : this.#pad(all, padding);
  }

  #one(texts: readonly Tokens[], options: EncodeOptions | undefined, unit: OffsetUnit): Columns {
    const template = texts.length === 2 ? this.pair : this.single;
    const addSpecialTokens = options?.addSpecialTokens ?? true;
    const truncation = truncationOf(options?.truncation, this.defaults);
    const whole = texts.map(({ columns }) => (this.#habits.allTypeZero ? untyped(columns) : columns));
    if (truncation === undefined) return templated(template, whole, addSpecialTokens);
    const added = addSpecialTokens ? addedBy(template) : 0;
    const { maxLength, strategy, side } = truncation;
    if (maxLength < added) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `truncation.maxLength ${maxLength} is less than the ${added} special tokens around the text. Raise it, or pass addSpecialTokens: false.`,
      );
    }
    const made = whole.map((columns, i) =>
      strategy === 'onlySecond' && i === 0
        ? columns
        : limitedTo(columns, maxLength, side, texts[i]?.isAdded ?? (() => false)),
    );
    const kept = truncatedTexts(made, { ...truncation, maxLength: maxLength - added });
    return templated(
      template,
      kept.map((all) => this.#untrimmed(all, unit)),
      addSpecialTokens,
    );
  }

  /** Spans were trimmed in the whole text, where only its own first token can have a blank that stays. */
  #untrimmed(all: Columns, unit: OffsetUnit): Columns {
    const { trim } = this.#habits;
    if (trim?.addPrefixSpace !== true) return all;
    return withFirstSpan(all, (id, begin, end) => {
      const [first = '', second = ''] = trim.textOf(id) ?? '';
      if (begin === 0 || !isBlank(first) || isBlank(second)) return [begin, end];
      const width = unit === 'byte' && first !== SPACE ? Buffer.byteLength(first) : 1;
      return [begin - width, second === '' ? begin - width : end];
    });
  }

  #pad(all: readonly Columns[], padding: Padding): Columns[] {
    const length = paddedLength(
      padding,
      all.map(({ ids }) => ids.length),
    );
    return all.map((one) => padded(one, length, padding));
  }
}

function untyped(columns: Columns): Columns {
  return { ...columns, typeIds: new Uint32Array(columns.ids.length) };
}

/** The stand-in of a space in byte-level vocabularies. */
const SPACE = '\u0120';

function isBlank(character: string): boolean {
  return character === SPACE || /^[\p{White_Space}]$/u.test(character);
}
