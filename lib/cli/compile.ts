/** `onpath compile`: a pipeline from a file, checked, explained, written as a plan. */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { OnpathError } from '../errors.js';
import { type AnyPipeline, compilePipeline } from '../files/pipeline-file.js';
import { SpecFile } from '../files/spec-file.js';
import { compareOrders, type OrderFacts } from '../order-facts.js';
import { Pipeline } from '../pipeline.js';
import { PipelineFamily } from '../pipeline-family.js';
import { bytes, columns, shapeText, Terminal } from './terminal.js';

interface Options {
  readonly explain?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

export function compileCommand(): Command {
  return new Command('compile')
    .description('compile a pipeline, say what it became, and compare serialization orders')
    .argument('<spec>', 'YAML or JSON: input, stages, output (docs/specification.md)')
    .option(
      '--explain',
      'print every step with its tables, state and kernels, and what each serialization order costs',
    )
    .option('--out <file>', 'write the plan (not of images of many sizes)')
    .addHelpText(
      'after',
      `
A stage's table is { file: gamma.npy } or { expression: 'x / 255', dtype: float32 }; a tokenizer is { file: tokenizer.json }.
Files are looked for beside the specification.

Examples:
  onpath compile resnet.yaml --explain
  onpath compile resnet.yaml --out resnet.plan`,
    )
    .action(async (path: string, options: Options) => {
      const pipeline = compilePipeline(SpecFile.read(path));
      if (options.out !== undefined) writeFileSync(options.out, planBytes(pipeline));
      await new Terminal(options).result(...described(path, pipeline, options));
    });
}

function planBytes(pipeline: AnyPipeline): Uint8Array {
  if (pipeline instanceof PipelineFamily) {
    throw new OnpathError(
      'UNSUPPORTED',
      'A pipeline for images of many sizes has a plan for each size, not one to write. Leave --out out.',
    );
  }
  return pipeline.toBytes();
}

function described(path: string, pipeline: AnyPipeline, { explain, out }: Options): [unknown, string] {
  const { hash } = pipeline;
  const written = out === undefined ? [] : [`${out}: the plan`];
  if (pipeline instanceof PipelineFamily) {
    const { input, outputs } = pipeline;
    return [
      { file: path, kind: 'family', hash, input, outputs },
      [
        `${path}: images up to ${input.maxWidth} x ${input.maxHeight} ${input.format}, ${shapes(outputs)}; pipeline ${hash.slice(0, 16)}`,
      ].join('\n'),
    ];
  }
  const explanation = pipeline.explain();
  if (!(pipeline instanceof Pipeline)) {
    return [
      { file: path, kind: 'text', hash, ...(explain ? { explanation } : {}) },
      [
        `${path}: texts; plan ${hash.slice(0, 16)}`,
        ...written,
        ...(explain ? ['', String(explanation)] : []),
      ].join('\n'),
    ];
  }
  const { input, outputs } = pipeline;
  const orders = explain ? compareOrders(pipeline) : undefined;
  const head = `${path}: ${input.width} x ${input.height} ${input.format} (${bytes(input.bytes)}), ${shapes(outputs)}; plan ${hash.slice(0, 16)}`;
  return [
    { file: path, kind: 'image', hash, input, outputs, ...(explain ? { explanation, orders } : {}) },
    [
      head,
      ...written,
      ...(orders === undefined ? [] : ['', String(explanation), '', orderTable(orders)]),
    ].join('\n'),
  ];
}

function shapes(outputs: readonly { name: string; dtype: string; shape: readonly number[] }[]): string {
  return outputs.map((output) => shapeText(output.name, output)).join(', ');
}

function orderTable(orders: readonly OrderFacts[]): string {
  return columns([
    ['serialization order', 'sample bytes', 'saved', 'window', 'packets to first output'],
    ...orders.map((one) => [
      `${one.order}${one.skipUnread ? ', skipUnread' : ''}`,
      ...(one.refused === undefined
        ? [one.sampleBytes, one.savedBytes, one.windowBytes, one.packetsToFirstOutput]
        : ['refused', '', '', '']),
    ]),
  ]);
}
