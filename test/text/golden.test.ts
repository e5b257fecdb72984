// Tokenizers against golden vectors of the pinned references, through the public API: small vocabularies that together use every
// component, ids and offsets for texts by seed, and streams cut everywhere.
import { describeGolden } from '../support/text-check.js';
import { smallVocabularies } from '../support/text-vocabulary.js';

describeGolden('text-small.json', smallVocabularies());
