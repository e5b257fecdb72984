/** Suite `images`: the image work of a model beside what people use for it, one thread each, in one run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildPeer } from '../child-peer.js';
import { buildNative } from '../native-program.js';
import { type Case, timesAsGood } from '../report.js';
import { type Contestant, interleave, type Measurement, type Rounds, summarize } from '../statistics.js';
import type { Context, Suite } from '../suite.js';
import { compile, cut, IMAGE_BYTES, makeImage, RESULT_ELEMENTS, wholeCall } from '../work.js';
import { checkOurs, describeSharp } from './check.js';
import { jpegCases } from './images-jpeg.js';
import { normalizeCases } from './images-normalize.js';
import { describePeers, startPeers } from './images-peers.js';

/** Images in turn: together more than 64 MB, so that none is still in a cache of usual size when its turn comes. */
const ROTATING_IMAGES = 26;
const BLOCK_MS = 80;
/** How many times as fast as each peer ours has to be, and how many copies of the input it may take. */
const TIMES = { 'sharp-js': 4, 'transformers-js': 15, torch: 1 } as const;
const MOST_COPIES = 3;
const STRETCH_COPIES = 2;
/** Share of the whole call's speed that pieces of packets have to reach. */
const CHUNKED = { 'in-order': 0.7, shuffled: 0.4 } as const;

export const imagesSuite: Suite = {
  name: 'images',
  what: '1280x720 rgb -> 224x224 pillow bilinear, normalize, float32 CHW: beside transformers.js, torch, OpenCV, Pillow',
  async run(context) {
    const images = Array.from({ length: ROTATING_IMAGES }, (_, i) => makeImage(i + 1));
    checkOurs(images[0]!, [cut(images[0]!, 1400)]);
    await describeSharp(images[0]!, context);
    const folder = mkdtempSync(join(tmpdir(), 'onpath-bench-'));
    const peers: ChildPeer[] = [];
    try {
      writeFileSync(join(folder, 'images.bin'), Buffer.concat(images));
      peers.push(...(await startPeers(folder, context)));
      await describePeers(peers, images[0]!, context);
      const whole = await wholeCases(images, peers, context);
      await Promise.all(peers.splice(0).map((peer) => peer.close()));
      return [
        ...whole,
        ...(await normalizeCases(images[0]!, context)),
        ...(await chunkCases(folder, images[0]!, context)),
        ...(await jpegCases(context)),
      ];
    } finally {
      await Promise.all(peers.map((peer) => peer.close()));
      rmSync(folder, { recursive: true });
    }
  },
};

/** The whole call, always on one image and on images in turn. */
async function wholeCases(
  images: readonly Uint8Array[],
  peers: readonly ChildPeer[],
  context: Context,
): Promise<Case[]> {
  const cases: Case[] = [];
  for (const [name, work, given] of [
    ['whole call, one image', 'hot', images.slice(0, 1)],
    [`whole call, ${ROTATING_IMAGES} images in turn`, 'turn', images],
  ] as const) {
    const rounds = await interleave(
      [
        wholeCall(name, compile(), given),
        memcpy(given),
        ...sharpJs(given, context),
        ...peers.map((peer) => peer.contestant(work)),
      ],
      { rounds: context.rounds, blockMs: BLOCK_MS },
    );
    const of = (contestant: string) => measured(rounds, contestant);
    const copy = of('memcpy-input')!;
    const mine = of(name)!;
    const copies = mine.value / copy.value;
    context.note(
      `${name}: ${copies.toFixed(2)} copies of the input; the stretch is ${STRETCH_COPIES}, ${copies <= STRETCH_COPIES ? 'reached' : 'not reached'}.`,
    );
    cases.push({
      suite: 'images',
      case: name,
      unit: 'ms',
      better: 'lower',
      ours: mine,
      peers: {
        'sharp-js': of('sharp-js'),
        'transformers-js': of('transformers-js'),
        torch: of('torch'),
        opencv: of('opencv'),
        pillow: of('pillow'),
        'memcpy-input': copy,
      },
      limits: {
        ...Object.assign(
          {},
          ...Object.entries(TIMES).map(([peer, times]) => timesAsGood(times, peer, of(peer), 'lower')),
        ),
        [`${MOST_COPIES} x memcpy-input`]: MOST_COPIES * copy.value,
      },
    });
  }
  return cases;
}

/** The pieces of RFC 4175 packets, in native code, with every set of kernels that is worth telling apart. */
async function chunkCases(folder: string, image: Uint8Array, context: Context): Promise<Case[]> {
  const program = buildNative('onpath_sample_bench', context);
  const child = await ChildPeer.start('native', program, [], folder);
  try {
    const sets = child.about['kernels'] as readonly string[];
    const best = sets[0]!;
    const shown = [...new Set([best, ...sets.filter((set) => set === 'avx2' || set === 'scalar')])];
    const works = ['whole', ...Object.keys(CHUNKED)];
    const contestants = shown.flatMap((set) =>
      works.map((work) => child.contestant(`${work} ${set}`, `${work} ${set}`)),
    );
    const rounds = await interleave([...contestants, memcpy([image])], {
      rounds: context.rounds,
      blockMs: BLOCK_MS,
    });
    return shown.flatMap((set) =>
      Object.entries(CHUNKED).map(([work, share]): Case => {
        const whole = measured(rounds, `whole ${set}`)!;
        return {
          suite: 'images',
          case: `chunked ${work === 'in-order' ? 'in order' : work}${set === best ? '' : `, kernels ${set}`}`,
          unit: 'ms',
          better: 'lower',
          ours: measured(rounds, `${work} ${set}`)!,
          peers: { whole, 'memcpy-input': measured(rounds, 'memcpy-input') },
          limits: set === best ? timesAsGood(share, 'whole', whole, 'lower') : {},
        };
      }),
    );
  } finally {
    await child.close();
  }
}

function memcpy(images: readonly Uint8Array[]): Contestant {
  const copy = Buffer.alloc(IMAGE_BYTES);
  const sources = images.map((image) => Buffer.from(image.buffer, image.byteOffset, image.byteLength));
  let turn = 0;
  return {
    name: 'memcpy-input',
    run(count) {
      for (let i = 0; i < count; i++) sources[turn++ % sources.length]!.copy(copy);
      return count;
    },
  };
}

function sharpJs(images: readonly Uint8Array[], { sharp }: Context): Contestant[] {
  if (sharp === null) return [];
  const into = new Float32Array(RESULT_ELEMENTS);
  let turn = 0;
  return [
    {
      name: 'sharp-js',
      async run(count) {
        for (let i = 0; i < count; i++) await sharp.run(images[turn++ % images.length]!, into);
        return count;
      },
    },
  ];
}

function measured(rounds: Rounds, contestant: string): Measurement | null {
  const runs = rounds.get(contestant);
  return runs === undefined ? null : summarize(runs);
}
