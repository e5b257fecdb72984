// Expected texts of decoding: a small tokenizer.json for each decoder, and what npm `tokenizers` 0.23.2 makes of
// random ids. Usage: node scripts/golden/make_models.mjs FOLDER_WITH_NODE_MODULES
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(join(process.argv[2] ?? '.', 'node_modules/'));
const { Tokenizer } = require('tokenizers');
const folder = join(dirname(fileURLToPath(import.meta.url)), '../../test/data/decode');

const tokens = {
  word_piece: [
    '[UNK]',
    'a',
    '##b',
    '.',
    '!',
    '?',
    ',',
    "'",
    "'s",
    "n't",
    'do',
    'not',
    "'m",
    "'ve",
    "'re",
    '##',
    ' ',
    "' .",
    'do not',
  ],
  metaspace: ['<unk>', '▁', '▁a', 'b', '▁▁', 'c▁d', ' ', 'é'],
  bytes: [
    '<unk>',
    '▁a',
    'b',
    '▁',
    '<0x41>',
    '<0xC3>',
    '<0xA9>',
    '<0xE2>',
    '<0x96>',
    '<0x81>',
    '<0xFF>',
    '<0x+5>',
    '<0x4g>',
    ' ',
    '  ',
  ],
  byte_level: ['<unk>', 'a', 'Ġb', 'Ã', '©', 'â', 'ĸ', 'ģ', 'ÿ', 'é', '漢', 'a b', 'Ċ'],
  bpe: ['<unk>', 'a</w>', 'b', 'c</w>d</w>', '</w>', '</', 'w>'],
};
const replace = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
const decoders = {
  word_piece: [tokens.word_piece, { type: 'WordPiece', prefix: '##', cleanup: true }],
  word_piece_plain: [tokens.word_piece, { type: 'WordPiece', prefix: '##', cleanup: false }],
  metaspace: [
    tokens.metaspace,
    { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  ],
  metaspace_never: [
    tokens.metaspace,
    { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: true },
  ],
  llama: [
    tokens.bytes,
    {
      type: 'Sequence',
      decoders: [
        replace,
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
  ],
  gemma: [
    tokens.bytes,
    { type: 'Sequence', decoders: [replace, { type: 'ByteFallback' }, { type: 'Fuse' }] },
  ],
  fallback_strip: [
    tokens.bytes,
    {
      type: 'Sequence',
      decoders: [{ type: 'ByteFallback' }, { type: 'Strip', content: '▁', start: 2, stop: 0 }],
    },
  ],
  fused_replace: [
    tokens.bytes,
    {
      type: 'Sequence',
      decoders: [
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Replace', pattern: { String: '▁▁' }, content: '=' },
      ],
    },
  ],
  byte_level: [
    tokens.byte_level,
    { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  ],
  bpe: [tokens.bpe, { type: 'BPEDecoder', suffix: '</w>' }],
  bpe_fused: [
    tokens.bpe,
    { type: 'Sequence', decoders: [{ type: 'Fuse' }, { type: 'BPEDecoder', suffix: '</w>' }] },
  ],
  none: [tokens.bytes, null],
};

let seed = 1;
const random = (most) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * most);
};
mkdirSync(folder, { recursive: true });
for (const [name, [list, decoder]] of Object.entries(decoders)) {
  const added = (id, content, special, normalized) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized,
    special,
  });
  const file = JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      added(0, list[0], true, false),
      added(list.length, '<S>', true, true),
      added(list.length + 1, 'Add▁', false, true),
    ],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder,
    model: {
      type: 'WordPiece',
      unk_token: list[0],
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(list.map((token, id) => [token, id])),
    },
  });
  const tokenizer = Tokenizer.fromString(file);
  const lines = [];
  for (let i = 0; i < 120; i++) {
    // Ids beyond the vocabulary are left out. The reference fails on no ids where the decoder is BPEDecoder.
    const ids = Array.from({ length: (name.startsWith('bpe') ? 1 : 0) + random(9) }, () =>
      random(list.length + 3),
    );
    const skip = random(2) === 1;
    const text = await tokenizer.decode(ids, skip);
    lines.push([skip ? 1 : 0, ids.join(','), Buffer.from(text).toString('hex')].join('\t'));
  }
  writeFileSync(join(folder, `${name}.json`), `${file}\n`);
  writeFileSync(join(folder, `${name}.tsv`), `${lines.join('\n')}\n`);
}
