/** Runs the `onpath` command as a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));

/** What a test that failed left running would keep its file from ending. Others' hooks at the end may still wait for theirs. */
const running = new Set<ChildProcess>();
const LEFT_MS = 20_000;
after(() => {
  const kill = () => {
    for (const child of running) child.kill('SIGKILL');
  };
  setTimeout(kill, LEFT_MS).unref();
});

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export function start(args: readonly string[], options: { readonly cwd?: string } = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let out = '';
  let error = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text;
  });
  const ended: Promise<Ended> = once(child, 'close').then(([code]) => ({ code: code as number, out, error }));
  /** Resolves when standard error has this text; rejects if the command ends before. */
  const says = async (text: string): Promise<void> => {
    while (!error.includes(text)) {
      const which = await Promise.race([
        once(child.stderr, 'data').then(() => 'more'),
        ended.then(() => 'ended'),
      ]);
      if (which === 'ended' && !error.includes(text)) throw new Error(`ended without "${text}": ${error}`);
    }
  };
  return { child, ended, says, said: () => error, printed: () => out };
}

export async function onpath(
  args: readonly string[],
  input?: string | Uint8Array,
  cwd?: string,
): Promise<Ended> {
  const { child, ended } = start(args, cwd === undefined ? {} : { cwd });
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  return ended;
}
