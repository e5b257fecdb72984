/** Who takes the results of the soak's routes: fast ones, and one that holds all it gets for a while. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataplane, Sample } from '../../lib/index.js';
import { Random } from '../support/images.js';
import type { Flow } from './flow.js';

/** Takes results until the plane is closed; `wrong` gets a sentence for each that is not right. */
export class Consumers {
  readonly #plane: Dataplane;
  readonly #flows: readonly Flow[];
  readonly #held: Sample[] = [];
  #hurries = false;
  readonly wrong: string[] = [];
  wrongCount = 0;

  constructor(plane: Dataplane, flows: readonly Flow[]) {
    this.#plane = plane;
    this.#flows = flows;
  }

  async samples(route: string, namesVersion: boolean): Promise<void> {
    for await (using sample of this.#plane.samples(route)) this.#takeSample(sample, namesVersion);
  }

  async texts(route: string): Promise<void> {
    for await (const text of this.#plane.texts(route)) {
      const { buffer, byteOffset, byteLength } = text.ids;
      this.#take(text.requestId, text.version, new Uint8Array(buffer, byteOffset, byteLength));
    }
  }

  /** Holds up to `most` samples for up to 300 ms, and looks at them only then; until hurry(). */
  async slowly(route: string, most: number, seed: number): Promise<void> {
    const random = new Random(seed);
    for await (const sample of this.#plane.samples(route)) {
      this.#held.push(sample);
      if (!this.#hurries && this.#held.length < most) continue;
      if (!this.#hurries) await sleep(random.between(0, 300));
      this.#letGo();
    }
    this.#letGo();
  }

  /** From now on the slow consumer holds nothing. */
  hurry(): void {
    this.#hurries = true;
    this.#letGo();
  }

  #letGo(): void {
    for (const sample of this.#held.splice(0)) {
      this.#takeSample(sample, true);
      sample.release();
    }
  }

  #takeSample(sample: Sample, namesVersion: boolean): void {
    const { buffer, byteOffset, byteLength } = sample.data;
    const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    this.#take(sample.requestId, namesVersion ? sample.version : undefined, bytes);
  }

  #take(requestId: bigint, version: string | undefined, result: Uint8Array): void {
    const flow = this.#flows.find((one) => one.owns(requestId));
    const what =
      flow === undefined ? `request ${requestId} is nobody's` : flow.take(requestId, version, result);
    if (what === undefined) return;
    this.wrongCount++;
    if (this.wrong.length < 10) this.wrong.push(what);
  }
}
