/** A program that is asked line by line and answers on stdout. Knows nothing of what is asked. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** Longer than any single answer takes, on any machine. */
const ANSWER_MS = 30_000;

export class Conversation {
  readonly #name: string;
  readonly #process: ChildProcessWithoutNullStreams;
  #heard = '';
  #complaints = '';
  #ended = false;
  #wake: () => void = () => {};

  constructor(command: string, args: readonly string[], folder?: string) {
    this.#name = command;
    this.#process = spawn(command, args, { stdio: 'pipe', cwd: folder });
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#heard += text;
      this.#wake();
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-2000);
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#process.on('error', (error) => {
      this.#complaints += error.message;
      end();
    });
    this.#process.on('close', end);
    this.#process.stdin.on('error', () => {});
  }

  /** Says a line and waits for the first match of `answer` in what comes after it. */
  async ask(line: string, answer: RegExp): Promise<RegExpExecArray> {
    this.#heard = '';
    this.#process.stdin.write(`${line}\n`);
    return this.wait(answer);
  }

  /** Waits until what was heard since the last question matches. */
  async wait(answer: RegExp): Promise<RegExpExecArray> {
    const deadline = performance.now() + ANSWER_MS;
    for (;;) {
      const match = answer.exec(this.#heard);
      if (match !== null) return match;
      if (this.#ended || performance.now() > deadline)
        throw new Error(`${this.#name} gave no answer. ${this.#complaints.trim()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  say(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it; resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#ended) return;
    const gone = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
  }
}
