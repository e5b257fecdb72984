/** What each serialization order of a pipeline costs and saves, side by side. */
import { OnpathError } from './errors.js';
import { serializationOrder } from './image-schema.js';
import type { Pipeline } from './pipeline.js';
import { Serialization } from './serialization.js';

/** What an order costs, or why the pipeline cannot take it. */
export type OrderFacts = { readonly order: string; readonly skipUnread: boolean } & (
  | {
      readonly sampleBytes: number;
      readonly savedBytes: number;
      readonly windowBytes: number;
      readonly packetsToFirstOutput: number;
    }
  | { readonly refused: string }
);

/** Every order, with and without pixels that no output reads. Each is compiled and run once. */
export function compareOrders(pipeline: Pipeline): OrderFacts[] {
  return serializationOrder.options.flatMap((order) =>
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
        return { order, skipUnread, refused: error.message };
      }
    }),
  );
}
