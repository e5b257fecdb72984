/** The stream of events to everyone who looks: one snapshot a second for all of them, made only while there is somebody. */
import type { ServerResponse } from 'node:http';
import type { Logger } from '../log/log.js';
import type { Service } from '../service/service.js';
import type { Snapshot } from '../service/snapshot.js';
import type { RoutePipeline } from '../swaps.js';
import { OrderComparisons } from './orders.js';
import { latestMessage, MOST_OPEN, MOST_SHOWN, overview, reasons, routeDetails } from './view.js';

/** Viewers at a time. */
export const MOST_VIEWERS = 8;
/** Milliseconds between snapshots. */
const TICK_MS = 1000;
/** And the least between one and that which a newcomer gets at once: coming often costs no more than staying. */
const SOONEST_MS = 250;
/** Ticks in a row that a viewer may be too slow for before it is given up. */
const MOST_BEHIND = 30;

interface Viewer {
  readonly response: ServerResponse;
  /** Places of routes. */
  readonly open: readonly number[];
  /** Of the last sample that it was sent, by place. */
  readonly sampleAt: Map<number, number>;
  /** Of the plans whose orders it was sent, by place. */
  readonly ordersOf: Map<number, string>;
  behind: number;
}

export class Feed implements Disposable {
  readonly #service: Service;
  readonly #log: Logger;
  readonly #orders = new OrderComparisons();
  readonly #viewers = new Set<Viewer>();
  #timer: NodeJS.Timeout | undefined;
  #watching: Disposable | undefined;
  #failed = false;
  #tickedAt = -Infinity;

  constructor(service: Service, log: Logger) {
    this.#service = service;
    this.#log = log;
  }

  /** Answers a request with the stream. `open`: places of routes whose samples and histograms are wanted too. */
  add(response: ServerResponse, open: readonly number[]): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    if (this.#viewers.size >= MOST_VIEWERS) {
      const why = `${MOST_VIEWERS} viewers look at this page already, and there is no room for more. Close one of them.`;
      response.end(message('refused', { why }));
      return;
    }
    const viewer: Viewer = {
      response,
      open: open.slice(0, MOST_OPEN),
      sampleAt: new Map(),
      ordersOf: new Map(),
      behind: 0,
    };
    this.#viewers.add(viewer);
    response.once('close', () => this.#remove(viewer));
    const { startedAt } = this.#service;
    response.write(message('hello', { startedAt, reasons, mostOpen: MOST_OPEN, mostShown: MOST_SHOWN }));
    this.#timer ??= setInterval(() => this.#tick([...this.#viewers]), TICK_MS).unref();
    if (viewer.open.length > 0) this.#watching ??= this.#service.watch();
    if (performance.now() - this.#tickedAt >= SOONEST_MS) this.#tick([viewer]);
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    if ([...this.#viewers].every(({ open }) => open.length === 0)) {
      this.#watching?.[Symbol.dispose]();
      this.#watching = undefined;
    }
  }

  #tick(viewers: readonly Viewer[]): void {
    const ready = viewers.filter((viewer) => !this.#isBehind(viewer));
    if (ready.length === 0) return;
    this.#tickedAt = performance.now();
    try {
      const snapshot = this.#service.snapshot();
      const all = message('snapshot', overview(snapshot));
      for (const { response } of ready) response.write(all);
      const routes = this.#service.routes();
      for (const index of new Set(ready.flatMap(({ open }) => open))) {
        if (index < snapshot.routes.length)
          this.#tellOfRoute(
            snapshot,
            index,
            routes[index]!.pipeline,
            ready.filter(({ open }) => open.includes(index)),
          );
      }
      this.#failed = false;
    } catch (error) {
      // Said once, not every second; the plane goes on.
      if (!this.#failed) this.#log.error({ err: error }, 'the page could not be told of the plane');
      this.#failed = true;
    }
  }

  /** What is the same for several viewers is made once. */
  #tellOfRoute(snapshot: Snapshot, index: number, pipeline: RoutePipeline, viewers: readonly Viewer[]): void {
    const details = message('route', routeDetails(this.#service, snapshot, index));
    const { name, version, hash } = snapshot.routes[index]!;
    const latest = this.#service.latest(name);
    let sample: string | undefined;
    let orders: string | undefined;
    for (const { response, sampleAt, ordersOf } of viewers) {
      response.write(details);
      if (latest !== undefined && latest.at !== sampleAt.get(index)) {
        sample ??= message('sample', latestMessage(index, latest, { version, pipeline }));
        response.write(sample);
        sampleAt.set(index, latest.at);
      }
      if (ordersOf.get(index) !== hash) {
        const comparison = this.#orders.of(pipeline);
        if (comparison === undefined) continue;
        orders ??= message('orders', { index, ...comparison });
        response.write(orders);
        ordersOf.set(index, hash);
      }
    }
  }

  /** Whether what it was sent before still waits: then it is sent nothing now, and in the end no more at all. */
  #isBehind(viewer: Viewer): boolean {
    if (!viewer.response.writableNeedDrain) {
      viewer.behind = 0;
      return false;
    }
    viewer.behind += 1;
    if (viewer.behind > MOST_BEHIND) viewer.response.destroy();
    return true;
  }

  [Symbol.dispose](): void {
    for (const { response } of this.#viewers) response.end();
    this.#orders[Symbol.dispose]();
  }
}

function message(event: string, value: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(value)}\n\n`;
}
