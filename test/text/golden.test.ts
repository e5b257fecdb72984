// Tokenizers against golden vectors of the pinned references, through the public API: small vocabularies that together use every
// component, ids and offsets for texts by seed, and streams cut everywhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeGolden } from '../support/text-check.js';
import { goldenText } from '../support/text-golden.js';
import { smallVocabularies } from '../support/text-vocabulary.js';

const golden = goldenText('text-small.json');
const files = smallVocabularies();

test('there are golden vectors for every small vocabulary', () => {
  assert.deepEqual(
    golden.vocabularies.map(({ name }) => name),
    files.map(({ name }) => name),
  );
});

for (const file of files) {
  const vectors = golden.vocabularies.find(({ name }) => name === file.name);
  if (vectors !== undefined) describeGolden(file, vectors);
}
