/** `onpath tokenizer`: vocabularies looked at, tried and compiled. */
import { statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { OnpathError } from '../errors.js';
import { requireWritable } from '../files/write.js';
import { notReadable, requireFile } from '../read-file.js';
import { Tokenizer } from '../tokenizer.js';
import { visible } from '../visible.js';
import { readInput } from './input.js';
import { bytes, columns, hasColours, styled, Terminal, write } from './terminal.js';

interface VocabularyOptions {
  readonly encoding?: string;
  readonly json?: boolean;
}

const encodingOption = () =>
  new Option(
    '--encoding <name>',
    'of a .tiktoken file: cl100k_base, o200k_base, ... (default: by the file name)',
  );
const special = () =>
  new Option(
    '--special <policy>',
    'special tokens in the text: parse them, refuse the text, or take them as text',
  ).choices(['parse', 'refuse', 'text']);

export function tokenizerCommand(): Command {
  const tokenizer = new Command('tokenizer').description(
    'look at a vocabulary, encode and decode with it, compile it for a fast start',
  );
  const vocabulary = '<vocabulary>';
  const formats =
    'tokenizer.json, .tiktoken, SentencePiece .model, tekken.json, vocab.txt, a compiled form, or the folder of a model';
  tokenizer
    .command('inspect')
    .description('print what a vocabulary is: format, size, special tokens, memory')
    .argument(vocabulary, formats)
    .addOption(encodingOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onpath tokenizer inspect tokenizer.json\n  onpath tokenizer inspect cl100k_base.tiktoken --json',
    )
    .action(inspect);
  tokenizer
    .command('encode')
    .description('print the ids of texts')
    .argument(vocabulary, formats)
    .argument('[texts...]', 'without any: standard input, as one text')
    .addOption(encodingOption())
    .addOption(special())
    .option('--add-special', "add the tokens of the model's template (BOS, [CLS], ...)")
    .option('--pieces', 'show each token with the text it stands for')
    .option('--count', 'print only how many tokens there are')
    .addHelpText(
      'after',
      `
Examples:
  onpath tokenizer encode tokenizer.json 'How many tokens is this?' --pieces
  onpath tokenizer encode cl100k_base.tiktoken --count < prompt.txt`,
    )
    .action(encode);
  tokenizer
    .command('decode')
    .description('print the text of ids')
    .argument(vocabulary, formats)
    .argument('[ids...]', 'without any: standard input, numbers apart by blanks or commas')
    .addOption(encodingOption())
    .option('--skip-special', 'leave special tokens out')
    .addHelpText(
      'after',
      '\nExamples:\n  onpath tokenizer decode tokenizer.json 9906 1917\n  onpath tokenizer encode v.json hi | onpath tokenizer decode v.json',
    )
    .action(decode);
  tokenizer
    .command('compile')
    .description('write the compiled form, which opens in milliseconds')
    .argument(vocabulary, formats)
    .addOption(encodingOption())
    .requiredOption('--out <file>', 'where to write it')
    .addHelpText('after', '\nExamples:\n  onpath tokenizer compile tokenizer.json --out llama3.onpath')
    .action(async (file: string, options: VocabularyOptions & { out: string }) => {
      // The form replaces what is there, so nothing but a file may be.
      requireWritable(options.out);
      const compiled = await open(file, options);
      const form = compiled.save(options.out);
      await new Terminal(options).result(
        { file: options.out, bytes: form.byteLength, hash: compiled.hash },
        `${options.out}: ${bytes(form.byteLength)}, vocabulary ${compiled.hash.slice(0, 16)}`,
      );
    });
  return tokenizer;
}

async function open(path: string, options: VocabularyOptions): Promise<Tokenizer> {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw notReadable(path, cause);
  }
  if (!isFolder) requireFile(path, 'a vocabulary');
  const load = options.encoding === undefined ? {} : { encoding: options.encoding };
  return isFolder ? Tokenizer.fromPretrainedAsync(path, load) : Tokenizer.fromFileAsync(path, load);
}

async function inspect(path: string, options: VocabularyOptions): Promise<void> {
  const tokenizer = await open(path, options);
  const memory = tokenizer.memory();
  const specialTokens = Object.fromEntries(tokenizer.specialTokens);
  const text = [
    `${path}: ${tokenizer.format}, ${tokenizer.vocabSize.toLocaleString('en-US')} tokens, vocabulary ${tokenizer.hash.slice(0, 16)}`,
    '',
    tokenizer.explain(),
    '',
    columns([['special token', 'id'], ...shortened(Object.entries(specialTokens), 24)]),
    '',
    columns([
      ['memory', 'bytes'],
      ...memory.map(({ name, bytes: size }) => [name, size]),
      ['sum', memory.reduce((sum, { bytes: size }) => sum + size, 0)],
    ]),
  ].join('\n');
  await new Terminal(options).result(
    {
      file: path,
      format: tokenizer.format,
      hash: tokenizer.hash,
      vocabSize: tokenizer.vocabSize,
      idLimit: tokenizer.idLimit,
      specialTokens,
      memory,
      explanation: tokenizer.explain(),
    },
    text,
  );
}

function shortened(entries: readonly (readonly [string, number])[], most: number): (string | number)[][] {
  const rows: (string | number)[][] = entries
    .slice(0, most)
    .map(([token, id]) => [JSON.stringify(token), id]);
  return entries.length > most ? [...rows, [`... and ${entries.length - most} more`, '']] : rows;
}

interface EncodeCommandOptions extends VocabularyOptions {
  readonly special?: 'parse' | 'refuse' | 'text';
  readonly addSpecial?: boolean;
  readonly pieces?: boolean;
  readonly count?: boolean;
}

async function encode(path: string, texts: readonly string[], options: EncodeCommandOptions): Promise<void> {
  const tokenizer = await open(path, options);
  const terminal = new Terminal(options);
  const inputs: (string | Uint8Array)[] = texts.length > 0 ? [...texts] : [await readInput('a text')];
  const choices = {
    addSpecialTokens: options.addSpecial === true,
    ...(options.special === undefined ? {} : { special: options.special }),
  };
  for (const input of inputs) {
    if (options.count === true) {
      const count = tokenizer.encode(input, choices).length;
      await terminal.item({ count }, String(count));
    } else if (options.pieces === true) {
      const { ids, offsets } = tokenizer.tokenize(input, choices);
      const text = Buffer.from(input as string);
      const pieces = Array.from(ids, (id, i) => ({
        id,
        token: tokenizer.idToToken(id) ?? null,
        begin: offsets[2 * i]!,
        end: offsets[2 * i + 1]!,
      }));
      await terminal.item({ pieces }, coloured(pieces, typeof input === 'string' ? input : text.toString()));
    } else {
      const ids = tokenizer.encode(input, choices);
      await terminal.item({ ids }, Array.from(ids).join(' '));
    }
  }
}

/** The text cut into its tokens, neighbours in other colours or each in brackets, and below the ids. */
function coloured(pieces: readonly { id: number; begin: number; end: number }[], text: string): string {
  const styles = ['bgBlue', 'bgMagenta', 'bgCyan', 'bgGreen'] as const;
  const shown = pieces.map(({ begin, end }, i) => {
    const piece = text.slice(begin, end);
    return hasColours() ? styled(styles[i % styles.length]!, piece) : `[${piece}]`;
  });
  return `${shown.join('')}\n${pieces.map(({ id }) => id).join(' ')}`;
}

async function decode(
  path: string,
  ids: readonly string[],
  options: VocabularyOptions & { skipSpecial?: boolean },
): Promise<void> {
  const words = ids.length > 0 ? ids : (await readInput('a list of ids')).toString().split(/[\s,]+/);
  const numbers = words
    .flatMap((word) => word.split(','))
    .filter((word) => word !== '')
    .map((word) => {
      const id = Number(word);
      if (!/^\d+$/.test(word) || id > 0xffff_fffe) {
        throw new OnpathError(
          'INVALID_ARGUMENT',
          `"${word.slice(0, 40)}" is no id: expected whole numbers such as 9906.`,
        );
      }
      return id;
    });
  const tokenizer = await open(path, options);
  const text = tokenizer.decode(numbers, { skipSpecial: options.skipSpecial === true });
  if (options.json === true) await new Terminal(options).result({ text }, '');
  // A pipe gets the text itself; a terminal, what is safe to show.
  else await write(`${process.stdout.isTTY ? visible(text) : text}${text.endsWith('\n') ? '' : '\n'}`);
}
