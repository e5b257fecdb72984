/**
 * Makes test/golden/text-small.json and text-published.json: what the pinned references make of texts by seed.
 * Needs their packages (npm run bench:peers), Debian's sentencepiece, and the published vocabularies (scripts/text-fixtures.mjs --all).
 *
 * usage: node build/ts/scripts/golden/make_text.js [small] [published]
 */
import { writeFileSync } from 'node:fs';
import {
  digest,
  type GoldenKind,
  type GoldenVocabulary,
  goldenPlan,
  goldenSamples,
  LITERALS,
  sha256OfFile,
} from '../../test/support/text-golden.js';
import { linesOnly } from '../../test/support/text-samples.js';
import {
  materialOf,
  publishedVocabularies,
  smallVocabularies,
  type VocabularyFile,
} from '../../test/support/text-vocabulary.js';
import { REFERENCES, referenceOf } from './text-references.js';

const sets = { small: smallVocabularies, published: publishedVocabularies } as const;

async function golden(file: VocabularyFile): Promise<GoldenVocabulary> {
  const reference = referenceOf(file);
  const material = materialOf(file);
  const lines = file.format === 'sentencepiece';
  const kinds: GoldenKind[] = [];
  for (const { kind, special, template } of goldenPlan(file.format)) {
    const texts = goldenSamples(kind, material).map((text) => (lines ? linesOnly(text) : text));
    const results = await reference(texts, { special, template });
    const offsets = template ? [] : results.flatMap((result) => result.offsets ?? []);
    kinds.push({
      kind,
      special,
      template,
      ids: results.map(({ ids }) => digest(ids)).join(''),
      ...(offsets.length === 0 ? {} : { offsets: offsets.map(digest).join('') }),
    });
  }
  const encoder = new TextEncoder();
  const literals = LITERALS.map((text) => encoder.encode(text)).map((text) =>
    lines ? linesOnly(text) : text,
  );
  const plain = goldenPlan(file.format)[0]!;
  const ids = (await reference(literals, plain)).map((result) => [...result.ids]);
  return { name: file.name, sha256: sha256OfFile(file.path), kinds, literals: ids };
}

const wanted = process.argv.slice(2);
for (const [set, files] of Object.entries(sets)) {
  if (wanted.length > 0 && !wanted.includes(set)) continue;
  const lines: string[] = [];
  for (const file of files()) {
    console.error(file.name);
    lines.push(JSON.stringify(await golden(file)));
  }
  const text = `{"references": ${JSON.stringify(REFERENCES)},\n"vocabularies": [\n${lines.join(',\n')}\n]}\n`;
  writeFileSync(`test/golden/text-${set}.json`, text);
}
