/** The calls that only look. */
import { metricsText } from '../metrics/registry.js';
import type { ControlApp, ControlContext } from './app.js';
import * as schemas from './schemas.js';

export function addLooks(app: ControlApp, { service }: ControlContext): void {
  const { plane } = service;
  const get = <T>(summary: string, answer: T) => ({
    summary,
    response: { 200: answer, default: schemas.failureAnswer },
  });

  app.get('/v1/live', { schema: get('Whether the process answers.', schemas.liveAnswer) }, async () => ({
    ok: true as const,
  }));
  app.get(
    '/v1/ready',
    {
      schema: {
        summary: 'Whether packets are taken: 200, or 503 while the plane drains or is closed.',
        response: { 200: schemas.readyAnswer, 503: schemas.readyAnswer, default: schemas.failureAnswer },
      },
    },
    async (_request, reply) => {
      const { state } = service;
      return reply.code(state === 'ready' ? 200 : 503).send({ ready: state === 'ready', state });
    },
  );
  app.get(
    '/v1/status',
    { schema: get('Everything that is shown of a plane.', schemas.statusAnswer) },
    async () => open(service.snapshot()),
  );
  app.get(
    '/v1/stats',
    { schema: get('Counters of ports, routes and workers.', schemas.statsAnswer) },
    async () => open(plane.stats()),
  );
  app.get('/v1/memory', { schema: get('Every pool of the plane.', schemas.memoryAnswer) }, async () => ({
    items: plane.memory(),
  }));
  app.get(
    '/v1/ports',
    { schema: get('What each port is and how it fares.', schemas.portsAnswer) },
    async () => ({
      ports: open(plane.ports()),
    }),
  );
  app.get(
    '/v1/latency',
    {
      schema: {
        ...get('Histograms of how long what takes.', schemas.latencyAnswer),
        querystring: schemas.latencyQuery,
      },
    },
    async ({ query }) => open(plane.latency(query.route)),
  );
  app.get(
    '/v1/config',
    { schema: get('The configuration that is applied.', schemas.configAnswer) },
    async () => ({
      file: service.config.file.path,
      config: service.config.file.value,
    }),
  );
  app.get('/v1/routes', { schema: get('Routes and what they run.', schemas.routesAnswer) }, async () => ({
    routes: service.routes().map(({ name, port, kind, sink, pipelineName }) => {
      const { version, hash } = plane.versions(name)[0]!;
      return { name, port, kind, sink, pipelineName, version, hash };
    }),
  }));
  app.get(
    '/metrics',
    {
      schema: {
        summary: 'Metrics in the text format of Prometheus.',
        response: {
          200: { description: 'Metrics', content: { 'text/plain': { schema: schemas.textAnswer } } },
          default: schemas.failureAnswer,
        },
      },
    },
    async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metricsText(service)),
  );
  app.get(
    '/v1/routes/:route/versions',
    {
      schema: {
        ...get('The last pipelines of a route.', schemas.versionsAnswer),
        params: schemas.routeParams,
      },
    },
    async ({ params }) => ({ versions: plane.versions(params.route) }),
  );
}

/** The schema of an answer says less than our types do: counters are many, and docs/metrics.md says what they count. */
function open<T>(value: T): never {
  return value as never;
}
