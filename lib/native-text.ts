/** What the addon has for text. Internal, as `native.ts`: values are validated before they come here. */

import type { DropReason } from './generated/drop-reasons.js';
import type { NativeSampleInfo, NativeStepExplanation } from './native.js';

export type NativeOffsetUnit = 'byte' | 'utf16' | 'codepoint';
export type NativeSpecialPolicy = 'parse' | 'refuse' | 'text';

/** What is known of a vocabulary's bytes; fields that the format has no use for are empty. */
export interface NativeVocabulary {
  format: 'tokenizer.json' | 'tiktoken' | 'sentencepiece' | 'tekken' | 'vocab.txt' | 'compiled';
  /** tiktoken: a known encoding, or a pattern and special tokens of the caller's. */
  encoding: string;
  pattern: string;
  specials: { text: string; id: number }[];
  /** vocab.txt */
  lowercase: boolean;
  /** Of each word cache. */
  cacheBytes: number;
}

/** An item of a template: the text's tokens (0) or the pair's (1), or special tokens. */
export interface NativeTemplateItem {
  sequence?: number;
  ids: number[];
  typeId: number;
}

export interface NativeTruncation {
  maxLength: number;
  stride: number;
  side: 'left' | 'right';
  strategy: 'longestFirst' | 'onlyFirst' | 'onlySecond';
}

export interface NativePadding {
  /** Absent: the longest of a batch. */
  length?: number;
  multipleOf: number;
  side: 'left' | 'right';
  id: number;
  typeId: number;
  token: string;
}

export interface NativeTokenizerSettings {
  format: 'tokenizer.json' | 'tiktoken' | 'sentencepiece' | 'tekken' | 'vocab.txt';
  name: string;
  /** Tokens that exist, and one more than the largest id. */
  vocabSize: number;
  idLimit: number;
  single: NativeTemplateItem[];
  pair: NativeTemplateItem[];
  /** Whether blanks at the edges of tokens are left out of spans, and whether the first one of a part is. */
  trimOffsets: boolean;
  trimAddPrefixSpace: boolean;
  /** Whether type ids are 0 also where the template does not say so: in what truncation cuts off. */
  allTypeZero: boolean;
  truncation?: NativeTruncation;
  padding?: NativePadding;
}

export interface NativeAddedToken {
  text: string;
  singleWord: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

export interface NativeTextOptions {
  detailed: boolean;
  special: NativeSpecialPolicy | undefined;
  allowedSpecial: Uint32Array | undefined;
  /** Ids around the text's own. */
  prefix: Uint32Array | undefined;
  suffix: Uint32Array | undefined;
  /** Streams only. */
  capBytes: number | undefined;
}

/** offsets: begin, end, begin, end, ...; words: of each token. */
export interface NativeDetailed {
  ids: Uint32Array;
  offsets: Uint32Array;
  words: Uint32Array;
}

export type NativeText = string | Uint8Array;

export interface NativeEncoder {
  /** What `encode` is to be given: to find what an object wraps would take longer than the rest of a small call. */
  readonly number: number;
  /**
   * Writes to words [from, to) of `target` and says how many; if they find no room there, an array of their own. The text is read no further
   * than the first `most` need.
   */
  encode(
    number: number,
    text: NativeText,
    target: ArrayBuffer,
    from: number,
    to: number,
    most: number | undefined,
  ): number | Uint32Array;
  /** Writes what finds room; says how many there are. */
  encodeInto(text: NativeText, target: Uint32Array): number;
  /** With a limit it stops early: then the number is larger than the limit, and no more. */
  count(text: NativeText, limit?: number): number;
  /** Of a detailed encoder. */
  tokenize(text: NativeText, unit: NativeOffsetUnit): NativeDetailed;
}

export interface NativeTextStream<Tokens> {
  /** For `push`, as that of an encoder. */
  readonly number: number;
  begin(): void;
  /** Ids alone are written as `NativeEncoder.encode` does; detailed streams do without the target. */
  push(number: number, text: NativeText, target: ArrayBuffer, from: number, to: number): Tokens | number;
  end(): Tokens;
  heldBytes(): number;
}

export interface NativeDecodeStream {
  push(ids: Uint32Array): string;
  end(): string;
}

export interface NativeTokenizer {
  settings(): NativeTokenizerSettings;
  /** 64 hexadecimal digits; made on first use. */
  hash(): string;
  addedTokens(): (NativeAddedToken & { id: number })[];
  explain(): string;
  memory(): { name: string; bytes: number }[];
  save(): Uint8Array;
  idToToken(id: number): string | undefined;
  tokenToId(token: string): number | undefined;
  withAdded(tokens: NativeAddedToken[]): NativeTokenizer;
  decode(ids: Uint32Array, skipSpecial: boolean): string;
  decodeStream(skipSpecial: boolean): NativeDecodeStream;
  encoder(options: NativeTextOptions): NativeEncoder;
  stream(
    options: NativeTextOptions & { detailed: false },
    unit: NativeOffsetUnit,
  ): NativeTextStream<Uint32Array>;
  stream(
    options: NativeTextOptions & { detailed: true },
    unit: NativeOffsetUnit,
  ): NativeTextStream<NativeDetailed>;
  /**
   * Off the event loop. All tokens one after the other, and where each text's end. Once the first byte of `abort` is not 0 it rejects with
   * ABORTED.
   */
  encodeBatch(
    texts: readonly NativeText[],
    options: NativeTextOptions,
    unit: NativeOffsetUnit,
    threads: number,
    abort: Uint8Array | undefined,
  ): Promise<{ ids: Uint32Array; ends: Uint32Array; offsets?: Uint32Array; words?: Uint32Array }>;
}

export interface NativeTextBinding {
  loadTokenizer(bytes: Uint8Array, vocabulary: NativeVocabulary): NativeTokenizer;
  loadTokenizerAsync(bytes: Uint8Array, vocabulary: NativeVocabulary): Promise<NativeTokenizer>;
  /** A compiled form, read where the kernel has it. */
  mapTokenizer(path: string, cacheBytes: number): NativeTokenizer;
  mapTokenizerAsync(path: string, cacheBytes: number): Promise<NativeTokenizer>;
}

/** A pipeline for texts as the addon takes it. */
export interface NativeTextPipelineSpec {
  replace: { word: string; with: string }[];
  tokenize: { tokenizer: NativeTokenizer; options: NativeTextOptions } | undefined;
  outputName: string;
  maxStateBytes: number;
}

export interface NativeTextProgramInfo {
  /** Content hash of the plan, 64 hexadecimal digits. */
  hash: string;
  /** The canonical text of a sample format, and its digest. */
  input: { digest: number; text: string };
  output: { name: string; tokens: boolean; offsets: boolean; digest: number; text: string };
  stageClass: 'sequential';
  tableBytes: number;
  stateBytes: number;
  workspaceBytes: number;
  kernels: string;
}

/** Token ids, or bytes of text; offsets as begin, end, begin, end, ... */
export interface NativeTextElements {
  elements: Uint32Array | Uint8Array;
  offsets?: Uint32Array;
}

export interface NativePlanStream {
  push(text: NativeText): NativeTextElements;
  end(): NativeTextElements;
  heldBytes(): number;
}

export interface NativeTextProgram {
  readonly info: NativeTextProgramInfo;
  explain(): NativeStepExplanation[];
  planBytes(): Uint8Array;
  run(text: NativeText): NativeTextElements;
  stream(): NativePlanStream;
}

/** A part of a text. */
export interface NativeTextPart extends NativeTextElements, NativeSampleInfo {
  /** Of the route, counted from 1: the one that its text was opened under. */
  version: number;
  index: number;
  firstElement: number;
  last: boolean;
  failed?: DropReason;
}

export interface NativeTextSink {
  next(): NativeTextPart | undefined;
  /** Called on the event loop, coalesced, when next() may have something again. */
  onReady(notify: (() => void) | undefined): void;
}
