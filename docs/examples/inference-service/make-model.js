/**
 * Writes a small image classifier as an ONNX file: node make-model.js [model.onnx]
 *
 * Depthwise separable convolutions in the manner of MobileNet, 0.7 million weights, 155 million multiplications for an image.
 * The weights are RANDOM: it costs what a small model costs, and what it answers means nothing. Same bytes on every machine.
 * In its place goes any model that takes float32 planes, [1, 3, 224, 224], and gives [1, classes].
 */
import { writeFileSync } from 'node:fs';
import { model, node, randomFrom, tensor, value } from './onnx.js';

const SIDE = 224;
const CLASSES = 1000;
const STEM = 24;
/** Channels that each block puts out, and its stride. */
const BLOCKS = [
  [48, 1],
  [96, 2],
  [96, 1],
  [192, 2],
  [192, 1],
  [384, 2],
  [384, 1],
];

const nodes = [];
const weights = [];
const random = randomFrom(20250222);

let channels = convolution('stem', 'image', { from: 3, to: STEM, side: 3, stride: 2 });
let last = 'stem';
BLOCKS.forEach(([to, stride], i) => {
  const [depth, point] = [`depth${i}`, `point${i}`];
  convolution(depth, last, { from: channels, to: channels, side: 3, stride, groups: channels });
  channels = convolution(point, depth, { from: channels, to, side: 1, stride: 1 });
  last = point;
});
nodes.push(node('GlobalAveragePool', [last], 'pooled'), node('Flatten', ['pooled'], 'features'));
weights.push(tensor('classes', [CLASSES, channels], filters(CLASSES, channels, { centred: true })));
weights.push(tensor('bias', [CLASSES], new Float32Array(CLASSES)));
nodes.push(node('Gemm', ['features', 'classes', 'bias'], 'logits', { transB: 1 }));

const file = process.argv[2] ?? 'model.onnx';
const input = value('image', [1, 3, SIDE, SIDE]);
const output = value('logits', [1, CLASSES]);
writeFileSync(file, model({ name: 'small-classifier', nodes, weights, input, output }));
console.log(`${file}: random weights, [1, 3, ${SIDE}, ${SIDE}] -> [1, ${CLASSES}]`);

/** A convolution and ReLU; answers how many channels come out. */
function convolution(name, input, { from, to, side, stride, groups = 1 }) {
  const depth = from / groups;
  const border = (side - 1) / 2;
  // What ReLU lets through has a mean. Where filters mix channels they sum to zero, else it would drown the image.
  const values = filters(to, depth * side * side, { centred: side === 1 });
  weights.push(tensor(`${name}.weights`, [to, depth, side, side], values));
  nodes.push(
    node('Conv', [input, `${name}.weights`], `${name}.sums`, {
      group: groups,
      kernel_shape: [side, side],
      pads: [border, border, border, border],
      strides: [stride, stride],
    }),
    node('Relu', [`${name}.sums`], name),
  );
  return to;
}

/** `count` filters of `size` weights each, of the variance that keeps that of what passes. */
function filters(count, size, { centred = false } = {}) {
  const all = new Float32Array(count * size);
  const reach = Math.sqrt(6 / size);
  for (let filter = 0; filter < count; filter++) {
    const one = Array.from({ length: size }, () => (random() * 2 - 1) * reach);
    const mean = centred ? one.reduce((sum, weight) => sum + weight, 0) / size : 0;
    one.forEach((weight, i) => {
      all[filter * size + i] = weight - mean;
    });
  }
  return all;
}
