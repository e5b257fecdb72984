/** A plane that runs from a configuration and can be changed: what the command line, the control API, the metrics and the page look at. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Dataplane } from '../dataplane.js';
import { OnpathError } from '../errors.js';
import { type Config, readConfigAsync } from '../files/config-file.js';
import type { LookupTable } from '../lookup-table.js';
import { isBatched } from '../plane-config.js';
import type { PlaneEvent } from '../plane-events.js';
import type { RoutePipeline, RouteVersion } from '../swaps.js';
import { TextPipeline } from '../text-pipeline.js';
import type { Tokenizer } from '../tokenizer.js';
import { Consumer, type Delivers } from './consumer.js';
import { type Changed, changedParts, changedSettings, swapsTo } from './difference.js';
import { History, type NamedPipeline } from './history.js';
import type { Latest } from './latest.js';
import { type Snapshot, snapshotOf } from './snapshot.js';

export interface ServiceRoute {
  readonly name: string;
  readonly port: string;
  /** What its samples are. */
  readonly kind: 'tensor' | 'text';
  readonly sink: 'host' | 'forward';
  /**
   * What the configuration calls the pipeline that it runs, also with other tables and vocabularies by now; "(swapped in)" if it came by
   * `swap` and is none of the configuration's.
   */
  readonly pipelineName: string;
  /** What it runs now. */
  readonly pipeline: RoutePipeline;
}

export interface StartOptions {
  /** Aborting it closes the plane. */
  readonly signal?: AbortSignal;
  /** Called when a reload has been applied. */
  readonly onReload?: (config: Config) => void;
}

export type ServiceState = 'ready' | 'draining' | 'closed';

export interface Reloaded {
  readonly changed: readonly Changed[];
  /** There was no difference. */
  readonly unchanged: boolean;
}

/** Events that a snapshot shows. */
const KEPT_EVENTS = 32;
/** What `pipelineName` is of a pipeline that is not the configuration's. */
const SWAPPED_IN = '(swapped in)';
/** How often a close looks whether samples are open. */
const LOOK_MS = 10;

/**
 * A running service. Samples of host routes that nobody takes are counted and released.
 *
 * @example
 * await using service = await Service.start(readConfig('plane.yaml'));
 */
export class Service {
  readonly plane: Dataplane;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt = Date.now();
  readonly #onReload: (config: Config) => void;
  #config: Config;
  #state: ServiceState = 'ready';
  #watchers = 0;
  readonly #history: History;
  readonly #consumers: ReadonlyMap<string, Consumer>;
  readonly #events: PlaneEvent[] = [];
  readonly #ends: readonly Promise<void>[];
  #lastChange: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(plane: Dataplane, config: Config, onReload: StartOptions['onReload']) {
    this.plane = plane;
    this.#config = config;
    this.#onReload = onReload ?? (() => {});
    this.#history = new History(plane, config.pipelineOf);
    const isWatched = () => this.#watchers > 0;
    this.#consumers = new Map(
      config.spec.routes
        .filter((route) => sinkOf(route) === 'host')
        .map((route) => {
          const of = { name: route.name, delivers: deliversOf(route) };
          return [route.name, new Consumer(plane, of, this.#history, isWatched)];
        }),
    );
    this.#ends = [...[...this.#consumers.values()].map((consumer) => consumer.run()), this.#remember()];
  }

  /** @throws OnpathError as `Dataplane.start` */
  static async start(config: Config, { onReload, ...options }: StartOptions = {}): Promise<Service> {
    return new Service(await Dataplane.start(config.spec, options), config, onReload);
  }

  /** The configuration that is applied. */
  get config(): Config {
    return this.#config;
  }
  get state(): ServiceState {
    return this.#state;
  }

  routes(): ServiceRoute[] {
    return this.#config.spec.routes.map((route) => {
      const { pipeline, name: pipelineName } = this.#history.current(route.name);
      const { name, port } = route;
      const kind = pipeline instanceof TextPipeline ? 'text' : 'tensor';
      return { name, port, kind, sink: sinkOf(route), pipelineName, pipeline };
    });
  }

  /** Everything that is shown of it, now. */
  snapshot(): Snapshot {
    return snapshotOf(this, this.#events);
  }

  /**
   * The last sample of a host route, at most five times a second anew, and only while somebody watches; undefined before there is one, and
   * of a route that forwards.
   * @throws OnpathError NOT_FOUND
   */
  latest(route: string): Latest | undefined {
    this.#history.current(route);
    return this.#consumers.get(route)?.latest;
  }

  /**
   * Has the last samples of host routes looked at, until it is disposed.
   *
   * @example
   * using watching = service.watch();
   */
  watch(): Disposable {
    this.#watchers++;
    let watching = true;
    return {
      [Symbol.dispose]: () => {
        if (!watching) return;
        watching = false;
        this.#watchers--;
        if (this.#watchers === 0) for (const consumer of this.#consumers.values()) consumer.forget();
      },
    };
  }

  /** @throws OnpathError as `plane.tables.set` */
  setTable(name: string, table: LookupTable): Promise<RouteVersion[]> {
    return this.#change(() => this.plane.tables.set(name, table));
  }
  /** @throws OnpathError as `plane.vocabularies.set` */
  setVocabulary(name: string, tokenizer: Tokenizer): Promise<RouteVersion[]> {
    return this.#change(() => this.plane.vocabularies.set(name, tokenizer));
  }

  /**
   * @param options.name What the configuration calls it, where it is one of its pipelines with other tables or vocabularies.
   * @throws OnpathError as `Dataplane.swap`
   */
  swap(
    route: string,
    pipeline: RoutePipeline,
    options: { readonly name?: string | undefined } = {},
  ): Promise<RouteVersion> {
    const [known] = [...this.#config.pipelines].find(([, one]) => one === pipeline) ?? [SWAPPED_IN];
    const name = options.name ?? known;
    return this.#change(() => this.plane.swap(route, pipeline), new Map([[route, { pipeline, name }]]));
  }

  /**
   * The pipeline of an earlier version again, as a new version.
   * @param version One of `plane.versions(route)`; default: the one before that which runs now, so that twice is back again.
   * @throws OnpathError NOT_FOUND (no such route or version), INVALID_ARGUMENT (it runs now), and those of `Dataplane.swap`
   */
  rollback(route: string, version?: number): Promise<RouteVersion> {
    const installed = new Map<string, NamedPipeline>();
    return this.#change(() => {
      const earlier = this.#history.earlier(route, version);
      installed.set(route, earlier);
      return this.plane.swap(route, earlier.pipeline);
    }, installed);
  }

  /**
   * Makes the plane what a configuration says, by swaps: all of it or nothing. What was set by other means since it was read last is
   * undone.
   * @param options.check Only say what would change.
   * @throws OnpathError INVALID_SPEC naming every field that needs a restart, and those of `Dataplane.swap`
   */
  reload(config: Config, options: { check?: boolean } = {}): Promise<Reloaded> {
    return this.#reload(async () => config, options);
  }

  /**
   * Reads the configuration's file again, when the changes before it are made, and reloads it; what stands above the file stays.
   * @throws OnpathError those of `readConfigAsync` and `reload`
   */
  reloadFile(options: { check?: boolean } = {}): Promise<Reloaded> {
    return this.#reload(() => readConfigAsync(this.#config.file.path, this.#config.overrides), options);
  }

  /** What is read in its turn is never older than what an earlier one has applied. */
  #reload(read: () => Promise<Config>, options: { check?: boolean }): Promise<Reloaded> {
    const installed = new Map<string, NamedPipeline>();
    return this.#change(async () => {
      const config = await read();
      const swaps = swapsTo(this.plane, this.#config, config);
      const changed = [
        ...swaps.map(({ route }) => ({ route })),
        ...changedParts(this.plane, swaps),
        ...changedSettings(this.#config, config),
      ];
      if (options.check !== true) {
        const nameOf = (route: string) => config.pipelineOf.get(route)!;
        for (const { route, pipeline } of swaps) installed.set(route, { pipeline, name: nameOf(route) });
        await this.plane.swapAll(swaps);
        // Others may be called by another name now.
        for (const { name: route } of config.spec.routes) {
          installed.set(route, { pipeline: this.plane.pipeline(route), name: nameOf(route) });
        }
        this.#config = config;
        this.#onReload(config);
      }
      return { changed, unchanged: changed.length === 0 };
    }, installed);
  }

  /**
   * Lets samples that are open end, then closes the plane; what comes meanwhile is taken as ever. Idempotent.
   * @param options.drainMs For so many milliseconds at most, and no longer than the longest deadline of a route; default: 0.
   */
  close({ drainMs = 0 }: { drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(drainMs: number): Promise<void> {
    this.#state = 'draining';
    // By then every sample that is open now has ended, one way or the other.
    const longest = Math.max(0, ...this.#config.spec.routes.map(({ deadlineMs }) => deadlineMs));
    const end = performance.now() + Math.min(drainMs, longest);
    const isOpen = () => this.plane.stats().routes.some(({ samplesOpen }) => samplesOpen > 0);
    while (performance.now() < end && isOpen()) await sleep(LOOK_MS);
    await this.plane.close();
    await Promise.all(this.#ends);
    this.#state = 'closed';
  }

  /** One change after the other, each remembered whatever came of it; none once the plane drains. */
  #change<T>(make: () => Promise<T>, installed: ReadonlyMap<string, NamedPipeline> = new Map()): Promise<T> {
    const inTurn = (): Promise<T> => {
      if (this.#state === 'ready') return make();
      throw new OnpathError(
        'CLOSED',
        `The plane ${this.#state === 'draining' ? 'drains and is about to close' : 'is closed'}; nothing was changed. Start it again.`,
      );
    };
    const change = this.#lastChange.then(inTurn).finally(() => this.#history.record(installed));
    this.#lastChange = change.catch(() => {});
    return change;
  }

  async #remember(): Promise<void> {
    for await (const event of this.plane.events()) {
      this.#events.push(event);
      if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    }
  }
}

type Route = Config['spec']['routes'][number];

const sinkOf = ({ sink }: Route) => (sink === 'host' ? 'host' : 'forward');

function deliversOf(route: Route): Delivers {
  const { pipeline, deliver } = route;
  if (!(pipeline instanceof TextPipeline)) return isBatched(route) ? 'batches' : 'samples';
  return deliver !== 'sample' && 'chunkTokens' in deliver ? 'parts' : 'texts';
}
