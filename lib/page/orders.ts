/** Serialization orders of the pipelines that viewers look at, compared on a thread of their own: each is compiled and run once. */
import { Worker } from 'node:worker_threads';
import type { OrderFacts } from '../order-facts.js';
import { Pipeline } from '../pipeline.js';
import type { RoutePipeline } from '../swaps.js';

export interface Compared {
  readonly orders: readonly OrderFacts[];
  /** The place of the one that the pipeline takes. */
  readonly taken: number;
}
export type Comparison = Compared | { readonly reason: string };

/** Comparisons that are kept; the one asked for longest ago goes first. */
const KEPT = 32;
/** Milliseconds that one may take. */
const PATIENCE_MS = 30_000;

export class OrderComparisons implements Disposable {
  readonly #known = new Map<string, Comparison | 'coming'>();
  #last: Promise<void> = Promise.resolve();
  #worker: Worker | undefined;
  #closed = false;

  /** What is known of a pipeline; nothing yet if it is only now asked for. */
  of(pipeline: RoutePipeline): Comparison | undefined {
    if (!(pipeline instanceof Pipeline))
      return { reason: 'Serialization orders are compared for pipelines that take images of one size.' };
    const { hash } = pipeline;
    const known = this.#known.get(hash);
    this.#known.delete(hash);
    this.#known.set(hash, known ?? 'coming');
    if (known === undefined) {
      for (const oldest of this.#known.keys()) if (this.#known.size > KEPT) this.#known.delete(oldest);
      // One after the other: they would take cores from the data path.
      this.#last = this.#last.then(async () => {
        if (this.#closed || !this.#known.has(hash)) return;
        const comparison = await this.#compare(pipeline);
        if (this.#known.has(hash)) this.#known.set(hash, comparison);
      });
    }
    return known === 'coming' ? undefined : known;
  }

  #compare(pipeline: Pipeline): Promise<Comparison> {
    return new Promise((resolve) => {
      const worker = new Worker(new URL('./orders-worker.js', import.meta.url), {
        workerData: pipeline.toBytes(),
      });
      this.#worker = worker;
      const end = (comparison: Comparison): void => {
        clearTimeout(timer);
        if (this.#worker === worker) this.#worker = undefined;
        resolve(comparison);
        void worker.terminate();
      };
      const timer = setTimeout(
        () =>
          end({
            reason: 'Comparing took too long. `onpath compile SPEC --explain` takes the time it needs.',
          }),
        PATIENCE_MS,
      );
      timer.unref();
      worker.once('message', (compared: Compared) => end(compared));
      worker.once('error', (error) => end({ reason: `The orders could not be compared: ${error.message}` }));
      worker.once('exit', () => end({ reason: 'The orders could not be compared: the thread ended.' }));
      worker.unref();
    });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    void this.#worker?.terminate();
  }
}
