// Writes test/golden/pre_tokenizers.json: what tokenizers 0.23.2 cuts of made-up texts, in bytes.
//   node scripts/golden/make_pre_tokenizers.mjs FOLDER    FOLDER/node_modules has tokenizers and tiktoken
// One case per line: the text's bytes as hexadecimal digits; begin and end of every piece that is kept.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openReferences } from '../unicode/references.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { preTokenizerSpans } = openReferences(process.argv[2]);

const split = (regex, behavior = 'Isolated', invert = false) => ({
  type: 'Split',
  pattern: { Regex: regex },
  behavior,
  invert,
});
const sequence = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });

/// The regexes as the C++ header has them.
const header = readFileSync(join(root, 'native/text/pre_tokenizer_patterns.h'), 'utf8');
const raw = (name) => header.match(new RegExp(`${name} =\\s*R"\\((.*)\\)";`))[1];
const deepseek = [
  '\\p{N}{1,3}',
  '[一-龥぀-ゟ゠-ヿ]+',
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
];

const definitions = {
  gpt2: split(raw('kGpt2')),
  cl100k: split(raw('kCl100k')),
  qwen2: split(raw('kQwen2')),
  o200k: split(raw('kO200k')),
  tekken: split(raw('kTekken')),
  deepseek3: sequence(...deepseek.map((regex) => split(regex))),
  clip: sequence(split(raw('kClip'), 'Removed', true), split(raw('kGpt2'))),
  bert: { type: 'BertPreTokenizer' },
  whitespace: { type: 'Whitespace' },
  whitespace_split: { type: 'WhitespaceSplit' },
  digits: { type: 'Digits', individual_digits: false },
  punctuation_next: { type: 'Punctuation', behavior: 'MergedWithNext' },
  punctuation_previous: { type: 'Punctuation', behavior: 'MergedWithPrevious' },
  punctuation_contiguous: { type: 'Punctuation', behavior: 'Contiguous' },
  punctuation_then_digits: sequence(
    { type: 'Punctuation', behavior: 'Isolated' },
    { type: 'Digits', individual_digits: true },
  ),
  bloom: sequence(split('[^(\\s|[.,!?…。，、।۔،])]+')),
};

// --- texts
let state = 20240607n;
function below(bound) {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number(((state >> 32n) * BigInt(bound)) >> 32n);
}
const pick = (list) => list[below(list.length)];
const alphabets = [
  ['a', 'b', 'S', 'T', 'é', 'ß', 'ſ', 'K', 'ǅ', 'ʰ', '日', 'あ', 'ー', '゛', '・', '\u0301', 'ः'],
  [' ', '  ', '\n', '\r\n', '\t', '\v', '\u0085', '\u00a0', '\u3000', '\u2028', ' \n '],
  ["'", "'s", "'S", "'re", "'RE", "'ll", "'d", "'ſ", "'v", "''"],
  ['1', '12', '1234', '٣', 'Ⅷ', '½'],
  [
    '.',
    '!',
    '/',
    '//',
    '-',
    '<|',
    '|>',
    '(',
    '…',
    '€',
    '_',
    '\0',
    '\x7f',
    '\u200b',
    '😀',
    '\u0378',
    '\u180e',
  ],
  ['the', 'Hello', 'WORLD', 'camelCase', "don't", "we'll", 'привет', '中文', 'カタカナ', '<|endoftext|>'],
];
function text() {
  const favourite = pick(alphabets);
  let made = '';
  for (let i = below(24) + 1; i > 0; --i) {
    const item = pick(below(2) ? favourite : pick(alphabets));
    made += below(30) === 0 ? item.repeat(below(40)) : item;
  }
  return made;
}

const cases = Object.entries(definitions).flatMap(([name, definition]) => {
  const spans = preTokenizerSpans(definition);
  return Array.from({ length: 60 }, () => {
    const made = `a${text()}`; // something is always kept
    return { name, text: Buffer.from(made).toString('hex'), spans: spans(made).flat() };
  });
});
const spaced = (value) => JSON.stringify(value).replaceAll('":', '": ').replaceAll(',', ', ');
writeFileSync(join(root, 'test/golden/pre_tokenizers.json'), `[\n${cases.map(spaced).join(',\n')}\n]\n`);
