/** `onpath capture`: packets of a running plane as pcapng. */
import { Command } from 'commander';
import { OnpathError } from '../errors.js';
import { notWritable, openPrivately, requireWritable } from '../files/write.js';
import { wholeNumber } from './arguments.js';
import { endedBySignals } from './signals.js';
import { clientOf, ofRunningPlane, type SocketOptions } from './socket.js';
import { Terminal } from './terminal.js';

interface Options extends SocketOptions {
  readonly out: string;
  readonly port?: string;
  readonly packets?: number;
  readonly seconds?: number;
  readonly snapLength?: number;
}

export function captureCommand(): Command {
  return ofRunningPlane(
    new Command('capture')
      .description('write packets of a running plane to a pcapng file, as they came')
      .argument('[route]', 'packets whose headers name this route; or --port')
      .option('--port <name>', 'every packet that comes in by this port')
      .requiredOption(
        '--out <file>',
        'where to: created or overwritten, readable by its owner only; - for standard output',
      )
      .option('--packets <n>', 'end after so many (1000000)', wholeNumber(1, Number.MAX_SAFE_INTEGER))
      .option('--seconds <s>', 'end after so long (60)', wholeNumber(1, 1_000_000_000))
      .option('--snap-length <bytes>', 'of each packet (65535)', wholeNumber(1, 262_144)),
  )
    .addHelpText(
      'after',
      `
SIGINT or SIGTERM ends it; the file is complete then. A worker never waits for a capture: packets that it could not
write are counted as missed.

Examples:
  onpath capture photos --out photos.pcapng --packets 1000
  onpath capture --port in --out - --seconds 10 | tshark -r -`,
    )
    .action(async (route: string | undefined, options: Options) => {
      const { out, port, packets: maxPackets, seconds: maxSeconds, snapLength } = options;
      if ((route === undefined) === (port === undefined)) {
        throw new OnpathError('INVALID_ARGUMENT', 'Name a route, or with --port a port.');
      }
      if (out === '-' && options.json === true) {
        throw new OnpathError(
          'INVALID_ARGUMENT',
          'With --out - packets go to standard output; leave --json out.',
        );
      }
      if (out !== '-') requireWritable(out);
      using stop = endedBySignals();
      const captured = await clientOf(options)
        .capture(
          {
            ...(route !== undefined && { route }),
            ...(port !== undefined && { port }),
            ...(maxPackets !== undefined && { maxPackets }),
            ...(maxSeconds !== undefined && { maxSeconds }),
            ...(snapLength !== undefined && { snapLength }),
          },
          // Opened when the plane has begun: a capture that is refused overwrites nothing.
          async () => (out === '-' ? process.stdout : openPrivately(out)),
          stop.signal,
        )
        .catch((error: unknown) => {
          if (error instanceof OnpathError) throw error;
          if (out !== '-') throw notWritable(out, error);
          // What is wrong with standard output, and whether it is a failure, is said by those who watch it for all commands.
          return undefined;
        });
      if (captured === undefined) return;
      const { packets, missed } = captured;
      const text = `${packets} packets${missed === undefined ? '' : `, ${missed} missed`}`;
      const terminal = new Terminal(options);
      if (out === '-') return terminal.note(text);
      await terminal.result({ file: out, ...captured }, `${text} -> ${out}`);
    });
}
