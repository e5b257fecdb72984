// Writes test/native/text/normalizer_golden.inc: what tokenizers 0.23.2 and spm_normalize (SentencePiece 0.1.97)
// make of texts, with the origins of every normalized code point (in code points of the text).
//
//   node scripts/golden/make_normalizers.mjs FOLDER_OF_TOKENIZERS
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const reference = createRequire(import.meta.url)(process.argv[2]);
const hex = (text) => Buffer.from(text).toString('hex');

// A small map of characters, so that the test needs no file of a model.
const rules = new Map([
  ['\u0001', ''],
  ['\u007f', ''],
  ['\u00ad', ''],
  ['\t', ' '],
  ['\n', ' '],
  ['\u00a0', ' '],
  ['\u3000', ' '],
  ['\ufb01', 'fi'],
  ['\u00bd', '1\u20442'],
  ['\u338f', 'kg'],
  ['\u2460', '1'],
  ['e\u0301', '\u00e9'],
  ['a\u0300', '\u00e0'],
  ['\u2026', '...'],
  ['\u200b', ' '],
  ['\u212b', '\u00c5'],
  ['\u00b4', ' \u0301'],
  ['abc', 'x'],
  ['\u1100\u1161', '\uac00'],
  ['\ufeff', ''],
]);

/** A double array in Darts' layout: u32 of its bytes, its units, the images with a NUL each. */
function charsmap(map) {
  const root = { next: new Map() };
  const images = [];
  for (const [key, image] of map) {
    let node = root;
    for (const byte of Buffer.from(key)) {
      if (!node.next.has(byte)) node.next.set(byte, { next: new Map() });
      node = node.next.get(byte);
    }
    node.value = images.length;
    images.push(...Buffer.from(image), 0);
  }
  const units = [0];
  const used = new Set([0]);
  const bases = new Set();
  const place = (node, at) => {
    const labels = [...(node.value === undefined ? [] : [0]), ...node.next.keys()];
    let base = 1;
    while (bases.has(base) || labels.some((label) => used.has(base ^ label))) ++base;
    bases.add(base);
    for (const label of labels) used.add(base ^ label);
    units[at] = ((units[at] ?? 0) | ((at ^ base) << 10) | (node.value === undefined ? 0 : 1 << 8)) >>> 0;
    if (node.value !== undefined) units[base] = (node.value | (1 << 31)) >>> 0;
    for (const label of node.next.keys()) units[base ^ label] = label;
    for (const [label, child] of node.next) place(child, base ^ label);
  };
  place(root, 0);
  const size = Math.ceil((Math.max(...used) + 256) / 256) * 256;
  const bytes = Buffer.alloc(4 + 4 * size + images.length);
  bytes.writeUInt32LE(4 * size, 0);
  for (let i = 0; i < size; ++i) bytes.writeUInt32LE(units[i] ?? 0, 4 + 4 * i);
  Buffer.from(images).copy(bytes, 4 + 4 * size);
  return bytes;
}
const map = charsmap(rules);

const part = (type, more, spec) => ({ json: { type, ...more }, spec });
const replace = (pattern, content, regex = false) =>
  part(
    'Replace',
    { pattern: regex ? { Regex: pattern } : { String: pattern }, content },
    `${regex ? 're' : 'lit'}:${hex(pattern)}:${hex(content)}`,
  );
const bert = (clean_text, handle_chinese_chars, strip_accents, lowercase) =>
  part(
    'BertNormalizer',
    { clean_text, handle_chinese_chars, strip_accents, lowercase },
    `bert:${[clean_text, handle_chinese_chars].map(Number).join('')}${strip_accents === null ? '-' : +strip_accents}${+lowercase}`,
  );
const strip = (strip_left, strip_right) =>
  part('Strip', { strip_left, strip_right }, `strip:${+strip_left}${+strip_right}`);
const prepend = (text) => part('Prepend', { prepend: text }, `prepend:${hex(text)}`);
const simple = (type, spec) => part(type, {}, spec);
const [nfc, nfd, nfkc, nfkd] = ['NFC', 'NFD', 'NFKC', 'NFKD'].map((form) => simple(form, form.toLowerCase()));
const lower = simple('Lowercase', 'lower');
const nmt = simple('Nmt', 'nmt');
const accents = simple('StripAccents', 'accents');
const byteLevel = simple('ByteLevel', 'bytelevel');
const precompiled = part('Precompiled', { precompiled_charsmap: map.toString('base64') }, 'pre');
const chains = [
  [nfc],
  [nfd],
  [nfkc],
  [nfkd],
  [lower],
  [nmt],
  [accents],
  [byteLevel],
  [precompiled],
  [bert(true, true, null, true)],
  [bert(true, true, null, false)],
  [bert(false, true, true, false)],
  [strip(true, true)],
  [strip(true, false)],
  [strip(false, true)],
  [nfc, replace('\\s+', ' ', true), lower], // CLIP
  [prepend('▁'), replace(' ', '▁')], // Llama 2
  [replace(' ', '▁')], // Gemma
  [replace('``', '"'), replace("''", '"'), nfkd, accents, precompiled], // XLNet
  [replace('``', '"'), replace("''", '"'), nfkd, accents, lower, precompiled, replace(' {2,}', ' ', true)], // ALBERT
  [precompiled, replace(' {2,}', ' ', true)], // T5, XLM-R
  [precompiled, strip(true, true), replace(' {2,}', '▁', true)],
  [replace('aba', 'ab')],
  [replace(' {3,}', '-', true)],
  [replace('[!"#,\\-./`]', '', true), replace('\\s+', ' ', true), strip(true, true)],
  [replace('a+b', '-', true), lower],
  [replace('e(?=\\s)|\u0301', 'E', true)],
  [strip(true, false), nfkc, replace('\\s+', '_', true), byteLevel],
  [nfd, accents, strip(true, true), prepend('__')],
];

let seed = 1;
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return (seed >>> 8) % n;
};
const pools = [
  'abABe  ',
  ' \t\n\u00a0\u3000\u2028',
  "``''ab",
  '\u0300\u0301\u0323\u0334\u0345\u0338',
  'eoauEO=<>',
  'éàùÅİΣßǅ',
  '中文字㐀豈',
  '각한각가ᆧ',
  'ﬁ½①㎏﷽Å…',
  'कि्षनु',
  'ЖйЁё',
  '\u0001\u007f\u200b\u200d\ufeff\ufffd\u00ad',
  '😀👩\u{1f469}\u200d\u{1f1e6}\u{1f1e7}',
  '\u0f71\u0f72\u0f73\u0344\u0f74',
  '\u0600a\u0301©\u200d®',
  '▁▁ab',
  'abc',
  '\r\n\r',
  '\u1d15e\u{1d165}\u302e\u{16ff0}',
  '\u09c7\u09be\u0dd9\u0dcf\u0dca',
].map((pool) => [...pool]);
const randomText = (most) => {
  const favourites = [random(pools.length), random(pools.length), random(pools.length)];
  let text = '';
  for (let n = 1 + random(most); n > 0; --n) {
    const pool = pools[random(3) ? favourites[random(3)] : random(pools.length)];
    text += pool[random(pool.length)];
  }
  return text;
};

const FNV = { prime: 0x100000001b3n, start: 0xcbf29ce484222325n };
const hash = (state, bytes) => {
  let h = state;
  for (const byte of bytes) h = BigInt.asUintN(64, (h ^ BigInt(byte)) * FNV.prime);
  return h;
};

const lines = [];
const hashes = [];
for (const chain of chains) {
  const normalizer =
    chain.length === 1 ? chain[0].json : { type: 'Sequence', normalizers: chain.map((one) => one.json) };
  const tokenizer = reference.Tokenizer.fromString(
    JSON.stringify({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer,
      pre_tokenizer: { type: 'Split', pattern: { Regex: '(?m:.)' }, behavior: 'Isolated', invert: false },
      post_processor: null,
      decoder: null,
      model: { type: 'WordLevel', vocab: { '[UNK]': 0 }, unk_token: '[UNK]' },
    }),
  );
  const spec = chain.map((one) => one.spec).join('|');
  const normalize = tokenizer.getNormalizer();
  for (let i = 0; i < 24; ++i) {
    const text = randomText(i < 16 ? 8 : 40);
    const image = normalize.normalizeString(text);
    const origins = image
      ? (await tokenizer.encode(text))
          .getOffsets()
          .map(([b, e]) => `${b}-${e},`)
          .join('')
      : '';
    lines.push(`    {"${spec}", "${hex(text)}", "${hex(image)}", "${origins}"},`);
  }
  // Every code point between others, by blocks.
  if (hashes.length >= 21 * 17) continue;
  const blocks = [];
  for (let block = 0; block < 0x110000; block += 0x10000) {
    let h = FNV.start;
    const step = block < 0x20000 ? 1 : 61;
    for (let c = block; c < block + 0x10000; c += step) {
      if (c >= 0xd800 && c < 0xe000) continue;
      const x = String.fromCodePoint(c);
      h = hash(h, Buffer.from(`${normalize.normalizeString(`${x}a${x}\u0301e${x} ${x}`)}\n`));
    }
    blocks.push(`0x${h.toString(16)}`);
  }
  hashes.push(`    {"${spec}", {${blocks.join(', ')}}},`);
}

const folder = mkdtempSync(join(tmpdir(), 'normalizers-'));
const tsv = join(folder, 'rules.tsv');
const codes = (text) => [...text].map((c) => c.codePointAt(0).toString(16).toUpperCase()).join(' ');
writeFileSync(tsv, [...rules].map(([key, image]) => `${codes(key)}\t${codes(image)}\n`).join(''));
const spm = [];
for (const collapse of [true, false]) {
  const texts = Array.from({ length: 60 }, () => randomText(20).replace(/[\r\n\ufffd]/g, ' '));
  const run = spawnSync(
    'spm_normalize',
    [`--normalization_rule_tsv=${tsv}`, `--remove_extra_whitespaces=${collapse}`],
    { input: `${texts.join('\n')}\n`, encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(run.stderr);
  const images = run.stdout.split('\n');
  for (const [i, text] of texts.entries())
    spm.push(`    {${collapse}, "${hex(text)}", "${hex(images[i])}"},`);
}

const here = dirname(fileURLToPath(import.meta.url));
writeFileSync(
  join(here, '../../test/native/text/normalizer_golden.inc'),
  `// Written by scripts/golden/make_normalizers.mjs; do not edit.
constexpr const char* kCharsmapHex =
${map
  .toString('hex')
  .match(/.{1,104}/g)
  .map((line) => `    "${line}"`)
  .join('\n')};
constexpr Golden kGolden[] = {\n${lines.join('\n')}\n};
constexpr GoldenBlocks kGoldenBlocks[] = {\n${hashes.join('\n')}\n};
constexpr GoldenSentencePiece kGoldenSentencePiece[] = {\n${spm.join('\n')}\n};
`,
);
