/** What each serialization order of a pipeline costs and saves, side by side. */
import { OnpathError } from './errors.js';
import type { Pipeline } from './pipeline.js';
import { Serialization } from './serialization.js';

export interface OrderFacts {
  readonly order: string;
  readonly skipUnread: boolean;
  readonly sampleBytes: number;
  readonly savedBytes: number;
  readonly windowBytes: number;
  readonly packetsToFirstOutput: number;
  /** Absent, with the reason, where the pipeline cannot take this order. */
  readonly refused?: string;
}

/** Every order, with and without pixels that no output reads. Each is compiled and run once. */
export function compareOrders(pipeline: Pipeline): OrderFacts[] {
  return (['row-major', 'planar', 'tile-major'] as const).flatMap((order) =>
    [false, true].map((skipUnread): OrderFacts => {
      try {
        const plan = Serialization.plan(pipeline, { order, skipUnread });
        return {
          order,
          skipUnread,
          sampleBytes: plan.bytes,
          savedBytes: plan.bytesSaved,
          windowBytes: plan.windowBytes,
          packetsToFirstOutput: plan.packetsToFirstOutput(),
        };
      } catch (error) {
        if (!(error instanceof OnpathError)) throw error;
        const nothing = { sampleBytes: 0, savedBytes: 0, windowBytes: 0, packetsToFirstOutput: 0 };
        return { order, skipUnread, ...nothing, refused: error.message };
      }
    }),
  );
}
