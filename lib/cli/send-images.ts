/** `onpath send` of images. */
import { OnpathError } from '../errors.js';
import { type Image, imageOf, readImage } from '../files/image-file.js';
import { Pipeline } from '../pipeline.js';
import { Sender } from '../sender.js';
import type { Serialization } from '../serialization.js';
import { pathText } from '../visible.js';
import { readInput } from './input.js';
import { checkOrder, orderedPipeline, serializationOf } from './order.js';
import type { SendOptions } from './send.js';
import type { Sending } from './sending.js';

/** What may be kept of images that are sent again and again; others are read again. */
const KEPT_BYTES = 256 << 20;
/** RTP header (RFC 3550), chunk header, and two sides in it (docs/wire-format.md). */
const RTP_BYTES = 12;
const CHUNK_BYTES = 32;
const DIMS_BYTES = 8;
const LONGEST_PACKET = 1400;

export async function sendImages(
  files: readonly string[],
  options: SendOptions,
  sending: Sending,
): Promise<void> {
  checkOrder(options);
  const pipeline = options.pipeline === undefined ? undefined : imagePipeline(options.pipeline, options);
  const images = new Images(options);
  // One stream for each size and format: images of a stream are all alike.
  const senders = new Map<string, Sender>();
  const onAbort = (): void => {
    for (const sender of senders.values()) void sender.close();
  };
  sending.signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let round = 0; round < options.repeat; round++) {
      for (const file of files) {
        const image = await images.get(file);
        const key = `${image.width} x ${image.height} ${image.format}`;
        let sender = senders.get(key);
        if (sender === undefined) {
          sender = await openSender(serializationOf(image, file, pipeline, options), options);
          senders.set(key, sender);
        }
        const stream = sender;
        if (!(await sending.sample(() => stream.send(image.pixels)))) return;
      }
    }
    await sending.rest();
  } finally {
    sending.signal.removeEventListener('abort', onAbort);
    await Promise.all([...senders.values()].map((sender) => sender.close()));
    if (sending.signal.aborted) await sending.rest();
  }
}

function openSender(serialization: Serialization, options: SendOptions): Promise<Sender> {
  const { to, from, payload, payloadType } = options;
  return Sender.open({
    to,
    ...(from === undefined ? {} : { from }),
    payload,
    payloadType,
    sendDims: options.dims === true,
    serialization,
    bitsPerSecond: bitsPerSecond(serialization, options),
    maxPayloadBytes: LONGEST_PACKET,
  });
}

/** 0: as fast as packets leave. What packets carry is known before they are made, and so how many bits so many packets have. */
function bitsPerSecond({ bytes, elementBytes }: Serialization, { rate, payload, dims }: SendOptions): number {
  if (rate === 'max') return 0;
  if ('bitsPerSecond' in rate) return rate.bitsPerSecond;
  if (payload === 'rfc4175') {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      '--rate in packets per second is for --payload chunk, whose packets are all full. Give bits per second.',
    );
  }
  const headers = RTP_BYTES + CHUNK_BYTES + (dims === true ? DIMS_BYTES : 0);
  const room = Math.floor((LONGEST_PACKET - headers) / elementBytes) * elementBytes;
  const packets = Math.ceil(bytes / room);
  return (rate.packetsPerSecond * 8 * (bytes + packets * headers)) / packets;
}

function imagePipeline(path: string, options: SendOptions): Pipeline {
  const pipeline = orderedPipeline(path, options);
  if (pipeline instanceof Pipeline) return pipeline;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `${pathText(path)} is no pipeline for images of one size; only those have serialization orders.`,
  );
}

/** Images by file, decoded once if they are sent more than once and fit. */
class Images {
  readonly #options: SendOptions;
  readonly #kept = new Map<string, Image>();
  #bytes = 0;

  constructor(options: SendOptions) {
    this.#options = options;
  }

  async get(file: string): Promise<Image> {
    const kept = this.#kept.get(file);
    if (kept !== undefined) return kept;
    const { format, repeat } = this.#options;
    const isInput = file === '-';
    const image = isInput
      ? await imageOf(await readInput('an image'), 'standard input', format)
      : await readImage(file, format);
    // Standard input cannot be read again.
    if (repeat > 1 && (isInput || this.#bytes + image.pixels.byteLength <= KEPT_BYTES)) {
      this.#kept.set(file, image);
      this.#bytes += image.pixels.byteLength;
    }
    return image;
  }
}
