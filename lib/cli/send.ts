/** `onpath send`: files as RTP packets to a plane, here or elsewhere. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { OnpathError } from '../errors.js';
import { type Image, readImage } from '../files/image-file.js';
import { compilePipeline } from '../files/pipeline-file.js';
import { notReadable } from '../files/read.js';
import { SpecFile } from '../files/spec-file.js';
import { Pipeline } from '../pipeline.js';
import { Sender, type SendReport } from '../sender.js';
import { Serialization } from '../serialization.js';
import { rate, wholeNumber } from './arguments.js';
import { Progress } from './progress.js';
import { bytes, Terminal } from './terminal.js';

interface Options {
  readonly to: string;
  readonly from?: string;
  readonly text?: boolean;
  readonly payload: 'chunk' | 'rfc4175';
  readonly payloadType: number;
  readonly format?: Image['format'];
  readonly dims?: boolean;
  readonly pipeline?: string;
  readonly order?: 'row-major' | 'planar' | 'tile-major';
  readonly skipUnread?: boolean;
  readonly rate: number;
  readonly repeat: number;
  readonly json?: boolean;
}

interface Sent {
  samples: number;
  packets: number;
  bytes: number;
  refused: number;
}

export function sendCommand(): Command {
  return new Command('send')
    .description('send images or texts to a plane')
    .argument('<files...>', 'images (what sharp reads, or .npy); with --text texts, - for standard input')
    .requiredOption('--to <address:port>', 'the receiver')
    .option('--from <address:port>', 'our own end')
    .option('--text', 'the files are texts')
    .addOption(
      new Option('--payload <format>', 'payload format').choices(['chunk', 'rfc4175']).default('chunk'),
    )
    .option('--payload-type <n>', 'RTP payload type', wholeNumber(0, 127), 96)
    .addOption(new Option('--format <format>', 'pixels').choices(['gray', 'rgb', 'rgba']))
    .option('--dims', 'put the size of each image into its packets, for routes of images of many sizes')
    .option('--pipeline <spec>', 'the pipeline that will take them, for --order')
    .addOption(
      new Option('--order <order>', 'serialization order').choices(['row-major', 'planar', 'tile-major']),
    )
    .option('--skip-unread', 'leave out pixels that no output of --pipeline reads')
    .option('--rate <bits/s>', 'pace, such as 100M or 2.5G; max: as fast as packets leave', rate, 100e6)
    .option('--repeat <n>', 'send everything so many times', wholeNumber(1, 1_000_000), 1)
    .addHelpText(
      'after',
      `
Examples:
  onpath send photo.jpg --to 127.0.0.1:5004
  onpath send *.jpg --to 127.0.0.1:5004 --dims --rate 1G --repeat 10
  echo 'A prompt' | onpath send - --text --to 127.0.0.1:5006`,
    )
    .action(async (files: string[], options: Options) => {
      const begin = performance.now();
      const sent = options.text === true ? await sendTexts(files, options) : await sendImages(files, options);
      const seconds = (performance.now() - begin) / 1000;
      await new Terminal(options).result(
        { ...sent, seconds },
        `${sent.samples} samples, ${sent.packets} packets, ${bytes(sent.bytes)} in ${seconds.toFixed(2)} s` +
          (sent.refused > 0 ? `; ${sent.refused} packets were refused by the system` : ''),
      );
    });
}

async function sendTexts(files: readonly string[], options: Options): Promise<Sent> {
  for (const [flag, given] of Object.entries({
    pipeline: options.pipeline,
    order: options.order,
    format: options.format,
    dims: options.dims,
  })) {
    if (given !== undefined)
      throw new OnpathError('INVALID_ARGUMENT', `--${flag} is about images; leave it out with --text.`);
  }
  const { to, from, payloadType, rate: bitsPerSecond } = options;
  await using sender = await Sender.open({
    to,
    ...(from === undefined ? {} : { from }),
    text: true,
    payloadType,
    bitsPerSecond,
  });
  const progress = new Progress('sending', files.length * options.repeat);
  const all: Sent = { samples: 0, packets: 0, bytes: 0, refused: 0 };
  for (let round = 0; round < options.repeat; round++) {
    for (const file of files) {
      if (file !== '-') await readable(file);
      add(all, await sender.send(file === '-' ? process.stdin : createReadStream(file)));
      progress.add(1);
    }
  }
  progress.end();
  return all;
}

async function sendImages(files: readonly string[], options: Options): Promise<Sent> {
  const pipeline = options.pipeline === undefined ? undefined : imagePipeline(options.pipeline);
  if (pipeline === undefined && (options.order !== undefined || options.skipUnread === true)) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      '--order and --skip-unread need --pipeline: what is sent depends on what is read.',
    );
  }
  // One stream for each size and format: images of a stream are all alike.
  const senders = new Map<string, Sender>();
  const all: Sent = { samples: 0, packets: 0, bytes: 0, refused: 0 };
  const progress = new Progress('sending', files.length * options.repeat);
  try {
    for (let round = 0; round < options.repeat; round++) {
      for (const file of files) {
        const image = await readImage(file, options.format);
        const key = `${image.width} x ${image.height} ${image.format}`;
        let sender = senders.get(key);
        if (sender === undefined) {
          sender = await openSender(image, pipeline, options, file);
          senders.set(key, sender);
        }
        add(all, await sender.send(image.pixels));
        progress.add(1);
      }
    }
  } finally {
    progress.end();
    await Promise.all([...senders.values()].map((sender) => sender.close()));
  }
  return all;
}

async function openSender(
  image: Image,
  pipeline: Pipeline | undefined,
  options: Options,
  file: string,
): Promise<Sender> {
  const { to, from, payload, payloadType, rate: bitsPerSecond } = options;
  const common = {
    to,
    ...(from === undefined ? {} : { from }),
    payload,
    payloadType,
    bitsPerSecond,
    sendDims: options.dims === true,
  };
  const { width, height, format } = image;
  if (pipeline === undefined) return Sender.open({ ...common, width, height, format });
  const { input } = pipeline;
  if (input.width !== width || input.height !== height || input.format !== format) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${file} is ${width} x ${height} ${format}; the pipeline takes ${input.width} x ${input.height} ${input.format}.`,
    );
  }
  const serialization = Serialization.plan(pipeline, {
    order: options.order ?? 'row-major',
    skipUnread: options.skipUnread === true,
  });
  return Sender.open({ ...common, serialization });
}

function imagePipeline(path: string): Pipeline {
  const pipeline = compilePipeline(SpecFile.read(path));
  if (pipeline instanceof Pipeline) return pipeline;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `${path} is no pipeline for images of one size; only those have serialization orders.`,
  );
}

function add(all: Sent, report: SendReport): void {
  all.samples += 1;
  all.packets += report.packets;
  all.bytes += report.bytes;
  all.refused += report.refused;
}

async function readable(path: string): Promise<void> {
  try {
    if ((await stat(path)).isFile()) return;
  } catch (cause) {
    throw notReadable(path, cause);
  }
  throw new OnpathError('INVALID_ARGUMENT', `${path} is no file.`);
}
