/** Peers that run in a process of their own for as long as a suite does, are told how often to work, and time themselves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation } from './conversation.js';
import type { Contestant } from './statistics.js';

/** What such a process is told: one line, a work and how often; it answers `ns` and how many nanoseconds that took. */
export class ChildPeer {
  readonly name: string;
  /** What the child said when it was ready. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly #child: Conversation;
  readonly #folder: string;

  private constructor(name: string, about: Record<string, unknown>, child: Conversation, folder: string) {
    this.name = name;
    this.about = about;
    this.#child = child;
    this.#folder = folder;
  }

  /**
   * Starts one; the folder with the images is its last argument.
   * @throws Error with what it complained about, if it ends before it is ready.
   */
  static async start(
    name: string,
    command: string,
    args: readonly string[],
    folder: string,
  ): Promise<ChildPeer> {
    const child = new Conversation(command, [...args, folder]);
    const [, about] = await child.wait(/^ready (.*)\n/m);
    return new ChildPeer(name, JSON.parse(about!) as Record<string, unknown>, child, folder);
  }

  contestant(work: string, name = this.name): Contestant {
    return {
      name,
      run: (count) => this.#tell(`${work} ${count}`),
      timesItself: true,
    };
  }

  /** The float32 planes that it makes of the first image. */
  async result(): Promise<Float32Array> {
    await this.#tell('result');
    const { buffer, byteOffset, byteLength } = readFileSync(join(this.#folder, `${this.name}.bin`));
    return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  }

  async close(): Promise<void> {
    await this.#child.close();
  }

  /** Milliseconds that it took. */
  async #tell(line: string): Promise<number> {
    const [, ns] = await this.#child.ask(line, /^ns (\d+)\n/m);
    return Number(ns) / 1e6;
  }
}
