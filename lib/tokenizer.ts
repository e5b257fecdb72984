/** Tokenizers: text to the ids of a model's vocabulary, and back. */
import { availableParallelism } from 'node:os';
import { abortError } from './abort.js';
import { OnpathError } from './errors.js';
import type { NativeTextOptions, NativeTokenizer, NativeTokenizerSettings } from './native-text.js';
import { type AddedToken, addedTokens, isAddedAt, type NewToken } from './text/added-tokens.js';
import { type ChatMessage, type ChatTemplateOptions, renderChat } from './text/chat.js';
import { type Columns, ofText } from './text/columns.js';
import { Encoders, idsOf } from './text/encoders.js';
import { Encoding, type OffsetUnit } from './text/encoding.js';
import type { LoadOptions } from './text/formats.js';
import { loadBytes, loadBytesAsync, loadFile, loadFileAsync, writeFile } from './text/load.js';
import {
  type BatchOptions,
  checkOptions,
  type EncodeOptions,
  idArray,
  isSimple,
  type SpecialOptions,
  type StreamOptions,
  type TextInput,
  type TokenizeBatchOptions,
  type TokenizeOptions,
  truncationOf,
} from './text/options.js';
import { type Pretrained, readPretrained, templatesOf } from './text/pretrained.js';
import { Processor, type Tokens } from './text/processor.js';
import { DecodeStream, type StreamedTokens, TokenStream } from './text/token-stream.js';

/** Marks tokenizers. */
export const TOKENIZER: unique symbol = Symbol('onpath.Tokenizer');

/**
 * A vocabulary with its rules. Immutable; every call gives what the format's reference gives, id for id.
 *
 * @example
 * const tokenizer = Tokenizer.fromFile('tokenizer.json');
 * const ids = tokenizer.encode('An example of an input prompt');
 * const text = tokenizer.decode(ids, { skipSpecial: true });
 */
export class Tokenizer {
  /** @internal */
  readonly [TOKENIZER] = true;
  readonly #native: NativeTokenizer;
  readonly #settings: NativeTokenizerSettings;
  readonly #pretrained: Pretrained | undefined;
  readonly #processor: Processor;
  readonly #encoders: Encoders;
  /** Whether calls without options need nothing but an encoder. */
  readonly #plain: boolean;
  #added: readonly AddedToken[] | undefined;
  #addedById: ReadonlyMap<number, AddedToken> | undefined;

  private constructor(made: NativeTokenizer, pretrained?: Pretrained) {
    this.#native = made;
    this.#pretrained = pretrained;
    this.#settings = made.settings();
    const { truncation, padding, single, pair, trimOffsets, trimAddPrefixSpace, allTypeZero } =
      this.#settings;
    const own = pretrained && templatesOf(pretrained, made);
    const padToken = pretrained?.variables['pad_token'];
    const defaults = {
      // The classes that read these folders cut and pad when asked to, whatever tokenizer.json says.
      truncation: pretrained === undefined ? truncation : undefined,
      padding: pretrained === undefined ? padding : undefined,
      padId: padding?.id ?? (typeof padToken === 'string' ? made.tokenToId(padToken) : undefined),
    };
    const trim = { addPrefixSpace: trimAddPrefixSpace, textOf: (id: number) => made.idToToken(id) };
    this.#processor = new Processor(own?.single ?? single, own?.pair ?? pair, defaults, {
      trim: trimOffsets ? trim : undefined,
      allTypeZero,
    });
    this.#encoders = new Encoders(made, this.#processor.single);
    this.#plain = !this.#processor.changes(undefined);
  }

  /**
   * Reads a vocabulary: tokenizer.json, .tiktoken, a SentencePiece .model, tekken.json, vocab.txt, or what `save` wrote, which is mapped.
   * @throws OnpathError NOT_FOUND, INVALID_VOCABULARY, UNSUPPORTED (names what the file asks for and we lack), INVALID_ARGUMENT
   */
  static fromFile(path: string, options: LoadOptions = {}): Tokenizer {
    return new Tokenizer(loadFile(path, options));
  }

  /** The same off the event loop: large vocabularies take a second. */
  static async fromFileAsync(path: string, options: LoadOptions = {}): Promise<Tokenizer> {
    return new Tokenizer(await loadFileAsync(path, options));
  }

  /** A vocabulary file's content. @throws OnpathError as `fromFile` */
  static fromBuffer(bytes: Uint8Array | string, options: LoadOptions = {}): Tokenizer {
    return new Tokenizer(loadBytes(bytes, options));
  }

  /** The same off the event loop; `bytes` must stay untouched until the promise settles. */
  static async fromBufferAsync(bytes: Uint8Array | string, options: LoadOptions = {}): Promise<Tokenizer> {
    return new Tokenizer(await loadBytesAsync(bytes, options));
  }

  /** What `save` wrote, mapped: many processes share its memory. @throws OnpathError NOT_FOUND, INVALID_VOCABULARY */
  static fromCompiled(
    source: string | Uint8Array,
    options: { readonly cacheBytes?: number } = {},
  ): Tokenizer {
    const load = { ...options, format: 'compiled' } as const;
    return new Tokenizer(typeof source === 'string' ? loadFile(source, load) : loadBytes(source, load));
  }

  /**
   * The tokenizer of a model's folder: tokenizer.json, else tekken.json, tokenizer.model or vocab.txt; chat templates and special tokens
   * from tokenizer_config.json.
   * @throws OnpathError as `fromFile`
   */
  static fromPretrained(folder: string, options: LoadOptions = {}): Tokenizer {
    const pretrained = readPretrained(folder, options);
    return new Tokenizer(loadFile(pretrained.path, pretrained.load), pretrained);
  }

  /** The same off the event loop. */
  static async fromPretrainedAsync(folder: string, options: LoadOptions = {}): Promise<Tokenizer> {
    const pretrained = readPretrained(folder, options);
    return new Tokenizer(await loadFileAsync(pretrained.path, pretrained.load), pretrained);
  }

  /** @internal What a stage of a pipeline takes of it. */
  static partsOf(
    tokenizer: Tokenizer,
    options: StreamOptions,
  ): { native: NativeTokenizer; options: NativeTextOptions } {
    checkOptions('stream', options);
    const around = options.addSpecialTokens ?? true;
    const detailed = options.offsets !== undefined;
    return { native: tokenizer.#native, options: tokenizer.#encoders.options(options, around, detailed) };
  }

  /** @internal */
  static nativeOf(tokenizer: Tokenizer): NativeTokenizer {
    return tokenizer.#native;
  }

  get format(): NativeTokenizerSettings['format'] {
    return this.#settings.format;
  }
  /** SHA-256 of the compiled form: equal tokenizers, equal hashes. */
  get hash(): string {
    return this.#native.hash();
  }
  /** Tokens that there are, added ones included. */
  get vocabSize(): number {
    return this.#settings.vocabSize;
  }
  /** One more than the largest id. */
  get idLimit(): number {
    return this.#settings.idLimit;
  }
  /** Tokens with rules of their own, by id. */
  get addedTokens(): readonly AddedToken[] {
    this.#added ??= this.#native.addedTokens();
    return this.#added;
  }
  /** The special ones of them: text to id. */
  get specialTokens(): ReadonlyMap<string, number> {
    return new Map(this.addedTokens.filter(({ special }) => special).map(({ text, id }) => [text, id]));
  }

  /**
   * The ids of a text. Small results lie in memory shared with others, as small Buffers do: `ids.slice()` has memory of its own.
   * @throws OnpathError INVALID_ARGUMENT, SPECIAL_TOKEN
   */
  encode(text: TextInput, options?: EncodeOptions): Uint32Array {
    if (this.#isDirect('encode', options))
      return idsOf(this.#encoders.get(options, options?.addSpecialTokens ?? true, false), text);
    return this.#processor.run([[{ columns: ofText(this.#ownIds(text, options), 0) }]], options)[0]!.ids;
  }

  /**
   * Writes the ids to memory of the caller's; what finds no room is left out. Truncation and padding are `encode`'s.
   * @returns How many were written, and how many there are.
   */
  encodeInto(
    text: TextInput,
    target: Uint32Array,
    options?: SpecialOptions,
  ): { written: number; total: number } {
    const total = this.#direct(options).encodeInto(text, target);
    return { written: Math.min(total, target.length), total };
  }

  /** How many ids a text has. Truncation and padding do not count. */
  count(text: TextInput, options?: SpecialOptions): number {
    return this.#direct(options).count(text);
  }

  /** The number of ids if it is at most `limit`, otherwise false; long texts are not read to their end. */
  isWithinLimit(text: TextInput, limit: number, options?: SpecialOptions): number | false {
    const found = this.#direct(options).count(text, Math.min(limit, 0xffff_fffe));
    return found <= limit && found;
  }

  /** A text's tokens with offsets, masks and what truncation cut off. @throws OnpathError INVALID_ARGUMENT, SPECIAL_TOKEN */
  tokenize(text: TextInput, options: TokenizeOptions = {}): Encoding {
    checkOptions('tokenize', options);
    const unit = options.offsets ?? 'utf16';
    const encoder = this.#encoders.get(options, false, true);
    const texts = options.pair === undefined ? [text] : [text, options.pair];
    const columns: Tokens[] = texts.map((one, i) => {
      const tokens = encoder.tokenize(one, unit);
      return this.#tokens(ofText(tokens.ids, i as 0 | 1, tokens), one, unit);
    });
    return this.#encoding(this.#processor.run([columns], options, unit)[0]!, unit);
  }

  /**
   * The ids of many texts, off the event loop and on several threads. They lie one behind the other in one ArrayBuffer.
   * @throws OnpathError INVALID_ARGUMENT, SPECIAL_TOKEN, ABORTED
   */
  async encodeBatch(texts: readonly TextInput[], options: BatchOptions = {}): Promise<Uint32Array[]> {
    checkOptions('batch', options);
    const whole = this.#isDirect('batch', options);
    const { ids, ends } = await this.#batch(
      texts,
      options,
      whole && (options.addSpecialTokens ?? true),
      'byte',
    );
    const each = Array.from(ends, (end, i) => ids.subarray(i === 0 ? 0 : ends[i - 1], end));
    if (whole) return each;
    return this.#processor
      .run(
        each.map((own) => [{ columns: ofText(own, 0) }]),
        options,
      )
      .map((columns) => columns.ids);
  }

  /** `tokenize` for many texts or pairs, off the event loop. */
  async tokenizeBatch(
    texts: readonly (TextInput | readonly [TextInput, TextInput])[],
    options: TokenizeBatchOptions = {},
  ): Promise<Encoding[]> {
    checkOptions('tokenizeBatch', options);
    const unit = options.offsets ?? 'utf16';
    const flat = texts.flatMap((one) =>
      Array.isArray(one) ? (one as readonly TextInput[]) : [one as TextInput],
    );
    const { ids, ends, offsets, words } = await this.#batch(flat, options, false, unit, true);
    let next = 0;
    const own = (sequence: 0 | 1): Tokens => {
      const [from, to] = [next === 0 ? 0 : ends[next - 1]!, ends[next]!];
      const text = flat[next]!;
      next += 1;
      const places = { offsets: offsets!.slice(2 * from, 2 * to), words: words!.subarray(from, to) };
      return this.#tokens(ofText(ids.slice(from, to), sequence, places), text, unit);
    };
    const batch = texts.map((one) => (Array.isArray(one) ? [own(0), own(1)] : [own(0)]));
    return this.#processor.run(batch, options, unit).map((columns) => this.#encoding(columns, unit));
  }

  /** The text of ids. @throws OnpathError INVALID_ARGUMENT */
  decode(ids: Uint32Array | readonly number[], options: { readonly skipSpecial?: boolean } = {}): string {
    return this.#native.decode(idArray(ids), options.skipSpecial ?? false);
  }

  /** Text as ids come. */
  decodeStream(options: { readonly skipSpecial?: boolean } = {}): DecodeStream {
    return new DecodeStream(this.#native.decodeStream(options.skipSpecial ?? false));
  }

  /** A text that comes in pieces; memory is bounded by `capBytes`. @throws OnpathError INVALID_ARGUMENT, UNSUPPORTED */
  stream(options: StreamOptions & { readonly offsets: OffsetUnit }): TokenStream<StreamedTokens>;
  stream(options?: StreamOptions): TokenStream;
  stream(options: StreamOptions = {}): TokenStream<StreamedTokens> | TokenStream {
    checkOptions('stream', options);
    const around = options.addSpecialTokens ?? true;
    const { offsets } = options;
    return offsets === undefined
      ? new TokenStream<Uint32Array>(
          this.#native.stream(this.#encoders.options(options, around, false), 'byte'),
        )
      : new TokenStream<StreamedTokens>(
          this.#native.stream(this.#encoders.options(options, around, true), offsets),
        );
  }

  /** The ids of what a Readable, or any other source of pieces, gives. @throws OnpathError as `TokenStream.push` */
  async *encodeStream(
    source: AsyncIterable<TextInput> | Iterable<TextInput>,
    options: Omit<StreamOptions, 'offsets'> = {},
  ): AsyncGenerator<Uint32Array, void, undefined> {
    const stream = this.stream(options);
    for await (const piece of source) {
      const ids = stream.push(piece);
      if (ids.length > 0) yield ids;
    }
    const rest = stream.end();
    if (rest.length > 0) yield rest;
  }

  /**
   * A tokenizer with further tokens; this one stays as it is. Those whose text is a token already keep its id, the others get the next ids.
   * @throws OnpathError INVALID_ARGUMENT
   */
  addTokens(tokens: readonly (string | NewToken)[]): Tokenizer {
    return new Tokenizer(this.#native.withAdded(addedTokens(tokens)), this.#pretrained);
  }

  /** A token as the vocabulary has it; nothing if no token has this id. */
  idToToken(id: number): string | undefined {
    return this.#native.idToToken(id);
  }
  /** The id of a token as the vocabulary has it; nothing if there is none. */
  tokenToId(token: string): number | undefined {
    return this.#native.tokenToId(token);
  }

  /**
   * The prompt that a model's chat template makes of messages: its ids, or with `tokenize: false` its text. Needs `fromPretrained`, or
   * `chatTemplate`, and the package @huggingface/jinja.
   * @throws OnpathError NOT_FOUND (no template), UNSUPPORTED (no @huggingface/jinja), INVALID_ARGUMENT
   */
  applyChatTemplate(
    messages: readonly ChatMessage[],
    options: ChatTemplateOptions & { readonly tokenize: false },
  ): string;
  applyChatTemplate(
    messages: readonly ChatMessage[],
    options?: ChatTemplateOptions & { readonly tokenize?: true },
  ): Uint32Array;
  applyChatTemplate(
    messages: readonly ChatMessage[],
    options: ChatTemplateOptions = {},
  ): string | Uint32Array {
    const text = renderChat(
      messages,
      options,
      this.#pretrained?.chatTemplates ?? new Map<string, string>(),
      this.#pretrained?.variables ?? {},
    );
    if (options.tokenize === false) return text;
    return idsOf(this.#encoders.get({ special: 'parse' }, false, false), text);
  }

  /** The compiled form, which loads without being built again; written to a file if a path is given. */
  save(path?: string): Uint8Array {
    const bytes = this.#native.save();
    if (path !== undefined) writeFile(path, bytes);
    return bytes;
  }

  /** Bytes by part; workspaces are the caches of words, of which each thread has one. */
  memory(): { readonly name: string; readonly bytes: number }[] {
    return this.#native.memory();
  }

  /** What it is made of: lines for people. */
  explain(): string {
    return this.#native.explain();
  }

  /** Checks the options; whether they ask for nothing but an encoder. */
  #isDirect(call: 'encode' | 'batch', options: EncodeOptions | undefined): boolean {
    if (options === undefined) return this.#plain;
    if (isSimple(options)) return this.#plain;
    checkOptions(call, options);
    return !this.#processor.changes(options);
  }

  #direct(options: SpecialOptions | undefined) {
    if (options !== undefined && !isSimple(options)) checkOptions('special', options);
    const around = options?.addSpecialTokens ?? true;
    return this.#encoders.get(options, around, false);
  }

  /** A text's own ids; of those that truncation cuts off on the right, all but one are never made. */
  #ownIds(text: TextInput, options: EncodeOptions | undefined): Uint32Array {
    const encoder = this.#encoders.get(options, false, false);
    const truncation = truncationOf(options?.truncation, this.#processor.defaults);
    if (truncation?.side !== 'right' || truncation.strategy !== 'longestFirst') return idsOf(encoder, text);
    return idsOf(encoder, text, truncation.maxLength + 1);
  }

  async #batch(
    texts: readonly TextInput[],
    options: BatchOptions,
    around: boolean,
    unit: OffsetUnit,
    detailed = false,
  ) {
    const { signal, threads = availableParallelism() } = options;
    if (signal?.aborted) throw abortError(signal);
    const flag = signal === undefined ? undefined : new Uint8Array(new SharedArrayBuffer(1));
    const abort = () => Atomics.store(flag!, 0, 1);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const wanted = this.#encoders.options(options, around, detailed);
      return await this.#native.encodeBatch(texts, wanted, unit, threads, flag);
    } catch (error) {
      if (signal?.aborted && error instanceof OnpathError && error.code === 'ABORTED')
        throw abortError(signal);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #tokens(columns: Columns, text: TextInput, unit: OffsetUnit): Tokens {
    const { ids, offsets } = columns;
    const isAdded = (i: number) =>
      isAddedAt(this.#addedOf(ids[i]!), text, unit, offsets[2 * i]!, offsets[2 * i + 1]!);
    return { columns, isAdded };
  }

  #addedOf(id: number): AddedToken | undefined {
    this.#addedById ??= new Map(this.addedTokens.map((token) => [token.id, token]));
    return this.#addedById.get(id);
  }

  #encoding(columns: Columns, unit: OffsetUnit): Encoding {
    return new Encoding(columns, unit, (id) => this.#native.idToToken(id));
  }
}
