/** The example service as a child process: started, looked at from outside, ended. */
import { readdirSync, readFileSync } from 'node:fs';
import { Conversation } from '../conversation.js';

/** Linux counts in hundredths of a second, whatever its own tick is. */
const MS_A_TICK = 10;

/** Names of threads that onpath and DPDK start. */
const OURS = /^(onpath|eal-|telemetry-|rte_)/;

export interface Cpu {
  /** Milliseconds on a CPU of all threads but those of onpath: JavaScript, its thread pool, the model. */
  readonly service: number;
  /** Of onpath's own threads, and DPDK's: workers and those that serve them. */
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

  /** @param args the program, and what it takes */
  static async start(folder: string, args: readonly string[]): Promise<ServiceChild> {
    const child = new Conversation(process.execPath, args, folder);
    const [, address, port] = await child.wait(/^ready(?: (\S+) (\d+))?\n/m);
    return new ServiceChild(
      child,
      child.pid!,
      address === undefined ? undefined : { address, port: Number(port) },
    );
  }

  /**
   * Since its start. Of the process as the kernel adds it up, threads that have ended included, in ticks; of onpath's threads, which live
   * as long as the plane, in nanoseconds.
   */
  cpu(): Cpu {
    const process = `/proc/${this.#pid}`;
    // After the name, which may hold anything: fields 3 on, of which 14 and 15 are user and system time.
    const fields = readFileSync(`${process}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const all = (Number(fields[11]) + Number(fields[12])) * MS_A_TICK;
    let workers = 0;
    for (const task of readdirSync(`${process}/task`)) {
      const read = (file: string) => readFileSync(`${process}/task/${task}/${file}`, 'utf8');
      if (OURS.test(read('comm'))) workers += Number(read('schedstat').split(' ')[0]) / 1e6;
    }
    return { service: all - workers, workers };
  }

  async close(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#child.close();
  }
}
