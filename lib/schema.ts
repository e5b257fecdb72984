/**
 * The one schema: from it come the TypeScript types, the validation, the JSON Schema and docs/specification.md.
 * Every field's `describe()` text is its documentation: shapes, units, defaults.
 */
import { z } from 'zod';
import type { Dataplane } from './dataplane.js';
import {
  channelFormat,
  dtype,
  familyInput,
  imageInput,
  type inputFormat,
  layout,
  type serializationOrder,
  side,
} from './image-schema.js';
import { LookupTable } from './lookup-table.js';
import type { Pipeline } from './pipeline.js';
import type { PipelineFamily } from './pipeline-family.js';
import { ealSpec, mostQueues, name, portSpec } from './port-schema.js';
import { routeSpec } from './route-schema.js';
import { senderSpec } from './sender-schema.js';
import type { Serialization } from './serialization.js';
import type { TextPipeline } from './text-pipeline.js';
import { textPipelineSpec } from './text-schema.js';
import type { Tokenizer } from './tokenizer.js';

export {
  channelFormat,
  DATAPLANE,
  dtype,
  FAMILY,
  inputFormat,
  layout,
  PIPELINE,
  SERIALIZATION,
  serializationChoice,
  serializationOrder,
} from './image-schema.js';
export { senderSpec, textPipelineSpec };

const padding = z.int().min(0).max(65535).optional();

const resizeStage = z
  .strictObject({
    stage: z.literal('resize'),
    width: side.optional().describe('Pixels; with height.'),
    height: side.optional().describe('Pixels; with width.'),
    shortestEdge: side
      .optional()
      .describe(
        'Pixels of the shorter side, instead of width and height; the longer becomes trunc(edge * long / short).',
      ),
    longestEdge: side
      .optional()
      .describe(
        'Pixels of the longer side, instead of width and height; the shorter becomes max(1, trunc(edge * short / long)).',
      ),
    profile: z
      .enum(['pillow', 'torch', 'opencv', 'exact4'])
      .default('pillow')
      .describe(
        'Whose result it equals bit for bit: `pillow` = Pillow 9.4 and 12.3, antialiased (where they differ, on images more than 100 times as tall as wide, 9.4); `torch` = torchvision on uint8 tensors with antialias=True (bilinear, bicubic); `opencv` = cv2.resize with INTER_LINEAR or INTER_NEAREST; `exact4` = four-term bilinear without antialiasing, exact rationals rounded once half to even.',
      ),
    filter: z
      .enum(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos3'])
      .default('bilinear')
      .describe(
        'Resampling filter: all of them in `pillow`; bilinear and bicubic in `torch`; bilinear and nearest in `opencv`; bilinear in `exact4`.',
      ),
  })
  .superRefine(checkResize)
  .describe('Resamples to width x height, or so that one edge gets a length. Input and result are uint8.');

const cropStage = z
  .strictObject({
    stage: z.literal('crop'),
    left: z.int().min(-65535).max(65535).describe('Pixels; may be negative.'),
    top: z.int().min(-65535).max(65535).describe('Pixels; may be negative.'),
    width: side.describe('Pixels.'),
    height: side.describe('Pixels.'),
  })
  .describe('Keeps a rectangle. What lies outside the image is zero.');

const centerCropStage = z
  .strictObject({
    stage: z.literal('centerCrop'),
    width: side.describe('Pixels.'),
    height: side.describe('Pixels.'),
    rule: z
      .enum(['torchvision', 'floor'])
      .default('torchvision')
      .describe('How the offset (size - crop) / 2 is rounded: half to even as torchvision does, or down.'),
  })
  .describe('Keeps the centre. A crop larger than the image is padded with zero.');

const padStage = z
  .strictObject({
    stage: z.literal('pad'),
    left: padding.describe('Pixels added.'),
    top: padding.describe('Pixels added.'),
    right: padding.describe('Pixels added.'),
    bottom: padding.describe('Pixels added.'),
    width: side
      .optional()
      .describe('Pixels of the result, with height, instead of the sides: the letterbox of YOLO.'),
    height: side.optional().describe('Pixels of the result, with width.'),
    value: z
      .union([z.int().min(0).max(255), z.array(z.int().min(0).max(255)).min(1).max(4)])
      .default(0)
      .describe('What the added pixels hold: one value, or one per channel.'),
  })
  .superRefine(checkPad)
  .describe(
    'Puts pixels around the image. To a size: round(d - 0.1) left and above, round(d + 0.1) right and below, where d is half of what is missing.',
  );

const toRgbStage = z
  .strictObject({
    stage: z.literal('toRgb'),
    matrix: z.enum(['bt601', 'bt709']).default('bt601').describe('Coefficients: ITU-R BT.601 or BT.709.'),
    range: z
      .enum(['studio', 'full'])
      .default('studio')
      .describe('Levels of the input: 16..235 and 16..240, or 0..255.'),
  })
  .describe('YCbCr-4:2:2 (`uyvy`) to `rgb` by tables; both pixels of a pair take the chroma of their pair.');

const channelsStage = z
  .strictObject({ stage: z.literal('channels'), to: channelFormat })
  .describe('Reorders channels (rgb to bgr), drops alpha (rgba to rgb) or replicates gray (gray to rgb).');

const perChannel = z.union([z.number(), z.array(z.number()).min(1).max(4)]);
const normalizeStage = z
  .strictObject({
    stage: z.literal('normalize'),
    mean: perChannel.describe('One number, or one per channel, in units of the scaled value.'),
    std: perChannel.describe('One number, or one per channel; not zero.'),
    scale: z
      .number()
      .default(1 / 255)
      .describe('What 8-bit values are multiplied by first.'),
    recipe: z
      .enum(['torchvision', 'fused'])
      .default('torchvision')
      .describe(
        '`torchvision`: (f32(f64(x) * scale) - f32(mean)) / f32(std), each step rounded. `fused`: (x - m) / s with mean and std scaled beforehand.',
      ),
  })
  .describe('Normalizes to float32, as one table of 256 entries per channel.');

const plainTable = z.strictObject({
  dtype: z.enum(['uint8', 'int8', 'uint16', 'float32', 'uint32']).describe('Element type of the entries.'),
  values: z
    .union([z.array(z.number()).length(256), z.array(z.array(z.number()).length(256)).min(1).max(4)])
    .describe('256 entries, or a list of 256 per channel.'),
});
/** Apart, as files have other things in its place. */
export const lookupTable = z.custom<LookupTable>((value) => value instanceof LookupTable, {
  error: 'expected a LookupTable',
});

const lookupStage = z
  .strictObject({
    stage: z.literal('lookup'),
    table: z
      .union([
        lookupTable,
        plainTable,
        name.describe('A name: the table is given under it in `options.tables` of compile.'),
      ])
      .describe(
        'A LookupTable; its plain form: 256 values, or 256 per channel; or a name, under which `plane.tables.set` exchanges it later.',
      ),
  })
  .describe('Replaces every 8-bit value by its entry in a table.');

const quantizeStage = z
  .strictObject({
    stage: z.literal('quantize'),
    scale: z.number().positive().describe('Step of one code, greater than zero.'),
    zeroPoint: z.int().min(-128).max(127).default(0).describe('Code of value zero.'),
  })
  .describe('clamp(rne(f32(x) / f32(scale)) + zeroPoint, -128, 127) as int8; rounding half to even.');

/** What a pipeline has beside its input. */
const steps = {
  stages: z
    .array(
      z.discriminatedUnion('stage', [
        resizeStage,
        cropStage,
        centerCropStage,
        padStage,
        toRgbStage,
        channelsStage,
        normalizeStage,
        lookupStage,
        quantizeStage,
      ]),
    )
    .max(64)
    .default([])
    .describe('In order. Adjacent table stages are folded into one table, each rounding kept.'),
  output: z
    .strictObject({
      name: name.default('pixels').describe('Key of the result in `outputs`.'),
      dtype: dtype.optional().describe('Default: what the last stage makes.'),
      layout: layout.default('hwc'),
    })
    .prefault({})
    .describe('The result tensor.'),
  limits: z
    .strictObject({
      stateBytes: z
        .int()
        .min(0)
        .default(256 * 1024 * 1024)
        .describe('Refuse to compile a plan of which one sample could need more state than this.'),
    })
    .prefault({})
    .describe('Bounds that compile keeps.'),
};

export const pipelineSpec = z.strictObject({ input: imageInput, ...steps });

export const familySpec = z.strictObject({ input: familyInput, ...steps });

export const dataplaneSpec = z
  .strictObject({
    eal: ealSpec.optional(),
    ports: z.array(portSpec).min(1).max(64).describe('Where packets enter and leave.'),
    routes: z
      .array(routeSpec)
      .max(1024)
      .describe('Which packets get which pipeline. May be empty if a dpdk port keeps queues for senders.'),
    workers: z.int().min(1).max(64).default(1).describe('Threads that poll ports and run programs.'),
    limits: z
      .strictObject({
        memoryBytes: z
          .int()
          .min(0)
          .default(8 * 1024 * 1024 * 1024)
          .describe('Refuse to start a plane whose pools would take more than this.'),
      })
      .prefault({})
      .describe('Bounds that start keeps.'),
    idleAfterUs: z
      .union([z.number().min(0), z.literal('never')])
      .default(50)
      .describe(
        'Microseconds without packets before a worker sleeps; "never": it polls for ever and keeps its core.',
      ),
    maxSleepUs: z
      .number()
      .min(20)
      .max(1_000_000)
      .default(1000)
      .describe(
        'Longest sleep in microseconds where a port can only be polled (most DPDK devices): what a packet may wait after a quiet spell. Ports with a descriptor wake their worker at once.',
      ),
    watchdogMs: z
      .number()
      .min(0)
      .max(3_600_000)
      .default(1000)
      .describe(
        'A worker that does not get on for so many milliseconds is fenced: an event, its share of fanned out streams goes to the others, and what it had open is given up. 0: never.',
      ),
    closeTimeoutMs: z
      .number()
      .min(0)
      .max(3_600_000)
      .default(5000)
      .describe(
        'Milliseconds that close() waits for a worker that hangs; then the plane closes without it, and what it can touch stays in memory.',
      ),
    latency: z
      .boolean()
      .default(true)
      .describe('Measure how long what takes, for plane.latency(): 56 KiB per route and worker.'),
  })
  .superRefine(checkPlane);

/** Fields that may be left out. */
type Optional<Field extends string> = { readonly [Key in Field]?: number | undefined };

/** A resize has either both sides or one edge. */
function checkResize(
  stage: Optional<'width' | 'height' | 'shortestEdge' | 'longestEdge'>,
  context: z.RefinementCtx,
): void {
  const { width, height, shortestEdge, longestEdge } = stage;
  const sides = width !== undefined || height !== undefined;
  const ways = [sides, shortestEdge !== undefined, longestEdge !== undefined].filter(Boolean).length;
  if (ways === 1 && (!sides || (width !== undefined && height !== undefined))) return;
  const message = 'expected either width and height, or shortestEdge, or longestEdge';
  context.addIssue({ code: 'custom', input: stage, message });
}

/** A pad has either sides or a size. */
function checkPad(
  stage: Optional<'left' | 'top' | 'right' | 'bottom' | 'width' | 'height'>,
  context: z.RefinementCtx,
): void {
  const { left, top, right, bottom, width, height } = stage;
  const sides = [left, top, right, bottom].some((side) => side !== undefined);
  const size = width !== undefined && height !== undefined;
  if (sides ? width === undefined && height === undefined : size) return;
  const message = 'expected either some of left, top, right and bottom, or width and height';
  context.addIssue({ code: 'custom', input: stage, message });
}

/** What ports, routes and workers must be to each other. */
function checkPlane(
  plane: { eal?: unknown; ports: z.output<typeof portSpec>[]; routes: unknown[]; workers: number },
  context: z.RefinementCtx,
): void {
  const dpdk = plane.ports.flatMap((port, i) => (port.type === 'dpdk' ? [{ port, i }] : []));
  if (plane.routes.length === 0 && !dpdk.some(({ port }) => port.senders > 0)) {
    context.addIssue({
      code: 'too_small',
      origin: 'array',
      minimum: 1,
      inclusive: true,
      path: ['routes'],
      input: plane.routes,
    });
  }
  if (plane.eal !== undefined && dpdk.length === 0) {
    const message = 'expected nothing, as no port is of type dpdk';
    context.addIssue({ code: 'custom', path: ['eal'], input: plane.eal, message });
  }
  for (const { port, i } of dpdk) {
    const working = Math.max(plane.workers, port.queues ?? 0);
    const most = mostQueues - working;
    if (port.senders > most) {
      const message = `expected at most ${most}, as a port has ${mostQueues} transmit queues and the workers and receive queues take ${working}`;
      context.addIssue({ code: 'custom', path: ['ports', i, 'senders'], input: port.senders, message });
    }
  }
}

/** Specifications are only read, so readonly arrays are welcome. */
type ReadonlyArrays<T> = T extends
  | Pipeline
  | PipelineFamily
  | TextPipeline
  | Tokenizer
  | LookupTable
  | Dataplane
  | Serialization
  ? T
  : T extends readonly (infer Item)[]
    ? readonly ReadonlyArrays<Item>[]
    : T extends { stage: 'resize' }
      ? Sized<T>
      : T extends object
        ? { [Key in keyof T]: ReadonlyArrays<T[Key]> }
        : T;

/** What checkResize() says, as a type. */
type Sized<Resize> = Omit<Resize, 'width' | 'height' | 'shortestEdge' | 'longestEdge'> &
  (
    | { width: number; height: number; shortestEdge?: never; longestEdge?: never }
    | { shortestEdge: number; width?: never; height?: never; longestEdge?: never }
    | { longestEdge: number; width?: never; height?: never; shortestEdge?: never }
  );

/** What checkSender() says, as a type. */
type Shaped<Sender> = Omit<Sender, 'width' | 'height' | 'format' | 'serialization' | 'text'> &
  (
    | {
        readonly width: number;
        readonly height: number;
        readonly format: InputFormat;
        readonly serialization?: never;
        readonly text?: never;
      }
    | {
        readonly serialization: Serialization;
        readonly width?: never;
        readonly height?: never;
        readonly format?: never;
        readonly text?: never;
      }
    | {
        readonly text: true;
        readonly serialization?: never;
        readonly width?: never;
        readonly height?: never;
        readonly format?: never;
      }
  );

export type ChannelFormat = z.infer<typeof channelFormat>;
export type InputFormat = z.infer<typeof inputFormat>;
/** Order in which a sample's bytes travel. */
export type Order = z.infer<typeof serializationOrder>;
export type DType = z.infer<typeof dtype>;
export type Layout = z.infer<typeof layout>;
/** What `Pipeline.compile` takes. */
export type PipelineSpec = ReadonlyArrays<z.input<typeof pipelineSpec>>;
/** One stage of a `PipelineSpec`. */
export type StageSpec = NonNullable<PipelineSpec['stages']>[number];
/** One port of `Dataplane.start`. */
export type PortSpec = ReadonlyArrays<z.input<typeof portSpec>>;
/** One route of `Dataplane.start`. */
export type RouteSpec = ReadonlyArrays<z.input<typeof routeSpec>>;
/** What `Dataplane.start` takes. */
export type DataplaneSpec = ReadonlyArrays<z.input<typeof dataplaneSpec>>;
/** What `Sender.open` takes. */
export type SenderSpec = Shaped<ReadonlyArrays<z.input<typeof senderSpec>>>;

/** What `TextPipeline.compile` takes, and `Pipeline.compile`. */
export type TextPipelineSpec = ReadonlyArrays<z.input<typeof textPipelineSpec>>;
/** What `PipelineFamily.compile` takes. */
export type PipelineFamilySpec = ReadonlyArrays<z.input<typeof familySpec>>;

export type ParsedPipelineSpec = z.output<typeof pipelineSpec>;
export type ParsedFamilySpec = z.output<typeof familySpec>;
export type ParsedTextPipelineSpec = z.output<typeof textPipelineSpec>;
export type ParsedDataplaneSpec = z.output<typeof dataplaneSpec>;
export type ParsedSenderSpec = z.output<typeof senderSpec>;

const documented = {
  pipeline: pipelineSpec,
  family: familySpec,
  text: textPipelineSpec,
  dataplane: dataplaneSpec,
  sender: senderSpec,
};

/** JSON Schema (draft 2020-12) of what `Pipeline.compile`, `PipelineFamily.compile`, `TextPipeline.compile`, `Dataplane.start` or `Sender.open` takes. */
export function jsonSchema(of: keyof typeof documented): Record<string, unknown> {
  return z.toJSONSchema(documented[of], { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
}
