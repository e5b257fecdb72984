/** What arrives: samples and batches over pooled slots. */
import { OnpathError } from './errors.js';
import type { NativeDelivery, NativeOutputFormat, NativeSink } from './native.js';
import { makeOutputs, type Outputs, onlyOutput, type TensorData } from './tensor.js';

/** Where a sample came from. */
export interface SampleSource {
  readonly address: string;
  readonly port: number;
  /** RTP stream. */
  readonly ssrc: number;
}

/** What is known of one sample beside its tensors. Times are milliseconds since the Unix epoch, with fractions. */
export interface SampleInfo {
  /** Chosen by the sender of onpath chunks; 0 for RFC 4175. */
  readonly requestId: bigint;
  readonly source: SampleSource;
  /** RTP timestamp. */
  readonly timestamp: number;
  readonly firstPacketAt: number;
  /** When its last packet arrived. */
  readonly receivedAt: number;
  /** Pixels of the image that came. */
  readonly inputWidth: number;
  readonly inputHeight: number;
}

/** @internal What made a sample: the plan's hash, and its number on the route. */
export interface MadeBy {
  readonly version: string;
  readonly versionNumber: number;
}

/** The slot behind a delivery: given back once, by release(), `using`, or garbage collection. */
class Slot {
  readonly #sink: NativeSink;
  readonly #delivery: NativeDelivery;
  readonly #outputs: Outputs;
  #released = false;

  constructor(sink: NativeSink, delivery: NativeDelivery, outputs: Outputs) {
    this.#sink = sink;
    this.#delivery = delivery;
    this.#outputs = outputs;
  }
  get released(): boolean {
    return this.#released;
  }
  get outputs(): Outputs {
    if (this.#released) {
      throw new OnpathError(
        'RELEASED',
        'This sample was released; its memory may hold another one. Copy data before release().',
      );
    }
    return this.#outputs;
  }
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#sink.release(this.#delivery.buffer);
  }
}

abstract class Delivered {
  readonly #slot: Slot;

  protected constructor(slot: Slot) {
    this.#slot = slot;
  }
  /** Tensors by output name; views of the slot. @throws OnpathError RELEASED */
  get outputs(): Outputs {
    return this.#slot.outputs;
  }
  /** Elements of the only output; a view of the slot. @throws OnpathError RELEASED */
  get data(): TensorData {
    return onlyOutput(this.outputs).data;
  }
  get shape(): readonly number[] {
    return onlyOutput(this.outputs).shape;
  }
  get released(): boolean {
    return this.#slot.released;
  }
  /** Gives the slot back and detaches every view of it (their length becomes 0). Calling it again does nothing. */
  release(): void {
    this.#slot.release();
  }
  /** As release(). */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** One finished sample. */
export class Sample extends Delivered implements SampleInfo {
  readonly requestId: bigint;
  readonly source: SampleSource;
  readonly timestamp: number;
  readonly firstPacketAt: number;
  readonly receivedAt: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** Hash of the plan that made it; of a family's, that of the plan for its largest size. */
  readonly version: string;
  /** Which of the route's pipelines that was, counted from 1; see `Dataplane.swap`. */
  readonly versionNumber: number;

  /** @internal */
  constructor(slot: Slot, info: SampleInfo, { version, versionNumber }: MadeBy) {
    super(slot);
    this.requestId = info.requestId;
    this.source = info.source;
    this.timestamp = info.timestamp;
    this.firstPacketAt = info.firstPacketAt;
    this.receivedAt = info.receivedAt;
    this.inputWidth = info.inputWidth;
    this.inputHeight = info.inputHeight;
    this.version = version;
    this.versionNumber = versionNumber;
  }
}

/** Several finished samples, contiguous: shapes have a leading batch size. */
export class Batch extends Delivered {
  /** One entry per sample, in the order of the batch dimension. */
  readonly samples: readonly SampleInfo[];
  /** Hash of the plan that made them. */
  readonly version: string;
  /** Which of the route's pipelines that was, counted from 1: all samples of a batch are of one. */
  readonly versionNumber: number;

  /** @internal */
  constructor(slot: Slot, samples: readonly SampleInfo[], { version, versionNumber }: MadeBy) {
    super(slot);
    this.samples = samples;
    this.version = version;
    this.versionNumber = versionNumber;
  }
  get size(): number {
    return this.samples.length;
  }
}

/** @internal Wraps a native delivery. */
export function wrapDelivery(
  sink: NativeSink,
  delivery: NativeDelivery,
  formats: readonly NativeOutputFormat[],
  version: MadeBy,
  batched: boolean,
): Sample | Batch {
  const infos: SampleInfo[] = delivery.samples.map((s) => ({
    requestId: s.requestId,
    source: { address: s.sourceAddress, port: s.sourcePort, ssrc: s.ssrc },
    timestamp: s.timestamp,
    firstPacketAt: s.firstPacketAt,
    receivedAt: s.lastPacketAt,
    inputWidth: s.inputWidth,
    inputHeight: s.inputHeight,
  }));
  const slot = new Slot(sink, delivery, makeOutputs(formats, delivery.outputs, batched, infos.length));
  return batched ? new Batch(slot, infos, version) : new Sample(slot, infos[0]!, version);
}
