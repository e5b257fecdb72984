/** `onpath stats`: the counters of a running plane. */
import { Command } from 'commander';
import { seconds } from './arguments.js';
import { every } from './every.js';
import { endedBySignals } from './signals.js';
import { clientOf, ofRunningPlane, type SocketOptions } from './socket.js';
import { summary } from './summary.js';
import { Terminal } from './terminal.js';

export function statsCommand(): Command {
  return ofRunningPlane(
    new Command('stats')
      .description('print the counters of a running plane: packets, samples, drops by reason')
      .option('--watch', 'again and again, until SIGINT or SIGTERM')
      .option('--every <seconds>', 'with --watch: how often', seconds, 1),
  )
    .addHelpText(
      'after',
      `
Counters are since start (docs/metrics.md says what they count). With --watch --json every line is one object: { at, stats }.

Examples:
  onpath stats
  onpath stats --json | jq '.routes[].drops'
  onpath stats --watch --every 5`,
    )
    .action(async (options: SocketOptions & { readonly watch?: boolean; readonly every: number }) => {
      const terminal = new Terminal(options);
      const client = clientOf(options);
      if (options.watch !== true) {
        const stats = await client.stats();
        return terminal.result(stats, summary(stats));
      }
      using stop = endedBySignals();
      await every(options.every * 1000, stop.signal, async () => {
        const stats = await client.stats(stop.signal);
        await terminal.item({ at: Date.now(), stats }, `${summary(stats)}\n`);
      });
    });
}
