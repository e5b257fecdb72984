/** The references of tokenizers as functions of texts: npm tokenizers, npm tiktoken, Debian's spm_encode. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadPeer } from '../../bench/peer-table.js';
import { repaired } from '../../test/support/text-samples.js';
import type { VocabularyFile } from '../../test/support/text-vocabulary.js';

export interface Encoded {
  readonly ids: Uint32Array;
  /** First, last, first, last in code points, where the reference tells. */
  readonly offsets?: Uint32Array;
}

export interface Options {
  readonly special: 'parse' | 'text' | 'default';
  readonly template: boolean;
}

/** `texts` may be invalid UTF-8, which is repaired before a reference sees it. */
export type Reference = (texts: readonly Uint8Array[], options: Options) => Promise<Encoded[]>;

interface HuggingFace {
  readonly Tokenizer: {
    fromString(text: string): {
      encodeBatch(
        texts: string[],
        options: { addSpecialTokens: boolean },
      ): Promise<{ getIds(): number[]; getOffsets(): [number, number][] }[]>;
    };
  };
}
interface Encoding {
  encode(text: string, allowed: 'all' | [], disallowed: []): Uint32Array;
}
interface Tiktoken {
  get_encoding(name: string): Encoding;
  readonly Tiktoken: new (ranks: string, special: Record<string, number>, pattern: string) => Encoding;
}

export const REFERENCES = { tokenizers: '0.23.2', tiktoken: '1.0.22', sentencepiece: '0.1.97' } as const;

export function referenceOf(file: VocabularyFile): Reference {
  switch (file.format) {
    case 'tokenizer.json':
      return huggingFace(readFileSync(file.path, 'utf8'));
    case 'vocab.txt':
      return huggingFace(bertJson(readFileSync(file.path, 'utf8')));
    case 'tiktoken': {
      const encoding = peer<Tiktoken>('tiktoken').get_encoding(file.name);
      return async (texts, { special }) =>
        texts.map((text) => ({
          ids: encoding.encode(repaired(text), special === 'parse' ? 'all' : [], []),
        }));
    }
    case 'tekken':
      return tekken(file.path);
    case 'sentencepiece':
      return async (texts) => texts.map((text) => ({ ids: spmEncode(file.path, text) }));
  }
}

function peer<T>(module: string): T {
  const found = loadPeer(module);
  if (found === undefined) throw new Error(`${module} is not installed. Run: npm run bench:peers`);
  return found as T;
}

function huggingFace(json: string): Reference {
  const { Tokenizer } = peer<HuggingFace>('tokenizers');
  const settings = JSON.parse(json) as Record<string, unknown>;
  const tokenizer = Tokenizer.fromString(JSON.stringify({ ...settings, truncation: null, padding: null }));
  return async (texts, { template }) => {
    const done = await tokenizer.encodeBatch(texts.map(repaired), { addSpecialTokens: template });
    return done.map((encoding) => ({
      ids: Uint32Array.from(encoding.getIds()),
      offsets: Uint32Array.from(encoding.getOffsets().flat()),
    }));
  };
}

/** What BERT's vocab.txt means, as tokenizer.json. */
export function bertJson(words: string): string {
  const list = words.split('\n').filter((word) => word !== '');
  const vocab = Object.fromEntries(list.map((word, id) => [word, id]));
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return JSON.stringify({
    version: '1.0',
    added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].map((content) => ({
      id: vocab[content],
      content,
      ...special,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  });
}

/** tekken.json by tiktoken: the same algorithm, ids behind those of the special tokens. */
function tekken(path: string): Reference {
  const { config, vocab } = JSON.parse(readFileSync(path, 'utf8')) as {
    config: { pattern: string; default_vocab_size: number; default_num_special_tokens: number };
    vocab: { token_bytes: string }[];
  };
  const special = config.default_num_special_tokens;
  const ranks = vocab.slice(0, config.default_vocab_size - special).map((token) => token.token_bytes);
  const encoding = new (peer<Tiktoken>('tiktoken').Tiktoken)(`! 0 ${ranks.join(' ')}`, {}, config.pattern);
  return async (texts) =>
    texts.map((text) => ({ ids: encoding.encode(repaired(text), [], []).map((rank) => rank + special) }));
}

/** spm_encode reads lines: texts of several lines are not for it (see withoutNewlines). */
function spmEncode(model: string, text: Uint8Array): Uint32Array {
  const input = `${repaired(text)}\n`;
  const done = spawnSync('spm_encode', [`--model=${model}`, '--output_format=id'], { input });
  if (done.status !== 0)
    throw new Error(`spm_encode (Debian: sentencepiece) failed: ${done.error?.message ?? done.stderr}`);
  return Uint32Array.from(done.stdout.toString().trim().split(' ').filter(Boolean), Number);
}
