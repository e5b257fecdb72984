/** Truncation, templates, padding and what overflows, against encodings that npm's `tokenizers` made (scripts/golden/make_encodings.mjs). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ofText } from '../../lib/text/columns.js';
import { Encoding } from '../../lib/text/encoding.js';
import { Processor } from '../../lib/text/processor.js';
import {
  columnsOf,
  encodingCases,
  isTrimming,
  optionsOf,
  templatesOf,
  tokenOf,
} from '../support/encodings.js';

describe('columns of an encoding', () => {
  for (const [i, one] of encodingCases.entries()) {
    const truncation = one.truncation === undefined ? '' : ` ${JSON.stringify(one.truncation)}`;
    test(`case ${i}: ${one.vocabulary}, ${one.processor ?? 'its own template'}${truncation}`, () => {
      const { single, pair } = templatesOf(one);
      const defaults = { truncation: undefined, padding: undefined, padId: undefined };
      const textOf = (id: number) => tokenOf(one, id);
      const trim = isTrimming(one) ? { addPrefixSpace: true, textOf } : undefined;
      const allTypeZero = one.vocabulary === 'bytes' && one.processor === undefined;
      const processor = new Processor(single, pair, defaults, { trim, allTypeZero });
      const batch = one.texts.map((texts) =>
        texts.map(({ ids, offsets, words }, sequence) => ({
          columns: ofText(Uint32Array.from(ids), sequence as 0 | 1, {
            offsets: Uint32Array.from(offsets),
            words: Uint32Array.from(words),
          }),
          isAdded: () => false,
        })),
      );
      const made = processor.run(batch, optionsOf(one), 'codepoint');
      assert.deepEqual(
        made.map((columns, j) => columnsOf(new Encoding(columns, 'codepoint', textOf), one.expected[j]!)),
        one.expected,
      );
    });
  }
});
