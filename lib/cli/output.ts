/** What happens when nobody takes what a command prints. */
import { EXIT } from './terminal.js';

/**
 * A reader that has seen enough (`| head`) is no failure; a full disk is. What runs until a signal (a plane) is ended as by
 * a signal, everything else at once.
 * @param end Takes the exit code.
 * @returns Takes the watch away again.
 */
export function watchOutput(end: (code: number) => void): () => void {
  const onError = (error: NodeJS.ErrnoException): void => {
    const isRead = error.code === 'EPIPE';
    if (!isRead) process.stderr.write(`onpath: standard output cannot be written (${error.code}).\n`);
    const code = isRead ? EXIT.done : EXIT.failed;
    end(code);
    if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM');
    else process.exit(code);
  };
  // There is nobody left to tell.
  const onDeaf = (): void => {};
  process.stdout.on('error', onError);
  process.stderr.on('error', onDeaf);
  return () => {
    process.stdout.off('error', onError);
    process.stderr.off('error', onDeaf);
  };
}
