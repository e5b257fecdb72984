/**
 * Sends photographs or prompts to example services, from a process of its own.
 * usage: service-client.js ADDRESS FOLDER images WIDTH HEIGHT | prompts BYTES. Says `ready` and where at ADDRESS it takes results as JSON,
 * then reads lines:
 *   connect NAME VARIANT ADDRESS PORT PAYLOAD   to a service: inside or onpath; raw, jpeg or text. Answers `connected`
 *   saturate NAME MS                            two requests under way all the time. Answers `saturated SECONDS ARRIVED LOST`
 *   pace NAME RATE MS                           so many requests a second. Answers `paced P50 P99 ARRIVED LOST`, in milliseconds
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type Sharp from 'sharp';
import { packageFolder } from '../peer-table.js';
import { percentile } from '../statistics.js';

interface Image {
  readonly bytes: Uint8Array;
  /** 0: a file, or a text. */
  readonly width: number;
  readonly height: number;
}
interface Client {
  send(image: Image): Promise<unknown>;
}
interface Results {
  readonly port: number;
}
/** What the example's client.js exports, as far as it is used here. */
interface Example {
  readonly Results: { open(place: { address: string; port: number }): Promise<Results> };
  readonly TcpClient: new (to: { address: string; port: number }, results: Results) => Client;
  readonly RtpClient: new (to: { address: string; port: number }, results: Results) => Client;
}

type Payload = 'raw' | 'jpeg' | 'text';
const JPEG_QUALITY = 90;
/** One that is worked on, one that is coming. */
const UNDER_WAY = 2;

const [, , address, folder, kind, ...sizes] = process.argv as [string, string, string, string, string];
const example = (await import(pathToFileURL(join(folder, 'client.js')).href)) as Example;
const sharp = createRequire(join(folder, 'client.js'))('sharp') as typeof Sharp;
const results = await example.Results.open({ address, port: 0 });
const [first, second] = sizes.map(Number) as [number, number];
const images: Partial<Record<Payload, readonly Image[]>> =
  kind === 'images' ? await photographs({ width: first, height: second }) : { text: prompts(first) };
const clients = new Map<string, { client: Client; images: readonly Image[] }>();
let turn = 0;

console.log(`ready ${JSON.stringify({ results: `${address}:${results.port}` })}`);
for await (const line of createInterface(process.stdin)) {
  const [command, name, ...rest] = line.split(' ') as [string, string, ...string[]];
  console.log(await answer(command, name, rest));
}
process.exit(0);

async function answer(command: string, name: string, rest: readonly string[]): Promise<string> {
  if (command === 'connect') {
    const [variant, address, port, payload] = rest as [string, string, string, Payload];
    const Client = variant === 'inside' ? example.TcpClient : example.RtpClient;
    const client = new Client({ address, port: Number(port) }, results);
    clients.set(name, { client, images: images[payload]! });
    return 'connected';
  }
  const numbers = rest.map(Number) as [number, number];
  return command === 'saturate' ? saturate(name, numbers[0]) : pace(name, ...numbers);
}

async function saturate(name: string, ms: number): Promise<string> {
  const tally = { arrived: 0, lost: 0 };
  const start = performance.now();
  const lane = async () => {
    while (performance.now() - start < ms) await sendOne(name, tally);
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, lane));
  return `saturated ${(performance.now() - start) / 1000} ${tally.arrived} ${tally.lost}`;
}

async function pace(name: string, rate: number, ms: number): Promise<string> {
  const tally = { arrived: 0, lost: 0 };
  const took: number[] = [];
  const start = performance.now();
  const sending: Promise<void>[] = [];
  for (let i = 0; i < (rate * ms) / 1000; i++) {
    await sleep(Math.max(0, start + (i * 1000) / rate - performance.now()));
    const sent = performance.now();
    sending.push(
      sendOne(name, tally).then((arrived) => {
        if (arrived) took.push(performance.now() - sent);
      }),
    );
  }
  await Promise.all(sending);
  return `paced ${percentile(took, 0.5)} ${percentile(took, 0.99)} ${tally.arrived} ${tally.lost}`;
}

async function sendOne(name: string, tally: { arrived: number; lost: number }): Promise<boolean> {
  const { client, images } = clients.get(name)!;
  const arrived = await client.send(images[turn++ % images.length]!).then(
    () => true,
    () => false,
  );
  tally[arrived ? 'arrived' : 'lost']++;
  return arrived;
}

/** A photograph in this size, four ways round, as pixels and as JPEG. */
async function photographs(size: {
  width: number;
  height: number;
}): Promise<Record<'raw' | 'jpeg', Image[]>> {
  const file = readFileSync(join(packageFolder, 'test', 'data', 'astronaut.png'));
  const found: Record<'raw' | 'jpeg', Image[]> = { raw: [], jpeg: [] };
  for (const [flip, flop] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    const image = sharp(file).removeAlpha().resize(size.width, size.height, { fit: 'cover' });
    image.flip(flip).flop(flop);
    found.raw.push({ bytes: await image.clone().raw().toBuffer(), ...size });
    const jpeg = await image.clone().jpeg({ quality: JPEG_QUALITY }).toBuffer();
    found.jpeg.push({ bytes: jpeg, width: 0, height: 0 });
  }
  return found;
}

/** Parts of this repository's pages, so many bytes each but for a character that would be cut. */
function prompts(bytes: number): Image[] {
  const pages = join(packageFolder, 'docs');
  const names = readdirSync(pages).filter((name) => name.endsWith('.md'));
  const text = Buffer.concat(names.toSorted().map((name) => readFileSync(join(pages, name))));
  const isInside = (at: number) => (text[at]! & 0xc0) === 0x80;
  const found: Image[] = [];
  for (let from = 0; from + bytes < text.length; from += bytes) {
    let [begin, end] = [from, from + bytes];
    while (isInside(begin)) begin++;
    while (isInside(end)) end--;
    found.push({ bytes: text.subarray(begin, end), width: 0, height: 0 });
  }
  return found;
}
