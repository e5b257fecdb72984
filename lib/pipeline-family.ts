/** Pipelines for images of many sizes: one specification, a plan for each size, the same output for all. */
import { OnpathError } from './errors.js';
import type { LookupTable } from './lookup-table.js';
import { exchangedParts } from './named-parts.js';
import { type NativePipelineSpec, type NativeProgram, native } from './native.js';
import { type NamedTables, nativeSpec, tableKind, tablesOf } from './native-spec.js';
import { Pipeline } from './pipeline.js';
import {
  FAMILY,
  familySpec,
  type InputFormat,
  type ParsedFamilySpec,
  type PipelineFamilySpec,
} from './schema.js';
import type { OutputFormat } from './tensor.js';
import { parse, shown } from './validate.js';

/** What a family takes. */
export interface FamilyInput {
  readonly maxWidth: number;
  readonly maxHeight: number;
  readonly format: InputFormat;
  /** Bytes of the largest image. */
  readonly maxBytes: number;
  /** The digest that chunks carry; the same for every size. */
  readonly digest: number;
}

/** What a family was compiled from, so that it can be again with other tables. */
interface Source {
  readonly parsed: ParsedFamilySpec;
  readonly kernels: string;
  readonly cached: number;
  readonly tables: NamedTables;
}

/**
 * A pipeline for images of every size up to its largest. A route that is given one takes them mixed; for calls, `for` gives the pipeline
 * of one size.
 *
 * @example
 * const family = PipelineFamily.compile({
 *   input: { kind: 'image', maxWidth: 4096, maxHeight: 4096, format: 'rgb' },
 *   stages: [{ stage: 'resize', shortestEdge: 256 }, { stage: 'centerCrop', width: 224, height: 224 }],
 * });
 * family.for(640, 480).run(image);
 */
export class PipelineFamily {
  /** @internal */
  readonly [FAMILY] = true;
  readonly #spec: NativePipelineSpec;
  readonly #largest: NativeProgram;
  readonly #source: Source;
  /** By size; the one used last is the last. */
  readonly #pipelines = new Map<string, Pipeline>();

  private constructor(spec: NativePipelineSpec, largest: NativeProgram, source: Source) {
    this.#spec = spec;
    this.#largest = largest;
    this.#source = source;
  }

  /**
   * Checks a specification and compiles it for the largest size, and for two smaller ones to see that the output does not depend on it.
   * @param options.kernels As for `Pipeline.compile`.
   * @param options.cached Pipelines that `for` keeps, 0 or more; 16 by default.
   * @param options.tables As for `Pipeline.compile`.
   * @throws OnpathError INVALID_SPEC (also if the output differs from size to size), INVALID_ARGUMENT, UNSUPPORTED, LIMIT_EXCEEDED
   */
  static compile(
    spec: PipelineFamilySpec,
    options: { kernels?: string; cached?: number; tables?: Readonly<Record<string, LookupTable>> } = {},
  ): PipelineFamily {
    const { kernels = '', cached = 16 } = options;
    if (!Number.isSafeInteger(cached) || cached < 0) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `cached must be a whole number of pipelines >= 0, received ${shown(cached)}.`,
      );
    }
    const parsed = parse(familySpec, spec, 'family');
    return PipelineFamily.#compiled({ parsed, kernels, cached, tables: tablesOf(parsed, options.tables) });
  }

  static #compiled(source: Source): PipelineFamily {
    const { parsed, kernels, tables } = source;
    const { maxWidth: width, maxHeight: height, format, order } = parsed.input;
    const most = nativeSpec(parsed, { width, height, format, order, skipUnread: false }, tables);
    return new PipelineFamily(most, native().compileFamily(most, kernels), source);
  }

  /** The names by which its specification calls lookup tables. */
  get tables(): readonly string[] {
    return [...this.#source.tables.keys()];
  }

  /** @internal */
  get namedTables(): NamedTables {
    return this.#source.tables;
  }

  /** As `Pipeline.withTables`. @throws OnpathError NOT_FOUND, INVALID_ARGUMENT, and those of `compile` */
  withTables(tables: Readonly<Record<string, LookupTable>>): PipelineFamily {
    const exchanged = exchangedParts(tableKind, this.#source.tables, tables);
    return PipelineFamily.#compiled({ ...this.#source, tables: new Map(Object.entries(exchanged)) });
  }

  /** @internal */
  static partsOf(family: PipelineFamily): { spec: NativePipelineSpec; largest: NativeProgram } {
    return { spec: family.#spec, largest: family.#largest };
  }

  get input(): FamilyInput {
    const { width, height, format, bytes, digest } = this.#largest.info.input;
    return { maxWidth: width, maxHeight: height, format, maxBytes: bytes, digest };
  }
  /** The same for every size. */
  get outputs(): readonly OutputFormat[] {
    return this.#largest.info.outputs;
  }
  /** Content hash of the plan for the largest size. */
  get hash(): string {
    return this.#largest.info.hash;
  }

  /**
   * The pipeline for images of one size, compiled if it is not among those used last.
   * @throws OnpathError INVALID_ARGUMENT; INVALID_SPEC (a size beyond the family's, or one whose output would be another), LIMIT_EXCEEDED
   */
  for(width: number, height: number): Pipeline {
    requireSide(width, 'width');
    requireSide(height, 'height');
    const size = `${width}x${height}`;
    const found = this.#pipelines.get(size);
    const pipeline =
      found ?? Pipeline.ofProgram(native().compileMember(this.#spec, this.#largest, width, height));
    this.#pipelines.delete(size);
    this.#pipelines.set(size, pipeline);
    for (const oldest of this.#pipelines.keys()) {
      if (this.#pipelines.size <= this.#source.cached) break;
      this.#pipelines.delete(oldest);
    }
    return pipeline;
  }
}

function requireSide(side: unknown, what: string): void {
  if (typeof side === 'number' && Number.isSafeInteger(side) && side >= 1 && side <= 65535) return;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `${what} must be a whole number of pixels from 1 to 65535, received ${shown(side)}.`,
  );
}
