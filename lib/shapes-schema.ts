/** Bounds of a route for images of many sizes. */
import { z } from 'zod';

export const shapesSpec = z.strictObject({
  cached: z
    .int()
    .min(1)
    .max(1024)
    .default(16)
    .describe(
      'Sizes whose plans are kept. A new one takes the place of that used least recently, but not of one that two images have had and that was used within the last second.',
    ),
  waiting: z
    .int()
    .min(1)
    .max(1024)
    .default(4)
    .describe(
      'Images whose plan is still being made; each has room for the largest image. More are dropped as `shape_pending`.',
    ),
  stateBytes: z
    .int()
    .min(0)
    .default(512 * 1024 * 1024)
    .describe('Memory of all the sizes kept: their tables, and `openSamples` states of each.'),
});
