/** The `onpath` command: its subcommands, and how every one of them fails. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { packageRoot } from '../native.js';
import { captureCommand } from './capture.js';
import { compileCommand } from './compile.js';
import { devicesCommand } from './devices.js';
import { doctorCommand } from './doctor.js';
import { loadCommand } from './load.js';
import { recvCommand } from './recv.js';
import { reloadCommand } from './reload.js';
import { rollbackCommand } from './rollback.js';
import { runCommand } from './run.js';
import { sendCommand } from './send.js';
import { statsCommand } from './stats.js';
import { swapCommand } from './swap.js';
import { tableCommand } from './table.js';
import { described, EXIT } from './terminal.js';
import { tokenizerCommand } from './tokenizer.js';
import { topCommand } from './top.js';
import { versionsCommand } from './versions.js';

/** Runs the command line and resolves to the process's exit code. Never throws. */
export async function program(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const end = (value: number): void => {
    code = value;
  };
  const root = new Command('onpath')
    .description('Lookup-table programs on live packets: look at a host, compile, try, run.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(add --help for the options)')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the answer is no (a check failed, tables differ).
Every command takes --json; errors are then one object on standard error: {"error": {"code", "message"}}.`,
    );
  for (const command of [
    devicesCommand(),
    doctorCommand(end),
    compileCommand(),
    runCommand(),
    sendCommand(),
    recvCommand(),
    tableCommand(end),
    tokenizerCommand(),
    ...[loadCommand(), swapCommand(), rollbackCommand(), versionsCommand(), reloadCommand()],
    ...[statsCommand(), topCommand(), captureCommand()],
  ]) {
    root.addCommand(command);
  }
  forAll(root, (command) => {
    command.exitOverride();
    if (command.commands.length === 0) command.option('--json', 'print JSON');
  });
  const ended = ignoreClosedPipe();
  try {
    await root.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return report(error, args.includes('--json'));
  } finally {
    ended();
  }
}

function forAll(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const child of command.commands) forAll(child, change);
}

/** A reader that has seen enough (`| head`) is no failure. */
function ignoreClosedPipe(): () => void {
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  };
  process.stdout.on('error', onError);
  return () => process.stdout.off('error', onError);
}

function report(error: unknown, json: boolean): number {
  // Commander has said it already; help and version are no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const { code, message } = described(error);
  process.stderr.write(
    json ? `${JSON.stringify({ error: { code, message } })}\n` : `onpath: ${message} [${code}]\n`,
  );
  return EXIT.failed;
}

function version(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
