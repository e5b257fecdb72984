// Golden encodings of pairs, truncation, padding and what overflows, made by npm's `tokenizers` 0.23.2, and the small vocabularies they
// are made with. Run: node scripts/golden/make_encodings.mjs FOLDER_WITH_NODE_MODULES
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const { Tokenizer } = createRequire(join(resolve(process.argv[2] ?? '.'), 'x.js'))('tokenizers');

const added = (id, content, more = {}) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...more,
});

/** WordPiece as BERT has it, with a vocabulary that one can read. */
function words() {
  const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
  const tokens = [
    ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
    ...letters,
    ...letters.map((letter) => `##${letter}`),
    ...['.', ',', '!', '?', '-', '#', '\u4e2d', '\u6587'],
    ...['the', 'quick', 'brown', 'fox', 'jump', '##s', 'over', 'lazy', 'dog', 'is', 'this', 'an', 'example'],
    ...['of', 'input', 'prompt', '##ing', '##ed', 'token'],
  ];
  const vocab = Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].map((token, id) => added(id, token)),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'BertProcessing',
      sep: ['[SEP]', vocab['[SEP]']],
      cls: ['[CLS]', vocab['[CLS]']],
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

/** The printable stand-ins of bytes that byte-level vocabularies are written with. */
function byteAlphabet() {
  const own = [];
  for (let byte = 0; byte < 256; byte++)
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174) own.push(byte);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    own.includes(byte) ? String.fromCodePoint(byte) : String.fromCodePoint(next++),
  );
}

/** Byte-level BPE as GPT-2 and RoBERTa have it. */
function bytes() {
  const alphabet = byteAlphabet();
  const merges = [
    '\u0120 t',
    'h e',
    '\u0120t he',
    'i n',
    'e r',
    '\u0120 a',
    'o u',
    'i s',
    '\u0120 is',
    'r e',
  ];
  merges.push(
    '\u0120 \u0120',
    'e x',
    'a m',
    'ex am',
    'p l',
    'pl e',
    'exam ple',
    '\u00c3 \u00a9',
    '\u0120 example',
  );
  const vocab = { '<s>': 0, '<pad>': 1, '</s>': 2 };
  for (const token of [...alphabet, ...merges.map((merge) => merge.replace(' ', ''))])
    vocab[token] ??= Object.keys(vocab).length;
  const mask = Object.keys(vocab).length;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      added(0, '<s>'),
      added(1, '<pad>'),
      added(2, '</s>'),
      added(mask, '<mask>', { lstrip: true }),
    ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    post_processor: {
      type: 'RobertaProcessing',
      sep: ['</s>', 2],
      cls: ['<s>', 0],
      trim_offsets: true,
      add_prefix_space: true,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: merges.map((merge) => merge.split(' ')),
    },
  };
}

const vocabularies = { words: words(), bytes: bytes() };
const special = (id, type_id) => ({ SpecialToken: { id, type_id } });
const sequence = (id, type_id) => ({ Sequence: { id, type_id } });
/** Other post-processors for the same vocabularies. */
const processors = {
  none: null,
  template: {
    type: 'TemplateProcessing',
    single: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)],
    pair: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0), sequence('B', 1), special('[SEP]', 1)],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  odd: {
    type: 'TemplateProcessing',
    single: [sequence('A', 3), special('both', 1)],
    pair: [sequence('B', 5), special('both', 2), sequence('A', 7)],
    special_tokens: { both: { id: 'both', ids: [3, 2], tokens: ['[SEP]', '[CLS]'] } },
  },
  same: {
    type: 'TemplateProcessing',
    single: [special('<s>', 0), sequence('A', 0), special('</s>', 0)],
    pair: [special('<s>', 0), sequence('A', 0), special('</s>', 0), sequence('B', 0), special('</s>', 0)],
    special_tokens: {
      '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] },
      '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] },
    },
  },
  sequence: {
    type: 'Sequence',
    processors: [
      { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      {
        type: 'TemplateProcessing',
        single: [special('<s>', 0), sequence('A', 0)],
        pair: [special('<s>', 0), sequence('A', 0), special('<s>', 1), sequence('B', 1)],
        special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
      },
    ],
  },
};

const long = 'This is an example of an input prompt, tokening the quick brown fox!';
const short = 'The lazy dog jumped.';
const odd = 'caf\u00e9  \u4e2d\u6587 \ud83e\udd8a example   the';
const cases = [];
const add = (vocabulary, processor, inputs, more = {}) =>
  cases.push({ vocabulary, processor, inputs, addSpecialTokens: true, ...more });

for (const [vocabulary, processor] of [
  ['words', undefined],
  ['words', 'none'],
  ['words', 'template'],
  ['words', 'odd'],
  ['bytes', undefined],
  ['bytes', 'none'],
  ['bytes', 'same'],
  ['bytes', 'sequence'],
]) {
  const one = (inputs, more) => add(vocabulary, processor, inputs, more);
  one([[odd], [long, short], ['', short], ['']]);
  one([[odd, long]], { addSpecialTokens: false });
  one([[long], [odd]], { truncation: { maxLength: 8, stride: 2 } });
  one([[long, short]], { truncation: { maxLength: 12, stride: 1 } });
  one([[long, odd]], { truncation: { maxLength: 9, stride: 0, side: 'left' } });
}
for (const strategy of ['onlyFirst', 'onlySecond'])
  add('words', undefined, [[long, long]], { truncation: { maxLength: 26, stride: 3, strategy } });
for (const maxLength of [3, 7, 11, 24])
  add('words', undefined, [[short, long]], { truncation: { maxLength, stride: 0 } });
add('words', undefined, [[long]], { truncation: { maxLength: 2, stride: 0 } });
add('words', undefined, [[long]], { truncation: { maxLength: 6, stride: 3, side: 'left' } });
add('words', 'none', [[long], [short]], { truncation: { maxLength: 0, stride: 0 } });
for (const side of ['left', 'right']) {
  add('words', undefined, [[long], [short], ['']], { padding: { side, id: 0, typeId: 2 } });
  add('bytes', undefined, [[short, odd], [short]], { padding: { side, id: 1, multipleOf: 16 } });
  add('words', undefined, [[short], [long]], {
    padding: { side, id: 0, length: 12 },
    truncation: { maxLength: 10, stride: 4 },
  });
}

// Of which text a token is: left out where the reference does not keep it, in parts that overflow without a post-processor.
function columns(encoding, processor) {
  const overflow = encoding.getOverflowing().map((part) => columns(part, processor));
  const kept = processor !== 'none';
  return {
    ids: encoding.getIds(),
    typeIds: encoding.getTypeIds(),
    offsets: encoding.getOffsets().flat(),
    words: encoding.getWordIds().map((word) => word ?? -1),
    special: encoding.getSpecialTokensMask(),
    attention: encoding.getAttentionMask(),
    ...(kept ? { sequences: encoding.getSequenceIds().map((id) => id ?? -1) } : {}),
    ...(overflow.length > 0 ? { overflow } : {}),
  };
}

/** A text's own tokens, before anything is done with them but the trimming of spans. */
async function own(definition, text) {
  const encoding = await Tokenizer.fromString(JSON.stringify(definition)).encode(text, null, {
    addSpecialTokens: false,
  });
  const { ids, offsets, words } = columns(encoding);
  return { ids, offsets, words };
}

for (const one of cases) {
  const definition = structuredClone(vocabularies[one.vocabulary]);
  if (one.processor !== undefined) definition.post_processor = processors[one.processor];
  const tokenizer = Tokenizer.fromString(JSON.stringify(definition));
  if (one.truncation !== undefined) {
    const { maxLength, stride, strategy = 'longestFirst', side = 'right' } = one.truncation;
    const strategies = { longestFirst: 'LongestFirst', onlyFirst: 'OnlyFirst', onlySecond: 'OnlySecond' };
    tokenizer.setTruncation(maxLength, { stride, strategy: strategies[strategy], direction: side });
  }
  let pad = { direction: 'right' };
  if (one.padding !== undefined) {
    const { length, side, id, typeId = 0, multipleOf } = one.padding;
    const padToken = one.vocabulary === 'words' ? '[PAD]' : '<pad>';
    pad = { direction: side, padId: id, padTypeId: typeId, padToken };
    tokenizer.setPadding({
      ...pad,
      ...(length === undefined ? {} : { maxLength: length }),
      ...(multipleOf === undefined ? {} : { padToMultipleOf: multipleOf }),
    });
  }
  const options = { addSpecialTokens: one.addSpecialTokens };
  one.texts = await Promise.all(
    one.inputs.map((texts) => Promise.all(texts.map((text) => own(definition, text)))),
  );
  const encodings = [];
  for (const [text, pair] of one.inputs) encodings.push(await tokenizer.encode(text, pair, options));
  // Its encodeBatch takes no pairs. What it does beside encode() is this:
  const longest = Math.max(...encodings.map((encoding) => encoding.getLength()));
  if (one.padding !== undefined) for (const encoding of encodings) encoding.pad(longest, pad);
  one.expected = encodings.map((encoding) => columns(encoding, one.processor));
}

const folder = join(import.meta.dirname, '..', '..', 'test');
mkdirSync(join(folder, 'data', 'text'), { recursive: true });
const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value)}\n`);
for (const [name, value] of Object.entries(vocabularies)) write(`data/text/tiny-${name}.json`, value);
write('golden/encodings.json', { processors, cases });
