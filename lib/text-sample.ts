/** What arrives of texts: tokens, whole or in parts. */
import type { DropReason } from './generated/drop-reasons.js';
import type { NativeTextPart } from './native-text.js';
import type { MadeBy, SampleSource } from './sample.js';
import { type TextResult, textResult } from './text-pipeline.js';

/** A text that has arrived. Its arrays are copies: nothing need be released. */
export interface TextSample extends TextResult {
  /** Chosen by the sender. */
  readonly requestId: bigint;
  readonly source: SampleSource;
  /** RTP timestamp. */
  readonly timestamp: number;
  /** Milliseconds since the Unix epoch, with fractions. */
  readonly firstPacketAt: number;
  /** When the packet arrived that made this final. */
  readonly receivedAt: number;
  /** Hash of the plan that made it. */
  readonly version: string;
  /** Which of the route's pipelines that was, counted from 1; see `Dataplane.swap`. */
  readonly versionNumber: number;
}

/** A part of a text that may still be arriving. Parts of one text come in order; those of several may take turns. */
export interface TextPart extends TextSample {
  /** Which part of its text it is, from 0. */
  readonly part: number;
  /** How many tokens (without a tokenize stage: bytes) the parts before it have. */
  readonly firstToken: number;
  /** No part follows. The last one may be empty. */
  readonly last: boolean;
  /** With `last`: the text ended early, and why; what has come of it is no whole text. */
  readonly failed: DropReason | undefined;
}

/** @internal */
export function textPart(part: NativeTextPart, { version, versionNumber }: MadeBy): TextPart {
  return {
    ...textResult(part),
    requestId: part.requestId,
    source: { address: part.sourceAddress, port: part.sourcePort, ssrc: part.ssrc },
    timestamp: part.timestamp,
    firstPacketAt: part.firstPacketAt,
    receivedAt: part.lastPacketAt,
    version,
    versionNumber,
    part: part.index,
    firstToken: part.firstElement,
    last: part.last,
    failed: part.failed,
  };
}

/** @internal */
export function textSample(part: NativeTextPart, version: MadeBy): TextSample {
  const {
    part: _part,
    firstToken: _first,
    last: _last,
    failed: _failed,
    ...sample
  } = textPart(part, version);
  return sample;
}
