/** The part of the schema that is about routes. */
import { z } from 'zod';
import { FAMILY, PIPELINE, payloadType } from './image-schema.js';
import type { Pipeline } from './pipeline.js';
import type { PipelineFamily } from './pipeline-family.js';
import { name } from './port-schema.js';
import { repairSpec, resendSpec, sourceSpec } from './repair-schema.js';
import { shapesSpec } from './shapes-schema.js';
import type { TextPipeline } from './text-pipeline.js';
import { TEXT_PIPELINE, textRouteSpec } from './text-schema.js';

const forwardSink = z.strictObject({
  forward: z
    .strictObject({
      port: name.describe('Port the results leave by.'),
      to: z.string().describe('"address:port" of the next hop.'),
      from: z
        .string()
        .optional()
        .describe(
          '"address:port" of our own, on a memory or dpdk port. Default: 192.0.2.1:5004, or the address of the dpdk port and UDP port 5004.',
        ),
      payloadType: payloadType.default(97).describe('RTP payload type of the results.'),
      ssrc: z.int().min(0).max(0xffffffff).default(0).describe('0: chosen at random.'),
      maxPayloadBytes: z.int().min(64).max(65000).default(1400).describe('Longest RTP packet.'),
      resend: resendSpec.optional(),
    })
    .describe('Results leave as onpath chunks.'),
});

export const routeSpec = z
  .strictObject({
    name: name.describe('How plane.samples(name) refers to the route.'),
    port: name.describe('Port the packets come from.'),
    udpPort: z.int().min(0).max(65535).default(0).describe('UDP destination port; 0: any.'),
    payloadType: payloadType.optional().describe('RTP payload type; absent: any.'),
    sources: z
      .array(sourceSpec)
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'Prefixes that may send, such as "10.1.0.0/16", or { prefix, feedback: true } for those that may be told what is missing. Default: anyone on memory ports and loopback addresses; on others, dpdk ports included, the list is required.',
      ),
    payload: z
      .enum(['chunk', 'rfc4175'])
      .default('chunk')
      .describe('Payload format: onpath chunks, or raw video as of RFC 4175.'),
    pipeline: z
      .custom<Pipeline | PipelineFamily | TextPipeline>(
        (value) =>
          typeof value === 'object' &&
          value !== null &&
          (PIPELINE in value || FAMILY in value || TEXT_PIPELINE in value),
        {
          error:
            'expected a Pipeline made by Pipeline.compile or Pipeline.fromBytes, or a PipelineFamily made by PipelineFamily.compile',
        },
      )
      .describe(
        'What is run over every sample: a compiled Pipeline; a PipelineFamily, for onpath chunks whose headers tell the size of each image; or a TextPipeline, for texts in onpath chunks.',
      ),
    shapes: shapesSpec.optional().describe('Bounds of a PipelineFamily, each per worker. Only with one.'),
    text: textRouteSpec.optional().describe('Bounds of a TextPipeline, each per worker. Only with one.'),
    repair: repairSpec.optional(),
    slots: z
      .int()
      .min(1)
      .max(65536)
      .default(64)
      .describe(
        'Output buffers per worker: what you may hold plus what is open. Of texts: segments of tokens.',
      ),
    openSamples: z
      .int()
      .min(1)
      .max(65536)
      .default(16)
      .describe('Samples being assembled at a time, per worker.'),
    maxStreams: z
      .int()
      .min(1)
      .max(1 << 20)
      .default(64)
      .describe('SSRCs followed at a time, per worker.'),
    deadlineMs: z
      .number()
      .min(1)
      .max(3_600_000)
      .default(1000)
      .describe('From first packet; then it is `incomplete`.'),
    whenFull: z
      .enum(['evict', 'drop'])
      .default('evict')
      .describe('A new sample while all are open: evict the oldest, or drop the packet as `no_slot`.'),
    deliver: z
      .union([
        z.literal('sample').describe('Of texts, the default: each when it has ended.'),
        z
          .strictObject({
            chunkTokens: z
              .int()
              .min(1)
              .max(1 << 20)
              .describe('Tokens (without a tokenize stage: bytes) in a part.'),
          })
          .describe('Of texts: parts of so many tokens, each as soon as no later byte can change it.'),
        z.strictObject({
          batch: z
            .int()
            .min(1)
            .max(4096)
            .default(1)
            .describe('Samples per delivery, contiguous; `slots` then counts batches.'),
          maxWaitMs: z
            .number()
            .min(0)
            .max(3_600_000)
            .default(0)
            .describe(
              'Deliver a partial batch after this; 0: never, it waits until it is full or the plane closes.',
            ),
        }),
      ])
      .prefault({})
      .describe('How results reach JavaScript; `chunkTokens` also says how they are forwarded.'),
    slowConsumer: z
      .enum(['drop', 'backpressure'])
      .default('drop')
      .describe(
        'All buffers held by the consumer: drop new samples as `slow_consumer`, or stop reading the port (all its routes; samples that are open meanwhile may pass their deadline).',
      ),
    sink: z
      .union([z.literal('host'), forwardSink])
      .default('host')
      .describe('JavaScript, or another port and address.'),
  })
  .describe('Which packets get which pipeline, and where the result goes.');
