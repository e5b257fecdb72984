// Writes native/text/unicode_map_*.inc: what tokenizers 0.23.2 makes of every code point. Mappings, canonical order,
// compositions and the classes that its normalizers ask for are read off by probing the package itself; its
// grapheme clusters (of the crate unicode-segmentation 1.13.2) from that crate's table, since no call shows them.
//
//   node scripts/unicode/make_maps.mjs FOLDER_OF_TOKENIZERS FOLDER_OF_UNICODE_SEGMENTATION
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { twoStages } from './two_stages.mjs';

const [tokenizersFolder, segmentationFolder] = process.argv.slice(2);
const reference = createRequire(import.meta.url)(tokenizersFolder);
const room = join(dirname(fileURLToPath(import.meta.url)), '../../native/text');
const LIMIT = 0x110000;
const isSurrogate = (c) => c >= 0xd800 && c < 0xe000;
const text = (...cs) => String.fromCodePoint(...cs);

const nfd = reference.nfdNormalizer();
const nfc = reference.nfcNormalizer();
const nfkd = reference.nfkdNormalizer();
const lowercase = reference.lowercase();
const strip = reference.stripNormalizer(true, false);
const stripAccents = reference.stripAccentsNormalizer();
const bert = (options) =>
  reference.bertNormalizer({
    cleanText: false,
    handleChineseChars: false,
    stripAccents: false,
    lowercase: false,
    ...options,
  });
const clean = bert({ cleanText: true });
const stripMarks = bert({ stripAccents: true });
const chinese = bert({ handleChineseChars: true });

// Code points whose canonical class is not 0 are those that change places with U+0345 before them (classes
// below 240) or with U+0334 behind them (classes above 1).
const isMark = new Uint8Array(LIMIT);
const mapped = { nfd: new Map(), nfkd: new Map(), lowercase: new Map() };
const flags = new Uint16Array(LIMIT);
const FLAG = { white: 1, other: 2, nonspacing: 4, combining: 8, chinese: 16 };
for (let c = 0; c < LIMIT; ++c) {
  if (isSurrogate(c)) continue;
  const x = text(c);
  const d = nfd.normalizeString(x);
  if (d !== x) mapped.nfd.set(c, d);
  const kd = nfkd.normalizeString(x);
  if (kd !== x) mapped.nfkd.set(c, kd);
  const lower = lowercase.normalizeString(x);
  if (lower !== x) mapped.lowercase.set(c, lower);
  if (d === x && c !== 0x345 && c !== 0x334)
    if (
      nfd.normalizeString(`\u0345${x}`) !== `\u0345${x}` ||
      nfd.normalizeString(`${x}\u0334`) !== `${x}\u0334`
    )
      isMark[c] = 1;
  if (strip.normalizeString(x) === '') flags[c] |= FLAG.white;
  const cleaned = clean.normalizeString(x);
  if (cleaned === '') flags[c] |= FLAG.other;
  else if (cleaned !== x && cleaned !== ' ') throw new Error(`cleaning U+${c.toString(16)}`);
  if (cleaned === ' ' && !(flags[c] & FLAG.white)) throw new Error(`whitespace U+${c.toString(16)}`);
  if (d === x && stripMarks.normalizeString(x) === '') flags[c] |= FLAG.nonspacing;
  if (stripAccents.normalizeString(x) === '') flags[c] |= FLAG.combining;
  if (chinese.normalizeString(x) === ` ${x} `) flags[c] |= FLAG.chinese;
}
isMark[0x345] = isMark[0x334] = 1;

// The canonical order: classes as ranks. b before a, if a comes first when it stood behind.
const goesBefore = (a, b) => nfd.normalizeString(text(b, a)) === text(a, b);
const classes = [];
const marks = [];
for (let c = 0; c < LIMIT; ++c) if (isMark[c]) marks.push(c);
for (const mark of marks) {
  let at = classes.findIndex((members) => !goesBefore(members[0], mark));
  if (at < 0) at = classes.length;
  if (at < classes.length && !goesBefore(mark, classes[at][0])) classes[at].push(mark);
  else classes.splice(at, 0, [mark]);
}
const rank = new Uint8Array(LIMIT);
classes.forEach((members, i) => {
  for (const mark of members) rank[mark] = i + 1;
});

// Compositions: of code points that composing leaves whole and decomposing does not.
const HANGUL = [0xac00, 0xac00 + 11172];
const pairs = [];
for (const [c, d] of mapped.nfd) {
  if (c >= HANGUL[0] && c < HANGUL[1]) continue;
  if (nfc.normalizeString(text(c)) !== text(c)) continue;
  const parts = [...d];
  const last = parts.pop();
  const first = [...nfc.normalizeString(parts.join(''))];
  if (first.length !== 1 || nfc.normalizeString(first[0] + last) !== text(c))
    throw new Error(`composition of U+${c.toString(16)}`);
  pairs.push([first[0].codePointAt(0), last.codePointAt(0), c]);
}
pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);

// Grapheme clusters.
const CLUSTER = [
  'Any',
  'CR',
  'LF',
  'Control',
  'Extend',
  'ZWJ',
  'Regional_Indicator',
  'Prepend',
  'SpacingMark',
  'L',
  'V',
  'T',
  'LV',
  'LVT',
  'Extended_Pictographic',
  'InCB_Consonant',
];
const cluster = new Uint8Array(LIMIT);
const rust = readFileSync(join(segmentationFolder, 'src/tables.rs'), 'utf8');
const codePoint = (s) => Number.parseInt(s, 16);
const graphemes = rust.slice(rust.indexOf('grapheme_cat_table:'), rust.indexOf('pub mod word'));
let ranges = 0;
for (const [, low, high, name] of graphemes.matchAll(
  /\(\s*'\\u\{(\w+)\}',\s*'\\u\{(\w+)\}',\s*GC_(\w+)\s*\)/g,
)) {
  ++ranges;
  cluster.fill(CLUSTER.indexOf(name), codePoint(low), codePoint(high) + 1);
  if (!CLUSTER.includes(name)) throw new Error(name);
}
const listed = graphemes.match(/GC_\w+/g).length;
if (ranges < 1000 || ranges !== listed) throw new Error(`${ranges} of ${listed} ranges of grapheme clusters`);
cluster.fill(0, 0x20, 0x7f);
const EXTENDS = 64;
const LINKER = 128;
const extendTable = rust.slice(rust.indexOf('InCB_Extend_table:'), rust.indexOf('pub fn InCB_Extend'));
for (const [, low, high] of extendTable.matchAll(/\(\s*'\\u\{(\w+)\}',\s*'\\u\{(\w+)\}'\s*\)/g))
  for (let c = codePoint(low); c <= codePoint(high); ++c) cluster[c] |= EXTENDS;
const linkers = rust.slice(rust.indexOf('pub fn is_incb_linker'), rust.indexOf('pub mod grapheme'));
for (const [, c] of linkers.matchAll(/'\\u\{(\w+)\}'/g)) cluster[codePoint(c)] |= LINKER;

// Records: what one code point is, as a number into a list of the different ones.
const firstOf = new Set(pairs.map((p) => p[0]));
const secondOf = new Set(pairs.map((p) => p[1]));
for (let c = 0x1161; c < 0x1176; ++c) secondOf.add(c);
for (let c = 0x11a8; c < 0x11c3; ++c) secondOf.add(c);
for (let c = 0x1100; c < 0x1113; ++c) firstOf.add(c);
for (let c = HANGUL[0]; c < HANGUL[1]; c += 28) firstOf.add(c);
const BIT = {
  startsNfd: 1 << 5,
  startsNfkd: 1 << 6,
  startsNfc: 1 << 7,
  startsNfkc: 1 << 15,
  first: 1 << 8,
  second: 1 << 9,
  nfd: 1 << 10,
  nfkd: 1 << 11,
  nfc: 1 << 12,
  nfkc: 1 << 13,
  lower: 1 << 14,
};
const nfkc = reference.nfkcNormalizer();
const record = (c) => {
  let bits = flags[c];
  // A text may be cut before it: what it decomposes to begins with a starter, and nothing composes with that.
  const d = (mapped.nfd.get(c) ?? text(c)).codePointAt(0);
  const kd = (mapped.nfkd.get(c) ?? text(c)).codePointAt(0);
  if (!rank[d]) bits |= BIT.startsNfd | (secondOf.has(d) ? 0 : BIT.startsNfc);
  if (!rank[kd]) bits |= BIT.startsNfkd | (secondOf.has(kd) ? 0 : BIT.startsNfkc);
  if (firstOf.has(c)) bits |= BIT.first;
  if (secondOf.has(c)) bits |= BIT.second;
  if (mapped.nfd.has(c)) bits |= BIT.nfd;
  if (mapped.nfkd.has(c)) bits |= BIT.nfkd;
  if (mapped.nfd.has(c) && nfc.normalizeString(text(c)) !== text(c)) bits |= BIT.nfc;
  if (mapped.nfkd.has(c) && nfkc.normalizeString(text(c)) !== text(c)) bits |= BIT.nfkc;
  if (mapped.lowercase.has(c)) bits |= BIT.lower;
  return bits | (rank[c] << 16) | (cluster[c] << 24);
};
const records = new Map();
const recordOf = new Uint16Array(LIMIT);
for (let c = 0; c < LIMIT; ++c) {
  const r = (isSurrogate(c) ? 0 : record(c)) >>> 0;
  if (!records.has(r)) records.set(r, records.size);
  recordOf[c] = records.get(r);
}

const rows = (numbers) => {
  const lines = [];
  let line = '   ';
  for (const n of numbers) {
    const item = ` ${n},`;
    if (line.length + item.length > 110) {
      lines.push(line);
      line = '   ';
    }
    line += item;
  }
  return [...lines, line].join('\n');
};
const array = (type, name, numbers) => `inline constexpr ${type} ${name}[] = {\n${rows(numbers)}\n};\n`;
const hex = (n) => `0x${n.toString(16)}`;
const write = (name, comment, body) =>
  writeFileSync(
    join(room, `unicode_map_${name}.inc`),
    `// ${comment}\n// Written by scripts/unicode/make_maps.mjs from tokenizers 0.23.2; do not edit.\n${body}`,
  );

const kinds = twoStages(recordOf);
write(
  'kinds',
  'What normalizers ask of a code point.',
  array('uint32_t', 'kRecords', [...records.keys()].map(hex)) +
    array('uint16_t', 'kRecordIndex', kinds.index) +
    array('uint16_t', 'kRecordBlocks', kinds.blocks),
);

/** Images in UTF-8, one behind the other; number i of them ends at ends[i]. */
const images = (prefix, map) => {
  const values = new Uint16Array(LIMIT);
  const bytes = [];
  const ends = [0];
  const known = new Map();
  for (const [c, image] of map) {
    if (c >= HANGUL[0] && c < HANGUL[1]) continue;
    if (!known.has(image)) {
      known.set(image, known.size + 1);
      bytes.push(...Buffer.from(image));
      ends.push(bytes.length);
    }
    values[c] = known.get(image);
  }
  const { index, blocks } = twoStages(values);
  return (
    array('uint8_t', `k${prefix}Bytes`, bytes) +
    array('uint16_t', `k${prefix}Ends`, ends) +
    array('uint16_t', `k${prefix}Index`, index) +
    array('uint16_t', `k${prefix}Blocks`, blocks)
  );
};
write('nfd', 'Canonical decompositions (Hangul is computed).', images('Nfd', mapped.nfd));
write('nfkd', 'Compatibility decompositions (Hangul is computed).', images('Nfkd', mapped.nfkd));
write('lower', 'Lower case.', images('Lower', mapped.lowercase));
write(
  'pairs',
  'Compositions: first, second, composed; sorted.',
  `inline constexpr Composition kCompositions[] = {\n${pairs.map((p) => `    {${p.map(hex).join(', ')}},`).join('\n')}\n};\n`,
);
console.log({
  records: records.size,
  classes: classes.length,
  marks: marks.length,
  pairs: pairs.length,
  ranges,
  nfd: mapped.nfd.size,
  nfkd: mapped.nfkd.size,
  lower: mapped.lowercase.size,
});
