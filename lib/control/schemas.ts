/** What the control API takes and gives, as zod schemas: requests are checked by them, and the OpenAPI document is made of them. */
import * as z from 'zod';
import { captureSpec } from '../capture-schema.js';
import { name } from '../port-schema.js';
import { vocabularyFormat } from '../text/formats.js';

const hash = z.string().length(64).describe('Content hash of the plan.');
const moment = z.number().describe('Milliseconds since the Unix epoch.');
const count = z.number().min(0);

export const routeParams = z.strictObject({ route: name.describe('Name of a route.') });
export const partParams = z.strictObject({ name: name.describe('A name that pipelines of the plane use.') });

/** Of `?check=true`. */
export const checkQuery = z.strictObject({
  check: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: everything is read, compiled and compared, nothing is changed.'),
});
export const pipelineQuery = checkQuery.extend({
  folder: z
    .string()
    .startsWith('/', { error: 'expected an absolute path' })
    .max(4096)
    .optional()
    .describe(
      'On the host of the plane: where files lie that the pipeline names. Default: beside the configuration.',
    ),
});
export const latencyQuery = z.strictObject({
  route: name.optional().describe('Of this route; else of all together.'),
});
export const vocabularyQuery = z.strictObject({
  format: vocabularyFormat.optional().describe('Default: told from the bytes.'),
  encoding: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Of format tiktoken: a known encoding, such as cl100k_base.'),
});

/** Bytes as they are. */
export const binaryBody = z.unknown().meta({ type: 'string', format: 'binary' });
export const textAnswer = z.string();
export const pipelineBody = z
  .unknown()
  .describe(
    'A pipeline as in a specification file, in YAML or JSON; tables and tokenizers by the names of the configuration, or by files on the host of the plane. Or { "pipeline": NAME } with the name of a pipeline of the configuration; names in it stand for what was loaded since.',
  );
export const tableBody = z
  .unknown()
  .describe(
    'The bytes of an .npy file of shape (256) or (channels, 256), or JSON: { "dtype", "tables": [[256 numbers], ...] }.',
  );
export const rollbackBody = z.strictObject({
  version: z
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('As GET /v1/routes/{route}/versions lists it. Default: the one before that which runs now.'),
});
/** Of a call that takes nothing more. */
export const emptyBody = z.strictObject({});
const { route, port, snapLength, maxPackets, maxBytes, maxSeconds } = captureSpec.shape;
export const captureBody = z.strictObject({ route, port, snapLength, maxPackets, maxBytes, maxSeconds });

export const failureAnswer = z
  .strictObject({
    error: z.strictObject({
      code: z.string().describe('One of the codes of onpath (docs/error-codes.md).'),
      message: z.string().describe('What is wrong, where, and what to do.'),
    }),
  })
  .describe('Nothing was changed.');
export const liveAnswer = z.strictObject({ ok: z.literal(true) });
export const readyAnswer = z.strictObject({
  ready: z.boolean(),
  state: z.enum(['ready', 'draining', 'closed']),
});

const routeVersion = z.strictObject({
  route: z.string(),
  version: z.int().min(1).describe('Counted from 1, which the plane was started with.'),
  hash,
  at: moment.describe('When it was installed, in milliseconds since the Unix epoch.'),
});
const listedVersion = routeVersion.extend({
  alive: z.boolean().describe('The newest is, and others while samples hold them.'),
});
export const versionsAnswer = z.strictObject({ versions: z.array(listedVersion).describe('Newest first.') });
export const changeAnswer = z.strictObject({
  versions: z.array(routeVersion).describe('The new version of each route that was changed.'),
});
export const pipelineAnswer = z.strictObject({
  route: z.string(),
  hash,
  versions: z.array(routeVersion).describe('The new version; empty with ?check=true.'),
});
export const reloadAnswer = z.strictObject({
  changed: z
    .array(z.record(z.string(), z.string()))
    .describe('What differs from the configuration that was applied, such as { "route": "photos" }.'),
  unchanged: z.boolean(),
});

/** Counters differ by port and version; docs/metrics.md says what they count. */
const counters = z.looseObject({ name: z.string() });
export const statsAnswer = z
  .looseObject({
    ports: z.array(counters),
    routes: z.array(counters),
    workers: z.array(z.looseObject({})),
    memoryBytes: count,
  })
  .describe('Since start; drops by reason.');
const portInfo = z.looseObject({ type: z.enum(['memory', 'udp', 'dpdk']), name: z.string() });
export const portsAnswer = z.strictObject({ ports: z.array(portInfo) });
const part = z.strictObject({ name: z.string(), routes: z.array(z.string()).describe('That use it.') });
const stageLatency = z
  .strictObject({ count, p50: count, p99: count, max: count, mean: count })
  .describe('Nanoseconds.');
const planeEvent = z.looseObject({ type: z.string(), at: moment, cause: z.string() });
const routeSummary = z.strictObject({
  name: z.string(),
  port: z.string(),
  kind: z.enum(['tensor', 'text']),
  sink: z.enum(['host', 'forward']),
  pipelineName: z.string().describe('In the configuration.'),
  version: z.int().min(1),
  hash,
});
export const routesAnswer = z.strictObject({ routes: z.array(routeSummary) });
export const statusAnswer = z.strictObject({
  at: moment,
  uptimeSeconds: count,
  state: z.enum(['ready', 'draining', 'closed']),
  stats: statsAnswer,
  ports: z.array(portInfo),
  routes: z.array(
    routeSummary.extend({
      versions: z.array(listedVersion),
      latency: z.record(z.string(), stageLatency).optional().describe('By stage, since start.'),
    }),
  ),
  tables: z.array(part),
  vocabularies: z.array(part),
  memoryBytes: count,
  events: z.array(planeEvent).describe('The last 32, oldest first.'),
});
export const memoryAnswer = z.strictObject({
  items: z.array(
    z.strictObject({
      room: z.string(),
      worker: z.int().optional().describe('Absent: all share it.'),
      what: z.string(),
      bytes: count,
    }),
  ),
});
export const latencyAnswer = z
  .record(
    z.string(),
    z.looseObject({
      unit: z.literal('ns'),
      count,
      p50: count,
      p99: count,
      buckets: z.array(
        z.strictObject({ from: count, to: count.nullable().describe('null: no end.'), count }),
      ),
    }),
  )
  .describe('By stage, since start.');
export const configAnswer = z.strictObject({
  file: z.string().describe('Its path.'),
  config: z.unknown().describe('As the file has it.'),
});
