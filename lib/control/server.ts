/** The control API of a running service, on a UNIX socket that only its owner can open. */
import { once } from 'node:events';
import type { Logger } from '../log/log.js';
import type { Service } from '../service/service.js';
import { controlApp } from './app.js';
import { CONTROL_LIMITS, type ControlLimits } from './limits.js';
import { listenPrivately } from './socket.js';

export interface ControlOptions {
  /** Path of the socket: made with mode 0600, removed at the end. */
  readonly socket: string;
  readonly log: Logger;
  readonly limits?: Partial<ControlLimits>;
}

/**
 * Serves the control API (docs/control.md) until it is disposed, which cuts off the requests that are under way.
 * @throws OnpathError as `listenPrivately`
 */
export async function startControl(
  service: Service,
  { socket, log, limits }: ControlOptions,
): Promise<AsyncDisposable & { readonly address: string }> {
  const closing = new AbortController();
  const app = await controlApp({
    service,
    log,
    limits: { ...CONTROL_LIMITS, ...limits },
    closing: closing.signal,
  });
  const { server } = app;
  const remove = await listenPrivately(server, socket);
  log.info({ socket }, 'control API');
  return {
    address: socket,
    [Symbol.asyncDispose]: async () => {
      if (closing.signal.aborted) return;
      remove();
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      // What was asked to end has a turn of the loop to do so.
      await new Promise((resolve) => setImmediate(resolve));
      server.closeAllConnections();
      await closed;
      await app.close();
    },
  };
}
