/** What the schemas of pipelines, planes and senders share: symbols that mark objects of ours, formats, the input. */
import { z } from 'zod';

/** Marks compiled pipelines, so that this file need not load the class (which loads this file). */
export const PIPELINE: unique symbol = Symbol('onpath.Pipeline');
/** The same for families of pipelines. */
export const FAMILY: unique symbol = Symbol('onpath.PipelineFamily');
/** The same for running planes. */
export const DATAPLANE: unique symbol = Symbol('onpath.Dataplane');
/** The same for serializations. */
export const SERIALIZATION: unique symbol = Symbol('onpath.Serialization');

export const side = z.int().min(1).max(65535);
export const payloadType = z.int().min(0).max(127);
export const channelFormat = z
  .enum(['gray', 'rgb', 'bgr', 'rgba', 'bgra', 'rgbx'])
  .describe(
    'Interleaved 8-bit channels. Alpha of rgba and bgra is premultiplied around a resize of the profiles `pillow` (but for nearest) and `exact4`, as Pillow does; the fourth channel of rgbx is an ordinary one.',
  );
/** What a sample may come as; the stages after `toRgb` see channels. */
export const inputFormat = z
  .enum([...channelFormat.options, 'uyvy'])
  .describe(
    'Interleaved 8-bit channels, as `channels` has them, or `uyvy`: YCbCr-4:2:2, two pixels as Cb Y0 Cr Y1, which `toRgb` takes first.',
  );
export const dtype = z
  .enum(['uint8', 'int8', 'uint16', 'float16', 'bfloat16', 'float32', 'uint32'])
  .describe('Element type. float16 and bfloat16 arrive as Uint16Array holding their bits.');
export const layout = z.enum(['hwc', 'chw']).describe('Order of the output: pixels interleaved, or planes.');

const kind = z.literal('image').describe('What a sample is. This version knows images.');

export const serializationOrder = z
  .enum(['row-major', 'planar', 'tile-major'])
  .describe(
    'Order in which the bytes travel: `row-major`; `planar`: all of channel 0, then channel 1, ...; `tile-major`: pixels in the order of their first use by the outputs of the first resize.',
  );
const skipUnread = z
  .boolean()
  .describe('Pixels that no output reads are not sent: those outside a crop, or that a resize passes over.');

export const imageInput = z
  .strictObject({
    kind,
    width: side.describe('Pixels.'),
    height: side.describe('Pixels.'),
    format: inputFormat,
    order: serializationOrder.default('row-major'),
    skipUnread: skipUnread.default(false),
  })
  .describe(
    'The sample as it is serialized on the wire, 8 bits a channel. `uyvy` travels row-major and whole. See docs/serialization.md.',
  );

/** The input of a family: images of any size up to the largest. */
export const familyInput = z
  .strictObject({
    kind,
    maxWidth: side.describe('Pixels of the widest image.'),
    maxHeight: side.describe('Pixels of the tallest image.'),
    format: inputFormat,
    order: z
      .literal('row-major')
      .default('row-major')
      .describe('Other orders lay the bytes of every size out differently.'),
  })
  .describe(
    'The sample as it is serialized on the wire, 8 bits a channel, row-major and whole. Its size is told by the dimensions in the header of each chunk.',
  );

/** What `Serialization.plan` takes. */
export const serializationChoice = z.union([
  serializationOrder,
  z.strictObject({ order: serializationOrder, skipUnread: skipUnread.default(false) }),
]);
