// The pinned references whose classes and cuts are read off: npm tokenizers 0.23.2 and tiktoken 1.0.22.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

/// Every scalar value as a string of its own.
export function codePoints() {
  const all = [];
  for (let code = 0; code < 0x110000; ++code) {
    if (code < 0xd800 || code > 0xdfff) all.push(String.fromCodePoint(code));
  }
  return all;
}

export function openReferences(folder) {
  if (folder === undefined)
    throw new Error('usage: ... FOLDER (with node_modules/tokenizers and node_modules/tiktoken)');
  const require = createRequire(join(resolve(folder), 'package.json'));
  const pinned = { tokenizers: '0.23.2', tiktoken: '1.0.22' };
  for (const [name, version] of Object.entries(pinned)) {
    const found = JSON.parse(
      readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'),
    ).version;
    if (found !== version) throw new Error(`${name} is ${found}, not ${version}`);
  }
  const { Tokenizer } = require('tokenizers');
  const { Tiktoken } = require('tiktoken');

  const made = (definition) =>
    Tokenizer.fromString(
      JSON.stringify({
        version: '1.0',
        added_tokens: [],
        pre_tokenizer: definition,
        model: { type: 'BPE', vocab: {}, merges: [] },
      }),
    ).getPreTokenizer();
  /// A function from a text to its pieces.
  const preTokenizer = (definition) => {
    const reference = made(definition);
    return (text) => reference.preTokenizeString(text).map(([piece]) => piece);
  };
  /// A function from a text to begin and end of its pieces, in bytes of UTF-8.
  const preTokenizerSpans = (definition) => {
    const reference = made(definition);
    return (text) => {
      const places = [0];
      for (const character of text) places.push(places.at(-1) + Buffer.byteLength(character));
      return reference.preTokenizeString(text).map(([, [begin, end]]) => [places[begin], places[end]]);
    };
  };
  const splitRegex = (regex) =>
    preTokenizer({ type: 'Split', pattern: { Regex: regex }, behavior: 'Removed', invert: true });

  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `${Buffer.from([byte]).toString('base64')} ${byte}`,
  ).join('\n');
  /// What a pattern matches of a text, joined.
  const tiktokenMatches = (pattern, text) => {
    const encoding = new Tiktoken(bytes, {}, pattern);
    try {
      return Buffer.from(encoding.encode(text)).toString();
    } finally {
      encoding.free();
    }
  };
  return { preTokenizer, preTokenizerSpans, splitRegex, tiktokenMatches, Tiktoken };
}
