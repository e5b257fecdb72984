/**
 * Writes a model that sorts prompts: node make-text-model.js prompts.onnx
 * A row of an embedding table for each token, their mean, and two layers behind it: what the cheapest classifiers and routers of prompts do.
 * The weights are RANDOM, and what it answers means nothing. Same bytes on every machine.
 * In its place goes any model that takes ids of tokens, int32 [tokens], and gives [1, classes].
 */
import { writeFileSync } from 'node:fs';
import { INT32, model, node, randomFrom, tensor, value } from './onnx.js';

/** Ids of cl100k_base, special ones included. */
const VOCABULARY = 100_277;
const WIDTH = 64;
const CLASSES = 16;

const random = randomFrom(20250223);
const weights = [
  tensor('table', [VOCABULARY, WIDTH], layer(VOCABULARY, WIDTH)),
  tensor('hidden.weights', [WIDTH, WIDTH], layer(WIDTH, WIDTH)),
  tensor('hidden.bias', [WIDTH], new Float32Array(WIDTH)),
  tensor('classes', [CLASSES, WIDTH], layer(CLASSES, WIDTH)),
  tensor('bias', [CLASSES], new Float32Array(CLASSES)),
];
const nodes = [
  node('Gather', ['table', 'ids'], 'rows'),
  node('ReduceMean', ['rows'], 'mean', { axes: [0], keepdims: 1 }),
  node('Gemm', ['mean', 'hidden.weights', 'hidden.bias'], 'sums', { transB: 1 }),
  node('Relu', ['sums'], 'hidden'),
  node('Gemm', ['hidden', 'classes', 'bias'], 'logits', { transB: 1 }),
];
const file = process.argv[2] ?? 'prompts.onnx';
const input = value('ids', ['tokens'], INT32);
const output = value('logits', [1, CLASSES]);
writeFileSync(file, model({ name: 'prompt-classifier', nodes, weights, input, output }));
console.log(`${file}: random weights, ids [tokens] -> [1, ${CLASSES}]`);

/** The mean of many tokens is small, so rows of the table are taken large. */
function layer(rows, columns) {
  const reach = rows === VOCABULARY ? 10 : Math.sqrt(6 / columns);
  const all = new Float32Array(rows * columns);
  for (let i = 0; i < all.length; i++) all[i] = (random() * 2 - 1) * reach;
  return all;
}
