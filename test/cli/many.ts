/**
 * Many runs of the `onpath` command in one process, each with its own output: what takes a second in a process of its own takes
 * milliseconds here. A run that ends the process, or never ends, is told from one that comes back.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ended } from './onpath.js';

/** Under the heaviest load a run here takes a few seconds. */
const HANGS_MS = 120_000;

export class Many implements AsyncDisposable {
  readonly #child: ChildProcess;
  #stray = '';

  /** @param cwd The folder that runs see. @param heapMegabytes What they may use of JavaScript's memory. */
  constructor(cwd: string, heapMegabytes = 256) {
    this.#child = fork(fileURLToPath(import.meta.url), ['serve'], {
      cwd,
      execArgv: [`--max-old-space-size=${heapMegabytes}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stray += text;
    });
  }

  /** @throws Error if the command ended the process, or did not come back. */
  async run(args: readonly string[]): Promise<Ended> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(HANGS_MS)]);
    const answer = once(this.#child, 'message', { signal });
    const gone = once(this.#child, 'exit', { signal });
    try {
      this.#child.send(args);
      const [first, killed] = await Promise.race([answer, gone]);
      if (typeof first === 'object' && first !== null) return first as Ended;
      throw new Error(`ended the process (${first ?? killed}): ${this.#stray}`);
    } catch (cause) {
      throw new Error(`onpath ${JSON.stringify(args).slice(0, 300)}: ${(cause as Error).message}`, { cause });
    } finally {
      over.abort();
      await Promise.allSettled([answer, gone]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await once(this.#child, 'exit');
  }
}

async function serve(): Promise<void> {
  const { program } = await import('../../lib/cli/program.js');
  const text = { out: '', error: '' };
  const capture = (stream: NodeJS.WriteStream, name: 'out' | 'error'): void => {
    stream.write = ((chunk: string | Uint8Array, done?: () => void) => {
      text[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      if (typeof done === 'function') process.nextTick(done);
      return true;
    }) as typeof stream.write;
  };
  capture(process.stdout, 'out');
  const toParent = process.stderr.write.bind(process.stderr);
  capture(process.stderr, 'error');
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (cause: unknown) => {
      toParent(`${event}: ${cause instanceof Error ? cause.stack : String(cause)}`);
      process.exit(99);
    });
  }
  for await (const [args] of messages()) {
    text.out = '';
    text.error = '';
    const code = await program(args);
    process.send!({ code, ...text } satisfies Ended);
  }
}

async function* messages(): AsyncGenerator<[string[]]> {
  while (process.connected) yield (await once(process, 'message')) as [string[]];
}

if (process.argv[2] === 'serve') await serve();
