/** The vocabularies that tests of tokenizers use: where they are, and what texts of kind `tokens` are made of. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Material } from './text-samples.js';

/** Small ones, trained for the tests by scripts/golden/make_text_vocabularies.py. */
export const SMALL_FOLDER = join('test', 'data', 'text', 'components');

export interface VocabularyFile {
  /** Unique: the file's name without its ending, or the encoding's. */
  readonly name: string;
  readonly format: 'tokenizer.json' | 'tiktoken' | 'sentencepiece' | 'tekken' | 'vocab.txt';
  readonly path: string;
}

export function smallVocabularies(): VocabularyFile[] {
  return readdirSync(SMALL_FOLDER)
    .sort()
    .flatMap((file): VocabularyFile[] => {
      const path = join(SMALL_FOLDER, file);
      if (file.endsWith('.model'))
        return [{ name: file.slice(0, -'.model'.length), format: 'sentencepiece', path }];
      if (file.endsWith('.json'))
        return [{ name: file.slice(0, -'.json'.length), format: 'tokenizer.json', path }];
      return [];
    });
}

/** Published ones; see scripts/text-fixtures.mjs, which installs them. */
export function publishedVocabularies(): VocabularyFile[] {
  const folder = publishedFolder();
  const of = (name: string, format: VocabularyFile['format'], file: string) => ({
    name,
    format,
    path: join(folder, file),
  });
  return [
    ...['cl100k_base', 'o200k_base', 'p50k_base', 'r50k_base'].map((name) =>
      of(name, 'tiktoken', `${name}.tiktoken`),
    ),
    of('bert_uncased', 'vocab.txt', 'bert_uncased.txt'),
    of('tekken', 'tekken', 'tekken.json'),
    ...['llama3', 'qwen3', 'deepseek_v3', 'gpt4o', 'gptoss', 'gemma3', 'llama2', 'claude'].map((name) =>
      of(name, 'tokenizer.json', `${name}.json`),
    ),
  ];
}

/** Installs what is not there yet. Throws, saying why, if the registry cannot be reached. */
export function installVocabularies(names: readonly string[] = ['--all']): void {
  const done = spawnSync(process.execPath, ['scripts/text-fixtures.mjs', ...names], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
}

export function isThere(file: VocabularyFile): boolean {
  return existsSync(file.path);
}

function publishedFolder(): string {
  return process.env['ONPATH_TEXT_FIXTURES'] ?? join('.setup', 'text', 'vocabularies');
}

/** What texts of a vocabulary's own tokens are made of. */
export function materialOf({ format, path }: VocabularyFile): Material {
  const file = readFileSync(path);
  switch (format) {
    case 'tiktoken':
      return {
        tokens: file
          .toString('latin1')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => bytes(Buffer.from(line.split(' ')[0]!, 'base64'))),
        added: ['<|endoftext|>', '<|endofprompt|>', '<|fim_prefix|>'],
      };
    case 'tekken': {
      const { vocab } = JSON.parse(file.toString()) as { vocab: { token_bytes: string }[] };
      return {
        tokens: vocab.map((token) => bytes(Buffer.from(token.token_bytes, 'base64'))),
        added: ['<s>', '[INST]'],
      };
    }
    case 'vocab.txt':
      return {
        tokens: texts(
          file
            .toString()
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => line.replace(/^##/, '')),
        ),
        added: ['[CLS]', '[MASK]', '[UNK]'],
      };
    case 'sentencepiece': {
      const pieces = piecesOf(file);
      return { tokens: texts(pieces), added: pieces.filter((piece) => /^<.*>$/.test(piece)).slice(0, 6) };
    }
    case 'tokenizer.json':
      return ofTokenizerJson(JSON.parse(file.toString()) as TokenizerJson);
  }
}

interface TokenizerJson {
  readonly added_tokens: readonly { readonly content: string }[];
  readonly normalizer: unknown;
  readonly pre_tokenizer: unknown;
  readonly model: {
    readonly vocab: Readonly<Record<string, number>> | readonly (readonly [string, number])[];
    readonly continuing_subword_prefix?: string | null;
    readonly end_of_word_suffix?: string | null;
  };
}

function ofTokenizerJson({ model, added_tokens, ...chain }: TokenizerJson): Material {
  const names = Array.isArray(model.vocab)
    ? model.vocab.map(([name]: [string, number]) => name)
    : Object.keys(model.vocab);
  const byteLevel = JSON.stringify(chain).includes('"ByteLevel"');
  const prefix = model.continuing_subword_prefix ?? '';
  const suffix = model.end_of_word_suffix ?? '';
  const tokens = names.map((name) => {
    let text = prefix !== '' && name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const ends = suffix !== '' && text.endsWith(suffix);
    if (ends) text = text.slice(0, -suffix.length);
    const plain =
      (byteLevel ? bytesOfByteLevel(text) : undefined) ?? Buffer.from(text.replaceAll('\u2581', ' '));
    return bytes(ends ? Buffer.concat([plain, Buffer.from(' ')]) : plain);
  });
  return {
    tokens: tokens.filter((token) => token.length > 0),
    added: added_tokens.map(({ content }) => content).slice(0, 60),
  };
}

/** The bytes that GPT-2's printable stand-ins mean; undefined if `text` has another character. */
function bytesOfByteLevel(text: string): Buffer | undefined {
  const values = Array.from(text, (character) => STAND_INS.get(character.codePointAt(0)!) ?? -1);
  return values.includes(-1) ? undefined : Buffer.from(values);
}

const STAND_INS = standIns();

function standIns(): ReadonlyMap<number, number> {
  const map = new Map<number, number>();
  for (let byte = 0, next = 0x100; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    map.set(printable ? byte : next++, byte);
  }
  return map;
}

/** The texts of a SentencePiece model's pieces: field 1 of each message in field 1. */
function piecesOf(model: Buffer): string[] {
  return messagesOf(model, 1)
    .map((piece) => messagesOf(piece, 1)[0]?.toString() ?? '')
    .filter((piece) => piece !== '');
}

function messagesOf(data: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = data[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < data.length) {
    const key = varint();
    if ((key & 7) === 0) varint();
    else if ((key & 7) !== 2) at += (key & 7) === 5 ? 4 : 8;
    else {
      const size = varint();
      if (key >> 3 === wanted) found.push(data.subarray(at, at + size));
      at += size;
    }
  }
  return found;
}

function texts(list: readonly string[]): Uint8Array[] {
  return list
    .map((text) => bytes(Buffer.from(text.replaceAll('\u2581', ' '))))
    .filter((text) => text.length > 0);
}

function bytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer);
}
