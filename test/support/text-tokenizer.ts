/** Our tokenizers as tests of exactness and benchmarks use them: the ids of a text alone, in a form that references have too. */
import { Tokenizer } from '../../lib/index.js';

/** `default`: what the format's reference does when it is asked for nothing. */
export type Special = 'parse' | 'text' | 'default';

export interface TextStreamLike {
  begin(): void;
  push(bytes: Uint8Array): Uint32Array;
  end(): Uint32Array;
  readonly heldBytes: number;
}

export interface OurTokenizer {
  encode(text: string | Uint8Array, special?: Special, template?: boolean): Uint32Array;
  /** The call that a service would make: no options but these two, the file's truncation and padding. */
  fast(text: string | Uint8Array): Uint32Array;
  /** First, last, first, last in code points. */
  offsets(text: Uint8Array, special?: Special): Uint32Array;
  stream(special?: Special): TextStreamLike;
  encodeBatch(texts: readonly string[], threads: number): Promise<readonly Uint32Array[]>;
  save(path: string): void;
}

/** Opens a vocabulary or a compiled form. tiktoken's files and tekken take special tokens as text unless told otherwise, as tiktoken's encode does. */
export async function openTokenizer(path: string): Promise<OurTokenizer> {
  const tokenizer = await Tokenizer.fromFileAsync(path);
  const usual: Special = ['tiktoken', 'tekken'].includes(tokenizer.format) ? 'text' : 'default';
  const policy = (special: Special) => (special === 'default' ? {} : { special });
  const plain = { addSpecialTokens: false, truncation: false, padding: false } as const;
  const fast = { addSpecialTokens: false, ...policy(usual) } as const;
  return {
    encode: (text, special = usual, template = false) =>
      tokenizer.encode(text, { ...plain, ...policy(special), addSpecialTokens: template }),
    fast: (text) => tokenizer.encode(text, fast),
    offsets: (text, special = usual) =>
      tokenizer.tokenize(text, { ...plain, ...policy(special), offsets: 'codepoint' }).offsets,
    stream: (special = usual) => tokenizer.stream({ addSpecialTokens: false, ...policy(special) }),
    encodeBatch: (texts, threads) => tokenizer.encodeBatch(texts, { ...plain, ...policy(usual), threads }),
    save: (path) => {
      tokenizer.save(path);
    },
  };
}
