/** The tokenizers that text-peer runs, behind one face. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bertJson } from '../../scripts/golden/text-references.js';
import { openTokenizer } from '../../test/support/text-tokenizer.js';
import { loadPeer, packageFolder, resolvePeer } from '../peer-table.js';

export interface TextPeer {
  readonly about: Readonly<Record<string, string>>;
  encode(text: string): ArrayLike<number> | Promise<ArrayLike<number>>;
  readonly ours?: OurPeer;
}

/** What only ours is asked for. */
export interface OurPeer {
  /** Another one, which has seen no text. */
  fresh(): Promise<{ encode(text: string): unknown }>;
  encodeBytes(text: Uint8Array): unknown;
  stream(): { begin(): void; push(bytes: Uint8Array): unknown; end(): unknown; readonly heldBytes: number };
  load(form: string): unknown;
  encodeBatch(texts: string[], threads: number): Promise<unknown>;
}

/** What text in general has and no run of it should cost: by name, as tests and docs use them. */
const RUNS: Readonly<Record<string, string>> = {
  a: 'a',
  blank: ' ',
  newline: '\n',
  parenthesis: '(',
  cjk: '\u4e2d',
  digits: '1234567890',
  case: 'aA',
  crlf: '\r\n ',
};
export const RUN_NAMES = Object.keys(RUNS);

export function runOf(name: string, bytes: number): string {
  const sign = RUNS[name]!;
  return sign.repeat(Math.ceil(bytes / Buffer.byteLength(sign)));
}

export async function openPeer(name: string, vocabulary: string, folder: string): Promise<TextPeer> {
  switch (name) {
    case 'onpath':
      return ours(vocabulary, folder);
    case 'gpt-tokenizer': {
      const module = await import(importable(`gpt-tokenizer/encoding/${vocabulary}`));
      const { encode } = module as { encode(text: string, options: object): number[] };
      const options = { disallowedSpecial: new Set<string>() };
      return { about: versionOf(name), encode: (text) => encode(text, options) };
    }
    case 'ai-tokenizer': {
      const { Tokenizer } = (await import(importable('ai-tokenizer'))) as {
        Tokenizer: new (encoding: unknown) => { encode(text: string): number[] };
      };
      const tokenizer = new Tokenizer(await import(importable(`ai-tokenizer/encoding/${vocabulary}`)));
      return { about: versionOf(name), encode: (text) => tokenizer.encode(text) };
    }
    case 'tiktoken': {
      const { get_encoding } = loadPeer('tiktoken') as {
        get_encoding(name: string): { encode(text: string, allowed: [], disallowed: []): Uint32Array };
      };
      const encoding = get_encoding(vocabulary);
      return { about: versionOf(name), encode: (text) => encoding.encode(text, [], []) };
    }
    case 'tokenizers': {
      const { Tokenizer } = loadPeer('tokenizers') as {
        Tokenizer: {
          fromString(json: string): {
            encode(
              text: string,
              pair: null,
              options: { addSpecialTokens: false },
            ): Promise<{ getIds(): number[] }>;
          };
        };
      };
      const file = readFileSync(vocabulary, 'utf8');
      const settings = JSON.parse(vocabulary.endsWith('.txt') ? bertJson(file) : file) as object;
      const tokenizer = Tokenizer.fromString(
        JSON.stringify({ ...settings, truncation: null, padding: null }),
      );
      const options = { addSpecialTokens: false } as const;
      return {
        about: versionOf(name),
        encode: async (text) => (await tokenizer.encode(text, null, options)).getIds(),
      };
    }
    default:
      throw new Error(`There is no peer "${name}".`);
  }
}

/** Where ours has put the compiled form of a vocabulary's file once it is ready. */
export function compiledFile(folder: string, vocabulary: string): string {
  return join(folder, `${basename(vocabulary)}.compiled`);
}

async function ours(vocabulary: string, folder: string): Promise<TextPeer> {
  const tokenizer = await openTokenizer(vocabulary);
  const compiled = compiledFile(folder, vocabulary);
  await tokenizer.save(compiled);
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  return {
    about: { onpath: version },
    encode: (text) => tokenizer.fast(text),
    ours: {
      fresh: async () => {
        const fresh = await openTokenizer(compiled);
        return { encode: (text) => fresh.fast(text) };
      },
      encodeBytes: (text) => tokenizer.fast(text),
      stream: () => tokenizer.stream(),
      load: (form) => openTokenizer(form === 'compiled' ? compiled : vocabulary),
      encodeBatch: (texts, threads) => tokenizer.encodeBatch(texts, threads),
    },
  };
}

/** Peers that are ES modules are imported by file. */
function importable(module: string): string {
  return pathToFileURL(resolvePeer(module)).href;
}

function versionOf(name: string): Record<string, string> {
  const file = join(packageFolder, 'bench', '.peers', 'node_modules', name, 'package.json');
  return { [name]: (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version };
}
