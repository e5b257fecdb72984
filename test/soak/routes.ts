/** What the soak's routes run, what is sent to them, and what must come of it under each version. */
import {
  type Dataplane,
  type InputFormat,
  LookupTable,
  Pipeline,
  PipelineFamily,
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
  /** How a running plane comes to it. */
  readonly install: (plane: Dataplane, route: string) => Promise<unknown>;
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

const bySwap =
  (pipeline: Pipeline | PipelineFamily | TextPipeline): Version['install'] =>
  (plane, route) =>
    plane.swap(route, pipeline);

function imageVersion(items: readonly Item[], pipeline: Pipeline, install = bySwap(pipeline)): Version {
  const expected = items.map(({ bytes }) => bytesOf(pipeline.run(bytes).data));
  return { pipeline, hash: pipeline.hash, expected, install };
}

/** Resized, as tensors of two element types and of two sizes. */
export function fixed(seed: number): Material {
  const items = images(seed, 16);
  const outputs = [
    [0.5, 'float16', 56],
    [0.45, 'float16', 56],
    [0.4, 'float32', 56],
    [0.35, 'float16', 40],
  ] as const;
  const versions = outputs.map(([mean, dtype, width]) => {
    const resize = { stage: 'resize', width, height: 40 } as const;
    const stages = [resize, { stage: 'normalize', mean, std: 0.25 } as const];
    return imageVersion(items, Pipeline.compile({ input, stages, output: { layout: 'chw', dtype } }));
  });
  return { items, versions };
}

/** Element by element: what a route forwards, in place where that can be. Its table is exchanged by name. */
export function forwarded(seed: number): Material {
  const items = images(seed + 1, 8);
  const versions = [1, 3, 5].map((step) => {
    const table = LookupTable.fromFunction((value) => (value * step + 7) & 255, { dtype: 'uint8' });
    const spec = { input, stages: [{ stage: 'lookup', table: 'curve' } as const] };
    const pipeline = Pipeline.compile(spec, { tables: { curve: table } });
    return imageVersion(items, pipeline, (plane) => plane.tables.set('curve', table));
  });
  return { items, versions };
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
    return { pipeline, hash: pipeline.hash, expected, install: bySwap(pipeline) };
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
    const pipeline = Pipeline.compile(
      { input: { kind: 'text' }, stages: [{ stage: 'tokenize', tokenizer: 'words' }] },
      { vocabularies: { words: tokens } },
    );
    const expected = items.map(({ bytes }) => bytesOf(tokens.encode(bytes)));
    const install: Version['install'] = (plane) => plane.vocabularies.set('words', tokens);
    return { pipeline, hash: pipeline.hash, expected, install };
  });
  return { items, versions };
}
