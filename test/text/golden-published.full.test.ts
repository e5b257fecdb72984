// Published vocabularies against golden vectors of the pinned references. Downloads the vocabularies that are not there yet.
import { describeGolden } from '../support/text-check.js';
import { installVocabularies, publishedVocabularies } from '../support/text-vocabulary.js';

installVocabularies();
describeGolden('text-published.json', publishedVocabularies());
