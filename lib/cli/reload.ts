/** `onpath reload`: a running plane reads its configuration again. */
import { Command } from 'commander';
import { clientOf, ofRunningPlane, type SocketOptions } from './socket.js';
import { Terminal } from './terminal.js';

export function reloadCommand(): Command {
  return ofRunningPlane(
    new Command('reload')
      .description(
        'have a running plane read its configuration file again and apply what differs, all or nothing',
      )
      .option('--check', 'only say what would change'),
  )
    .addHelpText(
      'after',
      `
What was loaded or swapped since is undone. What needs a restart is refused by name.

Examples:
  onpath reload --check
  onpath reload`,
    )
    .action(async (options: SocketOptions & { readonly check?: boolean }) => {
      const { check = false } = options;
      const { changed, unchanged } = await clientOf(options).reload({ check });
      const names = changed.flatMap((one) => Object.entries(one).map(([kind, name]) => `${kind} ${name}`));
      await new Terminal(options).result(
        { changed, unchanged, checked: check },
        unchanged ? 'Nothing differs.' : `${check ? 'Would change' : 'Changed'}: ${names.join(', ')}.`,
      );
    });
}
