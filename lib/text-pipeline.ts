/** Pipelines whose samples are texts: words replaced, tokens made, whole or as the text comes. */
import { Explanation } from './explanation.js';
import { exchangedParts, namedParts, type PartKind } from './named-parts.js';
import { native } from './native.js';
import type { NativePlanStream, NativeTextElements, NativeTextProgram } from './native-text.js';
import type { ParsedTextPipelineSpec, TextPipelineSpec } from './schema.js';
import { byteView } from './tensor.js';
import type { TextInput } from './text/options.js';
import { TEXT_PIPELINE, textPipelineSpec } from './text-schema.js';
import { Tokenizer } from './tokenizer.js';
import { parse } from './validate.js';

/** What became of a text, or of a part of it. */
export interface TextResult {
  /** Token ids; empty if the pipeline has no tokenize stage. */
  readonly ids: Uint32Array;
  /** With `offsets`: begin and end of each token in bytes of the text, one behind the other. */
  readonly offsets: Uint32Array | undefined;
  /** UTF-8 of a pipeline without tokenize stage; empty if it has one. A part may end inside a character. */
  readonly bytes: Uint8Array;
}

type NamedTokenizers = ReadonlyMap<string, Tokenizer>;

const vocabularyKind: PartKind<Tokenizer> = {
  option: 'vocabularies',
  expected: 'a Tokenizer',
  is: (value) => value instanceof Tokenizer,
};

/** What a pipeline was compiled from, so that it can be again with another tokenizer. */
interface Source {
  readonly parsed: ParsedTextPipelineSpec;
  readonly vocabularies: NamedTokenizers;
}

/** A compiled pipeline for texts. Immutable; named by `hash`, which its tokenizer's is part of. */
export class TextPipeline {
  readonly [TEXT_PIPELINE] = true;
  readonly #program: NativeTextProgram;
  readonly #source: Source | undefined;

  private constructor(program: NativeTextProgram, source?: Source) {
    this.#program = program;
    this.#source = source;
  }

  /**
   * @param options.vocabularies A tokenizer for each name that the tokenize stage uses.
   * @throws OnpathError INVALID_SPEC, INVALID_ARGUMENT, UNSUPPORTED, LIMIT_EXCEEDED, OUT_OF_MEMORY
   */
  static compile(
    spec: TextPipelineSpec,
    options: { vocabularies?: Readonly<Record<string, Tokenizer>> } = {},
  ): TextPipeline {
    const parsed = parse(textPipelineSpec, spec, 'pipeline');
    const used = parsed.stages.flatMap((stage) =>
      stage.stage === 'tokenize' && typeof stage.tokenizer === 'string' ? [stage.tokenizer] : [],
    );
    const vocabularies = namedParts(vocabularyKind, options.vocabularies, new Set(used));
    return TextPipeline.#compiled({ parsed, vocabularies });
  }

  static #compiled(source: Source): TextPipeline {
    return new TextPipeline(native().compileText(nativeSpec(source.parsed, source.vocabularies)), source);
  }

  /**
   * Reads a plan that `toBytes` wrote. A plan has its tokenizer's hash, not the tokenizer: give it the one of that hash.
   * @throws OnpathError INVALID_PLAN, INVALID_ARGUMENT (no tokenizer, or another)
   */
  static fromBytes(bytes: Uint8Array | ArrayBuffer, options: { tokenizer?: Tokenizer } = {}): TextPipeline {
    const tokenizer = options.tokenizer && Tokenizer.nativeOf(options.tokenizer);
    return new TextPipeline(native().textPlanFromBytes(byteView(bytes, 'bytes'), tokenizer));
  }

  /** @internal */
  static programOf(pipeline: TextPipeline): NativeTextProgram {
    return pipeline.#program;
  }

  /** The names by which its specification calls tokenizers; none of a pipeline that was read from bytes. */
  get vocabularies(): readonly string[] {
    return [...(this.#source?.vocabularies.keys() ?? [])];
  }

  /** What its tokenize stage makes tokens with; none without such a stage, or if it was read from bytes. */
  get tokenizer(): Tokenizer | undefined {
    const stage = this.#source?.parsed.stages.find(({ stage }) => stage === 'tokenize');
    if (stage?.stage !== 'tokenize') return undefined;
    return typeof stage.tokenizer === 'string'
      ? this.#source?.vocabularies.get(stage.tokenizer)
      : stage.tokenizer;
  }

  /**
   * The same pipeline with another tokenizer under its name.
   * @throws OnpathError NOT_FOUND (a name that it does not have), INVALID_ARGUMENT, and those of `compile`
   */
  withVocabularies(vocabularies: Readonly<Record<string, Tokenizer>>): TextPipeline {
    const exchanged = exchangedParts(vocabularyKind, this.#source?.vocabularies ?? new Map(), vocabularies);
    if (this.#source === undefined) return this;
    return TextPipeline.#compiled({ ...this.#source, vocabularies: new Map(Object.entries(exchanged)) });
  }

  /** Content hash of the plan: its version, 64 hexadecimal digits. */
  get hash(): string {
    return this.#program.info.hash;
  }
  /** The digest that chunks of texts carry, and the canonical text that it is of. */
  get input(): { readonly digest: number; readonly text: string } {
    return this.#program.info.input;
  }
  /** What leaves: whether it is token ids, and the digest that forwarded chunks carry. */
  get output(): NativeTextProgram['info']['output'] {
    return this.#program.info.output;
  }

  /** The plan's versioned byte form. */
  toBytes(): Uint8Array {
    return this.#program.planBytes();
  }

  /** What was compiled and what it costs, step by step. `String(pipeline.explain())` is a table. */
  explain(): Explanation {
    return new Explanation(this.#program);
  }

  /** Runs one whole text. @throws OnpathError INVALID_ARGUMENT, SPECIAL_TOKEN */
  run(text: TextInput): TextResult {
    return textResult(this.#program.run(text));
  }

  /** Starts a text that comes in pieces, in order, cut anywhere. */
  stream(): TextPipelineStream {
    return new TextPipelineStream(this.#program.stream());
  }
}

/** One text, piece by piece. Memory is bounded by the plan's `capBytes`. */
export class TextPipelineStream {
  readonly #stream: NativePlanStream;

  /** @internal */
  constructor(stream: NativePlanStream) {
    this.#stream = stream;
  }
  /** Bytes that wait for a decision. */
  get heldBytes(): number {
    return this.#stream.heldBytes();
  }
  /** What no later byte can change. @throws OnpathError INVALID_ARGUMENT, SPECIAL_TOKEN, RUN_TOO_LONG, CLOSED */
  push(text: TextInput): TextResult {
    return textResult(this.#stream.push(text));
  }
  /** The rest. @throws OnpathError as `push` */
  end(): TextResult {
    return textResult(this.#stream.end());
  }
}

const noIds = new Uint32Array(0);
const noBytes = new Uint8Array(0);

/** @internal */
export function textResult({ elements, offsets }: NativeTextElements): TextResult {
  return elements instanceof Uint32Array
    ? { ids: elements, offsets, bytes: noBytes }
    : { ids: noIds, offsets, bytes: elements };
}

function nativeSpec({ stages, output, limits }: ParsedTextPipelineSpec, vocabularies: NamedTokenizers) {
  const replace = stages.find((stage) => stage.stage === 'replace');
  const tokenize = stages.find((stage) => stage.stage === 'tokenize');
  return {
    replace: Object.entries(replace?.dictionary ?? {}).map(([word, becomes]) => ({ word, with: becomes })),
    tokenize: tokenize && nativeTokenize(tokenize, vocabularies),
    outputName: output.name,
    maxStateBytes: limits.stateBytes,
  };
}

function nativeTokenize(
  stage: Extract<ParsedTextPipelineSpec['stages'][number], { stage: 'tokenize' }>,
  vocabularies: NamedTokenizers,
): {
  tokenizer: ReturnType<typeof Tokenizer.nativeOf>;
  options: ReturnType<typeof Tokenizer.partsOf>['options'];
} {
  const { addSpecialTokens, capBytes, offsets, special, allowedSpecial } = stage;
  const named = typeof stage.tokenizer === 'string' ? vocabularies.get(stage.tokenizer)! : stage.tokenizer;
  const { native: tokenizer, options } = Tokenizer.partsOf(named, {
    addSpecialTokens,
    capBytes,
    ...(offsets && { offsets }),
    ...(special && { special }),
    ...(allowedSpecial && { allowedSpecial }),
  });
  return { tokenizer, options };
}
