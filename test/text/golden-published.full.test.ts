// Published vocabularies against golden vectors of the pinned references. Downloads the vocabularies that are not there yet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeGolden } from '../support/text-check.js';
import { goldenText } from '../support/text-golden.js';
import { installVocabularies, publishedVocabularies } from '../support/text-vocabulary.js';

installVocabularies();
const golden = goldenText('text-published.json');
const files = publishedVocabularies();

test('there are golden vectors for every published vocabulary', () => {
  assert.deepEqual(
    golden.vocabularies.map(({ name }) => name),
    files.map(({ name }) => name),
  );
});

for (const file of files) {
  const vectors = golden.vocabularies.find(({ name }) => name === file.name);
  if (vectors !== undefined) describeGolden(file, vectors);
}
