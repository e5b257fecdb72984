/** A plane in this process, a sender that feeds it, and a consumer that takes and releases samples. */
import { Dataplane, type Pipeline, type Sample, Sender } from '../lib/index.js';
import { IMAGE } from './work.js';

export interface TrafficOptions {
  readonly port: 'memory' | 'udp';
  readonly pipeline: Pipeline;
  readonly image: Uint8Array;
  /** Samples between the sender and JavaScript at a time. */
  readonly inFlight: number;
  /** Pace of the sender; 0: as fast as the port takes packets. */
  readonly bitsPerSecond: number;
}

/** Longer than any sample here takes; what has not come by then was lost. */
const LOST_AFTER_MS = 500;
const MAX_FRAME_BYTES = 2048;
/** Frames of a memory link: more than two images, and few enough to stay in a cache. */
const LINK_DEPTH = 4096;
let links = 0;

export class Traffic {
  /** Called with every sample, before it is released. */
  onSample: (sample: Sample) => void = () => {};
  readonly plane: Dataplane;
  readonly #sender: Sender;
  readonly #options: TrafficOptions;
  readonly #expected = new Map<bigint, () => void>();
  readonly #consumer: Promise<void>;
  #nextRequest = 1n;

  private constructor(plane: Dataplane, sender: Sender, options: TrafficOptions) {
    this.plane = plane;
    this.#sender = sender;
    this.#options = options;
    this.#consumer = this.#consume();
  }

  static async open(options: TrafficOptions): Promise<Traffic> {
    const link = `bench-${links++}`;
    const memory = options.port === 'memory';
    const plane = await Dataplane.start({
      ports: [
        memory
          ? { type: 'memory', name: 'in', link, depth: LINK_DEPTH, maxBytes: MAX_FRAME_BYTES }
          : { type: 'udp', name: 'in', address: '127.0.0.1', receiveBufferBytes: 64 * 1024 * 1024 },
      ],
      routes: [
        {
          name: 'images',
          port: 'in',
          pipeline: options.pipeline,
          deadlineMs: LOST_AFTER_MS / 2,
          slowConsumer: 'backpressure',
        },
      ],
    });
    try {
      const sender = await Sender.open({
        to: memory ? '192.0.2.2:5004' : `127.0.0.1:${plane.address('in').port}`,
        ...(memory && { via: { link, side: 1, depth: LINK_DEPTH, maxBytes: MAX_FRAME_BYTES } }),
        ...IMAGE,
        bitsPerSecond: options.bitsPerSecond,
      });
      return new Traffic(plane, sender, options);
    } catch (error) {
      await plane.close();
      throw error;
    }
  }

  /** Sends `count` samples; answers how many of them arrived. */
  async deliver(count: number): Promise<number> {
    let left = count;
    return this.#inLanes(() => left-- > 0);
  }

  /** Sends without pause until `stop` is aborted; answers how many samples arrived. */
  saturate(stop: AbortSignal): Promise<number> {
    return this.#inLanes(() => !stop.aborted);
  }

  /** What workers spent since the start: time with packets at hand, and time on a CPU. */
  get spent(): { busyMs: number; cpuMs: number } {
    const { workers } = this.plane.stats();
    return {
      busyMs: workers.reduce((sum, worker) => sum + worker.busyMs, 0),
      cpuMs: workers.reduce((sum, worker) => sum + worker.cpuMs, 0),
    };
  }

  async close(): Promise<void> {
    await this.#sender.close();
    await this.plane.close();
    await this.#consumer;
  }

  async #inLanes(more: () => boolean): Promise<number> {
    let arrived = 0;
    const lane = async () => {
      while (more()) if (await this.#sendOne()) arrived++;
    };
    await Promise.all(Array.from({ length: this.#options.inFlight }, lane));
    return arrived;
  }

  /** Resolves with true when the sample has arrived, with false when it is lost. */
  #sendOne(): Promise<boolean> {
    const requestId = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#expected.delete(requestId);
      };
      const timer = setTimeout(() => {
        settle();
        resolve(false);
      }, LOST_AFTER_MS);
      this.#expected.set(requestId, () => {
        settle();
        resolve(true);
      });
      this.#sender.send(this.#options.image, { requestId }).catch((error: unknown) => {
        settle();
        reject(error);
      });
    });
  }

  async #consume(): Promise<void> {
    for await (const sample of this.plane.samples('images')) {
      this.onSample(sample);
      sample.release();
      this.#expected.get(sample.requestId)?.();
    }
  }
}
