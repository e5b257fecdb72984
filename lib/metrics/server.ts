/** What Prometheus and whoever looks after a host ask for over HTTP: GET /metrics, /live, /ready. Nothing can be changed by it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostPortText } from '../address.js';
import { OnpathError } from '../errors.js';
import { parseListen } from '../files/config-schema.js';
import type { ErrorCode } from '../generated/error-codes.js';
import type { Logger } from '../log/log.js';
import type { Service } from '../service/service.js';
import { metricsText } from './registry.js';

export interface MetricsServer extends AsyncDisposable {
  /** "HOST:PORT" where it listens, with the port that the system chose for 0. */
  readonly address: string;
}

/** Requests are a line and a few headers; whoever is slower than this is no Prometheus. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 75_000,
  maxHeaderSize: 8 * 1024,
} as const;
const mostConnections = 64;
/** Also of a client that asks and does not read. */
const silenceMs = 90_000;

/**
 * Serves the metrics of a service until it is disposed of.
 * @param options.listen "ADDRESS:PORT"; port 0: the system chooses.
 * @throws OnpathError INVALID_SPEC, ADDRESS_IN_USE, PERMISSION_DENIED, PORT_FAILED
 *
 * @example
 * await using metrics = await startMetrics(service, { listen: '127.0.0.1:9464', log });
 */
export async function startMetrics(
  service: Service,
  { listen, log }: { readonly listen: string; readonly log: Logger },
): Promise<MetricsServer> {
  const { address, port } = parseListen(listen, 'metrics.listen');
  const server = createServer(limits, (request, response) => {
    answer(service, request, response).catch((error: unknown) => {
      log.error({ err: error }, 'metrics could not be read');
      send(response, 500, 'The metrics could not be read; the log says why.\n');
    });
  });
  server.maxConnections = mostConnections;
  server.setTimeout(silenceMs, (socket) => socket.destroy());
  await listening(server, address, port, listen);
  const at = hostPortText(server.address() as AddressInfo);
  log.info({ url: `http://${at}/metrics` }, 'metrics');
  return {
    address: at,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    response.setHeader('connection', 'close');
    return send(response, 405, 'Only GET is served here.\n');
  }
  switch (request.url?.split('?', 1)[0]) {
    case '/metrics':
      return send(response, 200, await metricsText(service), 'text/plain; version=0.0.4; charset=utf-8');
    case '/live':
      return send(response, 200, 'live\n');
    case '/ready':
      return send(response, service.state === 'ready' ? 200 : 503, `${service.state}\n`);
    default:
      return send(response, 404, 'There is /metrics, /live and /ready.\n');
  }
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8') {
  if (response.headersSent) return;
  const body = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

const codes: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  EACCES: 'PERMISSION_DENIED',
};

function listening(server: Server, address: string, port: number, listen: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new OnpathError(
          codes[cause.code ?? ''] ?? 'PORT_FAILED',
          `Metrics cannot be served on ${listen}: ${cause.message}. Choose another address or port for metrics.listen.`,
          { cause },
        ),
      ),
    );
    server.listen(port, address, () => resolve());
  });
}
