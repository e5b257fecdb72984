/** `onpath recv`: takes what is sent to a UDP port through a pipeline, and writes or prints what comes of it. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { type HostPort, hostPortText } from '../address.js';
import { Dataplane } from '../dataplane.js';
import { OnpathError } from '../errors.js';
import { tensorBytes } from '../files/image-file.js';
import type { AnyPipeline } from '../files/pipeline-file.js';
import { makeFolder, writeFile } from '../files/write.js';
import type { Sample } from '../sample.js';
import { TextPipeline } from '../text-pipeline.js';
import type { TextSample } from '../text-sample.js';
import { ownHostPort, wholeNumber } from './arguments.js';
import { type OrderOptions, orderedPipeline, orderOption, skipUnreadOption } from './order.js';
import { endedBySignals } from './signals.js';
import { shapeText, Terminal } from './terminal.js';

interface Options extends OrderOptions {
  readonly on: HostPort;
  readonly pipeline: string;
  readonly payload: 'chunk' | 'rfc4175';
  readonly payloadType?: number;
  readonly sources?: string[];
  readonly out?: string;
  readonly as?: 'npy' | 'png';
  readonly count?: number;
  readonly json?: boolean;
}

export function recvCommand(): Command {
  return new Command('recv')
    .description('receive samples on a UDP port, run a pipeline over them, print or write the results')
    .requiredOption('--pipeline <spec>', 'YAML or JSON, as for onpath compile')
    .addOption(
      new Option('--on <address:port>', 'where to listen; port 0: the system chooses')
        .argParser(ownHostPort)
        .default(ownHostPort('127.0.0.1:5004'), '127.0.0.1:5004'),
    )
    .option('--sources <prefixes...>', 'who may send, such as 10.1.0.0/16; needed beyond loopback')
    .addOption(
      new Option('--payload <format>', 'payload format').choices(['chunk', 'rfc4175']).default('chunk'),
    )
    .option('--payload-type <n>', 'only this RTP payload type', wholeNumber(0, 127))
    .addOption(orderOption())
    .addOption(skipUnreadOption())
    .option('--count <n>', 'end after so many', wholeNumber(1, 1_000_000_000))
    .option('--out <folder>', 'write each result to a file of its own; texts and ids to .txt')
    .addOption(
      new Option('--as <kind>', 'with --out: files of tensors (default: npy)').choices(['npy', 'png']),
    )
    .addHelpText(
      'after',
      `
SIGINT or SIGTERM ends it.

Examples:
  onpath recv --pipeline resnet.yaml --out tensors --count 10
  onpath recv --pipeline thumbnails.yaml --out thumbnails --as png
  onpath recv --pipeline prompts.yaml --on 127.0.0.1:5006 --json
  onpath recv --pipeline resnet.yaml --on 10.1.0.2:5004 --sources 10.1.0.0/16`,
    )
    .action(receive);
}

async function receive(options: Options): Promise<void> {
  const terminal = new Terminal(options);
  const pipeline = orderedPipeline(options.pipeline, options);
  checkFiles(pipeline, options);
  const { address, port } = options.on;
  if (options.out !== undefined) makeFolder(options.out);
  using stop = endedBySignals();
  await using plane = await Dataplane.start({
    ports: [{ type: 'udp', name: 'in', address, port }],
    routes: [
      {
        name: 'recv',
        port: 'in',
        pipeline,
        payload: options.payload,
        ...(options.payloadType === undefined ? {} : { payloadType: options.payloadType }),
        ...(options.sources === undefined ? {} : { sources: options.sources }),
      },
    ],
  });
  terminal.note(`onpath: listening on ${hostPortText(plane.address('in'))}`);
  let left = options.count ?? Infinity;
  let number = 0;
  try {
    const samples = arriving(plane, pipeline, stop.signal);
    for await (const sample of samples) {
      await deliver(sample, number++, options, terminal);
      if (--left === 0) break;
    }
  } catch (error) {
    if (!(error instanceof OnpathError && error.code === 'ABORTED' && stop.signal.aborted)) throw error;
  }
}

/** What a result cannot be written as is said before the first one comes. */
function checkFiles(pipeline: AnyPipeline, { out, as }: Options): void {
  if (as === undefined) return;
  if (out === undefined)
    throw new OnpathError('INVALID_ARGUMENT', '--as says what files are written: give --out too.');
  if (pipeline instanceof TextPipeline)
    throw new OnpathError('INVALID_ARGUMENT', '--as is about tensors; texts and ids are written as .txt.');
  const other = pipeline.outputs.find(({ dtype }) => dtype !== 'uint8');
  if (as === 'png' && other !== undefined) {
    throw new OnpathError(
      'UNSUPPORTED',
      `--as png takes uint8; the output ${other.name} is ${other.dtype}. Write .npy.`,
    );
  }
}

function arriving(
  plane: Dataplane,
  pipeline: AnyPipeline,
  signal: AbortSignal,
): AsyncGenerator<Sample | TextSample, void, undefined> {
  return pipeline instanceof TextPipeline
    ? plane.texts('recv', { signal })
    : plane.samples('recv', { signal });
}

async function deliver(
  sample: Sample | TextSample,
  number: number,
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const { requestId, timestamp, source, firstPacketAt, receivedAt } = sample;
  const facts = { number, requestId, timestamp, source, milliseconds: receivedAt - firstPacketAt };
  const from = `${source.address}:${source.port}`;
  if (!('outputs' in sample)) {
    const { ids, bytes } = sample;
    if (options.out !== undefined) {
      const name = join(options.out, `${String(number).padStart(6, '0')}.txt`);
      writeFile(name, ids.length > 0 ? `${ids.join(' ')}\n` : bytes);
    }
    const text = ids.length > 0 ? `${ids.length} tokens: ${ids.join(' ')}` : new TextDecoder().decode(bytes);
    return terminal.item(
      { ...facts, ids, text: ids.length > 0 ? undefined : text },
      `#${number} ${from} ${text}`,
    );
  }
  using released = sample;
  const files: string[] = [];
  const lines: string[] = [];
  for (const [name, tensor] of Object.entries(released.outputs)) {
    if (options.out !== undefined) {
      const file = join(
        options.out,
        `${String(number).padStart(6, '0')}-${name.replace(/[/\p{Cc}]/gu, '_')}.${options.as ?? 'npy'}`,
      );
      writeFile(file, await tensorBytes(tensor, file));
      files.push(file);
    }
    lines.push(shapeText(name, tensor));
  }
  const shapes = Object.fromEntries(
    Object.entries(released.outputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
  );
  await terminal.item(
    { ...facts, outputs: shapes, files },
    `#${number} ${from} ${lines.join(', ')}${files.length > 0 ? ` -> ${files.join(', ')}` : ''}`,
  );
}
