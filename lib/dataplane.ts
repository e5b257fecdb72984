/** The data plane: ports, workers, routes; finished samples as async iterators. */
import { abortError, throwIfAborted } from './abort.js';
import { Capture, type CaptureOptions, nativeCaptureConfig } from './capture.js';
import { captureSpec } from './capture-schema.js';
import { OnpathError } from './errors.js';
import { LatencyHistogram, type LatencyStage, type PlaneLatency } from './latency.js';
import { type MemoryItem, type NativePlane, type NativePlaneStats, native } from './native.js';
import { isBatched, nativePlaneConfig } from './plane-config.js';
import { type PlaneEvent, PlaneEventHub } from './plane-events.js';
import { PlaneTables, PlaneVocabularies } from './plane-parts.js';
import { type PortInfo, portInfo } from './port-info.js';
import { type Batch, type Sample, wrapDelivery } from './sample.js';
import { DATAPLANE, type DataplaneSpec, dataplaneSpec, type ParsedDataplaneSpec } from './schema.js';
import { type ListedVersion, type RoutePipeline, type RouteVersion, Swaps } from './swaps.js';
import { TextPipeline } from './text-pipeline.js';
import { type TextPart, type TextSample, textPart, textSample } from './text-sample.js';
import { parse, shown } from './validate.js';

/**
 * Counters since start. Books balance: packets received by ports = packets used by routes + control packets of ports + packet drops of
 * ports and routes (`transmit_failed` and `no_neighbour` aside: those did not leave) + `packetsHeld` of workers; samples opened = complete + open + sample drops.
 */
export type PlaneStats = NativePlaneStats;

/** A route that delivers to JavaScript: what it takes from, and who waits for it. */
class HostRoute {
  readonly name: string;
  readonly delivers: 'samples' | 'batches' | 'texts' | 'parts';
  readonly take: () => Delivered | undefined;
  #waiting: (() => void)[] = [];

  constructor(plane: NativePlane, swaps: Swaps, { name, pipeline, deliver, batched }: HostRouteSpec) {
    this.name = name;
    if (pipeline instanceof TextPipeline) {
      const sink = plane.textSink(name);
      this.delivers = deliver !== 'sample' && 'chunkTokens' in deliver ? 'parts' : 'texts';
      const wrap = this.delivers === 'parts' ? textPart : textSample;
      this.take = () => {
        const part = sink.next();
        return part && wrap(part, swaps.makerOf(name, part.version));
      };
      sink.onReady(() => this.wake());
      return;
    }
    const sink = plane.sink(name);
    this.delivers = batched ? 'batches' : 'samples';
    this.take = () => {
      const delivery = sink.next();
      if (delivery === undefined) return undefined;
      const maker = swaps.makerOf(name, delivery.version);
      return wrapDelivery(sink, delivery, maker.outputs, maker, batched);
    };
    sink.onReady(() => this.wake());
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Resolves at the next wake-up; rejects when the signal is aborted. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const resume = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== resume);
        reject(abortError(signal!));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(resume);
    });
  }
}

type Delivered = Sample | Batch | TextSample | TextPart;
type HostRouteSpec = ParsedDataplaneSpec['routes'][number] & { readonly batched: boolean };

/**
 * A running data plane. It keeps the process alive like a server does; see `unref()`.
 *
 * @example
 * await using plane = await Dataplane.start({
 *   ports: [{ type: 'udp', name: 'in', address: '127.0.0.1', port: 5004 }],
 *   routes: [{ name: 'photos', port: 'in', payload: 'rfc4175', pipeline }],
 * });
 * for await (using sample of plane.samples('photos')) infer(sample.data, sample.shape);
 */
export class Dataplane {
  /** @internal */
  readonly [DATAPLANE] = true;
  /** Lookup tables by the names that pipelines call them. */
  readonly tables: PlaneTables;
  /** Tokenizers by the names that pipelines call them. */
  readonly vocabularies: PlaneVocabularies;
  readonly #native: NativePlane;
  readonly #swaps: Swaps;
  readonly #ports: ParsedDataplaneSpec['ports'];
  readonly #routes: ReadonlyMap<string, HostRoute | 'forward'>;
  readonly #events: PlaneEventHub;
  readonly #detachSignal: () => void;
  readonly #workers: number;
  readonly #measures: boolean;
  /** Those that run: none is collected before it ends. */
  readonly #captures = new Set<Capture>();
  #closing: Promise<void> | undefined;
  #closed = false;

  private constructor(plane: NativePlane, spec: ParsedDataplaneSpec, signal: AbortSignal | undefined) {
    this.#native = plane;
    this.#ports = spec.ports;
    this.#events = new PlaneEventHub(plane.events());
    this.#workers = spec.workers;
    this.#measures = spec.latency;
    this.#swaps = new Swaps(plane, spec.routes);
    this.tables = new PlaneTables(this.#swaps);
    this.vocabularies = new PlaneVocabularies(this.#swaps);
    this.#routes = new Map(
      spec.routes.map((route) => [
        route.name,
        route.sink === 'host'
          ? new HostRoute(plane, this.#swaps, { ...route, batched: isBatched(route) })
          : ('forward' as const),
      ]),
    );
    const onAbort = () => void this.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#detachSignal = () => signal?.removeEventListener('abort', onAbort);
  }

  /**
   * Resolves when every port is up and workers run. Ports are opened and all pools taken off the event loop: milliseconds for a worker or
   * two, longer with many workers or slots; DPDK's environment takes up to seconds, once per process.
   * @param options.signal Aborting it closes the plane. During the start, which cannot be cut short, what was opened is closed first and
   * ABORTED thrown then.
   * @throws OnpathError INVALID_SPEC, ADDRESS_IN_USE, PERMISSION_DENIED, PORT_FAILED, LIMIT_EXCEEDED, OUT_OF_MEMORY, BUSY (memory link side
   * already open), ABORTED; with dpdk ports also DRIVER_MISSING, EAL_FAILED, EAL_CONFLICT, NO_HUGEPAGES, DEVICE_NOT_FOUND, DEVICE_IN_USE,
   * INVALID_ARGUMENT
   */
  static async start(spec: DataplaneSpec, options: { signal?: AbortSignal } = {}): Promise<Dataplane> {
    const { signal } = options;
    throwIfAborted(signal);
    const parsed = parse(dataplaneSpec, spec, 'dataplane');
    const plane = await native().startPlane(nativePlaneConfig(parsed));
    if (signal?.aborted) {
      await plane.close();
      throw abortError(signal);
    }
    return new Dataplane(plane, parsed, signal);
  }

  /** @internal */
  static partsOf(plane: Dataplane): { native: NativePlane; ports: ParsedDataplaneSpec['ports'] } {
    return { native: plane.#native, ports: plane.#ports };
  }

  /**
   * Finished samples of a route that does not batch, until the plane is closed. Several iterators share: each sample goes to one.
   * Release samples (`using`) when done: a route has `slots` of them.
   * @throws OnpathError NOT_FOUND, INVALID_ARGUMENT (the route batches or forwards), ABORTED
   */
  samples(route: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<Sample, void, undefined> {
    return this.#deliveries(this.#host(route, 'samples'), options.signal) as AsyncGenerator<
      Sample,
      void,
      undefined
    >;
  }

  /** The same for a route with `deliver: { batch }` above 1. */
  batches(route: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<Batch, void, undefined> {
    return this.#deliveries(this.#host(route, 'batches'), options.signal) as AsyncGenerator<
      Batch,
      void,
      undefined
    >;
  }

  /** Texts of a route with a TextPipeline, each when it has ended, until the plane is closed. Nothing need be released. */
  texts(route: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<TextSample, void, undefined> {
    return this.#deliveries(this.#host(route, 'texts'), options.signal) as AsyncGenerator<
      TextSample,
      void,
      undefined
    >;
  }

  /**
   * The same for a route with `deliver: { chunkTokens }`: parts, before their text has ended. A text of which parts were given and that is
   * given up ends with a part that has `failed`.
   */
  parts(route: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<TextPart, void, undefined> {
    return this.#deliveries(this.#host(route, 'parts'), options.signal) as AsyncGenerator<
      TextPart,
      void,
      undefined
    >;
  }

  /**
   * What happens to workers and ports: hangs, links and devices that go and come. Every iterator gets every event; those from before the
   * first one wait for it, at most 256. Ends after close().
   *
   * @example
   * for await (const { type, cause } of plane.events({ signal })) console.warn(type, cause);
   * @throws OnpathError ABORTED
   */
  events(options: { signal?: AbortSignal } = {}): AsyncGenerator<PlaneEvent, void, undefined> {
    return this.#events.iterate(options.signal);
  }

  /**
   * Gives a route another pipeline while packets arrive. No packet is lost by it: samples that are open end under the pipeline that they
   * were opened under, new ones are opened under the new one; every sample is wholly of one, and says which (`version`, `versionNumber`).
   * Resolves when every worker opens samples under it. The older one is freed when its last sample has ended and you have released its
   * last buffer; at most 8 versions of a route are alive, and a swap waits as long as the route's deadline for room for a further one.
   * @param pipeline Of the same kind and input as the route's; its outputs may be others.
   * @param options.signal Aborting it gives up the wait for room: nothing is changed then.
   * @throws OnpathError NOT_FOUND, INVALID_ARGUMENT, INVALID_SPEC (another kind or input), LIMIT_EXCEEDED (both versions together exceed
   * `limits.memoryBytes`), OUT_OF_MEMORY, BUSY (8 are alive, and held; or a worker hangs: it takes the version when it
   * goes on), CLOSED, ABORTED
   */
  async swap(
    route: string,
    pipeline: RoutePipeline,
    options: { signal?: AbortSignal } = {},
  ): Promise<RouteVersion> {
    const [version] = await this.#swaps.swap(() => [{ route, pipeline }], options.signal);
    return version!;
  }

  /**
   * The same for several routes at once: all of them or none, each at most once.
   *
   * @example
   * await plane.swapAll([{ route: 'photos', pipeline: photos }, { route: 'prompts', pipeline: prompts }]);
   * @throws OnpathError as `swap`
   */
  async swapAll(
    changes: readonly { readonly route: string; readonly pipeline: RoutePipeline }[],
    options: { signal?: AbortSignal } = {},
  ): Promise<RouteVersion[]> {
    if (!Array.isArray(changes) || changes.some((change) => typeof change !== 'object' || change === null)) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `changes must be an array of { route, pipeline }, received ${shown(changes)}.`,
      );
    }
    return this.#swaps.swap(() => changes, options.signal);
  }

  /** What a route runs now. @throws OnpathError NOT_FOUND */
  pipeline(route: string): RoutePipeline {
    return this.#swaps.pipelineOf(route);
  }

  /** The last pipelines of a route, newest first. @throws OnpathError NOT_FOUND */
  versions(route: string): ListedVersion[] {
    return this.#swaps.versions(route);
  }

  /** Counters since start; they stay readable after close. */
  stats(): PlaneStats {
    return this.#native.stats();
  }

  /**
   * Every pool of the plane with its bytes; their sum is `stats().memoryBytes`. Pipelines, their tables and vocabularies are not the plane's.
   *
   * ```ts
   * for (const { room, worker, what, bytes } of plane.memory()) console.log(room, worker ?? 'all', what, bytes);
   * ```
   */
  memory(): MemoryItem[] {
    return this.#native.memory();
  }

  /**
   * How long what took since start, stage by stage; a snapshot, also after close. What is measured of every sample and what of some:
   * `LatencyStage`.
   * @param route Of this route; undefined: all routes together.
   * @param options.worker Of this worker only, from 0.
   * @throws OnpathError NOT_FOUND, INVALID_ARGUMENT (no such worker), UNSUPPORTED (the plane was started with `latency: false`)
   */
  latency(route?: string, options: { worker?: number } = {}): PlaneLatency {
    if (!this.#measures)
      throw new OnpathError('UNSUPPORTED', 'The plane was started with latency: false. Leave that out.');
    const place = route === undefined ? undefined : this.#place(route);
    const { worker } = options;
    const workers = this.#workers;
    if (worker !== undefined && !(Number.isInteger(worker) && worker >= 0 && worker < workers)) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `worker is from 0 to ${workers - 1}, received ${String(worker)}.`,
      );
    }
    const stages = Object.entries(this.#native.latency(place, worker));
    return Object.fromEntries(
      stages.map(([stage, counts]) => [stage, new LatencyHistogram(counts)]),
    ) as Record<LatencyStage, LatencyHistogram>;
  }

  /**
   * Writes packets of a route or a port as pcapng, as they came, until a bound is reached, it is stopped, or the plane closes. At most four
   * at a time. Packets of udp ports get IP and UDP headers made from their addresses.
   * @throws OnpathError INVALID_ARGUMENT, NOT_FOUND, BUSY, CLOSED, LIMIT_EXCEEDED, OUT_OF_MEMORY, PERMISSION_DENIED, PORT_FAILED, ABORTED
   */
  async capture({ signal, ...options }: CaptureOptions): Promise<Capture> {
    throwIfAborted(signal);
    const spec = parse(captureSpec, options, 'capture', 'INVALID_ARGUMENT');
    const started = await this.#native.startCapture(nativeCaptureConfig(spec));
    const capture = new Capture(started, spec.writable, signal);
    this.#captures.add(capture);
    const forget = () => this.#captures.delete(capture);
    capture.done.then(forget, forget);
    return capture;
  }

  /** What each port is and how it fares now, in the order of the specification: link, driver, queues, offloads in use. */
  ports(): PortInfo[] {
    const infos = this.#native.portInfos();
    const local = this.#native.localPorts();
    return this.#ports.map((port, i) => portInfo(port, infos[i]!, local));
  }

  /** Where a udp port is bound, with the port number the system chose. @throws OnpathError NOT_FOUND */
  address(port: string): { address: string; port: number } {
    const ports = this.#native.localPorts();
    const found = Object.hasOwn(ports, port) ? ports[port] : undefined;
    if (found === undefined) {
      throw new OnpathError(
        'NOT_FOUND',
        `No udp port is called "${String(port)}". There are: ${Object.keys(ports).join(', ') || 'none'}.`,
      );
    }
    return found;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Lets the process end although the plane is open. */
  unref(): this {
    this.#native.unref();
    return this;
  }
  ref(): this {
    this.#native.ref();
    return this;
  }

  /**
   * Stops workers and ports; open samples are counted as `closed`. Iterators still give what was finished, then end.
   * Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#detachSignal();
    await this.#native.close();
    this.#closed = true;
    this.#events.close();
    for (const route of this.#routes.values()) if (route !== 'forward') route.wake();
  }

  #unknown(route: string): OnpathError {
    const names = [...this.#routes.keys()].join(', ');
    return new OnpathError('NOT_FOUND', `No route is called "${String(route)}". There are: ${names}.`);
  }

  /** Of a route in the specification. */
  #place(route: string): number {
    const place = [...this.#routes.keys()].indexOf(route);
    if (place < 0) throw this.#unknown(route);
    return place;
  }

  #host(name: string, delivers: HostRoute['delivers']): HostRoute {
    const route = this.#routes.get(name);
    if (route === undefined) throw this.#unknown(name);
    if (route === 'forward') {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `Route "${name}" forwards its results; nothing of it comes to JavaScript.`,
      );
    }
    if (route.delivers !== delivers) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `Route "${name}" delivers ${route.delivers}. Use plane.${route.delivers}("${name}").`,
      );
    }
    return route;
  }

  async *#deliveries(
    route: HostRoute,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Delivered, void, undefined> {
    for (;;) {
      throwIfAborted(signal);
      const delivery = route.take();
      if (delivery !== undefined) yield delivery;
      else if (this.#closed) return;
      else await route.wait(signal);
    }
  }
}
