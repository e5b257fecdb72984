/** Suite `path`: the same image work as one call, chunk by chunk, and as packets. */
import { Pipeline } from '../../lib/index.js';
import { type Case, timesAsGood } from '../report.js';
import { type Contestant, interleave, type Measurement, type Rounds, summarize } from '../statistics.js';
import type { Context, Suite } from '../suite.js';
import {
  compile,
  cut,
  IMAGE_BYTES,
  makeImage,
  type Piece,
  RESULT_ELEMENTS,
  shuffle,
  wholeCall,
} from '../work.js';
import { checkOurs, describeSharp } from './check.js';
import { packetCases } from './packets.js';

const PIECE_BYTES = 1400;
/** Images in turn: together more than 64 MB, so that none is still in a cache of usual size when its turn comes. */
const ROTATING_IMAGES = 26;
const BLOCK_MS = 50;

export const pathSuite: Suite = {
  name: 'path',
  what: '1280x720 rgb -> 224x224 pillow bilinear, ImageNet normalize, float32 CHW: call, chunks, packets',
  async run(context) {
    const image = makeImage(1);
    const pieces = cut(image, PIECE_BYTES);
    const shuffled = shuffle(pieces, 2);
    checkOurs(image, [pieces, shuffled]);
    await describeSharp(image, context);
    return [
      ...(await callCases(image, context)),
      ...(await rotatingCases(context)),
      ...(await chunkCases(image, pieces, shuffled, context)),
      ...(await packetCases(image, context)),
    ];
  },
};

/** The whole call on one image that stays in the caches, with every set of kernels that this CPU can run. */
async function callCases(image: Uint8Array, context: Context): Promise<Case[]> {
  const sets = Pipeline.kernels();
  const rounds = await interleave(
    [
      wholeCall('whole call', compile(), [image]),
      ...yardsticks([image], context),
      ...sets.map((set) => wholeCall(kernelCase(set), compile(set), [image])),
    ],
    { rounds: context.rounds, blockMs: BLOCK_MS },
  );
  return [
    timeCase('whole call', rounds, { limited: true }),
    ...sets.map((set) => timeCase(kernelCase(set), rounds)),
  ];
}

/** The whole call on images that take turns. */
async function rotatingCases(context: Context): Promise<Case[]> {
  const name = `whole call, ${ROTATING_IMAGES} images in turn`;
  const images = Array.from({ length: ROTATING_IMAGES }, (_, i) => makeImage(i + 1));
  const rounds = await interleave([wholeCall(name, compile(), images), ...yardsticks(images, context)], {
    rounds: context.rounds,
    blockMs: BLOCK_MS * 2,
  });
  return [timeCase(name, rounds)];
}

async function chunkCases(
  image: Uint8Array,
  pieces: readonly Piece[],
  shuffled: readonly Piece[],
  context: Context,
): Promise<Case[]> {
  const inOrder = `chunks of ${PIECE_BYTES} bytes, in order`;
  const anyOrder = `chunks of ${PIECE_BYTES} bytes, shuffled`;
  const pipeline = compile();
  const rounds = await interleave(
    [
      chunked(inOrder, pipeline, pieces),
      chunked(anyOrder, pipeline, shuffled),
      wholeCall('whole-call', pipeline, [image]),
      ...yardsticks([image], context),
    ],
    { rounds: context.rounds, blockMs: BLOCK_MS },
  );
  return [timeCase(inOrder, rounds), timeCase(anyOrder, rounds)];
}

function kernelCase(set: string): string {
  return `whole call, kernels ${set}`;
}

function chunked(name: string, pipeline: Pipeline, pieces: readonly Piece[]): Contestant {
  const into = new Float32Array(RESULT_ELEMENTS);
  return {
    name,
    run(count) {
      for (let i = 0; i < count; i++) {
        const stream = pipeline.stream({ into });
        for (const { offset, bytes } of pieces) stream.push(offset, bytes);
        stream.end();
      }
      return count;
    },
  };
}

/** The peer, and a copy of the input image, which no one who reads all of it can undercut by much. */
function yardsticks(images: readonly Uint8Array[], context: Context): Contestant[] {
  const { sharp } = context;
  const copy = Buffer.alloc(IMAGE_BYTES);
  const sources = images.map((image) => Buffer.from(image.buffer, image.byteOffset, image.byteLength));
  let turn = 0;
  const memcpy: Contestant = {
    name: 'memcpy-input',
    run(count) {
      for (let i = 0; i < count; i++) sources[turn++ % sources.length]!.copy(copy);
      return count;
    },
  };
  if (sharp === null) return [memcpy];
  const into = new Float32Array(RESULT_ELEMENTS);
  let sharpTurn = 0;
  const sharpJs: Contestant = {
    name: 'sharp-js',
    async run(count) {
      for (let i = 0; i < count; i++) await sharp.run(images[sharpTurn++ % images.length]!, into);
      return count;
    },
  };
  return [sharpJs, memcpy];
}

/** A case in milliseconds for one image; its peers are whatever ran beside it under a peer's name. */
function timeCase(name: string, rounds: Rounds, options: { limited?: boolean } = {}): Case {
  const measured = (contestant: string): Measurement | null => {
    const runs = rounds.get(contestant);
    return runs === undefined ? null : summarize(runs);
  };
  const sharp = measured('sharp-js');
  const wholeCallBeside = measured('whole-call');
  return {
    suite: 'path',
    case: name,
    unit: 'ms',
    better: 'lower',
    ours: measured(name)!,
    peers: {
      'sharp-js': sharp,
      'memcpy-input': measured('memcpy-input'),
      ...(wholeCallBeside !== null && { 'whole-call': wholeCallBeside }),
    },
    limits: options.limited ? timesAsGood(1, 'sharp-js', sharp, 'lower') : {},
  };
}
