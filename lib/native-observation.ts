/** What the addon gives and takes of latency and captures. Internal, as native.ts. */
import type { OnpathError } from './errors.js';

/** Counts of the 1024 buckets of native/dataplane/histogram.h; min is above max if there are none. Nanoseconds. */
export interface NativeHistogram {
  counts: Float64Array;
  sum: number;
  min: number;
  max: number;
}

/** Empty texts: not given. */
export interface NativeCaptureConfig {
  port: string;
  route: string;
  file: string;
  snapLength: number;
  maxPackets: number;
  maxBytes: number;
  maxMs: number;
  bufferBytes: number;
}

export interface NativeCapture {
  stats(): { packets: number; bytes: number; missed: number; ended: boolean; failure?: OnpathError };
  /** Without a file: the next bytes, about `most`; none when nothing waits. */
  read(most: number): Uint8Array;
  /** Called once, on the event loop, when the capture has ended. */
  onEnd(notify: () => void): void;
  stop(): Promise<void>;
}
