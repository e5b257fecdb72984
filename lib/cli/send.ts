/** `onpath send`: files as RTP packets to a plane, here or elsewhere. */
import { Command, Option } from 'commander';
import { OnpathError } from '../errors.js';
import type { Image } from '../files/image-file.js';
import { hostPort, interval, type Rate, rate, wholeNumber } from './arguments.js';
import { type OrderOptions, orderOption, skipUnreadOption } from './order.js';
import { sendImages } from './send-images.js';
import { sendTexts } from './send-texts.js';
import { Sending } from './sending.js';
import { endedBySignals } from './signals.js';
import { bytes, Terminal } from './terminal.js';

export interface SendOptions extends OrderOptions {
  readonly to: string;
  readonly from?: string;
  readonly text?: boolean;
  readonly payload: 'chunk' | 'rfc4175';
  readonly payloadType: number;
  readonly format?: Image['format'];
  readonly dims?: boolean;
  readonly rate: Rate;
  readonly interval?: number;
  readonly repeat: number;
  readonly json?: boolean;
}

export function sendCommand(): Command {
  return new Command('send')
    .description('send images or texts to a plane')
    .argument('<files...>', 'images (what sharp reads, or .npy), with --text texts; -: standard input')
    .requiredOption('--to <address:port>', 'the receiver', hostPort)
    .option('--from <address:port>', 'our own end', hostPort)
    .option('--text', 'the files are texts')
    .addOption(
      new Option('--payload <format>', 'payload format').choices(['chunk', 'rfc4175']).default('chunk'),
    )
    .option('--payload-type <n>', 'RTP payload type', wholeNumber(0, 127), 96)
    .addOption(new Option('--format <format>', 'pixels').choices(['gray', 'rgb', 'rgba']))
    .option('--dims', 'put the size of each image into its packets, for routes of images of many sizes')
    .option('--pipeline <spec>', 'the pipeline that will take them: its size and order are kept to')
    .addOption(orderOption())
    .addOption(skipUnreadOption())
    .addOption(
      new Option(
        '--rate <rate>',
        'bits per second such as 100M or 2.5G, packets per second such as 5kpps, or max',
      )
        .argParser(rate)
        .default({ bitsPerSecond: 100e6 }, '100M'),
    )
    .option('--interval <seconds>', 'begin a sample this often', interval)
    .option('--repeat <n>', 'send everything so many times', wholeNumber(1, 1_000_000_000), 1)
    .addHelpText(
      'after',
      `
SIGINT or SIGTERM ends it; what was sent until then is printed.

Examples:
  onpath send photo.jpg --to 127.0.0.1:5004
  onpath send *.jpg --to 127.0.0.1:5004 --dims --rate 1G --repeat 10
  onpath send photo.jpg --to 127.0.0.1:5004 --pipeline resnet.yaml --order tile-major --skip-unread
  curl -s https://example.org/photo.jpg | onpath send - --to 127.0.0.1:5004
  echo 'A prompt' | onpath send - --text --to 127.0.0.1:5006 --payload-type 97`,
    )
    .action(send);
}

async function send(files: readonly string[], options: SendOptions): Promise<void> {
  if (files.filter((file) => file === '-').length > 1)
    throw new OnpathError('INVALID_ARGUMENT', 'Standard input can be read once: give - once.');
  if (options.text === true) refuseImageOptions(options);
  using stop = endedBySignals();
  const sending = new Sending(files.length * options.repeat, options.interval, stop.signal);
  try {
    await (options.text === true ? sendTexts(files, options, sending) : sendImages(files, options, sending));
  } finally {
    sending.end();
  }
  const { sent, seconds } = sending;
  await new Terminal(options).result(
    { ...sent, seconds },
    `${sent.samples} samples, ${sent.packets} packets, ${bytes(sent.bytes)} in ${seconds.toFixed(2)} s` +
      (sent.refused > 0 ? `; ${sent.refused} packets were refused by the system` : ''),
  );
}

function refuseImageOptions(options: SendOptions): void {
  const { pipeline, order, format, dims, skipUnread } = options;
  const flags = { pipeline, order, format, dims, 'skip-unread': skipUnread };
  for (const [flag, given] of Object.entries(flags)) {
    if (given !== undefined)
      throw new OnpathError('INVALID_ARGUMENT', `--${flag} is about images; leave it out with --text.`);
  }
  if (options.payload === 'rfc4175') {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      '--payload rfc4175 carries images; leave it out with --text, which sends chunks.',
    );
  }
  if (options.rate !== 'max' && 'packetsPerSecond' in options.rate) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      '--rate in packets per second is for images, whose packets are alike. Give bits per second, or --interval.',
    );
  }
}
