/** Which running plane a command speaks to. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ControlClient } from '../control/client.js';

const DEFAULT = '/run/onpath/control.sock';

export interface SocketOptions {
  readonly socket?: string;
  readonly json?: boolean;
}

/** Adds `--socket`. */
export function ofRunningPlane(command: Command): Command {
  return command.option(
    '--socket <path>',
    `control socket of the plane; else $ONPATH_SOCKET, else ${DEFAULT}`,
  );
}

export function clientOf({ socket }: SocketOptions): ControlClient {
  return new ControlClient(resolve(socket ?? (process.env['ONPATH_SOCKET'] || DEFAULT)));
}

/** `photos: version 3, plan 0123456789abcdef` */
export function versionText({
  route,
  version,
  hash,
}: {
  route: string;
  version: number;
  hash: string;
}): string {
  return `${route}: version ${version}, plan ${hash.slice(0, 16)}`;
}
