// Writes native/text/unicode_{kinds,categories,components}.inc: the classes of all code points as the
// pinned references have them, read off by probing.
//   node scripts/unicode/make_classes.mjs FOLDER     FOLDER/node_modules has tokenizers 0.23.2 and tiktoken 1.0.22
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codePoints, openReferences } from './references.mjs';
import { twoStages } from './two_stages.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { splitRegex, preTokenizer, tiktokenMatches } = openReferences(process.argv[2]);
const limit = 0x110000;
const all = codePoints().join('');

const engines = {
  oniguruma: (regex) => splitRegex(regex)(all).join(''),
  rust: (regex) => tiktokenMatches(regex, all),
};

const categories =
  'Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn'.split(' ');
const scripts = 'Han Hiragana Katakana Hangul Latin Greek Cyrillic Arabic Hebrew Thai Devanagari'.split(' ');

/// One bit for each code point that the matches of a class contain.
function members(matched) {
  const set = new Uint8Array(limit);
  for (const character of matched) set[character.codePointAt(0)] = 1;
  return set;
}

function classesOf(engine) {
  const find = engines[engine];
  const category = new Uint8Array(limit).fill(categories.indexOf('Cs'));
  const seen = new Uint8Array(limit);
  for (const [index, name] of categories.entries()) {
    if (name === 'Cs') continue;
    for (const character of find(`\\p{${name}}+`)) {
      const code = character.codePointAt(0);
      if (seen[code]) throw new Error(`${engine}: U+${code.toString(16)} is of two categories`);
      seen[code] = 1;
      category[code] = index;
    }
  }
  for (const [index, seenOnce] of seen.entries())
    if (!seenOnce && (index < 0xd800 || index >= 0xe000))
      throw new Error(`${engine}: U+${index.toString(16)} is of no category`);
  for (const letter of 'LMNPSZC') {
    const set = members(find(`\\p{${letter}}+`));
    for (let code = 0; code < limit; ++code) {
      const surrogate = code >= 0xd800 && code < 0xe000;
      if (!surrogate && set[code] !== Number(categories[category[code]][0] === letter))
        throw new Error(
          `${engine}: \\p{${letter}} is not the union of its categories at U+${code.toString(16)}`,
        );
    }
  }
  const digit = members(find('\\d+'));
  for (let code = 0; code < limit; ++code)
    if (digit[code] !== Number(categories[category[code]] === 'Nd'))
      throw new Error(`${engine}: \\d is not Nd`);
  return {
    category,
    space: members(find('\\s+')),
    word: members(find('\\w+')),
    scripts: scripts.map((name) => [name, members(find(`\\p{${name}}+`))]),
  };
}

const classes = { oniguruma: classesOf('oniguruma'), rust: classesOf('rust') };

// --- what the automata go by: the order is that of Kind in unicode.h
const kindOf = { Lu: 1, Lt: 1, Ll: 2, Lm: 3, Lo: 3, Mn: 4, Mc: 4, Me: 4, Nd: 5, Nl: 5, No: 5 };
function kinds({ category, space }) {
  return category.map((index, code) => {
    const name = categories[index];
    if (space[code]) {
      if (/[LMNPS]/.test(name[0])) throw new Error(`U+${code.toString(16)} is blank and ${name}`);
      return code === 0x0a || code === 0x0d ? 7 : 6;
    }
    return kindOf[name] ?? { P: 8, S: 9 }[name[0]] ?? 0;
  });
}

// --- the predicates of Hugging Face's own components, one bit each: the order is that of namespace component in unicode.h
function components() {
  const bits = new Uint8Array(limit);
  const mark = (definition, bit) => {
    // A code point is of the class if it is gone from, or cut out of, a pair of letters or commas around it.
    for (let first = 0; first < limit; first += 0x1000) {
      for (let code = first; code < first + 0x1000; ++code) {
        if (code >= 0xd800 && code < 0xe000) continue;
        if (definition(String.fromCodePoint(code))) bits[code] |= bit;
      }
    }
  };
  const whitespaceSplit = preTokenizer({ type: 'WhitespaceSplit' });
  const digits = preTokenizer({ type: 'Digits', individual_digits: false });
  const bert = preTokenizer({ type: 'BertPreTokenizer' });
  const punctuation = preTokenizer({ type: 'Punctuation', behavior: 'Isolated' });
  const whitespace = preTokenizer({ type: 'Whitespace' });
  mark((c) => !whitespaceSplit(`a${c}a`).join('').includes(`${c}a`) && c !== 'a', 1);
  mark((c) => digits(`.${c}.`).length === 3, 2);
  mark((c) => bert(`a${c}a`).length === 3, 4);
  mark((c) => punctuation(`a${c}a`).length === 3, 8);
  mark((c) => whitespace(`,${c}`)[1] === c, 16);
  mark((c) => whitespace(`a${c}`).length === 1 && whitespace(`,${c}`).length === 1, 32);
  for (let code = 0; code < limit; ++code) {
    const c = code >= 0xd800 && code < 0xe000 ? 'x' : String.fromCodePoint(code);
    if (bits[code] & 1 && bert(`a${c}a`).length !== 2) throw new Error(`Bert keeps U+${code.toString(16)}`);
    if (!(bits[code] & 1) && bert(`a${c}a`).join('') !== `a${c}a`)
      throw new Error(`Bert drops U+${code.toString(16)}`);
  }
  return bits;
}

// --- output
function numbers(values, perLine) {
  const lines = [];
  for (let i = 0; i < values.length; i += perLine) lines.push(`${values.slice(i, i + perLine).join(',')},`);
  return lines.join('\n');
}

function twoStage(name, values) {
  const { index, blocks } = twoStages(values);
  const count = Math.max(...index) + 1;
  if (count > 256) throw new Error(`${name}: ${count} blocks`);
  return [
    `constexpr uint8_t k${name}Index[${index.length}] = {\n${numbers(index, 32)}\n};`,
    `constexpr uint8_t k${name}Blocks[${blocks.length}] = {\n${numbers(blocks, 54)}\n};`,
  ].join('\n');
}

/// First code points of runs of one value, each shifted to make room for the value.
function runs(name, values) {
  const out = [];
  for (let code = 0; code < limit; ++code)
    if (code === 0 || values[code] !== values[code - 1])
      out.push(`0x${((code << 8) | values[code]).toString(16)}`);
  return `constexpr uint32_t k${name}[${out.length}] = {\n${numbers(out, 10)}\n};`;
}

/// First code points of runs inside and outside a set, in turn, beginning inside.
function edges(name, set) {
  const out = [];
  for (let code = 0; code < limit; ++code)
    if (set[code] !== (code === 0 ? 0 : set[code - 1])) out.push(`0x${code.toString(16)}`);
  if (set[limit - 1]) out.push('0x110000');
  return `constexpr uint32_t k${name}[${out.length}] = {\n${numbers(out, 10)}\n};`;
}

function write(file, parts) {
  const head = '// Generated by scripts/unicode/make_classes.mjs from tokenizers 0.23.2 and tiktoken 1.0.22.';
  writeFileSync(join(root, 'native/text', file), `${[head, '// clang-format off', ...parts].join('\n')}\n`);
}

// Both references follow one version of Unicode and differ in \w alone, so the other tables are shared.
const { oniguruma, rust } = classes;
const shared = (of) =>
  JSON.stringify([...of.category, ...of.space, ...of.scripts.flatMap(([, set]) => [...set])]);
if (shared(oniguruma) !== shared(rust)) throw new Error('the references differ in more than \\w');

write('unicode_kinds.inc', [twoStage('Kind', kinds(rust))]);
write('unicode_components.inc', [twoStage('Component', components())]);
write('unicode_categories.inc', [
  runs('Categories', rust.category),
  edges('Space', rust.space),
  edges('WordOniguruma', oniguruma.word),
  edges('WordRust', rust.word),
  ...rust.scripts.map(([name, set]) => edges(name, set)),
]);
