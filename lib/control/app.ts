/** The control API as an HTTP application: what bounds every request, how all of them fail. The paths are in look.ts, change.ts and streams.ts. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type RawServerDefault,
} from 'fastify';
import { jsonSchemaTransform, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type * as z from 'zod';
import type { Logger } from '../log/log.js';
import type { Service } from '../service/service.js';
import { parse } from '../validate.js';
import { addBodies } from './bodies.js';
import { addChanges } from './change.js';
import { failureOf, refuseConnection } from './failures.js';
import type { ControlLimits } from './limits.js';
import { addLooks } from './look.js';
import { addStreams } from './streams.js';

export interface ControlContext {
  readonly service: Service;
  readonly log: Logger;
  readonly limits: ControlLimits;
  /** Aborted when the API closes: streams end then. */
  readonly closing: AbortSignal;
}

export type ControlApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Ready to answer; listens nowhere yet. */
export async function controlApp(context: ControlContext): Promise<ControlApp> {
  const { limits, log } = context;
  const app = fastify({
    serverFactory: (handler) => {
      const server = createServer(
        {
          maxHeaderSize: limits.headBytes,
          headersTimeout: limits.headMs,
          requestTimeout: limits.requestMs,
          keepAliveTimeout: limits.idleMs,
          connectionsCheckingInterval: Math.min(1000, limits.headMs),
        },
        handler,
      );
      server.maxConnections = limits.connections;
      return server;
    },
    bodyLimit: limits.bodyBytes,
    clientErrorHandler: refuseConnection,
    exposeHeadRoutes: false,
    frameworkErrors: (error, _request, reply) => {
      const { status, body } = failureOf(error);
      void (reply as FastifyReply).code(status).send(body);
    },
    routerOptions: { maxParamLength: 256 },
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler(({ schema, httpPart }) => (data: unknown) => {
    const what = { params: 'path', querystring: 'query' }[httpPart as string] ?? httpPart ?? 'request';
    try {
      return { value: parse(schema as unknown as z.ZodType, data ?? {}, what, 'INVALID_ARGUMENT') };
    } catch (error) {
      return { error: error as Error };
    }
  });
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = failureOf(error);
    if (status === 500) log.error({ method: request.method, url: request.url, err: error }, 'control failed');
    if (status === 503) void reply.header('retry-after', '1');
    return reply.code(status).send(body as never);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: {
        code: 'NOT_FOUND',
        message: `${request.method} ${request.url.slice(0, 200)} is no call of the control API. GET /openapi.json lists them.`,
      },
    }),
  );
  // A client that does not take its answer is let go; one that waits for a change is not.
  app.addHook('onSend', async (request) => {
    request.raw.socket.setTimeout(limits.slowMs);
  });
  app.addHook('onResponse', async ({ method, url }, { statusCode, elapsedTime }) => {
    const said = { method, url, status: statusCode, ms: Math.round(elapsedTime) };
    if (method === 'GET') log.debug(said, 'control request');
    else log.info(said, 'control request');
  });
  addBodies(app, limits);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'onpath control API',
        description: 'HTTP on a UNIX socket of a running plane, for its owner alone.',
        version: '1',
      },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(async (scope) => {
    const typed = scope.withTypeProvider<ZodTypeProvider>() as ControlApp;
    addLooks(typed, context);
    addChanges(typed, context);
    addStreams(typed, context);
    typed.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  });
  await app.ready();
  return app as ControlApp;
}
