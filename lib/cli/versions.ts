/** `onpath versions`: what the routes of a running plane run and ran. */
import { Command } from 'commander';
import type { ListedVersion } from '../swaps.js';
import { clientOf, ofRunningPlane, type SocketOptions } from './socket.js';
import { columns, Terminal } from './terminal.js';

export function versionsCommand(): Command {
  return ofRunningPlane(
    new Command('versions')
      .description('list the last pipelines of the routes of a running plane')
      .argument('[route]', 'of this route only'),
  )
    .addHelpText(
      'after',
      `
A version is alive while it is the newest, or samples that began under it are held.

Examples:
  onpath versions
  onpath versions photos --json`,
    )
    .action(async (route: string | undefined, options: SocketOptions) => {
      const client = clientOf(options);
      const routes = route === undefined ? (await client.routes()).map(({ name }) => name) : [route];
      const versions: ListedVersion[] = [];
      // One after the other: a plane may have more routes than it takes connections.
      for (const name of routes) versions.push(...(await client.versions(name)));
      await new Terminal(options).result(
        { versions },
        columns([
          ['route', 'version', 'plan', 'installed', ''],
          ...versions.map(({ route, version, hash, at, alive }) => [
            route,
            version,
            hash.slice(0, 16),
            new Date(at).toISOString(),
            alive ? 'alive' : '',
          ]),
        ]),
      );
    });
}
