/** The pipelines of a running plane's routes, one after the other: swaps, their numbers, and what deliveries were made by. */
import { setTimeout as sleep } from 'node:timers/promises';
import { raceAbort, throwIfAborted } from './abort.js';
import { OnpathError } from './errors.js';
import type { NativeOutputFormat, NativePlane, NativeRouteSwap } from './native.js';
import { Pipeline } from './pipeline.js';
import { PipelineFamily } from './pipeline-family.js';
import { programOf } from './plane-config.js';
import type { MadeBy } from './sample.js';
import { TextPipeline } from './text-pipeline.js';
import { shown } from './validate.js';

/** What a route can run. */
export type RoutePipeline = Pipeline | PipelineFamily | TextPipeline;

/** One pipeline of a route. */
export interface RouteVersion {
  /** Name of the route. */
  readonly route: string;
  /** Counted from 1, which is the pipeline that the plane was started with; samples have it as `versionNumber`. */
  readonly version: number;
  /** Content hash of its plan; samples have it as `version`. */
  readonly hash: string;
  /** When it was installed, in milliseconds since the Unix epoch. */
  readonly at: number;
}

/** One of the last pipelines of a route, and whether it is alive: the newest is, and others while samples or you hold them. */
export interface ListedVersion extends RouteVersion {
  readonly alive: boolean;
}

/** Versions that are listed, beside those that are alive. */
const KEPT = 16;
/** How often a swap looks whether there is room for a further version. */
const LOOK_MS = 2;

/** What deliveries of a version are wrapped by. */
export interface Maker extends MadeBy {
  readonly outputs: readonly NativeOutputFormat[];
}

class SwappedRoute {
  readonly name: string;
  readonly deadlineMs: number;
  pipeline: RoutePipeline;
  /** The last ones, newest first. */
  history: RouteVersion[];
  readonly makers = new Map<number, Maker>();

  constructor(name: string, deadlineMs: number, pipeline: RoutePipeline) {
    this.name = name;
    this.deadlineMs = deadlineMs;
    this.pipeline = pipeline;
    this.history = [{ route: name, version: 1, hash: pipeline.hash, at: Date.now() }];
    this.makers.set(1, makerOf(pipeline, 1));
  }
  get newest(): RouteVersion {
    return this.history[0]!;
  }
}

export interface Change {
  readonly route: string;
  readonly pipeline: RoutePipeline;
}

export class Swaps {
  readonly #plane: NativePlane;
  readonly #routes: ReadonlyMap<string, SwappedRoute>;
  #last: Promise<void> = Promise.resolve();

  constructor(
    plane: NativePlane,
    routes: readonly { name: string; deadlineMs: number; pipeline: RoutePipeline }[],
  ) {
    this.#plane = plane;
    this.#routes = new Map(
      routes.map(({ name, deadlineMs, pipeline }) => [name, new SwappedRoute(name, deadlineMs, pipeline)]),
    );
  }

  /** What made a delivery of a route. */
  makerOf(route: string, version: number): Maker {
    return this.#routes.get(route)!.makers.get(version)!;
  }

  /** Routes and the pipelines that they run now. */
  current(): Change[] {
    return [...this.#routes.values()].map(({ name, pipeline }) => ({ route: name, pipeline }));
  }

  /** @throws OnpathError NOT_FOUND */
  pipelineOf(route: string): RoutePipeline {
    return this.#route(route).pipeline;
  }

  /** Newest first. @throws OnpathError NOT_FOUND */
  versions(route: string): ListedVersion[] {
    const alive = new Set(this.#plane.versions(this.#route(route).name));
    return this.#route(route).history.map((version) => ({ ...version, alive: alive.has(version.version) }));
  }

  /**
   * Makes what `changes` gives when it is its turn the pipelines of their routes: all or none. One call after the other.
   * @throws OnpathError as `Dataplane.swap`
   */
  async swap(changes: () => readonly Change[], signal: AbortSignal | undefined): Promise<RouteVersion[]> {
    throwIfAborted(signal);
    const before = this.#last;
    let done = () => {};
    this.#last = new Promise<void>((resolve) => {
      done = resolve;
    });
    try {
      await raceAbort(before, signal);
      return await this.#install(changes(), signal);
    } finally {
      // One that is given up does not let the next overtake those before it.
      void before.then(done);
    }
  }

  async #install(changes: readonly Change[], signal: AbortSignal | undefined): Promise<RouteVersion[]> {
    if (changes.length === 0) return [];
    const steps = changes.map(({ route, pipeline }, i) => {
      if (changes.findIndex((change) => change.route === route) < i) {
        throw new OnpathError(
          'INVALID_ARGUMENT',
          `The changes have route "${String(route)}" twice. Give each route one pipeline.`,
        );
      }
      const of = this.#route(route);
      return { of, pipeline, version: of.newest.version + 1, native: nativeSwap(route, pipeline) };
    });
    // Before a worker can take them: samples may be delivered before the call has ended.
    for (const { of, pipeline, version } of steps) of.makers.set(version, makerOf(pipeline, version));
    try {
      await this.#patiently(
        steps.map(({ native }) => native),
        Math.max(...steps.map(({ of }) => of.deadlineMs)),
        signal,
      );
    } catch (error) {
      // A worker may be late to take what is installed all the same.
      if (!steps.every(({ of, version }) => this.#plane.versions(of.name).includes(version))) {
        for (const { of, version } of steps) of.makers.delete(version);
        throw error;
      }
      for (const step of steps) this.#installed(step);
      throw error;
    }
    return steps.map((step) => this.#installed(step));
  }

  /** Versions that open samples hold are done with after the route's deadline at the latest: so long a swap waits for room. */
  async #patiently(
    swaps: NativeRouteSwap[],
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const end = performance.now() + deadlineMs + 1000;
    const before = swaps.map(({ route }) => this.#routes.get(route)!.newest.version);
    for (;;) {
      try {
        await this.#plane.swap(swaps);
        return;
      } catch (error) {
        const none = swaps.every(({ route }, i) => !this.#plane.versions(route).includes(before[i]! + 1));
        const full = error instanceof OnpathError && error.code === 'BUSY' && none;
        if (!full || performance.now() > end) throw error;
        throwIfAborted(signal);
        await sleep(LOOK_MS);
      }
    }
  }

  #installed({
    of,
    pipeline,
    version,
  }: {
    of: SwappedRoute;
    pipeline: RoutePipeline;
    version: number;
  }): RouteVersion {
    const installed = { route: of.name, version, hash: pipeline.hash, at: Date.now() };
    const alive = new Set(this.#plane.versions(of.name));
    of.pipeline = pipeline;
    of.history.unshift(installed);
    of.history = of.history.filter((old, i) => i < KEPT || alive.has(old.version));
    for (const old of of.makers.keys()) if (old < version && !alive.has(old)) of.makers.delete(old);
    return installed;
  }

  #route(name: string): SwappedRoute {
    const route = this.#routes.get(name);
    if (route !== undefined) return route;
    throw new OnpathError(
      'NOT_FOUND',
      `No route is called "${String(name)}". There are: ${[...this.#routes.keys()].join(', ')}.`,
    );
  }
}

function makerOf(pipeline: RoutePipeline, versionNumber: number): Maker {
  const outputs = pipeline instanceof TextPipeline ? [] : programOf(pipeline).info.outputs;
  return { version: pipeline.hash, versionNumber, outputs };
}

function nativeSwap(route: string, pipeline: unknown): NativeRouteSwap {
  const none = { route, program: undefined, text: undefined, shapes: undefined };
  if (pipeline instanceof TextPipeline) return { ...none, text: TextPipeline.programOf(pipeline) };
  if (pipeline instanceof Pipeline) return { ...none, program: programOf(pipeline) };
  if (pipeline instanceof PipelineFamily)
    return { ...none, program: programOf(pipeline), shapes: PipelineFamily.partsOf(pipeline).spec };
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `pipeline must be a Pipeline, a PipelineFamily or a TextPipeline, received ${shown(pipeline)}.`,
  );
}
