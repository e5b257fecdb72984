/** Serves the live page: a few files and a stream of events, to read only. It changes nothing, and costs nothing while nobody looks. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { hostPortText, isLoopback } from '../address.js';
import type { Logger } from '../log/log.js';
import { listenOn } from '../metrics/listen.js';
import type { Service } from '../service/service.js';
import { Feed } from './feed.js';
import { MOST_SHOWN } from './view.js';

/** Connections at a time, of all viewers together: each has one for events and a few while it loads. */
const MOST_CONNECTIONS = 64;

const files = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/page.mjs', 'page.mjs', 'text/javascript; charset=utf-8'],
  ['/cards.mjs', 'cards.mjs', 'text/javascript; charset=utf-8'],
  ['/draw.mjs', 'draw.mjs', 'text/javascript; charset=utf-8'],
] as const;

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** A page that is served; disposing it ends every viewer's stream. */
export type ServedPage = AsyncDisposable & {
  /** Where it is, such as "127.0.0.1:8490". */
  readonly address: string;
};

/**
 * @param options.listen "ADDRESS:PORT"; port 0: the system chooses.
 * @throws OnpathError as `listenOn`
 *
 * @example
 * await using page = await startPage(service, { listen: '127.0.0.1:8490', log });
 */
export async function startPage(
  service: Service,
  { listen, log }: { readonly listen: string; readonly log: Logger },
): Promise<ServedPage> {
  const loaded = await Promise.all(
    files.map(async ([path, name, type]) => {
      const body = await readFile(new URL(`./static/${name}`, import.meta.url));
      return [path, { body, type }] as const;
    }),
  );
  const feed = new Feed(service, log);
  const server = createServer({ headersTimeout: 5000, requestTimeout: 5000 }, (request, response) => {
    answer(request, response, { pages: new Map(loaded), feed });
  });
  server.maxConnections = MOST_CONNECTIONS;
  const bound = await listenOn(server, {
    listen,
    what: 'the page',
    field: 'page.listen, the address of the page,',
    log,
  });
  server.unref();
  const address = hostPortText(bound);
  if (!isLoopback(bound.address)) {
    const risk = `the page on ${address} shows samples and prompts to everyone who can reach it, without a password`;
    log.warn({ address }, `${risk}; leave the address out to serve this host only`);
  }
  log.info({ address }, `page on http://${address}/`);
  return {
    address,
    async [Symbol.asyncDispose]() {
      feed[Symbol.dispose]();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Served {
  readonly pages: ReadonlyMap<string, { readonly body: Buffer; readonly type: string }>;
  readonly feed: Feed;
}

function answer(request: IncomingMessage, response: ServerResponse, { pages, feed }: Served): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const refuse = (status: number, sentence: string): void => {
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${sentence}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    refuse(405, 'The page is there to be read: use GET.');
    return;
  }
  // A name that leads here although it is not ours may belong to somebody else's page (DNS rebinding).
  if (!isNameOfThisHost(request.headers.host)) {
    refuse(
      421,
      'This is not the host you asked for. Use its address, localhost, or the name it gives itself.',
    );
    return;
  }
  const [path, query] = split(request.url ?? '/');
  const file = pages.get(path);
  if (file !== undefined) {
    response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.length });
    response.end(request.method === 'HEAD' ? undefined : file.body);
  } else if (path === '/favicon.ico') {
    response.writeHead(204).end();
  } else if (path !== '/events') {
    refuse(404, `There is ${files.map(([known]) => known).join(', ')} and /events.`);
  } else if (request.method === 'HEAD') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).end();
  } else if (isOfAnotherSite(request)) {
    refuse(403, 'Another page may not read the events of this one. Open this one.');
  } else if (response.socket === null) {
    // Asked for before an earlier answer on this connection has ended: it would hold a place and could not be told that it is gone.
    request.socket.destroy();
  } else {
    feed.add(response, openRoutes(query));
  }
}

/** Whether a Host header names an address, localhost or this host as it calls itself. */
function isNameOfThisHost(header: string | undefined): boolean {
  const host = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(header ?? '');
  const name = (host?.[1] ?? host?.[2] ?? '').toLowerCase();
  return isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase();
}

/** A browser says so; it would not let that page read the answer, but the answer would take a viewer's place. */
function isOfAnotherSite(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

function split(url: string): [path: string, query: string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** Of "open=0,3": places of routes. What is none of them is left out. */
function openRoutes(query: string): number[] {
  const asked = (new URLSearchParams(query).get('open') ?? '').split(',', MOST_SHOWN);
  return [...new Set(asked.filter((text) => /^\d{1,4}$/.test(text)).map(Number))].filter(
    (index) => index < MOST_SHOWN,
  );
}
