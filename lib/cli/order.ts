/** `--order` and `--skip-unread`: in which order the bytes of images travel, for `send` and `recv`. */
import { Option } from 'commander';
import { OnpathError } from '../errors.js';
import { type AnyPipeline, compilePipeline } from '../files/pipeline-file.js';
import { SpecFile } from '../files/spec-file.js';
import { serializationOrder } from '../image-schema.js';
import { Pipeline } from '../pipeline.js';
import type { Order } from '../schema.js';
import { type ImageFormat, Serialization } from '../serialization.js';
import { pathText } from '../visible.js';

export interface OrderOptions {
  readonly pipeline?: string;
  readonly order?: Order;
  readonly skipUnread?: boolean;
}

export const orderOption = () =>
  new Option('--order <order>', "serialization order (default: the pipeline's own, else row-major)").choices(
    serializationOrder.options,
  );
export const skipUnreadOption = () =>
  new Option('--skip-unread', 'leave out pixels that no output of the pipeline reads');

/** The pipeline of a file with the order that was asked for. @throws OnpathError */
export function orderedPipeline(path: string, options: OrderOptions): AnyPipeline {
  const pipeline = compilePipeline(SpecFile.read(path));
  if (options.order === undefined && options.skipUnread === undefined) return pipeline;
  if (pipeline instanceof Pipeline) return planned(pipeline, options).pipeline!;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `${pathText(path)} is no pipeline for images of one size; only those have serialization orders. Leave --order and --skip-unread out.`,
  );
}

/** How an image is put on the wire. @param pipeline Of the receiver, as `orderedPipeline` gave it. @throws OnpathError */
export function serializationOf(
  image: ImageFormat,
  name: string,
  pipeline: Pipeline | undefined,
  options: OrderOptions,
): Serialization {
  if (pipeline !== undefined) {
    const { input } = pipeline;
    if (input.width === image.width && input.height === image.height && input.format === image.format)
      return Serialization.of(pipeline);
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${pathText(name)} is ${image.width} x ${image.height} ${image.format}; the pipeline takes ${input.width} x ${input.height} ${input.format}. Convert the image, or give the pipeline of its receiver.`,
    );
  }
  if (options.order !== 'planar') return Serialization.rowMajor(image);
  // Planes of the whole image are the same whatever becomes of them.
  const { width, height, format } = image;
  return planned(Pipeline.compile({ input: { kind: 'image', width, height, format }, stages: [] }), options);
}

/** Orders that only a pipeline gives a meaning. @throws OnpathError */
export function checkOrder({ pipeline, order, skipUnread }: OrderOptions): void {
  if (pipeline !== undefined || (order !== 'tile-major' && skipUnread !== true)) return;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    '--order tile-major and --skip-unread need --pipeline: what is sent, and when, depends on what is read.',
  );
}

function planned(pipeline: Pipeline, options: OrderOptions): Serialization {
  const { input } = pipeline;
  return Serialization.plan(pipeline, {
    order: options.order ?? input.order,
    skipUnread: options.skipUnread ?? input.skipUnread,
  });
}
