/** The `onpath` command: its subcommands, and how every one of them fails. */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../package-root.js';
import { visible, visibleLine } from '../visible.js';
import { addCommands } from './commands.js';
import { watchOutput } from './output.js';
import { described, EXIT, json } from './terminal.js';

/** Longer messages carry somebody's argument or file along. */
const LONGEST_MESSAGE = 4000;

/** Runs the command line and resolves to the process's exit code. Never throws. */
export async function program(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const end = (value: number): void => {
    code = value;
  };
  const root = new Command('onpath')
    .description('Lookup-table programs on live packets: look at a host, compile, try, run.')
    .version(packageVersion(), '-V, --version')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the answer is no (a check failed, tables differ).
Every command takes --json; errors are then one object on standard error: {"error": {"code", "message"}}.

Examples:
  onpath doctor
  onpath compile resnet.yaml --explain
  onpath run plane.yaml`,
    );
  await addCommands(args, { end, root });
  forAll(root, (command) => {
    // `report` says what is wrong, in the form that was asked for.
    command.exitOverride().configureOutput({ outputError: () => {} });
    if (command.commands.length === 0) command.option('--json', 'print JSON');
  });
  const unwatch = watchOutput(end);
  try {
    await root.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return report(error, isJson(args));
  } finally {
    // What standard output says of the last write comes in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    unwatch();
  }
}

function forAll(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const child of command.commands) forAll(child, change);
}

/** Looked for by hand: where parsing failed, nobody else knows. */
function isJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).includes('--json');
}

function report(error: unknown, asJson: boolean): number {
  // Help and version are no failure; help for want of a command has been printed.
  if (error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help'))
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const { code, message } = error instanceof CommanderError ? usage(error) : described(error);
  const short = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}...` : message;
  process.stderr.write(
    asJson
      ? `${json({ error: { code, message: short } })}\n`
      : // A message that goes on in a second line cannot pass for a second message.
        `onpath: ${visible(short).replaceAll('\n', '\n  ')} [${code}]\n`,
  );
  return error instanceof CommanderError ? EXIT.usage : EXIT.failed;
}

/** What commander says of a mistake, in one sentence. */
function usage(error: CommanderError): { code: string; message: string } {
  const sentence = error.message
    .replace(/^error: /, '')
    .replace(/\n(\(Did you mean [^\n]*\))$/, ' $1')
    .replace(/\.$/, '');
  return { code: 'USAGE', message: visibleLine(`${sentence}. Add --help for what there is.`) };
}
