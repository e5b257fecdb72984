/** A plane on a memory port with a sender at the other end, in this process: samples go through it as packets. */
import { Dataplane } from '../dataplane.js';
import { dropCounts } from '../drop-counts.js';
import { OnpathError } from '../errors.js';
import type { AnyPipeline } from '../files/pipeline-file.js';
import { PipelineFamily } from '../pipeline-family.js';
import { Sender } from '../sender.js';
import { Serialization } from '../serialization.js';
import { TextPipeline } from '../text-pipeline.js';
import type { TextSender } from '../text-sender.js';
import type { Work } from './bench-measure.js';

/** Samples between the sender and us at a time. */
const IN_FLIGHT = 2;
/** What has not come by then is lost. */
const LOST_AFTER_MS = 5000;
/** Frames that the link holds. */
const DEPTH = 4096;
const MAX_FRAME_BYTES = 2048;
/** How many planes this process had: each needs a link of its own. */
let links = 0;

/** What is sent, and by which pipeline it is taken. */
export interface Load {
  readonly pipeline: AnyPipeline;
  /** Of images: their size. */
  readonly width: number;
  readonly height: number;
  /** An image row by row, or a text in UTF-8. */
  readonly sample: Uint8Array;
}

export class BenchPlane implements Work, AsyncDisposable {
  readonly #plane: Dataplane;
  readonly #sender: Sender | TextSender;
  readonly #sample: Uint8Array;
  readonly #waiting = new Map<bigint, () => void>();
  readonly #consumer: Promise<void>;
  #next = 1n;

  private constructor(plane: Dataplane, sender: Sender | TextSender, { pipeline, sample }: Load) {
    this.#plane = plane;
    this.#sender = sender;
    this.#sample = sample;
    this.#consumer = this.#consume(pipeline instanceof TextPipeline);
  }

  static async open(load: Load): Promise<BenchPlane> {
    const { pipeline } = load;
    const link = `onpath-bench-${links++}`;
    const ends = { link, depth: DEPTH, maxBytes: MAX_FRAME_BYTES };
    const plane = await Dataplane.start({
      ports: [{ type: 'memory', name: 'in', ...ends }],
      routes: [
        {
          name: 'bench',
          port: 'in',
          pipeline,
          deadlineMs: LOST_AFTER_MS / 2,
          // Of texts nobody knows how much room they will need.
          ...(pipeline instanceof TextPipeline ? {} : { slowConsumer: 'backpressure' as const }),
        },
      ],
    });
    try {
      return new BenchPlane(plane, await openSender(load, ends), load);
    } catch (error) {
      await plane.close();
      throw error;
    }
  }

  /** Sends `count` samples; resolves when all of them have come out. @throws OnpathError PORT_FAILED if one did not, and why */
  async run(count: number): Promise<void> {
    let left = count;
    const lane = async () => {
      while (left-- > 0) await this.#one();
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  }

  /** Since the start: packets that came in, samples that were finished, and what the worker spent on a CPU. */
  get spent(): { packets: number; samples: number; workerCpuMs: number } {
    const { ports, routes, workers } = this.#plane.stats();
    return {
      packets: ports[0]!.rxPackets,
      samples: routes[0]!.samplesComplete,
      workerCpuMs: workers.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender.close();
    await this.#plane.close();
    await this.#consumer;
  }

  #one(): Promise<void> {
    const requestId = this.#next++;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(requestId);
        end();
      };
      const timer = setTimeout(() => settle(() => reject(this.#lost())), LOST_AFTER_MS);
      this.#waiting.set(requestId, () => settle(resolve));
      this.#sender.send(this.#sample, { requestId }).catch((error) => settle(() => reject(error)));
    });
  }

  #lost(): OnpathError {
    const { ports, routes } = this.#plane.stats();
    const reasons = [...ports, ...routes].flatMap(({ drops }) =>
      dropCounts(drops).map(([reason, count]) => `${reason} ${count}`),
    );
    return new OnpathError(
      'PORT_FAILED',
      `A sample did not come out of the plane within ${LOST_AFTER_MS / 1000} s; dropped: ${reasons.join(', ') || 'nothing'}. docs/drop-reasons.md says why; a busy host may be the cause.`,
    );
  }

  async #consume(texts: boolean): Promise<void> {
    if (texts) {
      for await (const { requestId } of this.#plane.texts('bench')) this.#waiting.get(requestId)?.();
      return;
    }
    for await (const sample of this.#plane.samples('bench')) {
      const { requestId } = sample;
      sample.release();
      this.#waiting.get(requestId)?.();
    }
  }
}

function openSender(
  { pipeline, width, height }: Load,
  link: { link: string; depth: number; maxBytes: number },
): Promise<Sender | TextSender> {
  const common = { to: '192.0.2.2:5004', via: { ...link, side: 1 as const } };
  if (pipeline instanceof TextPipeline) return Sender.open({ ...common, text: true });
  if (pipeline instanceof PipelineFamily) {
    return Sender.open({ ...common, width, height, format: pipeline.input.format, sendDims: true });
  }
  return Sender.open({ ...common, serialization: Serialization.of(pipeline) });
}
