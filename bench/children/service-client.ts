/**
 * Sends photographs to example services, from a process of its own.
 * usage: service-client.js WIDTH HEIGHT FOLDER. Says `ready` and where it takes results as JSON, then reads lines:
 *   connect NAME VARIANT ADDRESS PORT PAYLOAD   to a service: inside or onpath; raw or jpeg. Answers `connected`
 *   saturate NAME MS                            two images under way all the time. Answers `saturated SECONDS ARRIVED LOST`
 *   pace NAME RATE MS                           so many images a second. Answers `paced P50 P99 ARRIVED LOST`, in milliseconds
 */
import { readFileSync } from 'node:fs';
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
  /** 0: a file. */
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

const LOOPBACK = '127.0.0.1';
const JPEG_QUALITY = 90;
/** One that is worked on, one that is coming. */
const UNDER_WAY = 2;

const [, , width, height, folder] = process.argv as [string, string, string, string, string];
const size = { width: Number(width), height: Number(height) };
const example = (await import(pathToFileURL(join(folder, 'client.js')).href)) as Example;
const sharp = createRequire(join(folder, 'client.js'))('sharp') as typeof Sharp;
const results = await example.Results.open({ address: LOOPBACK, port: 0 });
const images = await photographs();
const clients = new Map<string, { client: Client; images: readonly Image[] }>();
let turn = 0;

console.log(`ready ${JSON.stringify({ results: `${LOOPBACK}:${results.port}` })}`);
for await (const line of createInterface(process.stdin)) {
  const [command, name, ...rest] = line.split(' ') as [string, string, ...string[]];
  console.log(await answer(command, name, rest));
}
process.exit(0);

async function answer(command: string, name: string, rest: readonly string[]): Promise<string> {
  if (command === 'connect') {
    const [variant, address, port, payload] = rest as [string, string, string, 'raw' | 'jpeg'];
    const kind = variant === 'inside' ? example.TcpClient : example.RtpClient;
    const client = new kind({ address, port: Number(port) }, results);
    clients.set(name, { client, images: images[payload] });
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
async function photographs(): Promise<Record<'raw' | 'jpeg', Image[]>> {
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
