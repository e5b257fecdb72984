/** How HTTP servers of ours listen on an address and a port, and what is said where they cannot. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OnpathError } from '../errors.js';
import { parseListen } from '../files/config-schema.js';
import type { Logger } from '../log/log.js';

export interface Listening {
  /** "ADDRESS:PORT"; port 0: the system chooses. */
  readonly listen: string;
  /** How messages call what is served: "the page". */
  readonly what: string;
  /** The field of a configuration that `listen` is of. */
  readonly field: string;
  readonly log: Logger;
}

/**
 * Where it listens, when it does. What goes wrong later is logged and ends nothing.
 * @throws OnpathError INVALID_SPEC, INVALID_ARGUMENT (not an address of this host), ADDRESS_IN_USE, PERMISSION_DENIED, PORT_FAILED
 */
export async function listenOn(
  server: Server,
  { listen, what, field, log }: Listening,
): Promise<AddressInfo> {
  const { address, port } = parseListen(listen, field);
  server.listen({ host: address, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw notListening(error, { listen, what, field });
  }
  server.on('error', (error) => log.error({ err: error }, `the server of ${what} failed`));
  return server.address() as AddressInfo;
}

function notListening(cause: unknown, { listen, what, field }: Omit<Listening, 'log'>): OnpathError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const failed = `${what[0]!.toUpperCase()}${what.slice(1)} cannot be served on ${listen}`;
  switch (code) {
    case 'EADDRINUSE':
      return new OnpathError(
        'ADDRESS_IN_USE',
        `${failed}: another program listens there. Give ${field} another port.`,
        { cause },
      );
    case 'EACCES':
      return new OnpathError(
        'PERMISSION_DENIED',
        `${failed}: ports below 1024 are root's. Give ${field} another port.`,
        { cause },
      );
    case 'EADDRNOTAVAIL':
      return new OnpathError(
        'INVALID_ARGUMENT',
        `${failed}: this host does not have that address. Give ${field} one that it has.`,
        { cause },
      );
    default:
      return new OnpathError('PORT_FAILED', `${failed}: ${message}.`, { cause });
  }
}
