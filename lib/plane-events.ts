/** What happens to a plane's workers and ports: typed events, to everyone who asks, bounded. */
import { abortError, throwIfAborted } from './abort.js';
import type { NativePlaneEvent, NativePlaneEvents } from './native-events.js';

interface Happened {
  /** Milliseconds since the Unix epoch, with fractions; of the last time if it happened several times. */
  readonly at: number;
  /** What happened and where, as a sentence. */
  readonly cause: string;
  /** How often it happened: more than once where it went to and fro before the event was taken. */
  readonly times: number;
  /** Older events dropped before this one because they were not taken in time: at most 256 wait. */
  readonly missed: number;
}

/**
 * A worker was fenced (it did not get on for `watchdogMs`: the others have its share of fanned out streams), recovered (it gets on again;
 * the samples it had open count as `fenced`), or was abandoned (`close()` did without it after `closeTimeoutMs`).
 */
export interface WorkerEvent extends Happened {
  readonly type: 'workerFenced' | 'workerRecovered' | 'workerAbandoned';
  /** Its index, as in `plane.stats().workers`. */
  readonly worker: number;
}

/** A port's link went or came, or its device did. */
export interface PortEvent extends Happened {
  readonly type: 'linkDown' | 'linkUp' | 'portRemoved' | 'portRecovered';
  /** Its name. */
  readonly port: string;
}

/** What `plane.events()` gives. */
export type PlaneEvent = WorkerEvent | PortEvent;

const mostWaiting = 256;

/** One who takes events. */
interface Subscriber {
  waiting: PlaneEvent[];
  missed: number;
  wake: () => void;
}

/** @internal Gives the events of one plane to any number of iterators. */
export class PlaneEventHub {
  readonly #native: NativePlaneEvents;
  readonly #subscribers = new Set<Subscriber>();
  #closed = false;

  constructor(events: NativePlaneEvents) {
    this.#native = events;
  }

  /** Events that came before the first iterator wait for it. */
  async *iterate(signal: AbortSignal | undefined): AsyncGenerator<PlaneEvent, void, undefined> {
    throwIfAborted(signal);
    const subscriber: Subscriber = { waiting: [], missed: 0, wake: () => {} };
    const onAbort = () => subscriber.wake();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#subscribers.add(subscriber);
    if (this.#subscribers.size === 1 && !this.#closed) this.#native.onReady(() => this.#drain());
    this.#drain();
    try {
      for (;;) {
        if (signal?.aborted) throw abortError(signal);
        const event = subscriber.waiting.shift();
        if (event !== undefined) {
          const missed = event.missed + subscriber.missed;
          subscriber.missed = 0;
          yield { ...event, missed };
        } else if (this.#closed) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0 && !this.#closed) this.#native.onReady();
    }
  }

  /** The plane is closed: iterators end after what there is. */
  close(): void {
    this.#drain();
    this.#closed = true;
    for (const subscriber of this.#subscribers) subscriber.wake();
  }

  #drain(): void {
    if (this.#subscribers.size === 0) return;
    for (let event = this.#native.next(); event !== undefined; event = this.#native.next()) {
      for (const subscriber of this.#subscribers) {
        subscriber.waiting.push(asPlaneEvent(event));
        if (subscriber.waiting.length > mostWaiting) {
          subscriber.missed += 1 + subscriber.waiting.shift()!.missed;
        }
      }
    }
    for (const subscriber of this.#subscribers) subscriber.wake();
  }
}

function asPlaneEvent({ type, worker, port, at, cause, times, missed }: NativePlaneEvent): PlaneEvent {
  const happened = { at, cause, times, missed };
  switch (type) {
    case 'workerFenced':
    case 'workerRecovered':
    case 'workerAbandoned':
      return { type, worker: worker!, ...happened };
    default:
      return { type, port: port!, ...happened };
  }
}
