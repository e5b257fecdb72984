/** `onpath load`: lookup tables and vocabularies into a running plane. */
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { CONTROL_LIMITS } from '../control/limits.js';
import { readTable, tableBytes } from '../files/table-file.js';
import { readBounded } from '../read-file.js';
import { type DType, dtype } from '../schema.js';
import type { RouteVersion } from '../swaps.js';
import { type VocabularyFormat, vocabularyFormat } from '../text/formats.js';
import { clientOf, ofRunningPlane, type SocketOptions, versionText } from './socket.js';
import { Terminal } from './terminal.js';

export function loadCommand(): Command {
  return new Command('load')
    .description('exchange what a name stands for in a running plane; no sample is lost')
    .addHelpText(
      'after',
      `
Examples:
  onpath load table gamma gamma.npy
  onpath load vocabulary prompts tokenizer.json --socket ./plane.sock`,
    )
    .addCommand(table())
    .addCommand(vocabulary());
}

function table(): Command {
  return ofRunningPlane(
    new Command('table')
      .description('a lookup table')
      .argument('<name>', 'as the configuration calls it')
      .argument('<file>', '.npy, .csv or .json')
      .addOption(
        new Option('--dtype <type>', 'of the entries, where the file does not say').choices(dtype.options),
      ),
  )
    .addHelpText(
      'after',
      `
Every route whose pipeline uses the name gets a new version, all of them or none.

Examples:
  onpath load table gamma gamma.npy
  onpath load table negative negative.csv --dtype uint8 --json`,
    )
    .action(async (name: string, file: string, options: SocketOptions & { readonly dtype?: DType }) => {
      const read = readTable(file, { dtype: options.dtype });
      // NumPy has no bfloat16, JSON no infinity.
      const bytes = tableBytes(read, read.dtype === 'bfloat16' ? 'table.json' : 'table.npy');
      await done(await clientOf(options).setTable(name, bytes), options);
    });
}

interface VocabularyOptions extends SocketOptions {
  readonly format?: VocabularyFormat;
  readonly encoding?: string;
}

function vocabulary(): Command {
  return ofRunningPlane(
    new Command('vocabulary')
      .description('a vocabulary, in any format that onpath tokenizer reads')
      .argument('<name>', 'as the configuration calls it')
      .argument('<file>', 'tokenizer.json, .tiktoken, .model, tekken.json, vocab.txt, or a compiled one')
      .addOption(
        new Option('--format <format>', 'default: told from the content and the name').choices(
          vocabularyFormat.options,
        ),
      )
      .option('--encoding <name>', 'of .tiktoken files; default: the name of the file'),
  )
    .addHelpText(
      'after',
      `
Every route whose pipeline uses the name gets a new version, all of them or none.

Examples:
  onpath load vocabulary prompts tokenizer.json
  onpath load vocabulary prompts merges.tiktoken --encoding cl100k_base`,
    )
    .action(async (name: string, file: string, options: VocabularyOptions) => {
      const bytes = readBounded(file, CONTROL_LIMITS.vocabularyBytes, 'a vocabulary');
      const versions = await clientOf(options).setVocabulary(name, bytes, kindOf(basename(file), options));
      await done(versions, options);
    });
}

/** The plane sees no file name: what is told from it is said. */
function kindOf(file: string, { format, encoding }: VocabularyOptions) {
  const tiktoken = /^(\w+)\.tiktoken$/.exec(file)?.[1];
  const told = tiktoken !== undefined ? 'tiktoken' : file.endsWith('.txt') ? 'vocab.txt' : undefined;
  const kind = format ?? told;
  const name = encoding ?? (kind === 'tiktoken' ? tiktoken : undefined);
  return { ...(kind !== undefined && { format: kind }), ...(name !== undefined && { encoding: name }) };
}

async function done(versions: readonly RouteVersion[], options: SocketOptions): Promise<void> {
  await new Terminal(options).result({ versions }, versions.map(versionText).join('\n'));
}
