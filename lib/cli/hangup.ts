/** SIGHUP: something is to be read again; or the terminal that a command was started in has gone, which ends it. */
import { closeSync, openSync } from 'node:fs';

/** Calls `again` on SIGHUP, one call after the other; signals that come during a call make one more. */
export function onHangup(again: () => Promise<void>): Disposable {
  const inTerminal = hasTerminal();
  let asked = false;
  let running = false;
  const onSignal = async (): Promise<void> => {
    if (inTerminal && !hasTerminal()) {
      // What the signal does to whoever does not take it: Node cannot exit in an orderly way without the terminal it began in.
      process.off('SIGHUP', onSignal);
      process.kill(process.pid, 'SIGHUP');
      return;
    }
    asked = true;
    if (running) return;
    running = true;
    while (asked) {
      asked = false;
      await again();
    }
    running = false;
  };
  process.on('SIGHUP', onSignal);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', onSignal) };
}

/** Whether the process has a controlling terminal. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
