/** Bodies of requests: taken as bytes, within the bound of their path and of all uploads together. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OnpathError } from '../errors.js';
import type { ControlLimits } from './limits.js';
import { Budget } from './queue.js';

/** A client that is still writing does not read: so much of a body that is refused is taken in and forgotten, that it hears why. */
const READ_ON_BYTES = 32 << 20;

/** Every body is a Buffer, whatever its type is said to be; `jsonOf` reads it where it is to be JSON. */
export function addBodies(app: FastifyInstance, limits: ControlLimits): void {
  const budget = new Budget(limits.uploadBytes);
  /** What each request holds until its answer is there or its client has gone. */
  const held = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => budget.give(held.get(request) ?? 0));
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: NodeJS.ReadableStream, done) => {
    const most = request.routeOptions.bodyLimit;
    let pieces: Buffer[] = [];
    let length = 0;
    let refused = Number(request.headers['content-length'] ?? 0) > most ? tooLong(most) : undefined;
    payload.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > most) refused ??= tooLong(most);
      try {
        if (refused === undefined) budget.take(piece.length);
      } catch (error) {
        refused = error as OnpathError;
      }
      if (refused === undefined) {
        held.set(request, length);
        pieces.push(piece);
        return;
      }
      pieces = [];
      if (length > most + READ_ON_BYTES) finish(refused);
    });
    payload.once('end', () => finish(refused));
    payload.once('error', finish);
    let finished = false;
    function finish(error: Error | undefined) {
      if (finished) return;
      finished = true;
      if (error === undefined) done(null, Buffer.concat(pieces));
      else done(error);
    }
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
