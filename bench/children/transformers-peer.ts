/**
 * The peer @huggingface/transformers in a process of its own (it brings another sharp, and one process holds only one), spoken to as
 * python_peer.py is. usage: transformers-peer.js FOLDER
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { loadPeer, resolvePeer } from '../peer-table.js';
import { IMAGE, IMAGE_BYTES, MEAN, SIDE, STD } from '../work.js';

/** The little of it that is used here. */
interface Transformers {
  env: { version: string };
  RawImage: new (data: Uint8Array, width: number, height: number, channels: 3) => object;
  ViTImageProcessor: new (
    config: object,
  ) => (image: object) => Promise<{ pixel_values: { data: Float32Array } }>;
}

const folder = process.argv[2]!;
const { RawImage, ViTImageProcessor, env } = loadPeer('@huggingface/transformers') as Transformers;
const sharp = createRequire(resolvePeer('@huggingface/transformers'))('sharp') as {
  concurrency(threads: number): number;
  cache(enabled: boolean): unknown;
};
sharp.concurrency(1);
sharp.cache(false);

const processor = new ViTImageProcessor({
  do_resize: true,
  size: { width: SIDE, height: SIDE },
  resample: 2, // bilinear
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: MEAN,
  image_std: STD,
});
const bytes = readFileSync(join(folder, 'images.bin'));
const images = Array.from({ length: bytes.length / IMAGE_BYTES }, (_, i) =>
  bytes.subarray(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES),
);

async function work(image: Uint8Array): Promise<Float32Array> {
  const { pixel_values } = await processor(new RawImage(image, IMAGE.width, IMAGE.height, 3));
  return pixel_values.data;
}

console.log(`ready ${JSON.stringify({ 'transformers.js': env.version })}`);
let turn = 0;
for await (const line of createInterface(process.stdin)) {
  const [command, count] = line.split(' ');
  if (command === 'result') {
    writeFileSync(join(folder, 'transformers-js.bin'), await work(images[0]!));
    console.log('ns 0');
    continue;
  }
  const begin = process.hrtime.bigint();
  for (let i = 0; i < Number(count); i++, turn++)
    await work(images[command === 'turn' ? turn % images.length : 0]!);
  console.log(`ns ${process.hrtime.bigint() - begin}`);
}
