/** `onpath table`: lookup tables in files. */
import { Command, Option } from 'commander';
import { OnpathError } from '../errors.js';
import { EXPRESSION_HELP, parseExpression } from '../files/expression.js';
import { readTable, tableBytes, tableLists } from '../files/table-file.js';
import { writeFile } from '../files/write.js';
import { LookupTable } from '../lookup-table.js';
import { type DType, dtype } from '../schema.js';
import { wholeNumber } from './arguments.js';
import { columns, EXIT, styled, Terminal } from './terminal.js';

const dtypeOption = () => new Option('--dtype <type>', 'element type of the entries').choices(dtype.options);

interface BuildOptions {
  expression?: string;
  from?: string;
  dtype?: DType;
  channels: number;
  out: string;
  json?: boolean;
}

export function tableCommand(end: (code: number) => void): Command {
  const table = new Command('table').description(
    'make, look at and compare lookup tables (.npy, .csv, .json)',
  );
  table
    .command('build')
    .description('make a table of 256 entries, or one for each channel, from an expression or another file')
    .option('--expression <text>', 'entries as a function of the byte x and the channel c')
    .option('--from <file>', 'entries from a .npy, .csv or .json file')
    .addOption(dtypeOption())
    .option('--channels <n>', 'with --expression: how many tables', wholeNumber(1, 4), 1)
    .requiredOption('--out <file>', 'where to write it: .npy, .csv or .json')
    .addHelpText(
      'after',
      `
${EXPRESSION_HELP}

Examples:
  onpath table build --expression 'round(255 * (x / 255) ^ (1 / 2.2))' --dtype uint8 --out gamma.npy
  onpath table build --expression '(x / 255 - 0.5) / 0.25' --dtype float32 --out normalize.npy
  onpath table build --from curve.csv --dtype uint8 --out curve.npy`,
    )
    .action(async (options: BuildOptions) => {
      const made = build(options);
      writeFile(options.out, tableBytes(made, options.out));
      await new Terminal(options).result(
        { file: options.out, ...summary(made) },
        `${options.out}: ${made.channels} x 256 entries, ${made.dtype}`,
      );
    });
  table
    .command('inspect')
    .description('print what a table does')
    .argument('<file>')
    .addOption(dtypeOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onpath table inspect gamma.npy\n  onpath table inspect curve.csv --dtype uint8 --json',
    )
    .action(async (file: string, options: { dtype?: DType; json?: boolean }) => {
      const read = readTable(file, options);
      await new Terminal(options).result(
        { file, ...summary(read), tables: tableLists(read) },
        inspection(file, read),
      );
    });
  table
    .command('diff')
    .description('compare two tables entry by entry; exit code 3 if they differ')
    .argument('<a>')
    .argument('<b>')
    .addOption(dtypeOption())
    .addHelpText('after', '\nExamples:\n  onpath table diff gamma.npy gamma-new.npy')
    .action(async (a: string, b: string, options: { dtype?: DType; json?: boolean }) => {
      const found = differences(readTable(a, options), readTable(b, options));
      if (found.length > 0) end(EXIT.no);
      await new Terminal(options).result(
        { same: found.length === 0, differences: found },
        found.length === 0 ? 'The tables are the same.' : diffText(found),
      );
    });
  return table;
}

function build(options: BuildOptions): LookupTable {
  if ((options.expression === undefined) === (options.from === undefined)) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      'Give either --expression or --from: one of them says what the entries are.',
    );
  }
  if (options.from !== undefined) return readTable(options.from, options);
  if (options.dtype === undefined) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `--dtype is required with --expression: one of ${dtype.options.join(', ')}.`,
    );
  }
  return LookupTable.fromFunction(parseExpression(options.expression!), {
    dtype: options.dtype,
    channels: options.channels,
  });
}

function summary(table: LookupTable) {
  return {
    dtype: table.dtype,
    channels: table.channels,
    ranges: tableLists(table).map((list) => ({
      min: Math.min(...list),
      max: Math.max(...list),
      distinct: new Set(list).size,
      monotone: list.every((value, i) => i === 0 || value >= list[i - 1]!),
    })),
  };
}

function inspection(file: string, table: LookupTable): string {
  const lists = tableLists(table);
  const rows = lists.map((list, channel) => {
    const { min, max, distinct, monotone } = summary(table).ranges[channel]!;
    return [
      String(channel),
      shownNumber(min),
      shownNumber(max),
      distinct,
      monotone ? 'yes' : 'no',
      sparkline(list),
    ];
  });
  const at = [0, 1, 2, 64, 128, 192, 254, 255];
  return [
    `${file}: ${table.channels} x 256 entries, ${table.dtype}`,
    columns([['channel', 'least', 'most', 'distinct', 'rises', 'shape'], ...rows]),
    '',
    columns([
      ['byte', ...at.map(String)],
      ...lists.map((list, channel) => [`channel ${channel}`, ...at.map((i) => shownNumber(list[i]!))]),
    ]),
  ].join('\n');
}

/** The curve in 32 blocks of eight bytes each. */
function sparkline(list: readonly number[]): string {
  const finite = list.filter(Number.isFinite);
  const least = Math.min(...finite);
  const span = Math.max(...finite) - least || 1;
  let line = '';
  for (let i = 0; i < list.length; i += 8) {
    const level = Math.round(((list[i]! - least) / span) * 7);
    line += Number.isFinite(level) ? '▁▂▃▄▅▆▇█'[level] : ' ';
  }
  return line;
}

interface Difference {
  readonly channel: number;
  readonly byte: number;
  readonly a: number | null;
  readonly b: number | null;
}

function differences(a: LookupTable, b: LookupTable): Difference[] {
  if (a.dtype !== b.dtype) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `The tables have other element types: ${a.dtype} and ${b.dtype}. Convert one with table build --from.`,
    );
  }
  const [first, second] = [tableLists(a), tableLists(b)];
  const found: Difference[] = [];
  for (let channel = 0; channel < Math.max(first.length, second.length); channel++) {
    for (let byte = 0; byte < 256; byte++) {
      // One table serves every channel.
      const [left, right] = [
        first[first.length === 1 ? 0 : channel]?.[byte],
        second[second.length === 1 ? 0 : channel]?.[byte],
      ];
      if (!Object.is(left, right)) found.push({ channel, byte, a: left ?? null, b: right ?? null });
    }
  }
  return found;
}

function diffText(found: readonly Difference[]): string {
  const most = 20;
  const number = (value: number | null) => (value === null ? 'none' : shownNumber(value));
  const lines = columns([
    ['channel', 'byte', 'a', 'b'],
    ...found
      .slice(0, most)
      .map((one) => [
        String(one.channel),
        String(one.byte),
        styled('red', number(one.a)),
        styled('green', number(one.b)),
      ]),
  ]);
  const rest = found.length - most;
  return `${found.length} entries differ\n${lines}${rest > 0 ? `\n... and ${rest} more (--json has them all)` : ''}`;
}

function shownNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(7).replace(/\.?0+$/, '');
}
