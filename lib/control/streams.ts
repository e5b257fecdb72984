/** The calls whose answers go on: events as they happen, packets as they come. */
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ControlApp, ControlContext } from './app.js';
import { readJson } from './bodies.js';
import { binaryBody, captureBody, failureAnswer } from './schemas.js';

/** How often a client hears that it is still connected. */
const BEAT_MS = 10_000;
/** Events that a client has not taken, in bytes, before it is let go. */
const MOST_WAITING = 256 << 10;
const LOOK_MS = 250;

export function addStreams(app: ControlApp, { service, log, limits, closing }: ControlContext): void {
  const { plane } = service;

  app.get(
    '/v1/events',
    {
      schema: {
        summary: 'Events of workers and ports as they happen (server-sent events), until the client goes.',
        response: { 200: streamOf('text/event-stream'), default: failureAnswer },
      },
    },
    async (_request, reply) => {
      reply.hijack();
      const { raw } = reply;
      const signal = AbortSignal.any([closing, goneOf(raw)]);
      raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      const beat = setInterval(() => raw.write(':\n\n'), BEAT_MS);
      raw.write(':\n\n');
      try {
        for await (const event of plane.events({ signal })) {
          raw.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
          if (raw.writableLength > MOST_WAITING) raw.destroy();
        }
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'events ended');
      } finally {
        clearInterval(beat);
        raw.end();
      }
    },
  );

  app.post(
    '/v1/captures',
    {
      preValidation: readJson,
      schema: {
        summary: 'Packets of a route or a port as pcapng, until a bound is reached or the client goes.',
        description:
          'The trailers onpath-packets and onpath-missed say how many were written, and how many were not.',
        body: captureBody,
        response: { 200: streamOf('application/x-pcapng'), default: failureAnswer },
      },
    },
    async ({ body }, reply) => {
      const { raw } = reply;
      const signal = AbortSignal.any([closing, goneOf(raw)]);
      const packets = new PassThrough();
      const capture = await plane.capture({ ...body, writable: packets, signal });
      reply.hijack();
      raw.writeHead(200, {
        'content-type': 'application/x-pcapng',
        trailer: 'onpath-packets, onpath-missed',
      });
      using _watched = cutOff(raw, limits.slowMs);
      try {
        await pipeline(packets, raw, { end: false });
        const { packets: written, missed } = await capture.done;
        raw.addTrailers({ 'onpath-packets': String(written), 'onpath-missed': String(missed) });
        raw.end();
      } catch (error) {
        raw.destroy();
        if (!signal.aborted) log.error({ err: error }, 'capture ended');
      }
    },
  );
}

function streamOf(type: string) {
  return { description: type, content: { [type]: { schema: binaryBody } } };
}

/** Aborted when the client has gone. */
function goneOf(raw: ServerResponse): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => controller.abort());
  if (raw.destroyed) controller.abort();
  return controller.signal;
}

/** Lets a client go that takes nothing of what waits for it. */
function cutOff(raw: ServerResponse, slowMs: number): Disposable {
  let before = -1;
  let since = performance.now();
  const timer = setInterval(() => {
    const taken = (raw.socket?.bytesWritten ?? 0) - (raw.socket?.writableLength ?? 0);
    if (taken !== before || !raw.writableNeedDrain) since = performance.now();
    before = taken;
    if (performance.now() - since > slowMs) raw.destroy();
  }, LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
