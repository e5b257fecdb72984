/** The pipelines of a service's routes, version by version, so that an earlier one can be had again. */
import type { Dataplane } from '../dataplane.js';
import { OnpathError } from '../errors.js';
import type { RoutePipeline } from '../swaps.js';
import { shown } from '../validate.js';

/** A pipeline, and what the configuration calls it. */
export interface NamedPipeline {
  readonly pipeline: RoutePipeline;
  readonly name: string;
}

/** As many versions of a route as `plane.versions` lists. */
export class History {
  readonly #plane: Dataplane;
  readonly #routes: ReadonlyMap<string, Map<number, NamedPipeline>>;

  /** @param names What the configuration calls the pipeline that each route was started with. */
  constructor(plane: Dataplane, names: ReadonlyMap<string, string>) {
    this.#plane = plane;
    this.#routes = new Map(
      [...names].map(([route, name]) => [route, new Map([[1, { pipeline: plane.pipeline(route), name }]])]),
    );
  }

  /**
   * Takes over what runs now and forgets what is not listed any more; to be called after every change, also one that failed: a worker that
   * was late may have taken it all the same.
   * @param installed What was to be installed on which route. Of other new versions the name stays: parts of them were exchanged.
   */
  record(installed: ReadonlyMap<string, NamedPipeline> = new Map()): void {
    for (const [route, versions] of this.#routes) {
      const listed = this.#plane.versions(route).map(({ version }) => version);
      const newest = listed[0]!;
      const pipeline = this.#plane.pipeline(route);
      const given = installed.get(route);
      const known = versions.get(newest);
      if (given?.pipeline === pipeline) versions.set(newest, given);
      else if (known === undefined)
        versions.set(newest, { pipeline, name: [...versions.values()].at(-1)!.name });
      for (const version of versions.keys()) if (!listed.includes(version)) versions.delete(version);
    }
  }

  /** What a route runs now. */
  current(route: string): NamedPipeline {
    return [...this.#of(route).values()].at(-1)!;
  }

  /** What a version of a route was; undefined if it is forgotten, or newer than the last `record`. */
  find(route: string, version: number): NamedPipeline | undefined {
    return this.#of(route).get(version);
  }

  /**
   * What a route is to run again.
   * @param version Default: the one before that which runs now.
   * @throws OnpathError NOT_FOUND, INVALID_ARGUMENT (it runs now)
   */
  earlier(route: string, version?: number): NamedPipeline {
    const versions = this.#of(route);
    const [newest, before, ...older] = [...versions.keys()].reverse();
    if (version === newest) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `Version ${newest} is what route "${route}" runs now. Name an earlier one.`,
      );
    }
    const found = version ?? before;
    const earlier = found === undefined ? undefined : versions.get(found);
    if (earlier !== undefined) return earlier;
    const there = before === undefined ? 'none before the one that runs' : [before, ...older].join(', ');
    throw new OnpathError(
      'NOT_FOUND',
      `Route "${route}" has no ${version === undefined ? 'earlier version' : `version ${shown(version)}`} to go back to. There are: ${there}.`,
    );
  }

  #of(route: string): Map<number, NamedPipeline> {
    const versions = this.#routes.get(route);
    if (versions !== undefined) return versions;
    throw new OnpathError(
      'NOT_FOUND',
      `No route is called ${shown(route)}. There are: ${[...this.#routes.keys()].join(', ') || 'none'}.`,
    );
  }
}
