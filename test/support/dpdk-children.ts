/** Processes with a plane on one DPDK port, to be ended from outside. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { DpdkChildTask } from './dpdk-child.js';
import { eventually } from './plane.js';

export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown[]>;
  #said = '';

  constructor(task: DpdkChildTask) {
    const program = new URL('../support/dpdk-child.js', import.meta.url).pathname;
    this.process = spawn(process.execPath, [program, JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
    this.ended = once(this.process, 'close');
  }
  /** A test that fails does not leave it behind. */
  [Symbol.dispose](): void {
    this.process.kill('SIGKILL');
  }
  async up(): Promise<this> {
    try {
      await eventually('the child receives', () => {
        assert.equal(this.process.exitCode, null, this.#said);
        return this.#said.includes('up\n');
      });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    return this;
  }
}
