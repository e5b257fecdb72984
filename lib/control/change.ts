/** The calls that change a plane: everything is read and compiled before the plane is touched, one change after the other. */
import { dirname } from 'node:path';
import type { FastifyReply } from 'fastify';
import { OnpathError } from '../errors.js';
import type { Config } from '../files/config-file.js';
import { parseTable } from '../files/table-file.js';
import type { LookupTable } from '../lookup-table.js';
import { Tokenizer } from '../tokenizer.js';
import type { ControlApp, ControlContext } from './app.js';
import { bytesOf, readJson } from './bodies.js';
import { Queue } from './queue.js';
import * as schemas from './schemas.js';
import { uploadedPipeline } from './uploaded-pipeline.js';

const NPY_MAGIC = 0x93;

export function addChanges(app: ControlApp, { service, limits }: ControlContext): void {
  const queue = new Queue(limits.waiting);
  let loaded = nothingLoaded(service.config);
  /** What names stand for since they were loaded; else, and again after a reload, they are the configuration's. */
  const current = () => {
    if (loaded.by !== service.config) loaded = nothingLoaded(service.config);
    return loaded;
  };
  /** Nothing is done for a client that has gone while it waited. */
  const inTurn = <T>(reply: FastifyReply, work: () => Promise<T>): Promise<T> =>
    queue.run(async () => {
      if (reply.raw.destroyed) throw new OnpathError('ABORTED', 'The client has gone.');
      return work();
    });
  const change = <T>(summary: string, answer: T) => ({
    summary,
    response: { 200: answer, default: schemas.failureAnswer },
  });

  app.put(
    '/v1/routes/:route/pipeline',
    {
      schema: {
        ...change('Gives a route another pipeline while packets arrive.', schemas.pipelineAnswer),
        consumes: ['application/json', 'application/yaml'],
        params: schemas.routeParams,
        querystring: schemas.pipelineQuery,
        body: schemas.pipelineBody,
      },
    },
    ({ params: { route }, query, body }, reply) =>
      inTurn(reply, async () => {
        const { tables, tokenizers } = service.config;
        const { pipeline, name } = await uploadedPipeline(
          route,
          bytesOf(body, 'a pipeline in YAML or JSON'),
          {
            service,
            named: {
              tables: new Map([...tables, ...current().tables]),
              tokenizers: new Map([...tokenizers, ...current().tokenizers]),
            },
            folder: query.folder ?? dirname(service.config.file.path),
            mostBytes: limits.vocabularyBytes,
          },
        );
        const versions = query.check === 'true' ? [] : [await service.swap(route, pipeline, { name })];
        return { route, hash: pipeline.hash, versions };
      }),
  );

  app.post(
    '/v1/routes/:route/rollback',
    {
      preValidation: readJson,
      schema: {
        ...change('Gives a route the pipeline of an earlier version again.', schemas.changeAnswer),
        params: schemas.routeParams,
        body: schemas.rollbackBody,
      },
    },
    ({ params, body }, reply) =>
      inTurn(reply, async () => ({ versions: [await service.rollback(params.route, body.version)] })),
  );

  app.put(
    '/v1/tables/:name',
    {
      schema: {
        ...change('Exchanges a lookup table in every pipeline that uses it.', schemas.changeAnswer),
        consumes: ['application/octet-stream', 'application/json'],
        params: schemas.partParams,
        body: schemas.tableBody,
      },
    },
    ({ params: { name }, body }, reply) =>
      inTurn(reply, async () => {
        const bytes = bytesOf(body, 'the bytes of an .npy file, or a table in JSON');
        const table = parseTable(bytes, `${name}${bytes[0] === NPY_MAGIC ? '.npy' : '.json'}`);
        const versions = await service.setTable(name, table);
        current().tables.set(name, table);
        return { versions };
      }),
  );

  app.put(
    '/v1/vocabularies/:name',
    {
      bodyLimit: limits.vocabularyBytes,
      schema: {
        ...change('Exchanges a vocabulary in every pipeline that uses it.', schemas.changeAnswer),
        consumes: ['application/octet-stream'],
        params: schemas.partParams,
        querystring: schemas.vocabularyQuery,
        body: schemas.binaryBody,
      },
    },
    ({ params, query: { format, encoding }, body }, reply) =>
      inTurn(reply, async () => {
        const bytes = bytesOf(body, 'the bytes of a vocabulary file');
        const tokenizer = await Tokenizer.fromBufferAsync(bytes, {
          ...(format !== undefined && { format }),
          ...(encoding !== undefined && { encoding }),
        });
        const versions = await service.setVocabulary(params.name, tokenizer);
        current().tokenizers.set(params.name, tokenizer);
        return { versions };
      }),
  );

  app.post(
    '/v1/reload',
    {
      preValidation: readJson,
      schema: {
        ...change(
          'Reads the configuration file again and applies what differs, all or nothing.',
          schemas.reloadAnswer,
        ),
        querystring: schemas.checkQuery,
        body: schemas.emptyBody,
      },
    },
    ({ query }, reply) =>
      inTurn(reply, async () => {
        const { changed, unchanged } = await service.reloadFile({ check: query.check === 'true' });
        return { changed: changed.map((one) => ({ ...one })), unchanged };
      }),
  );
}

function nothingLoaded(by: Config) {
  return { by, tables: new Map<string, LookupTable>(), tokenizers: new Map<string, Tokenizer>() };
}
