/** Our tokenizers as tests of exactness and benchmarks use them: the ids of a text alone, in a form that references have too. */
import { Tokenizer } from '../../lib/index.js';

export type Special = 'parse' | 'text';

export interface TextStreamLike {
  begin(): void;
  push(bytes: Uint8Array): Uint32Array;
  end(): Uint32Array;
  readonly heldBytes: number;
}

export interface OurTokenizer {
  encode(text: string | Uint8Array, special?: Special, template?: boolean): Uint32Array;
  /** First, last, first, last in code points. */
  offsets(text: Uint8Array, special?: Special): Uint32Array;
  stream(special?: Special): TextStreamLike;
  encodeBatch(texts: readonly string[], threads: number): Promise<readonly Uint32Array[]>;
  save(path: string): void;
}

/** Opens a vocabulary or a compiled form. tiktoken's files and tekken take special tokens as text unless told otherwise, as tiktoken's encode does. */
export async function openTokenizer(path: string): Promise<OurTokenizer> {
  const tokenizer = await Tokenizer.fromFileAsync(path);
  const usual: Special = ['tiktoken', 'tekken'].includes(tokenizer.format) ? 'text' : 'parse';
  const plain = { addSpecialTokens: false, truncation: false, padding: false } as const;
  const fast = { addSpecialTokens: false, special: usual } as const;
  return {
    encode: (text, special, template) =>
      special === undefined && !template
        ? tokenizer.encode(text, fast)
        : tokenizer.encode(text, {
            ...plain,
            special: special ?? usual,
            addSpecialTokens: template ?? false,
          }),
    offsets: (text, special = usual) =>
      tokenizer.tokenize(text, { ...plain, special, offsets: 'codepoint' }).offsets,
    stream: (special = usual) => tokenizer.stream({ addSpecialTokens: false, special }),
    encodeBatch: (texts, threads) => tokenizer.encodeBatch(texts, { ...plain, special: usual, threads }),
    save: (path) => {
      tokenizer.save(path);
    },
  };
}
