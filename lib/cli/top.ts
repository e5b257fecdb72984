/** `onpath top`: a running plane in the terminal, redrawn. */
import { Command } from 'commander';
import type { Snapshot } from '../service/snapshot.js';
import { seconds } from './arguments.js';
import { every } from './every.js';
import { Screen } from './screen.js';
import { endedBySignals } from './signals.js';
import { clientOf, ofRunningPlane, type SocketOptions } from './socket.js';
import { Terminal } from './terminal.js';
import { difference, topText } from './top-text.js';

/** Between the two looks of `--once`: rates are differences. */
const ONCE_MS = 1000;

interface Options extends SocketOptions {
  readonly once?: boolean;
  readonly every: number;
}

export function topCommand(): Command {
  return ofRunningPlane(
    new Command('top')
      .description(
        'show a running plane in the terminal: rates, drops by reason, latency; q or Ctrl-C ends it',
      )
      .option('--once', 'print what one second was, and end')
      .option('--every <seconds>', 'how often', seconds, 1),
  )
    .addHelpText(
      'after',
      `
Where standard output is no terminal it prints instead of redrawing. With --json every line is one object:
{ at, state, uptimeSeconds, seconds, ports, routes, drops, latency }, rates per second.

Examples:
  onpath top
  onpath top --once --json
  onpath top --every 10 > plane.log`,
    )
    .action(async (options: Options) => {
      const client = clientOf(options);
      const terminal = new Terminal(options);
      using stop = endedBySignals();
      let before: Snapshot | undefined = await client.status(stop.signal);
      if (options.once === true) {
        await new Promise((resolve) => setTimeout(resolve, ONCE_MS));
        const now = await client.status(stop.signal);
        return terminal.result(difference(before, now), topText(before, now));
      }
      const drawn = process.stdout.isTTY && options.json !== true;
      using screen = drawn ? new Screen() : undefined;
      const ended = screen === undefined ? stop.signal : AbortSignal.any([stop.signal, screen.left]);
      await every(options.every * 1000, ended, async () => {
        const now = await client.status(ended);
        // A plane that was started anew counts from zero.
        if (before === undefined || before.uptimeSeconds > now.uptimeSeconds) before = now;
        if (screen !== undefined) screen.draw(topText(before, now));
        else if (before !== now) await terminal.item(difference(before, now), `${topText(before, now)}\n`);
        before = now;
      });
    });
}
