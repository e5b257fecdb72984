/**
 * Finds and loads the native binary, once, on first use. The only file that knows what the addon looks like.
 * Everything here is internal: numbers are already validated by `schema.ts` when they come here.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { OnpathError } from './errors.js';
import type { DropReason } from './generated/drop-reasons.js';
import type { LatencyStage } from './latency.js';
import type { NativePlaneEvents } from './native-events.js';
import type { NativeCapture, NativeCaptureConfig, NativeHistogram } from './native-observation.js';
import type { NativeEalOptions, NativePortConfig } from './native-port.js';
import type { NativeResend, NativeSender, NativeSenderConfig } from './native-sender.js';
import type {
  NativeTextBinding,
  NativeTextPipelineSpec,
  NativeTextProgram,
  NativeTextSink,
  NativeTokenizer,
} from './native-text.js';
import { packageRoot } from './package-root.js';
import type { ChannelFormat, DType, InputFormat, Layout, Order } from './schema.js';

export type {
  NativeEalOptions,
  NativeImpairments,
  NativeLocalHost,
  NativePortConfig,
} from './native-port.js';

/** A stage as the addon takes it: every default filled in, tables as raw bytes. */
export type NativeStageSpec =
  | {
      stage: 'resize';
      /** Sides and edges: 0 where not given. */
      width: number;
      height: number;
      shortestEdge: number;
      longestEdge: number;
      profile: string;
      filter: string;
    }
  | { stage: 'crop'; left: number; top: number; width: number; height: number }
  | { stage: 'centerCrop'; width: number; height: number; rule: string }
  | {
      stage: 'pad';
      /** Sides and sizes: 0 where not given. */
      left: number;
      top: number;
      right: number;
      bottom: number;
      width: number;
      height: number;
      value: number[];
    }
  | { stage: 'toRgb'; matrix: string; range: string }
  | { stage: 'channels'; to: ChannelFormat }
  | { stage: 'normalize'; scale: number; mean: number[]; std: number[]; recipe: string }
  | { stage: 'lookup'; dtype: DType; tables: number; data: Uint8Array }
  | { stage: 'quantize'; scale: number; zeroPoint: number };

export interface NativePipelineSpec {
  input: { width: number; height: number; format: InputFormat; order: Order; skipUnread: boolean };
  stages: NativeStageSpec[];
  output: { name: string; dtype: DType | undefined; layout: Layout };
  maxStateBytes: number;
}

export interface NativeOutputFormat {
  name: string;
  dtype: DType;
  layout: Layout;
  shape: number[];
  bytes: number;
}

export interface NativeProgramInfo {
  /** Content hash of the plan, 64 hexadecimal digits. */
  hash: string;
  input: {
    width: number;
    height: number;
    format: InputFormat;
    order: Order;
    skipUnread: boolean;
    /** Of one pixel; 1 if planar. */
    elementBytes: number;
    /** Of the serialized sample. */
    bytes: number;
    digest: number;
    /** The canonical text of the sample format, whose hash is the digest. */
    text: string;
  };
  outputs: NativeOutputFormat[];
  stageClass: 'element' | 'placed' | 'sequential';
  tableBytes: number;
  stateBytes: number;
  kernels: string;
}

export interface NativeStepExplanation {
  step: string;
  stageClass: 'element' | 'placed' | 'sequential';
  naiveTableEntries: number;
  tableEntries: number;
  tableBytes: number;
  tables: string;
  windowBytes: number;
  stateBytes: number;
  state: string;
  kernel: string;
}

/** One sample on its way through a program, chunk by chunk; outputs are placed into the memory given. */
export interface NativeStream {
  /** Starts (or restarts) a sample; returns the runs that depend on no input: output, offset, bytes, output, offset, bytes, ... */
  begin(outputs: Uint8Array[]): number[];
  /** Status (0 used, 1 duplicate, 2 out of range), new bytes, repeated bytes, then the runs of final output bytes as above. */
  push(offset: number, bytes: Uint8Array): number[];
  missingBytes(): number;
}

export interface NativeProgram {
  readonly info: NativeProgramInfo;
  explain(): NativeStepExplanation[];
  planBytes(): Uint8Array;
  /**
   * input.byteLength and every outputs[i].byteLength are exactly those of info. `stride`: bytes from one row of the input to the next, if
   * rows have gaps; the input is then longer.
   */
  run(input: Uint8Array, outputs: Uint8Array[], stride?: number): void;
  /** The same on libuv's thread pool; both must stay untouched until the promise settles. */
  runAsync(input: Uint8Array, outputs: Uint8Array[], stride?: number): Promise<void>;
  /** 1 to 65536 samples, one after the other; every outputs[i] holds as many results, contiguous. */
  runBatch(inputs: Uint8Array[], outputs: Uint8Array[], stride?: number): void;
  runBatchAsync(inputs: Uint8Array[], outputs: Uint8Array[], stride?: number): Promise<void>;
  stream(): NativeStream;
  /** The same plan with another order of input. */
  withOrder(order: Order, skipUnread: boolean): NativeProgram;
  /** Writes the serialized sample to `out`, of info.input.bytes; rows of the image begin `stride` bytes apart. */
  serialize(image: Uint8Array, stride: number, out: Uint8Array): void;
  /** In order, `chunkBytes` (whole elements) each, until an output byte that depends on input is final; 0: none does. */
  chunksToFirstOutput(chunkBytes: number): number;
}

export interface NativeRouteConfig {
  name: string;
  port: string;
  udpPort: number;
  payloadType: number | undefined;
  sources: string[];
  /** 0: no limit. */
  sourceLimits?:
    | {
        packetsPerSecond: number;
        bytesPerSecond: number;
        openSamples: number;
        streams: number;
        trackedSources: number;
        prefixBits: number;
      }
    | undefined;
  payload: 'chunk' | 'rfc4175';
  /** With `shapes`: that of the largest size. */
  program: NativeProgram | undefined;
  /** Instead of `program`. segmentElements: of a forward sink 0 if as many as fit a packet. */
  text:
    | { program: NativeTextProgram; waitingBytes: number; segmentElements: number; whole: boolean }
    | undefined;
  shapes: { spec: NativePipelineSpec; cached: number; waiting: number; stateBytes: number } | undefined;
  slots: number;
  openSamples: number;
  maxStreams: number;
  deadlineMs: number;
  evictOldest: boolean;
  /** undefined: senders are told nothing. `feedback`: prefixes that may be. */
  repair:
    | {
        feedback: string[];
        nack: boolean;
        reorderMs: number;
        retryMs: number;
        maxRetries: number;
        tailMs: number;
        windowPackets: number;
        reportMs: number;
        packetsPerSecond: number;
        routePacketsPerSecond: number;
        nextPort: boolean;
      }
    | undefined;
  sink:
    | { type: 'host'; batch: number; maxWaitMs: number; backpressure: boolean }
    | {
        type: 'forward';
        port: string;
        address: string;
        udpPort: number;
        sourceAddress: string | undefined;
        sourceUdpPort: number;
        destinationMac: Uint8Array | undefined;
        payloadType: number;
        ssrc: number;
        maxPayloadBytes: number;
        resend: NativeResend | undefined;
      };
}

export interface NativePlaneConfig {
  /** undefined: whatever runs, else the defaults. */
  eal: NativeEalOptions | undefined;
  ports: NativePortConfig[];
  routes: NativeRouteConfig[];
  workers: number;
  maxMemoryBytes: number;
  /** Microseconds of empty polls before a worker sleeps; Infinity: never. */
  idleAfterUs: number;
  /** Microseconds a worker sleeps at a time where a port can only be polled. */
  maxSleepUs: number;
  /** Milliseconds after which a worker that does not get on is fenced; 0: never. */
  watchdogMs: number;
  /** Milliseconds that close() waits for a worker that hangs; Infinity: for ever. */
  closeTimeoutMs: number;
  latency: boolean;
}

/** Counters of a port since start. */
export interface NativePortStats {
  name: string;
  rxPackets: number;
  rxBytes: number;
  rxMissed: number;
  txPackets: number;
  txBytes: number;
  /** Received and dealt with by the plane itself: ARP, neighbour discovery, ICMP, group queries. */
  controlPackets: number;
  /** What the port's `impair` did. Arrived before it: rxPackets + lost + held - duplicated. */
  impaired: {
    lost: number;
    duplicated: number;
    corrupted: number;
    /** Given out after a packet that had arrived later. */
    reordered: number;
    /** Waiting now to be given out of order. */
    held: number;
  };
  drops: Record<DropReason, number>;
}

/** Counters of a route since start, all workers together. */
export interface NativeRouteStats {
  name: string;
  packetsUsed: number;
  bytesUsed: number;
  overlapBytes: number;
  samplesOpened: number;
  samplesOpen: number;
  samplesComplete: number;
  samplesDelivered: number;
  packetsForwarded: number;
  /** Of the pipeline, counted from 1: what new samples are opened under. */
  version: number;
  /** That one, and older ones that open samples or the consumer still hold. */
  versionsAlive: number;
  versionsFreed: number;
  /** Packets asked for with RTCP NACKs, as often as they were. */
  nacksSent: number;
  /** Packets that came after they were asked for. */
  packetsRepaired: number;
  /** RTCP receiver reports. */
  reportsSent: number;
  /** Forwarded packets that receivers asked for, as often as they did: `packetsResent` + `resendsRefused`. */
  nacksReceived: number;
  packetsResent: number;
  /** Gone, never sent, sent again just before, beyond the rate, or not taken by the port. */
  resendsRefused: number;
  /** Last packets that left again because nothing followed them. */
  probesSent: number;
  drops: Record<DropReason, number>;
}

/** Counters of a worker since start. */
export interface NativeWorkerStats {
  polls: number;
  emptyPolls: number;
  sleeps: number;
  busyMs: number;
  cpuMs: number;
  /** Packets handed to the workers that have their streams, where a port has fewer queues than there are workers. */
  fannedOut: number;
  /** And those taken from the workers that received them. */
  fannedIn: number;
  /** How often the worker hung and was given up. */
  fences: number;
  /** It hangs now, or the plane was closed without it. */
  fenced: boolean;
  /** After close: packets in the hands of a worker that never moved again. */
  packetsHeld: number;
}

/**
 * Counters since start. Books balance: packets received by ports = packets used by routes + control packets of ports + packet drops of
 * ports and routes (`transmit_failed` and `no_neighbour` aside: those did not leave) + `packetsHeld` of workers; samples opened = complete + open + sample drops.
 */
export interface NativePlaneStats {
  ports: NativePortStats[];
  routes: NativeRouteStats[];
  workers: NativeWorkerStats[];
  memoryBytes: number;
}

/** One pool of a plane. */
export interface MemoryItem {
  /** Whose it is: `route NAME`, `port NAME` or `plane`. */
  room: string;
  /** The worker it belongs to; absent: all share it. */
  worker?: number;
  /** What it is for: `output buffers`, `sample states`, `stream table`, `flow cache`, `transmit queues`, ... */
  what: string;
  bytes: number;
}

/** Where a sample came from. Times are milliseconds since the Unix epoch, with fractions. */
export interface NativeSampleInfo {
  requestId: bigint;
  sourceAddress: string;
  sourcePort: number;
  ssrc: number;
  timestamp: number;
  firstPacketAt: number;
  lastPacketAt: number;
}

/** One filled buffer. `outputs[i]` is an external ArrayBuffer over the slot (or a copy where the runtime forbids those). */
export interface NativeDelivery {
  buffer: number;
  outputs: ArrayBuffer[];
  /** Of the route, counted from 1: the one that all of its samples were opened under. */
  version: number;
  /** One entry per sample of the batch, in output order. */
  samples: (NativeSampleInfo & { inputWidth: number; inputHeight: number })[];
}

export interface NativeSink {
  next(): NativeDelivery | undefined;
  /** Detaches the delivery's ArrayBuffers and gives the slot back. A delivery that is garbage collected does the same. */
  release(buffer: number): void;
  /** Called on the event loop, coalesced, when next() may have something again. */
  onReady(notify: (() => void) | undefined): void;
}

/** What a port knows of itself; zeros and empty texts where it knows nothing. */
export interface NativePortInfo {
  driver: string;
  device: string;
  mac: string;
  linkUp: boolean;
  fullDuplex: boolean;
  /** 0: unknown. */
  linkMbps: number;
  removed: boolean;
  /** -1: unknown. */
  numaNode: number;
  mtu: number;
  receiveQueues: number;
  transmitQueues: number;
  receiveDescriptors: number;
  transmitDescriptors: number;
  buffers: number;
  bufferBytes: number;
  /** By hook. Empty where the port knows of none. */
  offloads: Record<string, { state: 'active' | 'unverified' | 'software'; reason: string }>;
  /** 0 unknown, 1 up, 2 link down, 3 removed. */
  state: number;
  stateChanges: number;
  /** Of the last change of state; empty if there was none. */
  cause: string;
  promiscuous: boolean;
  allMulticast: boolean;
}

/** The next pipeline of a route; as the fields of NativeRouteConfig. */
export interface NativeRouteSwap {
  route: string;
  program: NativeProgram | undefined;
  text: NativeTextProgram | undefined;
  shapes: NativePipelineSpec | undefined;
}

export interface NativePlane {
  sink(route: string): NativeSink;
  textSink(route: string): NativeTextSink;
  /** Always the same queue: whoever takes an event has it alone. */
  events(): NativePlaneEvents;
  stats(): NativePlaneStats;
  memory(): MemoryItem[];
  /** By stage; of one route (by its place) and one worker, or all of them. Neither is checked. */
  latency(route: number | undefined, worker: number | undefined): Record<LatencyStage, NativeHistogram>;
  startCapture(config: NativeCaptureConfig): Promise<NativeCapture>;
  /** All of them or none; resolves with the numbers of the new versions when every worker has taken them. Off the event loop. */
  swap(swaps: NativeRouteSwap[]): Promise<number[]>;
  /** Numbers of the versions of a route that are alive, oldest first. */
  versions(route: string): number[];
  /** In the order of the configuration. */
  portInfos(): NativePortInfo[];
  /** Where each udp port is bound, by port name. */
  localPorts(): Record<string, { address: string; port: number }>;
  /** Idempotent; resolves when workers have stopped. Off the event loop. */
  close(): Promise<void>;
  /** Whether the open plane keeps the process alive (default true). */
  ref(): void;
  unref(): void;
}

export interface NativeBinding extends NativeTextBinding {
  /** Class whose instances the addon throws: constructed as new Class(code, message). One per environment. */
  setErrorClass(errorClass: typeof OnpathError): void;
  availableKernels(): string[];
  /** `kernels` '' means the best this CPU has. */
  compile(spec: NativePipelineSpec, kernels: string): NativeProgram;
  /** The program for the largest size, which `spec.input` has; refuses a spec whose output depends on the size. */
  compileFamily(spec: NativePipelineSpec, kernels: string): NativeProgram;
  /** The program of that family for another size. */
  compileMember(
    spec: NativePipelineSpec,
    largest: NativeProgram,
    width: number,
    height: number,
  ): NativeProgram;
  planFromBytes(bytes: Uint8Array, kernels: string): NativeProgram;
  compileText(spec: NativeTextPipelineSpec): NativeTextProgram;
  textPlanFromBytes(bytes: Uint8Array, tokenizer: NativeTokenizer | undefined): NativeTextProgram;
  /** Digest and size of a sample format without a plan. */
  sampleFormat(
    width: number,
    height: number,
    format: InputFormat,
  ): { elementBytes: number; bytes: number; digest: number; text: string };
  /** Off the event loop: drivers and pools can take seconds. */
  startPlane(config: NativePlaneConfig): Promise<NativePlane>;
  openSender(config: NativeSenderConfig): NativeSender;
}

let loaded: NativeBinding | undefined;

/** The binding; loads it on first call. Throws `OnpathError` with code `NATIVE_MISSING`. */
export function native(): NativeBinding {
  if (loaded === undefined) {
    loaded = load();
    loaded.setErrorClass(OnpathError);
  }
  return loaded;
}

function load(): NativeBinding {
  const root = packageRoot();
  const require = createRequire(import.meta.url);
  const find = require('node-gyp-build') as { (dir: string): NativeBinding; path(dir: string): string };
  try {
    return find(root);
  } catch (cause) {
    const places = [
      join(root, 'build', 'Release'),
      join(root, 'prebuilds', `${process.platform}-${process.arch}`),
    ];
    throw new OnpathError(
      'NATIVE_MISSING',
      `The native binary of onpath could not be loaded on ${process.platform}-${process.arch}, Node ${process.version}. ` +
        `Looked in: ${places.join(', ')}. Reason: ${firstLine(cause)}. ` +
        'Build it with `npm rebuild onpath` (needs a C++20 compiler, CMake, libhwy-dev, rapidjson-dev, libmbedtls-dev and libpcre2-dev), ' +
        'or install a package that carries a prebuild for this platform.',
      { cause },
    );
  }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
}
