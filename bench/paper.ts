/** `npm run paper`: what the image sections of the paper say, beside what is measured here on compiled pipelines (docs/paper.md). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pipeline, Serialization, type StepExplanation } from '../lib/index.js';
import { packageFolder } from './peer-table.js';
import { sharpPeer } from './sharp-peer.js';
import { IMAGE, IMAGE_BYTES, MEAN, SIDE, STD } from './work.js';

/** Bits of an entry of the naive table, and bytes of one transfer between a NIC's memories, as the paper counts. */
const ENTRY_BITS = 34;
const TRANSFER_BYTES = 32;
const PAYLOAD_BYTES = 1400;
const MOST_FREQUENT = 10;

interface Row {
  readonly claim: string;
  readonly paper: string;
  readonly ours: string;
}

const count = (n: number) => n.toLocaleString('en-US');
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

async function rows(): Promise<Row[]> {
  const exact4 = compiled('exact4');
  const pillow = compiled('pillow');
  return [
    ...tables(exact4, pillow),
    ...windows(exact4, pillow),
    ...orders(exact4, pillow),
    ...(await frequencies()),
  ];
}

function compiled(profile: 'exact4' | 'pillow'): Pipeline {
  return Pipeline.compile({
    input: { kind: 'image', ...IMAGE },
    stages: [
      { stage: 'resize', width: SIDE, height: SIDE, profile },
      { stage: 'normalize', mean: MEAN, std: STD },
    ],
    output: { dtype: 'float32', layout: 'chw' },
  });
}

function tables(exact4: Pipeline, pillow: Pipeline): Row[] {
  const [resize, place] = exact4.explain().steps as [StepExplanation, StepExplanation];
  const [antialiased] = pillow.explain().steps as [StepExplanation];
  const naiveBytes = (resize.naiveTableEntries * ENTRY_BITS) / 8;
  return [
    {
      claim: 'Normalizing is a table of 256 entries for each channel',
      paper: '256 entries a channel',
      ours: `${count(place.tableEntries)} entries, ${count(place.tableBytes)} bytes (${place.tables})`,
    },
    {
      claim: 'A table of all products of a four-term bilinear resize is too large',
      paper: '51 million entries, 216 MB',
      ours: `${count(resize.naiveTableEntries)} entries; at ${ENTRY_BITS} bits ${(naiveBytes / 1e6).toFixed(1)} MB`,
    },
    {
      claim: 'What is left of it once equal entries are stored once',
      paper: '-',
      ours: `${resize.tables}; ${count(resize.tableBytes)} bytes`,
    },
    {
      claim: 'The same for the antialiased resize that models are trained with',
      paper: '-',
      ours: `${antialiased.tables}; ${count(antialiased.tableEntries)} weights, ${count(antialiased.tableBytes)} bytes`,
    },
  ];
}

function windows(exact4: Pipeline, pillow: Pipeline): Row[] {
  const rowBytes = IMAGE_BYTES / IMAGE.height;
  const held = (pipeline: Pipeline) => {
    const bytes = pipeline.explain().steps.reduce((sum, step) => sum + step.windowBytes, 0);
    return `${count(bytes)} bytes: the row that arrives (${count(rowBytes)}) and rows already reduced to ${SIDE} pixels (${count(bytes - rowBytes)})`;
  };
  return [
    {
      claim: 'Row by row, a resize waits for one row',
      paper: `3,840 bytes, 120 transfers of ${TRANSFER_BYTES}`,
      ours: `${count(rowBytes)} bytes a row, ${rowBytes / TRANSFER_BYTES} transfers of ${TRANSFER_BYTES}`,
    },
    { claim: 'What is held back at most, four-term bilinear (exact4)', paper: '-', ours: held(exact4) },
    { claim: 'What is held back at most, antialiased (pillow)', paper: '-', ours: held(pillow) },
  ];
}

function orders(exact4: Pipeline, pillow: Pipeline): Row[] {
  const tiles = Serialization.plan(exact4, { order: 'tile-major', skipUnread: true });
  const lines = Serialization.plan(exact4, 'row-major');
  const sent = ({ bytes, bytesSaved }: { bytes: number; bytesSaved: number }) =>
    `${count(bytes / 3)} of ${count((bytes + bytesSaved) / 3)} pixels are sent (${percent(bytes / (bytes + bytesSaved))})`;
  const first = (order: typeof tiles) => order.packetsToFirstOutput(PAYLOAD_BYTES);
  return [
    {
      claim: 'Tile by tile, an output needs no wait (exact4)',
      paper: 'no window',
      ours: `window ${count(tiles.windowBytes)} bytes; first output after ${first(tiles)} packet(s) of ${count(PAYLOAD_BYTES)} bytes, row-major after ${first(lines)}`,
    },
    {
      claim: 'Pixels that no output reads need not be sent (exact4)',
      paper: 'skipped pixels',
      ours: sent(tiles),
    },
    {
      claim: 'The same, antialiased (pillow)',
      paper: '-',
      ours: sent(Serialization.plan(pillow, { order: 'tile-major', skipUnread: true })),
    },
  ];
}

/** How much of a photograph the most frequent byte values make up. */
async function frequencies(): Promise<Row[]> {
  const claim = `The ${MOST_FREQUENT} most frequent values cover much of an image (test/data/astronaut.png)`;
  const paper = 'about 20 % of pixels';
  const sharp = sharpPeer();
  if (sharp === null) return [{ claim, paper, ours: 'not measured: sharp is not installed' }];
  const rgb = await sharp.decode(readFileSync(join(packageFolder, 'test', 'data', 'astronaut.png')));
  const share = (bytes: readonly number[]) => {
    const times = new Uint32Array(256);
    for (const byte of bytes) times[byte]!++;
    const most = times.sort().slice(-MOST_FREQUENT);
    return percent(most.reduce((sum, n) => sum + n, 0) / bytes.length);
  };
  const channels = [0, 1, 2].map((channel) => share([...rgb].filter((_, i) => i % 3 === channel)));
  return [
    { claim, paper, ours: `${share([...rgb])} of bytes; red, green, blue alone: ${channels.join(', ')}` },
  ];
}

function markdown(list: readonly Row[]): string {
  const lines = list.map(({ claim, paper, ours }) => `| ${claim} | ${paper} | ${ours} |`);
  return ['| claim | paper | here |', '| --- | --- | --- |', ...lines].join('\n');
}

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const table = markdown(await rows());
console.log(table);
if (values.write) {
  const page = join(packageFolder, 'docs', 'paper.md');
  const marked = /(<!-- npm run paper -->\n)[\s\S]*?(\n<!-- end -->)/;
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(marked, (_, begin: string, end: string) => begin + table + end),
  );
}
