/** Before anything is timed: what is timed gives the right result. */
import { Pipeline, type TensorData } from '../../lib/index.js';
import type { Context } from '../suite.js';
import { compile, MEAN, type Piece, SIDE, STD } from '../work.js';

/** A peer that is further away than this on average does other work. */
const MOST_LEVELS = 8;

/** Every set of kernels and every order of chunks gives the bits of the scalar whole call, or this throws. */
export function checkOurs(image: Uint8Array, orders: readonly (readonly Piece[])[]): void {
  const reference = compile('scalar').run(image).data;
  for (const set of Pipeline.kernels())
    sameBits(reference, compile(set).run(image).data, `whole call, kernels ${set}`);
  orders.forEach((pieces, i) => {
    const stream = compile().stream();
    for (const { offset, bytes } of pieces) stream.push(offset, bytes);
    sameBits(reference, stream.end().data, `chunks, order ${i}`);
  });
}

/** How far the peer's pixels are from ours: sharp's bilinear is not Pillow's. */
export async function describeSharp(image: Uint8Array, context: Context): Promise<void> {
  if (context.sharp === null) {
    context.note('sharp is not installed: its figures and the limits that follow from it are missing.');
    return;
  }
  const theirs = await context.sharp.resize(image);
  const ours = compile().run(image).data;
  let sum = 0;
  let most = 0;
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const normalized = ours[channel * SIDE * SIDE + pixel]!;
      const level = Math.round((normalized * STD[channel]! + MEAN[channel]!) * 255);
      const apart = Math.abs(level - theirs[pixel * 3 + channel]!);
      sum += apart;
      most = Math.max(most, apart);
    }
  }
  const mean = sum / (SIDE * SIDE * 3);
  if (mean > MOST_LEVELS)
    throw new Error(`sharp's pixels are ${mean.toFixed(1)} levels away on average: not the same work.`);
  context.note(
    `sharp's bilinear is not Pillow's: its pixels differ by ${mean.toFixed(2)} levels on average, ${most} at most.`,
  );
}

function sameBits(expected: TensorData, actual: TensorData, what: string): void {
  const bytes = (data: TensorData) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (!bytes(expected).equals(bytes(actual)))
    throw new Error(`${what}: not the bits of the scalar whole call. Nothing was measured.`);
}
