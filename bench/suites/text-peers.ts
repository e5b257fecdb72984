/** Suite `text`: which vocabularies are measured, beside whom, and the processes that do it. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isThere, publishedVocabularies, type VocabularyFile } from '../../test/support/text-vocabulary.js';
import { Conversation } from '../conversation.js';
import { loadable, packageFolder, peersPython } from '../peer-table.js';
import { summarize } from '../statistics.js';
import type { Context } from '../suite.js';
import type { Corpus, Slices } from '../text-slices.js';

export interface Measured {
  readonly vocabulary: string;
  readonly npm: readonly string[];
  readonly python: readonly string[];
  /** How many times as fast as the best of `npm` it has to be. */
  readonly times: {
    readonly english: { cold: number; warm: number };
    readonly mix: { cold: number; warm: number };
  };
}

const both = (times: number) => ({ cold: times, warm: times });
const IN_NODE = { english: { cold: 15, warm: 20 }, mix: both(9) };

/** ai-tokenizer and gpt-tokenizer have the vocabulary inside, tokenizers reads the file. */
export const MEASURED: readonly Measured[] = [
  {
    vocabulary: 'cl100k_base',
    npm: ['gpt-tokenizer', 'ai-tokenizer', 'tiktoken'],
    python: ['tiktoken-py', 'gigatoken', 'quicktok'],
    times: IN_NODE,
  },
  {
    vocabulary: 'o200k_base',
    npm: ['gpt-tokenizer', 'ai-tokenizer', 'tiktoken'],
    python: ['tiktoken-py', 'gigatoken', 'quicktok'],
    times: IN_NODE,
  },
  {
    vocabulary: 'llama3',
    npm: ['tokenizers'],
    python: ['gigatoken', 'quicktok'],
    times: { english: both(90), mix: both(9) },
  },
  {
    vocabulary: 'gemma3',
    npm: ['tokenizers'],
    python: ['gigatoken'],
    times: { english: both(10), mix: both(10) },
  },
  {
    vocabulary: 'bert_uncased',
    npm: ['tokenizers'],
    python: [],
    times: { english: both(40), mix: both(40) },
  },
  // Unigram: no package has a published one; where XLNet's lies among the vocabularies it is taken, else a small one.
  {
    vocabulary: 'xlnet_base_cased',
    npm: ['tokenizers'],
    python: [],
    times: { english: both(10), mix: both(10) },
  },
];

const OTHER_NS = 1e9;
const children = join(dirname(dirname(fileURLToPath(import.meta.url))), 'children');

/** A tokenizer in a process of its own. */
export class TextChild {
  readonly name: string;
  readonly #child: Conversation;

  private constructor(name: string, child: Conversation) {
    this.name = name;
    this.#child = child;
  }

  static async start(name: string, command: string, args: readonly string[]): Promise<TextChild> {
    const child = new Conversation(command, args);
    await child.wait(/^ready (.*)\n/m);
    return new TextChild(name, child);
  }

  /** Seconds. */
  async time(line: string): Promise<number> {
    const [, ns] = await this.#child.ask(line, /^ns (\d+)\n/m);
    return Number(ns) / OTHER_NS;
  }

  async ask(line: string, answer: RegExp): Promise<RegExpExecArray> {
    return this.#child.ask(line, answer);
  }

  close(): Promise<void> {
    return this.#child.close();
  }
}

/** The file of a vocabulary: a published one that was installed; of Unigram perhaps a small one of the tests. */
export function vocabularyFile(name: string): VocabularyFile {
  const published = publishedVocabularies().find((file) => file.name === name);
  if (published !== undefined) return { ...published, path: resolve(packageFolder, published.path) };
  const folder = dirname(vocabularyFile('llama3').path);
  const path = join(folder, `${name}.json`);
  const small = join(packageFolder, 'test', 'data', 'text', 'components', 't5-style.json');
  return { name, format: 'tokenizer.json', path: existsSync(path) ? path : small };
}

/** Ours first, then the peers that are installed; of the others a note says that they are missing. */
export async function startTokenizers(
  { vocabulary, npm, python }: Omit<Measured, 'times'>,
  slices: Slices,
  context: Context,
): Promise<TextChild[]> {
  const file = vocabularyFile(vocabulary);
  if (!isThere(file)) throw new Error(`${file.path} is missing. Run: node scripts/text-fixtures.mjs --all`);
  const script = join(children, 'text-peer.js');
  const node = (name: string, vocabularyArgument: string) =>
    TextChild.start(name, process.execPath, [script, name, vocabularyArgument, slices.folder]);
  const started = [await node('onpath', file.path)];
  const attempt = async (name: string, installed: boolean, start: () => Promise<TextChild>) => {
    if (!installed) {
      context.note(`${name} is not installed: its figures and limits are missing. Run: npm run bench:peers`);
      return;
    }
    try {
      started.push(await start());
    } catch (error) {
      context.note(`${name} does not start: ${(error as Error).message.split('\n').at(-1)}`);
    }
  };
  for (const name of npm)
    await attempt(name, loadable(name), () => node(name, name === 'tokenizers' ? file.path : vocabulary));
  const program = join(packageFolder, 'bench', 'children', 'text_peer.py');
  for (const name of python)
    await attempt(name, existsSync(peersPython), () =>
      TextChild.start(name, peersPython, [program, name, file.path, slices.folder]),
    );
  return started;
}

/** Whose ids are ours on a slice. Those that differ are measured all the same, and named. */
export async function compareIds(
  started: readonly TextChild[],
  corpus: Corpus,
  index: number,
  note: (text: string) => void,
): Promise<void> {
  const hashes = new Map<string, string>();
  for (const child of started) {
    const [, hash] = await child.ask(`ids ${corpus} ${index}`, /^sha256 (\w+)\n/m);
    hashes.set(child.name, hash!);
  }
  const other = [...hashes].filter(([, hash]) => hash !== hashes.get('onpath')).map(([name]) => name);
  note(
    `${corpus}: ${other.length === 0 ? 'all have the same ids' : `other ids than ours: ${other.join(', ')}`}.`,
  );
}

/** MB/s from seconds for so many bytes, round by round. */
export function rates(seconds: readonly number[], bytes: readonly number[]) {
  return summarize(seconds.map((time, round) => bytes[round]! / time / 1e6));
}
