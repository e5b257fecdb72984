/** The last sample of a route, made small enough to be shown. */
import type { DType } from '../schema.js';

/** Of one channel. NaN values are counted and take no part in the others; all of them are 0 if no other value was there. */
export interface ChannelStats {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Standard deviation of the population. */
  readonly std: number;
  readonly nan: number;
}

/** At most 256 pixels a side, 8 bits a channel: values from the tensor's least to its greatest as 0 to 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Rows of R, G, B. */
  readonly rgb: Uint8Array;
}

export interface LatestTensor {
  readonly kind: 'tensor';
  /** When it was taken, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly versionNumber: number;
  /** By channel. */
  readonly stats: readonly ChannelStats[];
  /** Of a large tensor the statistics are of every so manieth pixel; 1: of all. */
  readonly everyNthPixel: number;
  /** undefined: it is no picture of 1, 3 or 4 channels. */
  readonly picture: Picture | undefined;
}

export interface LatestToken {
  readonly id: number;
  /** What the token adds to the text: nothing while a character is incomplete. */
  readonly text: string;
}

export interface LatestText {
  readonly kind: 'text';
  readonly at: number;
  readonly versionNumber: number;
  /** Tokens that the text has; without a tokenize stage: bytes. */
  readonly total: number;
  /** The first of them, at most 512. */
  readonly tokens: readonly LatestToken[];
  /** Of a pipeline without tokenize stage: the beginning of the text that it made. */
  readonly text: string | undefined;
}

export type Latest = LatestTensor | LatestText;
