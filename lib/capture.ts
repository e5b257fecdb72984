/** Packets of a running plane, written as pcapng. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureSpec, ParsedCaptureSpec } from './capture-schema.js';
import { OnpathError } from './errors.js';
import type { NativeCapture, NativeCaptureConfig } from './native-observation.js';

export type CaptureOptions = CaptureSpec & {
  /** Aborting it stops the capture; its file is complete. */
  readonly signal?: AbortSignal;
};

export interface CaptureStats {
  /** Packets written. */
  readonly packets: number;
  /** Of the file so far, headers included. */
  readonly bytes: number;
  /** Packets that found the ring to the writer full before a bound was reached. The file says where. */
  readonly missed: number;
  readonly ended: boolean;
}

const PIECE = 256 * 1024;
const POLL_MS = 5;

/** @internal */
export function nativeCaptureConfig(spec: ParsedCaptureSpec): NativeCaptureConfig {
  return {
    port: spec.port ?? '',
    route: spec.route ?? '',
    file: spec.file ?? '',
    snapLength: spec.snapLength,
    maxPackets: spec.maxPackets,
    maxBytes: spec.maxBytes,
    maxMs: Math.ceil(spec.maxSeconds * 1000),
    bufferBytes: spec.bufferBytes,
  };
}

/**
 * A capture that runs: packets as they came in, with arrival times in nanoseconds, before anything is changed in place. A worker never waits
 * for it: a packet that finds the ring to the writer full is counted as missed. It ends with the first of its bounds, with the plane, or
 * when it is stopped.
 *
 * @example
 * await using capture = await plane.capture({ route: 'photos', file: 'photos.pcapng', maxPackets: 1000 });
 * const { packets, missed } = await capture.done;
 */
export class Capture {
  /**
   * Resolves when the file is complete. Rejects with PORT_FAILED if it could not be written to its end; nobody need listen.
   */
  readonly done: Promise<CaptureStats>;
  readonly #native: NativeCapture;
  #stopping: Promise<void> | undefined;

  /** @internal */
  constructor(capture: NativeCapture, writable: NodeJS.WritableStream | undefined, signal?: AbortSignal) {
    this.#native = capture;
    const onAbort = () => void this.#stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.done = (writable === undefined ? this.#file() : this.#pump(writable)).finally(() =>
      signal?.removeEventListener('abort', onAbort),
    );
    this.done.catch(() => {});
    if (signal?.aborted) onAbort();
  }

  /** Counts so far. */
  stats(): CaptureStats {
    const { packets, bytes, missed, ended } = this.#native.stats();
    return { packets, bytes, missed, ended };
  }

  /**
   * Takes no packet from now on. Resolves when what was taken is written. Idempotent.
   * @throws OnpathError PORT_FAILED
   */
  async stop(): Promise<CaptureStats> {
    await this.#stop();
    return this.done;
  }

  /** As stop(). */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #stop(): Promise<void> {
    this.#stopping ??= this.#native.stop();
    return this.#stopping;
  }

  async #file(): Promise<CaptureStats> {
    await new Promise<void>((resolve) => this.#native.onEnd(resolve));
    const { failure } = this.#native.stats();
    if (failure !== undefined) throw failure;
    return this.stats();
  }

  /** What comes is handed on as fast as the stream takes it. */
  async #pump(writable: NodeJS.WritableStream): Promise<CaptureStats> {
    let failure: unknown;
    const onError = (error: unknown) => {
      failure ??= error ?? new Error('closed before the capture ended');
      void this.#stop();
    };
    const onClose = () => onError(undefined);
    writable.once('error', onError).once('close', onClose);
    try {
      for (let ended = false; !ended; ) {
        const bytes = this.#native.read(PIECE);
        ended = this.#native.stats().ended;
        if (bytes.length === 0) await sleep(ended ? 0 : POLL_MS);
        else if (failure === undefined && !writable.write(bytes)) await drained(writable);
      }
      writable.off('close', onClose);
      const { stdout, stderr } = process;
      if (failure === undefined && ![stdout, stderr].includes(writable as typeof stdout))
        await finished(writable);
    } finally {
      writable.off('error', onError).off('close', onClose);
    }
    if (failure !== undefined) {
      throw new OnpathError('PORT_FAILED', `The capture's stream failed: ${String(failure)}.`, {
        cause: failure,
      });
    }
    return this.stats();
  }
}

/** Whatever comes first: it takes more, or it has failed, which whoever listens for that is told. */
async function drained(writable: NodeJS.WritableStream): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const events = ['drain', 'close'].map((event) => once(writable, event, { signal }));
  await Promise.race(events).catch(() => {});
  for (const event of events) event.catch(() => {});
  controller.abort();
}

async function finished(writable: NodeJS.WritableStream): Promise<void> {
  const end = Promise.race([once(writable, 'finish'), once(writable, 'close')]).catch(() => {});
  writable.end();
  await end;
}
