/** The example service as a child process: started, looked at from outside, ended. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation } from '../conversation.js';

export interface Cpu {
  /** Milliseconds on a CPU of all threads but those of onpath: JavaScript, its thread pool, the model. */
  readonly service: number;
  /** Of onpath's own threads: workers and those that serve them. */
  readonly workers: number;
}

export class ServiceChild {
  readonly #child: Conversation;
  readonly #pid: number;
  /** Where it takes images; undefined: on a port of its own. */
  readonly address: { readonly address: string; readonly port: number } | undefined;

  private constructor(child: Conversation, pid: number, address: ServiceChild['address']) {
    this.#child = child;
    this.#pid = pid;
    this.address = address;
  }

  /** @param args as `node service.js` takes them */
  static async start(folder: string, args: readonly string[]): Promise<ServiceChild> {
    const child = new Conversation(process.execPath, [join(folder, 'service.js'), ...args]);
    const [, address, port] = await child.wait(/^ready(?: (\S+) (\d+))?\n/m);
    return new ServiceChild(
      child,
      child.pid!,
      address === undefined ? undefined : { address, port: Number(port) },
    );
  }

  /** Since its start. The kernel counts nanoseconds on a CPU for each thread; all that matter here live as long as the service. */
  cpu(): Cpu {
    const cpu = { service: 0, workers: 0 };
    const tasks = `/proc/${this.#pid}/task`;
    for (const task of readdirSync(tasks)) {
      const read = (file: string) => readFileSync(`${tasks}/${task}/${file}`, 'utf8');
      const ms = Number(read('schedstat').split(' ')[0]) / 1e6;
      cpu[read('comm').startsWith('onpath') ? 'workers' : 'service'] += ms;
    }
    return cpu;
  }

  async close(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#child.close();
  }
}
