/** Draws docs/pictures/serialization-orders.svg from what Serialization.plan really does; run as a program it writes the file. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Pipeline, Serialization } from '../lib/index.js';

const WIDTH = 6;
const HEIGHT = 4;
const CELL = 34;
const CHOICES = [
  { order: 'row-major' },
  { order: 'tile-major' },
  { order: 'tile-major', skipUnread: true },
] as const;

export function ordersPicture(): string {
  const pipeline = Pipeline.compile({
    input: { kind: 'image', width: WIDTH, height: HEIGHT, format: 'gray' },
    stages: [{ stage: 'resize', width: 2, height: 2, profile: 'exact4' }],
  });
  const image = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => pixel);
  const read = new Set(
    Serialization.plan(pipeline, { order: 'tile-major', skipUnread: true }).serialize(image),
  );
  const grids = CHOICES.map((choice, i) => {
    const sent = [...Serialization.plan(pipeline, choice).serialize(image)];
    const name = 'skipUnread' in choice ? `${choice.order}, skipUnread` : choice.order;
    return grid(20 + i * (WIDTH * CELL + 30), name, sent, read);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 724 222" role="img" aria-labelledby="title desc">
<title id="title">The same image in three serialization orders</title>
<desc id="desc">Three grids of six by four pixels, each pixel with its place in the sample. Row-major counts along the rows. Tile-major counts along the four tiles that make an output pixel each. With skipUnread only the two pixels of each tile that are read are sent.</desc>
<style>
svg { --ink: #1f2328; --soft: #59636e; --line: #8b949e; --read: #b6e3ff; --tile: #0969da; font: 14px system-ui, sans-serif }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --soft: #9198a1; --line: #656c76; --read: #0c4a8a; --tile: #4493f8 } }
text { fill: var(--ink) } .soft { fill: var(--soft); font-size: 12px } .n text { text-anchor: middle }
rect { fill: none; stroke: var(--line) } .read { fill: var(--read) } .tile { stroke: var(--tile); stroke-width: 3 }
</style>
${grids.join('\n')}
<text class="soft" x="20" y="212">Filled: pixels that the resize to 2 x 2 reads. Thick frames: the tile of each output pixel. Numbers: place in the sample.</text>
</svg>
`;
}

function grid(left: number, name: string, sent: readonly number[], read: ReadonlySet<number>): string {
  const cells = Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => {
    const x = left + (pixel % WIDTH) * CELL;
    const y = 40 + Math.floor(pixel / WIDTH) * CELL;
    const place = sent.indexOf(pixel);
    const box = `<rect${read.has(pixel) ? ' class="read"' : ''} x="${x}" y="${y}" width="${CELL}" height="${CELL}"/>`;
    return place < 0 ? box : `${box}<text x="${x + CELL / 2}" y="${y + 22}">${place}</text>`;
  });
  const tiles = [0, 1, 2, 3].map((tile) => {
    const [width, height] = [(WIDTH / 2) * CELL, (HEIGHT / 2) * CELL];
    return `<rect class="tile" x="${left + (tile % 2) * width}" y="${40 + Math.floor(tile / 2) * height}" width="${width}" height="${height}"/>`;
  });
  return `<text x="${left}" y="26">${name}</text>\n<g class="n">${cells.join('')}</g>\n${tiles.join('')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync('docs/pictures/serialization-orders.svg', ordersPicture());
