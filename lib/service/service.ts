/** A plane that runs from a configuration and can be changed: what the command line, the control API, the metrics and the page look at. */
import { Dataplane } from '../dataplane.js';
import { OnpathError } from '../errors.js';
import type { Config } from '../files/config-file.js';
import type { LookupTable } from '../lookup-table.js';
import type { PlaneEvent } from '../plane-events.js';
import type { RoutePipeline, RouteVersion } from '../swaps.js';
import { TextPipeline } from '../text-pipeline.js';
import type { Tokenizer } from '../tokenizer.js';
import type { Latest } from './latest.js';
import { type Snapshot, snapshotOf } from './snapshot.js';

export interface ServiceRoute {
  readonly name: string;
  readonly port: string;
  /** What its samples are. */
  readonly kind: 'tensor' | 'text';
  readonly sink: 'host' | 'forward';
  /** The name in the configuration of the pipeline that it was started with or last reloaded to. */
  readonly pipelineName: string;
  /** What it runs now. */
  readonly pipeline: RoutePipeline;
}

export type ServiceState = 'ready' | 'draining' | 'closed';

/** Something that a reload gave another content. */
export type Changed =
  | { readonly route: string }
  | { readonly table: string }
  | { readonly vocabulary: string };

export interface Reloaded {
  readonly changed: readonly Changed[];
  /** There was no difference. */
  readonly unchanged: boolean;
}

/** Events that a snapshot shows. */
const KEPT_EVENTS = 32;

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
  #config: Config;
  #state: ServiceState = 'ready';
  #watchers = 0;
  readonly #events: PlaneEvent[] = [];
  readonly #ends: Promise<void>[];
  #closing: Promise<void> | undefined;

  private constructor(plane: Dataplane, config: Config) {
    this.plane = plane;
    this.#config = config;
    this.#ends = this.routes()
      .filter(({ sink }) => sink === 'host')
      .map((route) => this.#consume(route));
    this.#ends.push(this.#remember());
  }

  /** @throws OnpathError as `Dataplane.start` */
  static async start(config: Config, options: { signal?: AbortSignal } = {}): Promise<Service> {
    return new Service(await Dataplane.start(config.spec, options), config);
  }

  /** The configuration that is applied. */
  get config(): Config {
    return this.#config;
  }
  get state(): ServiceState {
    return this.#state;
  }

  routes(): ServiceRoute[] {
    return this.#config.spec.routes.map((route) => ({
      name: route.name,
      port: route.port,
      kind: route.pipeline instanceof TextPipeline ? 'text' : 'tensor',
      sink: route.sink === undefined || route.sink === 'host' ? 'host' : 'forward',
      pipelineName: this.#config.pipelineOf.get(route.name)!,
      pipeline: route.pipeline,
    }));
  }

  /** Everything that is shown of it, now. */
  snapshot(): Snapshot {
    return snapshotOf(this, this.#events);
  }

  /**
   * The last sample of a host route, at most five times a second anew, and only while somebody watches; undefined before there is one.
   * @throws OnpathError NOT_FOUND
   */
  latest(_route: string): Latest | undefined {
    return undefined;
  }

  /** Has the last samples of host routes looked at, until it is disposed. */
  watch(): Disposable {
    this.#watchers++;
    let watching = true;
    return {
      [Symbol.dispose]: () => {
        if (watching) this.#watchers--;
        watching = false;
      },
    };
  }

  /** @throws OnpathError as `plane.tables.set` */
  setTable(name: string, table: LookupTable): Promise<RouteVersion[]> {
    return this.plane.tables.set(name, table);
  }
  /** @throws OnpathError as `plane.vocabularies.set` */
  setVocabulary(name: string, tokenizer: Tokenizer): Promise<RouteVersion[]> {
    return this.plane.vocabularies.set(name, tokenizer);
  }
  /** @throws OnpathError as `Dataplane.swap` */
  swap(route: string, pipeline: RoutePipeline): Promise<RouteVersion> {
    return this.plane.swap(route, pipeline);
  }
  /** The pipeline of an earlier version again, as a new version. @throws OnpathError NOT_FOUND, and those of swap */
  async rollback(route: string, version?: number): Promise<RouteVersion> {
    throw new OnpathError('UNSUPPORTED', `Rollback of ${route} to ${version} is not built yet.`);
  }

  /**
   * Makes the plane what a configuration says, by swaps: all of it or nothing. What was set since the start by other means is undone.
   * @param options.check Only say what would change.
   * @throws OnpathError INVALID_SPEC naming every field that needs a restart, and those of swap
   */
  async reload(_config: Config, _options: { check?: boolean } = {}): Promise<Reloaded> {
    throw new OnpathError('UNSUPPORTED', 'Reload is not built yet.');
  }

  /**
   * Lets samples that are open end, then closes the plane. Idempotent.
   * @param options.drainMs For so many milliseconds at most; default: none.
   */
  close(_options: { drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#state = 'draining';
    await this.plane.close();
    await Promise.all(this.#ends);
    this.#state = 'closed';
  }

  async #remember(): Promise<void> {
    for await (const event of this.plane.events()) {
      this.#events.push(event);
      if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    }
  }

  /** Takes what a host route makes, so that its slots go round. */
  async #consume({ name, kind }: ServiceRoute): Promise<void> {
    const { deliver } = this.#config.spec.routes.find((route) => route.name === name)!;
    if (kind === 'text') {
      const parts = typeof deliver === 'object' && 'chunkTokens' in deliver;
      for await (const _text of parts ? this.plane.parts(name) : this.plane.texts(name));
      return;
    }
    const batched = typeof deliver === 'object' && 'batch' in deliver && (deliver.batch ?? 1) > 1;
    for await (const sample of batched ? this.plane.batches(name) : this.plane.samples(name))
      sample.release();
  }
}
