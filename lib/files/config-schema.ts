/** The fields of a configuration file that are its own: names for tables, tokenizers and pipelines, and what serves the plane. */
import * as z from 'zod';
import { type HostPort, parseHostPort } from '../address.js';
import { name } from '../port-schema.js';
import { routeSpec } from '../route-schema.js';
import { dataplaneSpec, familySpec, lookupTable, pipelineSpec } from '../schema.js';
import { ownTokenizer, textPipelineSpec } from '../text-schema.js';
import { tableSource, tokenizerSource } from './pipeline-file.js';

/** What servers of ours listen on if nothing is said. */
export const PAGE_LISTEN = '127.0.0.1:8490';

/** The longest path that the address of a UNIX socket holds, in bytes: `sun_path` without its closing zero. */
export const LONGEST_SOCKET = 107;

const listen = z
  .string()
  .refine(isListen, 'expected "address:port" such as "127.0.0.1:9464" (an IP address, not a name)')
  .describe('"address:port", with an IP address; port 0: one that is free.');

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Beside the fields of `Dataplane.start`. */
export const ownFields = {
  $schema: z.string().optional().describe('For editors: where the JSON Schema of this format is.'),
  version: z.literal(1).describe('Of this format.'),
  tables: z.record(name, tableSource).default({}).describe('Lookup tables by name.'),
  tokenizers: z.record(name, tokenizerSource).default({}).describe('Tokenizers by name.'),
  pipelines: z
    .record(name, z.unknown())
    .default({})
    .describe(
      'Pipelines by name, as `Pipeline.compile`, `PipelineFamily.compile` and `TextPipeline.compile` take them. A stage has its table or tokenizer by name, which can be exchanged later, or as it stands under `tables` or `tokenizers`.',
    ),
  control: z
    .strictObject({
      socket: z
        .string()
        .min(1)
        .max(LONGEST_SOCKET)
        .describe('Path of a UNIX socket, from the folder of this file; only its owner may use it.'),
    })
    .optional()
    .describe('The control API. Default: none.'),
  metrics: z
    .strictObject({ listen })
    .optional()
    .describe('Prometheus metrics at http://address:port/metrics. Default: none.'),
  page: z
    .strictObject({ listen: listen.default(PAGE_LISTEN) })
    .optional()
    .describe('The live page, at http://address:port/. Default: none.'),
  log: z
    .strictObject({
      level: z.enum(logLevels).default('info').describe('The least severe lines that are written.'),
    })
    .prefault({})
    .describe('Lines of JSON on standard error.'),
  drainMs: z
    .number()
    .min(0)
    .max(3_600_000)
    .default(5000)
    .describe('Milliseconds that samples which are open have to end in when the service is told to stop.'),
};

/** As `parseHostPort`, and port 0. @throws OnpathError INVALID_SPEC */
export function parseListen(text: string, what: string): HostPort {
  return parseHostPort(text, what, 0);
}

function isListen(text: string): boolean {
  try {
    parseListen(text, 'listen');
    return true;
  } catch {
    return false;
  }
}

/** JSON Schema (draft 2020-12) of a configuration file. What are objects of ours in code are files, expressions and names in it. */
export function configJsonSchema(): Record<string, unknown> {
  const whole = z.strictObject({
    ...ownFields,
    pipelines: z
      .record(name, z.union([pipelineSpec, familySpec, textPipelineSpec]))
      .default({})
      .describe(ownFields.pipelines.description!),
    ...dataplaneSpec.shape,
    routes: z
      .array(routeSpec.extend({ pipeline: name.describe('The name of a pipeline.') }))
      .max(1024)
      .describe(dataplaneSpec.shape.routes.description!),
  });
  const inFiles = new Map<unknown, z.ZodType>([
    [lookupTable, tableSource],
    [ownTokenizer, tokenizerSource],
  ]);
  return z.toJSONSchema(whole, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const source = inFiles.get(zodSchema);
      if (source === undefined) return;
      const { $schema: _, ...rest } = z.toJSONSchema(source, { io: 'input' });
      Object.assign(jsonSchema, rest);
    },
  }) as Record<string, unknown>;
}
