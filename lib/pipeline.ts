/** Pipelines: compile a specification, look at what was chosen, run samples whole, off the event loop, or chunk by chunk. */
import { raceAbort, throwIfAborted } from './abort.js';
import { OnpathError } from './errors.js';
import { Explanation } from './explanation.js';
import type { LookupTable } from './lookup-table.js';
import { exchangedParts } from './named-parts.js';
import { type NativeProgram, native } from './native.js';
import { type NamedTables, nativeSpec, tableKind, tablesOf } from './native-spec.js';
import { type PresetOptions, presetSpec } from './presets/image-processor.js';
import { type LetterboxOptions, letterboxSpec } from './presets/letterbox.js';
import {
  type ParsedPipelineSpec,
  PIPELINE,
  type PipelineSpec,
  pipelineSpec,
  type TextPipelineSpec,
} from './schema.js';
import {
  byteView,
  checkedStride,
  makeOutputs,
  type OutputFormat,
  type Outputs,
  onlyOutput,
  type Tensor,
  type TensorData,
  typedView,
} from './tensor.js';
import { TextPipeline } from './text-pipeline.js';
import type { Tokenizer } from './tokenizer.js';
import { parse, shown } from './validate.js';

/** The result of one sample: tensors by name, and the shorthands when there is one. */
export class RunResult {
  readonly outputs: Outputs;

  /** @internal */
  constructor(outputs: Outputs) {
    this.outputs = outputs;
  }
  /** Elements of the only output. */
  get data(): TensorData {
    return onlyOutput(this.outputs).data;
  }
  /** Shape of the only output. */
  get shape(): readonly number[] {
    return onlyOutput(this.outputs).shape;
  }
}

/** Where results go: memory for the only output, or one per name. Sizes in bytes must be exact. */
export type Into = ArrayBufferView | ArrayBuffer | Readonly<Record<string, ArrayBufferView | ArrayBuffer>>;

/** The bytes of an image. */
export type Pixels = ArrayBufferView | ArrayBuffer;

const MOST_SAMPLES = 65536;

/** A run of final output bytes. `bytes` is a view of the output memory: read it before the sample's memory is used again. */
export interface EmittedRun {
  readonly output: string;
  /** Byte offset in the laid-out output. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What `PipelineStream.push` did with a chunk. */
export interface ChunkResult {
  /** `duplicate`: every byte had been pushed before. */
  readonly status: 'used' | 'duplicate';
  readonly newBytes: number;
  /** Bytes that had been pushed before; the first ones count. */
  readonly repeatedBytes: number;
  /** Output bytes that became final through this chunk. */
  readonly emitted: readonly EmittedRun[];
}

/** What a pipeline was compiled from, so that it can be again with other tables. */
interface Source {
  readonly parsed: ParsedPipelineSpec;
  readonly kernels: string;
  readonly tables: NamedTables;
}

/** How `Pipeline.compile` compiles images. */
export interface CompileOptions {
  /** Instruction set by name (see `Pipeline.kernels()`), for tests and benchmarks; the best otherwise. */
  readonly kernels?: string;
  /** A table for each name that lookup stages use. */
  readonly tables?: Readonly<Record<string, LookupTable>>;
}

/** A compiled pipeline, bound to the kernels of this machine. Immutable; named by `hash`. */
export class Pipeline {
  readonly [PIPELINE] = true;
  readonly #program: NativeProgram;
  readonly #source: Source | undefined;

  private constructor(program: NativeProgram, source?: Source) {
    this.#program = program;
    this.#source = source;
  }

  /**
   * Checks a specification, makes its tables, folds adjacent table stages, and binds it to this CPU. With an input of kind text it is
   * `TextPipeline.compile`.
   * @throws OnpathError INVALID_SPEC, INVALID_ARGUMENT, UNSUPPORTED, LIMIT_EXCEEDED
   */
  static compile(spec: PipelineSpec, options?: CompileOptions): Pipeline;
  static compile(
    spec: TextPipelineSpec,
    options?: { vocabularies?: Readonly<Record<string, Tokenizer>> },
  ): TextPipeline;
  static compile(
    spec: PipelineSpec | TextPipelineSpec,
    options: CompileOptions & { vocabularies?: Readonly<Record<string, Tokenizer>> } = {},
  ): Pipeline | TextPipeline {
    if (isText(spec)) return TextPipeline.compile(spec, options);
    const parsed = parse(pipelineSpec, spec, 'pipeline');
    const tables = tablesOf(parsed, options.tables);
    return Pipeline.#compiled({ parsed, kernels: options.kernels ?? '', tables });
  }

  static #compiled(source: Source): Pipeline {
    const { parsed, kernels, tables } = source;
    return new Pipeline(native().compile(nativeSpec(parsed, parsed.input, tables), kernels), source);
  }

  /**
   * The pipeline of a model's image processor, as its preprocessor_config.json describes it; `presetSpec` gives the specification.
   * @param source The model's folder, the path of that file, or its parsed content.
   * @throws OnpathError UNSUPPORTED names the field that cannot be expressed; INVALID_ARGUMENT, INVALID_SPEC, LIMIT_EXCEEDED
   */
  static fromPretrained(source: string | object, options: PresetOptions): Pipeline {
    return Pipeline.compile(presetSpec(source, options));
  }

  /**
   * The preprocessing of YOLO models (Ultralytics' `LetterBox`, then value / 255); `letterboxSpec` gives the specification.
   * @throws OnpathError INVALID_SPEC, UNSUPPORTED, LIMIT_EXCEEDED
   */
  static letterbox(options: LetterboxOptions): Pipeline {
    return Pipeline.compile(letterboxSpec(options));
  }

  /** Reads a plan that `toBytes` wrote, on this machine or another. @throws OnpathError INVALID_PLAN */
  static fromBytes(bytes: Uint8Array | ArrayBuffer, options: { kernels?: string } = {}): Pipeline {
    return new Pipeline(native().planFromBytes(byteView(bytes, 'bytes'), options.kernels ?? ''));
  }

  /** Instruction sets that this CPU can run, best first. The last, `scalar`, is the definition; all give the same bits. */
  static kernels(): readonly string[] {
    return native().availableKernels();
  }

  /** @internal */
  static ofProgram(program: NativeProgram): Pipeline {
    return new Pipeline(program);
  }

  /** @internal */
  static programOf(pipeline: Pipeline): NativeProgram {
    return pipeline.#program;
  }

  /** Content hash of the plan: its version, 64 hexadecimal digits. */
  get hash(): string {
    return this.#program.info.hash;
  }
  /** The serialized sample: pixels, order, bytes, and the digest that chunks carry. */
  get input(): NativeProgram['info']['input'] {
    return this.#program.info.input;
  }
  get outputs(): readonly OutputFormat[] {
    return this.#program.info.outputs;
  }

  /** The names by which its specification calls lookup tables; none of a pipeline that was read from bytes. */
  get tables(): readonly string[] {
    return [...this.namedTables.keys()];
  }

  /** @internal */
  get namedTables(): NamedTables {
    return this.#source?.tables ?? new Map();
  }

  /**
   * The same pipeline with other tables under some of its names.
   * @throws OnpathError NOT_FOUND (a name that it does not have), INVALID_ARGUMENT, and those of `compile`
   */
  withTables(tables: Readonly<Record<string, LookupTable>>): Pipeline {
    const exchanged = exchangedParts(tableKind, this.namedTables, tables);
    if (this.#source === undefined) return this;
    return Pipeline.#compiled({ ...this.#source, tables: new Map(Object.entries(exchanged)) });
  }

  /** The plan's versioned byte form. */
  toBytes(): Uint8Array {
    return this.#program.planBytes();
  }

  /** What was compiled and what it costs, step by step. `String(pipeline.explain())` is a table. */
  explain(): Explanation {
    return new Explanation(this.#program);
  }

  /**
   * Runs one whole sample.
   * @param sample Serialized sample: `input.bytes` bytes in `input.order`. Row-major, and with nothing left out, that is the image;
   * otherwise what `Serialization.of(pipeline).serialize(image)` makes of it.
   * @param options.into Memory for the result; by default it is allocated. Must not overlap the sample.
   * @param options.stride Bytes from one row of the sample to the next, if rows have gaps; what lies in the gaps is not read. The last
   *   row need not be padded.
   * @throws OnpathError INVALID_ARGUMENT
   */
  run(sample: Pixels, options: { into?: Into; stride?: number } = {}): RunResult {
    const stride = this.#stride(options.stride);
    const view = this.#sample(sample, stride, 'sample');
    const { views, outputs } = this.#target(options.into);
    this.#program.run(view, views, stride);
    return new RunResult(outputs);
  }

  /**
   * The same on a thread of libuv's pool. Leave sample and `into` untouched until it settles: writing to them gives torn results, and
   * transferring their ArrayBuffers to somewhere that drops them takes the memory away under the running call.
   * An aborted `signal` rejects the call; work under way finishes in the background.
   */
  async runAsync(
    sample: Pixels,
    options: { into?: Into; stride?: number; signal?: AbortSignal } = {},
  ): Promise<RunResult> {
    const { signal } = options;
    throwIfAborted(signal);
    const stride = this.#stride(options.stride);
    const view = this.#sample(sample, stride, 'sample');
    const { views, outputs } = this.#target(options.into);
    await raceAbort(this.#program.runAsync(view, views, stride), signal);
    return new RunResult(outputs);
  }

  /**
   * Runs whole samples one after the other. Each result is written in its place: an output of N samples has the shape [N, ...shape] and
   * is contiguous (NCHW with `layout: 'chw'`).
   * @param samples 1 to 65,536 serialized samples, each as `run` takes it.
   * @param options.into Memory for all the results: N times `outputs[i].bytes` bytes.
   * @param options.stride As for `run`, the same for all.
   * @throws OnpathError INVALID_ARGUMENT, which names the sample; OUT_OF_MEMORY
   */
  runBatch(samples: readonly Pixels[], options: { into?: Into; stride?: number } = {}): RunResult {
    const stride = this.#stride(options.stride);
    const inputs = this.#samples(samples, stride);
    const { views, outputs } = this.#target(options.into, inputs.length);
    this.#program.runBatch(inputs, views, stride);
    return new RunResult(outputs);
  }

  /** The same on one thread of libuv's pool; what `runAsync` says of memory and `signal` holds here. */
  async runBatchAsync(
    samples: readonly Pixels[],
    options: { into?: Into; stride?: number; signal?: AbortSignal } = {},
  ): Promise<RunResult> {
    const { signal } = options;
    throwIfAborted(signal);
    const stride = this.#stride(options.stride);
    const inputs = this.#samples(samples, stride);
    const { views, outputs } = this.#target(options.into, inputs.length);
    await raceAbort(this.#program.runBatchAsync(inputs, views, stride), signal);
    return new RunResult(outputs);
  }

  /** Starts a sample that comes in chunks, in any order. */
  stream(options: { into?: Into } = {}): PipelineStream {
    const { views, outputs } = this.#target(options.into);
    return new PipelineStream(this.#program, views, outputs);
  }

  /** How samples are serialized, in words. */
  get #order(): string {
    const { order, skipUnread } = this.#program.info.input;
    return `${order}${skipUnread ? ' without unread pixels' : ''}`;
  }

  /** Bytes of one row without gaps. */
  get #row(): number {
    const { bytes, height } = this.#program.info.input;
    return bytes / height;
  }

  #stride(stride: unknown): number | undefined {
    if (stride === undefined) return undefined;
    const { order, skipUnread } = this.#program.info.input;
    if (order !== 'row-major' || skipUnread) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `stride is ${shown(stride)}, but samples that are ${this.#order} have no rows. Give the stride to Serialization.serialize.`,
      );
    }
    return checkedStride(stride, this.#row);
  }

  #samples(samples: unknown, stride: number | undefined): Uint8Array[] {
    if (!Array.isArray(samples) || samples.length < 1 || samples.length > MOST_SAMPLES) {
      const received = Array.isArray(samples) ? `${samples.length} of them` : shown(samples);
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `samples must be an array of 1 to ${MOST_SAMPLES} samples, received ${received}.`,
      );
    }
    return Array.from(samples, (sample, i) => this.#sample(sample, stride, `samples[${i}]`));
  }

  #sample(sample: unknown, stride: number | undefined, what: string): Uint8Array {
    const view = byteView(sample, what);
    const { bytes, width, height, format } = this.#program.info.input;
    const needed = bytes + ((stride ?? this.#row) - this.#row) * (height - 1);
    // Behind rows with gaps anything may lie, such as the rest of a larger image.
    const fits = needed === bytes ? view.byteLength === bytes : view.byteLength >= needed;
    if (!fits) {
      const how = `${this.#order}${stride === undefined ? '' : ` with stride ${stride}`}`;
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `${what} has ${view.byteLength} bytes, but a ${width}x${height} ${format} image has ${needed} as ${how}. Pass the whole serialized sample.`,
      );
    }
    return view;
  }

  /** Memory for the result of one sample, or of `count` samples together. */
  #target(into: Into | undefined, count?: number): { views: Uint8Array[]; outputs: Outputs } {
    const samples = count ?? 1;
    const formats = this.#program.info.outputs;
    if (into === undefined) {
      const buffers = formats.map((format) => newMemory(format, samples));
      return {
        views: buffers.map((b) => new Uint8Array(b)),
        outputs: makeOutputs(formats, buffers, count !== undefined, samples),
      };
    }
    const single = ArrayBuffer.isView(into) || into instanceof ArrayBuffer;
    const tensors: [string, Tensor][] = [];
    const views = formats.map((format, i) => {
      const given = single ? (i === 0 ? into : undefined) : ownField(into, format.name);
      const view = byteView(given, `into.${format.name}`);
      const shape = count === undefined ? format.shape : [count, ...format.shape];
      if (view.byteLength !== format.bytes * samples) {
        throw new OnpathError(
          'INVALID_ARGUMENT',
          `into for output ${format.name} has ${view.byteLength} bytes; ${format.dtype} [${shape.join(', ')}] needs ${format.bytes * samples}.`,
        );
      }
      tensors.push([format.name, { data: intoData(view, format), dtype: format.dtype, shape }]);
      return view;
    });
    return { views, outputs: Object.fromEntries(tensors) };
  }
}

/** One sample, chunk by chunk. Memory is bounded by the plan's `stateBytes`. */
export class PipelineStream {
  readonly #stream: ReturnType<NativeProgram['stream']>;
  readonly #formats: readonly OutputFormat[];
  readonly #views: Uint8Array[];
  readonly #outputs: Outputs;
  /** Runs that depend on no input (the pixels that a crop or pad adds). */
  readonly initial: readonly EmittedRun[];

  /** @internal */
  constructor(program: NativeProgram, views: Uint8Array[], outputs: Outputs) {
    this.#stream = program.stream();
    this.#formats = program.info.outputs;
    this.#views = views;
    this.#outputs = outputs;
    this.initial = this.#runs(this.#stream.begin(views), 0);
  }

  /** Bytes that have not been pushed yet. */
  get missingBytes(): number {
    return this.#stream.missingBytes();
  }

  /**
   * Takes a chunk, cut anywhere, in any order; repeated bytes are recognized and ignored.
   * @param offset Byte offset in the serialized sample.
   * @throws OnpathError INVALID_ARGUMENT if the chunk reaches past the sample.
   */
  push(offset: number, bytes: ArrayBufferView | ArrayBuffer): ChunkResult {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `offset must be a whole number of bytes >= 0, received ${shown(offset)}.`,
      );
    }
    const view = byteView(bytes, 'bytes');
    const result = this.#stream.push(offset, view);
    const status = result[0]!;
    if (status === 2) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `The chunk of ${view.byteLength} bytes at offset ${offset} reaches past the end of the sample.`,
      );
    }
    return {
      status: status === 0 ? 'used' : 'duplicate',
      newBytes: result[1]!,
      repeatedBytes: result[2]!,
      emitted: this.#runs(result, 3),
    };
  }

  /** The finished result. @throws OnpathError INCOMPLETE_SAMPLE if bytes are missing. */
  end(): RunResult {
    const missing = this.missingBytes;
    if (missing > 0) {
      throw new OnpathError(
        'INCOMPLETE_SAMPLE',
        `${missing} bytes of the sample have not been pushed. Push them before end().`,
      );
    }
    return new RunResult(this.#outputs);
  }

  #runs(flat: readonly number[], from: number): EmittedRun[] {
    const runs: EmittedRun[] = [];
    for (let i = from; i < flat.length; i += 3) {
      const output = flat[i]!;
      const offset = flat[i + 1]!;
      runs.push({
        output: this.#formats[output]!.name,
        offset,
        bytes: this.#views[output]!.subarray(offset, offset + flat[i + 2]!),
      });
    }
    return runs;
  }
}

/** Reads what may be anything: an object whose getters throw is no text, and the schema of images says what it is. */
function isText(spec: unknown): spec is TextPipelineSpec {
  try {
    const input: unknown = (spec as { input?: unknown } | undefined | null)?.input;
    return typeof input === 'object' && input !== null && (input as { kind?: unknown }).kind === 'text';
  } catch {
    return false;
  }
}

/** Memory for one output of so many samples. */
function newMemory(format: OutputFormat, samples: number): ArrayBuffer {
  try {
    return new ArrayBuffer(format.bytes * samples);
  } catch {
    throw new OnpathError(
      'OUT_OF_MEMORY',
      `${samples} results of ${format.bytes} bytes for output ${format.name} could not be had. Run fewer samples at a time.`,
    );
  }
}

/** `into[name]`, but nothing that an object inherits. */
function ownField(into: Readonly<Record<string, ArrayBufferView | ArrayBuffer>>, name: string): unknown {
  return typeof into === 'object' && into !== null && Object.hasOwn(into, name) ? into[name] : undefined;
}

function intoData(view: Uint8Array, format: OutputFormat): TensorData {
  const elementBytes = format.bytes / format.shape.reduce((a, b) => a * b, 1);
  if (view.byteOffset % elementBytes !== 0) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `into for output ${format.name} begins at byte offset ${view.byteOffset}, which is not aligned to ${format.dtype} (${elementBytes} bytes).`,
    );
  }
  return typedView(format.dtype, view.buffer, view.byteOffset, view.byteLength);
}
