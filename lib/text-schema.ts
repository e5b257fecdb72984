/** The part of the schema that is about texts. */
import { z } from 'zod';
import { name } from './port-schema.js';
import { TOKENIZER, type Tokenizer } from './tokenizer.js';

/** Marks compiled pipelines for texts, so that this file need not load the class (which loads this file). */
export const TEXT_PIPELINE: unique symbol = Symbol('onpath.TextPipeline');

const replaceStage = z
  .strictObject({
    stage: z.literal('replace'),
    dictionary: z
      .record(z.string().min(1), z.string())
      .describe('Words and what they become: 1 to 1024 bytes of UTF-8, and at most 4096.'),
  })
  .describe(
    'Replaces words wherever they stand: the leftmost first, of those that begin at one place the longest. Linear in the text, whatever the dictionary.',
  );

/** Apart, as files have other things in its place. */
export const ownTokenizer = z.custom<Tokenizer>(
  (value) => typeof value === 'object' && value !== null && TOKENIZER in value,
  { error: 'expected a Tokenizer' },
);

const tokenizeStage = z
  .strictObject({
    stage: z.literal('tokenize'),
    tokenizer: z
      .union([
        ownTokenizer,
        name.describe('A name: the tokenizer is given under it in `options.vocabularies` of compile.'),
      ])
      .describe(
        'A Tokenizer; or a name, under which `plane.vocabularies.set` exchanges it later. The plan is named by its hash, among others.',
      ),
    offsets: z
      .literal('byte')
      .optional()
      .describe(
        'Give each token the bytes of the text that it stands for. Not with replace, and not forwarded. Other units need the whole text: `tokenizer.tokenize`.',
      ),
    special: z
      .enum(['parse', 'refuse', 'text'])
      .optional()
      .describe(
        "Special tokens that stand in a text become their ids, make it refused (`special_refused`), or are text like any other. Default: as the vocabulary's format has it.",
      ),
    allowedSpecial: z.array(z.string()).max(65536).optional().describe('Those that are parsed all the same.'),
    addSpecialTokens: z.boolean().default(true).describe("Put the template's tokens around the text."),
    capBytes: z
      .int()
      .min(64)
      .max(1 << 30)
      .default(1 << 20)
      .describe(
        'Bytes that may wait for a decision; a text that needs more is refused (`text_over_cap`), never cut. `run` has no cap.',
      ),
  })
  .describe(
    'Makes the tokens that the tokenizer makes of the whole text, as soon as no later byte can change them.',
  );

export const textPipelineSpec = z
  .strictObject({
    input: z
      .strictObject({ kind: z.literal('text').describe('What a sample is: bytes of UTF-8, of any length.') })
      .describe(
        'Texts travel in order; their length may be unknown until they end. See docs/wire-format.md.',
      ),
    stages: z
      .array(z.discriminatedUnion('stage', [replaceStage, tokenizeStage]))
      .min(1)
      .max(2)
      .describe('replace, tokenize, or both in this order.'),
    output: z
      .strictObject({ name: name.default('ids').describe('What the result is called.') })
      .prefault({})
      .describe('Token ids; without a tokenize stage, text.'),
    limits: z
      .strictObject({
        stateBytes: z
          .int()
          .min(0)
          .default(256 * 1024 * 1024)
          .describe('Refuse to compile a plan of which one text could need more state than this.'),
      })
      .prefault({})
      .describe('Bounds that compile keeps.'),
  })
  .superRefine(checkStages);

/** What bounds a route for texts. */
export const textRouteSpec = z.strictObject({
  waitingBytes: z
    .int()
    .min(1)
    .max(1 << 30)
    .default(256 * 1024)
    .describe(
      'Bytes of one open text that may wait for those before them, up to the next power of two; packets further ahead are dropped as `waiting_full`.',
    ),
  segmentTokens: z
    .int()
    .min(1)
    .max(1 << 20)
    .default(4096)
    .describe(
      'Tokens (without a tokenize stage: bytes) in one of the `slots` segments. A text takes as many as it needs; with `deliver: { chunkTokens }` a segment is a part.',
    ),
});

/** replace comes before tokenize, each at most once. */
function checkStages(spec: { stages: readonly { stage: string }[] }, context: z.RefinementCtx): void {
  const order = spec.stages.map(({ stage }) => stage).join(', ');
  if (['replace', 'tokenize', 'replace, tokenize'].includes(order)) return;
  const message = 'expected replace, tokenize, or both in this order';
  context.addIssue({ code: 'custom', path: ['stages'], input: spec.stages, message });
}
