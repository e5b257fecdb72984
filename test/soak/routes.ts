/** What the soak's routes run, what is sent to them, and what must come of it under each version. */
import {
  type InputFormat,
  Pipeline,
  PipelineFamily,
  type PipelineSpec,
  type TextPipeline,
  Tokenizer,
} from '../../lib/index.js';
import { noiseImage } from '../support/images.js';
import { sample as sampleText } from '../support/text-samples.js';

/** One thing that is sent, over and over. */
export interface Item {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What a route runs at a time, and the result of every item under it. */
export interface Version<P = Pipeline | PipelineFamily | TextPipeline> {
  readonly pipeline: P;
  readonly hash: string;
  readonly expected: readonly Uint8Array[];
}

export interface Material {
  readonly items: readonly Item[];
  /** In the order in which they are swapped; the first is what the route starts with. */
  readonly versions: readonly Version[];
}

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();

const size = { width: 96, height: 64, format: 'rgb' } as const satisfies {
  width: number;
  height: number;
  format: InputFormat;
};
const input = { kind: 'image', ...size } as const;
const sizes = [
  [96, 64],
  [64, 48],
  [33, 97],
] as const;

function images(seed: number, count: number): Item[] {
  return Array.from({ length: count }, (_, i) => ({
    width: size.width,
    height: size.height,
    bytes: noiseImage(size.width, size.height, 'rgb', seed * 1000 + i),
  }));
}

function imageVersions(items: readonly Item[], specs: readonly PipelineSpec[]): Version[] {
  return specs.map((spec) => {
    const pipeline = Pipeline.compile(spec);
    return {
      pipeline,
      hash: pipeline.hash,
      expected: items.map(({ bytes }) => bytesOf(pipeline.run(bytes).data)),
    };
  });
}

/** Resized, as tensors of two element types, with several tables. */
export function fixed(seed: number): Material {
  const items = images(seed, 16);
  const resize = { stage: 'resize', width: 56, height: 40 } as const;
  return {
    items,
    versions: imageVersions(
      items,
      [0.5, 0.45, 0.4, 0.35].map((mean) => ({
        input,
        stages: [resize, { stage: 'normalize', mean, std: 0.25 }],
        output: { layout: 'chw', dtype: 'float16' },
      })),
    ),
  };
}

/** Element by element: what a route forwards, in place where that can be. */
export function forwarded(seed: number): Material {
  const items = images(seed + 1, 8);
  const table = (step: number) => ({
    dtype: 'uint8' as const,
    values: Array.from({ length: 256 }, (_, i) => (i * step + 7) & 255),
  });
  return {
    items,
    versions: imageVersions(
      items,
      [1, 3, 5].map((step) => ({ input, stages: [{ stage: 'lookup', table: table(step) }] })),
    ),
  };
}

/** What takes the results of `forwarded`: bytes as they are. */
export const asTheyAre = (): Pipeline => Pipeline.compile({ input });

export function family(seed: number): Material {
  const items = sizes.map(([width, height], i) => ({
    width,
    height,
    bytes: noiseImage(width, height, 'rgb', seed * 1000 + 100 + i),
  }));
  const versions = [0.5, 0.4].map((mean) => {
    const pipeline = PipelineFamily.compile({
      input: { kind: 'image', maxWidth: 100, maxHeight: 100, format: 'rgb' },
      stages: [
        { stage: 'resize', width: 48, height: 48 },
        { stage: 'normalize', mean, std: 0.25 },
      ],
      output: { layout: 'chw' },
    });
    const expected = items.map(({ width, height, bytes }) =>
      bytesOf(pipeline.for(width, height).run(bytes).data),
    );
    return { pipeline, hash: pipeline.hash, expected };
  });
  return { items, versions };
}

const words = ['th', 'the', ' t', ' th', ' the', 'in', 'ing', ' a', 'an', 'er', 'on', 're', ' s', 'ed', 'at'];

function tokenizer(count: number): Tokenizer {
  const ranks = [
    ...Array.from({ length: 256 }, (_, i) => Buffer.from([i])),
    ...words.slice(0, count).map((word) => Buffer.from(word)),
  ];
  const file = ranks.map((bytes, rank) => `${bytes.toString('base64')} ${rank}\n`).join('');
  return Tokenizer.fromBuffer(Buffer.from(file), {
    format: 'tiktoken',
    encoding: { pattern: String.raw`\p{L}+|\p{N}+|[^\p{L}\p{N}]+?`, specialTokens: { '<|end|>': 300 } },
  });
}

/** Prompts from a few words to several packets. */
export function prompts(seed: number): Material {
  const kinds = ['english', 'scripts', 'code', 'unicode'] as const;
  const items = Array.from({ length: 24 }, (_, i) => ({
    width: 0,
    height: 0,
    bytes: sampleText(kinds[i % kinds.length]!, seed * 1000 + i, 10 + 40 * i),
  }));
  const versions = [words.length, 10, 5].map((count) => {
    const tokens = tokenizer(count);
    const pipeline = Pipeline.compile({
      input: { kind: 'text' },
      stages: [{ stage: 'tokenize', tokenizer: tokens }],
    });
    return {
      pipeline,
      hash: pipeline.hash,
      expected: items.map(({ bytes }) => bytesOf(tokens.encode(bytes))),
    };
  });
  return { items, versions };
}
