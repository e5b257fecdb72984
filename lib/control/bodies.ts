/** Bodies of requests: taken as bytes, within the bound of their path and of all uploads together. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OnpathError } from '../errors.js';
import type { ControlLimits } from './limits.js';
import { Budget } from './queue.js';

/** Every body is a Buffer, whatever its type is said to be; `jsonOf` reads it where it is to be JSON. */
export function addBodies(app: FastifyInstance, limits: ControlLimits): void {
  const budget = new Budget(limits.uploadBytes);
  /** What each request holds until its answer is there or its client has gone. */
  const held = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', async (request, reply) => {
    held.set(request, 0);
    reply.raw.once('close', () => {
      budget.give(held.get(request)!);
      held.delete(request);
    });
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: NodeJS.ReadableStream) => {
    const most = request.routeOptions.bodyLimit;
    const pieces: Buffer[] = [];
    let length = Number(request.headers['content-length'] ?? 0);
    if (length > most) throw tooLong(most);
    length = 0;
    for await (const piece of payload as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > most) throw tooLong(most);
      if (!held.has(request)) throw new OnpathError('ABORTED', 'The client has gone.');
      budget.take(piece.length);
      held.set(request, length);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  });
}

function tooLong(most: number): OnpathError {
  return new OnpathError(
    'LIMIT_EXCEEDED',
    `The body is longer than ${most} bytes, the most this path takes.`,
  );
}

/** The body, which there must be. @throws OnpathError INVALID_ARGUMENT */
export function bytesOf(body: unknown, expected: string): Buffer {
  if (Buffer.isBuffer(body) && body.length > 0) return body;
  throw new OnpathError('INVALID_ARGUMENT', `The request has no body. Send ${expected}.`);
}

/** Where a body is JSON. Without one it is an object without fields. @throws OnpathError INVALID_ARGUMENT */
export async function readJson(request: FastifyRequest): Promise<void> {
  const { body } = request;
  request.body = Buffer.isBuffer(body) && body.length > 0 ? jsonOf(body) : {};
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (cause) {
    throw new OnpathError('INVALID_ARGUMENT', `The body is no JSON: ${(cause as Error).message}.`, { cause });
  }
}
