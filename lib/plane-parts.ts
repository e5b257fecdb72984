/** Lookup tables and vocabularies of a running plane, by the names that its pipelines call them. */
import { OnpathError } from './errors.js';
import { LookupTable } from './lookup-table.js';
import type { RoutePipeline, RouteVersion, Swaps } from './swaps.js';
import { TextPipeline } from './text-pipeline.js';
import { Tokenizer } from './tokenizer.js';
import { shown } from './validate.js';

/** A name, and the routes whose pipelines use it. */
export interface PlanePart {
  readonly name: string;
  readonly routes: readonly string[];
}

/** Parts of one kind. */
abstract class PlaneParts<Part> {
  readonly #swaps: Swaps;
  readonly #expected: string;

  protected constructor(swaps: Swaps, expected: string) {
    this.#swaps = swaps;
    this.#expected = expected;
  }

  /** Names that the pipelines of a route use. */
  protected abstract namesOf(pipeline: RoutePipeline): readonly string[];
  protected abstract exchanged(pipeline: RoutePipeline, name: string, part: Part): RoutePipeline;
  protected abstract is(part: unknown): part is Part;

  /** Every name that a pipeline of the plane uses now, and by which routes. */
  list(): PlanePart[] {
    const routes = new Map<string, string[]>();
    for (const { route, pipeline } of this.#swaps.current()) {
      for (const name of this.namesOf(pipeline)) routes.set(name, [...(routes.get(name) ?? []), route]);
    }
    return [...routes].map(([name, users]) => ({ name, routes: users }));
  }

  /**
   * Exchanges what a name stands for while packets arrive: every pipeline of the plane that uses it is compiled anew and swapped as
   * `Dataplane.swap` does, all of them or none. Resolves with the new version of each route that uses it.
   * @throws OnpathError NOT_FOUND (no pipeline uses the name), INVALID_ARGUMENT, and those of `compile` and `Dataplane.swap`
   */
  async set(name: string, part: Part, options: { signal?: AbortSignal } = {}): Promise<RouteVersion[]> {
    if (!this.is(part)) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `What "${String(name)}" is to stand for must be ${this.#expected}, received ${shown(part)}.`,
      );
    }
    const changes = () => {
      // Routes that share a pipeline share the new one.
      const made = new Map<RoutePipeline, RoutePipeline>();
      const users = this.#swaps.current().filter(({ pipeline }) => this.namesOf(pipeline).includes(name));
      if (users.length === 0) throw this.#notFound(name);
      return users.map(({ route, pipeline }) => {
        const next = made.get(pipeline) ?? this.exchanged(pipeline, name, part);
        made.set(pipeline, next);
        return { route, pipeline: next };
      });
    };
    return this.#swaps.swap(changes, options.signal);
  }

  #notFound(name: string): OnpathError {
    const names = this.list().map((part) => `"${part.name}"`);
    return new OnpathError(
      'NOT_FOUND',
      `No pipeline of the plane names ${this.#expected} "${String(name)}". Names in use: ${names.join(', ') || 'none'}.`,
    );
  }
}

/** The lookup tables that stages call by name. */
export class PlaneTables extends PlaneParts<LookupTable> {
  /** @internal */
  constructor(swaps: Swaps) {
    super(swaps, 'a LookupTable');
  }
  protected namesOf(pipeline: RoutePipeline): readonly string[] {
    return pipeline instanceof TextPipeline ? [] : pipeline.tables;
  }
  protected exchanged(pipeline: RoutePipeline, name: string, table: LookupTable): RoutePipeline {
    return pipeline instanceof TextPipeline ? pipeline : pipeline.withTables({ [name]: table });
  }
  protected is(part: unknown): part is LookupTable {
    return part instanceof LookupTable;
  }
}

/** The tokenizers that stages call by name. */
export class PlaneVocabularies extends PlaneParts<Tokenizer> {
  /** @internal */
  constructor(swaps: Swaps) {
    super(swaps, 'a Tokenizer');
  }
  protected namesOf(pipeline: RoutePipeline): readonly string[] {
    return pipeline instanceof TextPipeline ? pipeline.vocabularies : [];
  }
  protected exchanged(pipeline: RoutePipeline, name: string, tokenizer: Tokenizer): RoutePipeline {
    return pipeline instanceof TextPipeline ? pipeline.withVocabularies({ [name]: tokenizer }) : pipeline;
  }
  protected is(part: unknown): part is Tokenizer {
    return part instanceof Tokenizer;
  }
}
