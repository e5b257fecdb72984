/** What Prometheus and whoever looks after a host ask for over HTTP: GET /metrics, /live, /ready. Nothing can be changed by it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostPortText } from '../address.js';
import type { Logger } from '../log/log.js';
import type { Service } from '../service/service.js';
import { listenOn } from './listen.js';
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
 * @throws OnpathError as `listenOn`
 *
 * @example
 * await using metrics = await startMetrics(service, { listen: '127.0.0.1:9464', log });
 */
export async function startMetrics(
  service: Service,
  { listen, log }: { readonly listen: string; readonly log: Logger },
): Promise<MetricsServer> {
  const server = createServer(limits, (request, response) => {
    answer(service, request, response).catch((error: unknown) => {
      log.error({ err: error }, 'metrics could not be read');
      send(response, 500, 'The metrics could not be read; the log says why.\n');
    });
  });
  server.maxConnections = mostConnections;
  server.setTimeout(silenceMs, (socket) => socket.destroy());
  const at = hostPortText(await listenOn(server, { listen, what: 'metrics', field: 'metrics.listen', log }));
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
