/** Which running plane a command speaks to. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ControlClient } from '../control/client.js';
import { OnpathError } from '../errors.js';

/** Where the unit file has it. */
export const DEFAULT_SOCKET = '/run/onpath/control.sock';

export interface SocketOptions {
  readonly socket?: string;
  readonly json?: boolean;
}

/** Adds `--socket`. */
export function ofRunningPlane(command: Command): Command {
  return command.option(
    '--socket <path>',
    `control socket of the plane; else $ONPATH_SOCKET, else ${DEFAULT_SOCKET}`,
  );
}

export function clientOf({ socket }: SocketOptions): ControlClient {
  if (socket === '') {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `--socket is empty: expected the path of a control socket, such as ${DEFAULT_SOCKET}.`,
    );
  }
  return new ControlClient(resolve(socket ?? (process.env['ONPATH_SOCKET'] || DEFAULT_SOCKET)));
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
