/** From the tokens of one or two texts to an encoding: truncation, template, padding. Equal to Hugging Face's `post_process`. */
import { OnpathError } from '../errors.js';
import type { NativeTemplateItem } from '../native-text.js';
import { addedBy, type Columns, padded, templated, truncatedTexts } from './columns.js';
import {
  type Defaults,
  type EncodeOptions,
  type Padding,
  paddedLength,
  paddingOf,
  truncationOf,
} from './options.js';

export class Processor {
  readonly single: readonly NativeTemplateItem[];
  readonly pair: readonly NativeTemplateItem[];
  readonly defaults: Defaults;

  constructor(
    single: readonly NativeTemplateItem[],
    pair: readonly NativeTemplateItem[],
    defaults: Defaults,
  ) {
    this.single = single.length > 0 ? single : [{ sequence: 0, ids: [], typeId: 0 }];
    this.pair = pair.length > 0 ? pair : [...this.single, { sequence: 1, ids: [], typeId: 1 }];
    this.defaults = defaults;
  }

  /** Whether an encoding is more than the tokens of the text and of its template. */
  changes(options: EncodeOptions | undefined): boolean {
    return (
      ((options?.truncation === undefined ? this.defaults.truncation : options.truncation) !== undefined &&
        options?.truncation !== false) ||
      paddingOf(options?.padding, this.defaults) !== undefined
    );
  }

  /** Each of `batch`: the tokens of one text or two. */
  run(batch: readonly (readonly Columns[])[], options: EncodeOptions | undefined): Columns[] {
    const all = batch.map((texts) => this.#one(texts, options));
    const padding = paddingOf(options?.padding, this.defaults);
    return padding === undefined ? all : this.#pad(all, padding);
  }

  #one(texts: readonly Columns[], options: EncodeOptions | undefined): Columns {
    const template = texts.length === 2 ? this.pair : this.single;
    const addSpecialTokens = options?.addSpecialTokens ?? true;
    const truncation = truncationOf(options?.truncation, this.defaults);
    if (truncation === undefined) return templated(template, texts, addSpecialTokens);
    const added = addSpecialTokens ? addedBy(template) : 0;
    if (truncation.maxLength < added) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `truncation.maxLength ${truncation.maxLength} is less than the ${added} special tokens around the text. Raise it, or pass addSpecialTokens: false.`,
      );
    }
    const kept = truncatedTexts(texts, { ...truncation, maxLength: truncation.maxLength - added });
    return templated(template, kept, addSpecialTokens);
  }

  #pad(all: readonly Columns[], padding: Padding): Columns[] {
    const length = paddedLength(
      padding,
      all.map(({ ids }) => ids.length),
    );
    return all.map((one) => padded(one, length, padding));
  }
}
