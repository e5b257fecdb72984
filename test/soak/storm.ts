/** Swaps of a plane's routes in turn, each to the next of its versions. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataplane } from '../../lib/index.js';
import type { Material } from './routes.js';

export class Storm {
  readonly #plane: Dataplane;
  readonly #routes: readonly [string, Material][];
  done = 0;
  /** Milliseconds of the swap that took longest. */
  longest = 0;

  constructor(plane: Dataplane, material: ReadonlyMap<string, Material>) {
    this.#plane = plane;
    this.#routes = [...material];
  }

  /** @throws OnpathError what a swap throws */
  async run(everyMs: number, over: () => boolean): Promise<void> {
    if (everyMs === 0) return;
    for (let turn = 0; !over(); turn++) {
      const [route, { versions }] = this.#routes[turn % this.#routes.length]!;
      const round = Math.floor(turn / this.#routes.length) + 1;
      const begin = performance.now();
      await versions[round % versions.length]!.install(this.#plane, route);
      const took = performance.now() - begin;
      this.done++;
      this.longest = Math.max(this.longest, took);
      await sleep(Math.max(0, everyMs - took));
    }
  }

  /** Every route back to what it began with. */
  async calm(): Promise<void> {
    for (const [route, { versions }] of this.#routes) await versions[0]!.install(this.#plane, route);
  }
}
