/** `onpath rollback`: the pipeline of an earlier version again. */
import { Command } from 'commander';
import { wholeNumber } from './arguments.js';
import { clientOf, ofRunningPlane, type SocketOptions, versionText } from './socket.js';
import { Terminal } from './terminal.js';

export function rollbackCommand(): Command {
  return ofRunningPlane(
    new Command('rollback')
      .description(
        'give a route of a running plane the pipeline of an earlier version again, as a new version',
      )
      .argument('<route>', 'name of the route')
      .option(
        '--to <version>',
        'its number, as onpath versions lists it; default: the one before that which runs now',
        wholeNumber(1, Number.MAX_SAFE_INTEGER),
      ),
  )
    .addHelpText(
      'after',
      `
Examples:
  onpath rollback photos
  onpath rollback photos --to 3`,
    )
    .action(async (route: string, options: SocketOptions & { readonly to?: number }) => {
      const versions = await clientOf(options).rollback(route, options.to);
      await new Terminal(options).result({ versions }, versions.map(versionText).join('\n'));
    });
}
