// The example inference service, as somebody has it who copied it: both variants on a real photograph, and what comes from people.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type Sharp from 'sharp';
import { prepareService } from '../../bench/suites/service-folder.js';
import { PATIENCE_MS } from '../support/plane.js';

interface Image {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}
interface Result {
  readonly requestId: string;
  readonly top: number;
  /** float32 in base64. */
  readonly logits: string;
}
interface Client {
  send(image: Image): Promise<Result>;
  close(): Promise<void>;
}
interface Place {
  readonly address: string;
  readonly port: number;
}
interface Results {
  readonly port: number;
  close(): void;
}
interface Example {
  readonly Results: { open(place: Place): Promise<Results> };
  readonly TcpClient: new (to: Place, results: Results) => Client;
  readonly RtpClient: new (to: Place, results: Results) => Client;
}

const LOOPBACK = '127.0.0.1';
const photograph = readFileSync('test/data/astronaut.png');
const page = readFileSync('docs/service.md', 'utf8');
/** Parts of it, and the whole: left, top, width, height. */
const PARTS = [
  [0, 0, 512, 512],
  [0, 0, 256, 256],
  [200, 100, 300, 240],
  [100, 0, 224, 224],
] as const;
/** The logits of two resizers may be this part of their range apart. */
const MOST_APART = 0.01;

let folder: string;
let example: Example;
let sharp: typeof Sharp;
let results: Results;
let images: Image[];
const started: ChildProcess[] = [];

before(async () => {
  folder = prepareService();
  example = (await import(pathToFileURL(join(folder, 'client.js')).href)) as Example;
  sharp = createRequire(join(folder, 'client.js'))('sharp') as typeof Sharp;
  results = await example.Results.open({ address: LOOPBACK, port: 0 });
  images = await Promise.all(
    PARTS.map(async ([left, top, width, height]) => {
      const part = sharp(photograph).removeAlpha().extract({ left, top, width, height });
      return { bytes: await part.raw().toBuffer(), width, height };
    }),
  );
});
after(() => {
  for (const child of started) child.kill('SIGKILL');
  results?.close();
});

type Running = Place & { readonly child: ChildProcess };

/** A running service: where it takes images, and its process. */
function start(...args: string[]): Promise<Running> {
  return startProgram('service.js', ...args);
}

async function startProgram(program: string, ...args: string[]): Promise<Running> {
  const common = ['--listen', `${LOOPBACK}:0`, '--results', `${LOOPBACK}:${results.port}`, '--logits'];
  const child = spawn(process.execPath, [program, ...common, ...args], { cwd: folder });
  started.push(child);
  for await (const line of createInterface(child.stdout)) {
    const [word, address, port] = line.split(' ');
    if (word === 'ready') return { child, address: address!, port: Number(port) };
  }
  return assert.fail('the service ended before it was ready');
}

/** The code that it ends with when it is told to. */
async function end(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** The results of images, one after the other. */
async function resultsOf(client: Client, sent: readonly Image[] = images): Promise<Result[]> {
  const found: Result[] = [];
  for (const image of sent) found.push(await client.send(image));
  return found;
}

/** What two results of the same bits have in common, short enough to be printed. */
function digests(found: readonly Result[]): string[] {
  return found.map(({ top, logits }) => `${top} ${sha256(logits)}`);
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('the models have the same bytes everywhere', () => {
  const hashes = ['model.onnx', 'prompts.onnx'].map((name) => sha256(readFileSync(join(folder, name))));
  assert.deepEqual(hashes, [
    'cb7bcab7f8ade49606531afbe2f27bc40b769d26c34eb3fe4911905a7afedabb',
    'f58c576aa97e88c9cb7942228f25c07b39d3cecad16d645f6bc8fa0e56a969c4',
  ]);
});

test('behind onpath and with the same pipeline inside, every logit has the same bits', {
  timeout: PATIENCE_MS,
}, async () => {
  const behind = await start('onpath');
  const inside = await start('inside', '--prepare', 'onpath');
  const rtp = new example.RtpClient(behind, results);
  const tcp = new example.TcpClient(inside, results);
  const expected = digests(await resultsOf(tcp));
  assert.deepEqual(digests(await resultsOf(rtp)), expected);
  // Different images, or equality would say little.
  assert.equal(new Set(expected).size, PARTS.length);

  const files = await Promise.all(
    images.map(async ({ bytes, width, height }) => ({
      bytes: await sharp(bytes, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer(),
      width: 0,
      height: 0,
    })),
  );
  assert.deepEqual(digests(await resultsOf(tcp, files)), expected);

  // All at once: every result belongs to its request.
  assert.deepEqual(digests(await Promise.all(images.map((image) => rtp.send(image)))), expected);
  assert.deepEqual(digests(await Promise.all(images.map((image) => tcp.send(image)))), expected);
  await rtp.close();
  await tcp.close();
  assert.equal(await end(behind.child), 0);
  assert.equal(await end(inside.child), 0);
});

test('with sharp inside, logits differ by what the resizers differ', { timeout: PATIENCE_MS }, async () => {
  const ours = await start('inside', '--prepare', 'onpath');
  const theirs = await start('inside', '--prepare', 'sharp');
  const clients = [ours, theirs].map((service) => new example.TcpClient(service, results));
  const [expected, found] = await Promise.all(clients.map((client) => resultsOf(client)));
  for (const [i, { logits }] of expected!.entries()) {
    const [a, b] = [floats(logits), floats(found![i]!.logits)];
    const range = Math.max(...a) - Math.min(...a);
    const apart = Math.max(...a.map((value, at) => Math.abs(value - b[at]!)));
    assert.ok(apart <= MOST_APART * range, `part ${i}: ${apart} apart of ${range}`);
  }
  // An image that is 224x224 already is not resized: only the arithmetic of normalizing is left.
  assert.equal(found![3]!.top, expected![3]!.top);
  await Promise.all(clients.map((client) => client.close()));
  assert.equal(await end(ours.child), 0);
  assert.equal(await end(theirs.child), 0);
});

test('prompts have the same tokens and logits behind onpath, with gpt-tokenizer and with Tokenizer.encode', {
  timeout: PATIENCE_MS,
}, async () => {
  const services = await Promise.all([
    startProgram('prompts.js', 'onpath'),
    startProgram('prompts.js', 'inside'),
    startProgram('prompts.js', 'inside', '--tokenizer', 'onpath'),
  ]);
  const [rtp, ...tcp] = services.map(
    (service, i) => new example[i === 0 ? 'RtpClient' : 'TcpClient'](service, results),
  );
  const prompts = ['?', 'What is a lookup table? <|endoftext|>', 'é😀 中文 \n\t', page.repeat(20)].map(
    (text) => ({ bytes: Buffer.from(text), width: 0, height: 0 }),
  );
  const expected = await resultsOf(rtp!, prompts);
  assert.equal(new Set(expected.map(({ logits }) => logits)).size, prompts.length);
  for (const client of tcp)
    assert.deepEqual(withoutIds(await resultsOf(client, prompts)), withoutIds(expected));
  for (const client of [rtp!, ...tcp]) await client.close();
  for (const { child } of services) assert.equal(await end(child), 0);
});

const withoutIds = (found: readonly Result[]) => found.map(({ requestId: _, ...result }) => result);

function floats(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

test('a connection that breaks the protocol is ended with a sentence, and the service goes on', {
  timeout: PATIENCE_MS,
}, async () => {
  const service = await start('inside', '--largest', '512x512');
  const complaints = createInterface(service.child.stderr!)[Symbol.asyncIterator]();
  const header = (width: number, height: number, bytes: number) => {
    const buffer = Buffer.alloc(20);
    for (const [i, value] of [width, height, bytes].entries()) buffer.writeUInt32BE(value, 8 + 4 * i);
    return buffer;
  };
  for (const [sent, complaint] of [
    [
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      /a request of \d+ bytes; 1 to 786432 are taken/,
    ],
    [header(0, 0, 0), /a request of 0 bytes/],
    [header(512, 512, 100), /100 bytes for 512x512 rgb/],
    [header(1000, 10, 30000), /30000 bytes for 1000x10 rgb, at most 512x512/],
    [Buffer.concat([header(0, 0, 4), Buffer.from('JPEG')]), /unsupported image format/],
  ] as const) {
    const socket = connect(service.port, service.address);
    socket.write(sent);
    socket.resume();
    await once(socket, 'close');
    assert.match((await complaints.next()).value as string, complaint);
  }
  const half = connect(service.port, service.address);
  half.write(header(512, 512, 512 * 512 * 3).subarray(0, 10));
  const client = new example.TcpClient(service, results);
  assert.equal(typeof (await client.send(images[0]!)).top, 'number');
  // It ends although connections are open.
  assert.equal(await end(service.child), 0);
  half.destroy();
  await client.close();
});

test('each mistake on the command line gets one sentence', () => {
  for (const [args, sentence, code] of [
    [[], /Say which variant: inside or onpath\. Received ""/, 2],
    [['beside'], /Received "beside"/, 2],
    [['inside', '--prepare', 'constructor'], /--prepare takes sharp or onpath, received "constructor"/, 2],
    [['inside', '--listen', 'here'], /--listen takes ADDRESS:PORT, .* received "here"/, 2],
    [['inside', '--results', '127.0.0.1:70000'], /--results takes ADDRESS:PORT/, 2],
    [['inside', '--largest', '0x5'], /--largest takes WIDTHxHEIGHT/, 2],
    [['onpath', '--port', '{'], /--port takes the JSON of a port/, 2],
    [['onpath', '--port', '{"type":"udp","port":-1}'], /port/, 1],
    [['onpath', '--port', 'null'], /ports\[0\]\.type/, 1],
    [['onpath', '--sources', 'nobody', '--listen', `${LOOPBACK}:0`], /sources/, 1],
    [['inside', '--model', 'none.onnx'], /none\.onnx/, 1],
    [['inside', '--nothing'], /nothing/, 2],
  ] as const)
    assertSentence('service.js', args, sentence, code);
  for (const [args, sentence, code] of [
    [[], /Say which variant: inside or onpath\. Received ""/, 2],
    [['inside', '--tokenizer', 'none'], /--tokenizer takes gpt-tokenizer or onpath, received "none"/, 2],
    [['onpath', '--vocabulary', 'none.tiktoken', '--listen', `${LOOPBACK}:0`], /none\.tiktoken/, 1],
    [['inside', '--model', 'model.onnx'], /data type/, 1],
  ] as const)
    assertSentence('prompts.js', args, sentence, code);
});

function assertSentence(program: string, args: readonly string[], sentence: RegExp, code: number): void {
  const run = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' });
  assert.equal(run.status, code, `${program} ${args.join(' ')}: ${run.stderr}`);
  assert.match(run.stderr, sentence);
  assert.doesNotMatch(run.stderr, /\n {4}at /);
}

test('the client prints what the service says of a file', { timeout: PATIENCE_MS }, async () => {
  const file = join(folder, 'photograph.png');
  writeFileSync(file, photograph);
  const printed: string[] = [];
  for (const [variant, ...more] of [['onpath'], ['inside', '--prepare', 'onpath']] as const) {
    // The client opens its own socket for results, so this service is told of another one.
    const spare = await example.Results.open({ address: LOOPBACK, port: 0 });
    const { port } = spare;
    spare.close();
    const service = await start(variant, ...more, '--results', `${LOOPBACK}:${port}`);
    const to = ['--to', `${service.address}:${service.port}`, '--results', `${LOOPBACK}:${port}`];
    const run = spawnSync(process.execPath, ['client.js', variant, file, ...to], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stderr);
    printed.push(run.stdout);
    assert.equal(await end(service.child), 0);
  }
  assert.match(printed[0]!, /photograph\.png \{"top":\d+,/);
  assert.equal(printed[0], printed[1]);
});

test('what the page says to type prints classes', { timeout: PATIENCE_MS }, async () => {
  const blocks = [...page.matchAll(/```sh (?:example|prompts)\n([\s\S]*?)```/g)].map(([, block]) => block!);
  assert.equal(blocks.length, 2);
  await sharp(photograph).jpeg().toFile(join(folder, 'photograph.jpg'));
  // It uses fixed UDP ports: in a network of its own where that can be had, nobody else has them.
  const apart = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
  const shell = ['bash', '-ec', `${apart ? 'ip link set lo up\n' : ''}${blocks.join('wait\n')}wait\n`];
  const [command, ...args] = apart ? ['unshare', '--net', ...shell] : shell;
  const run = spawnSync(command!, args, { cwd: folder, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /^photograph\.jpg \{"top":\d+\}$/m);
  assert.match(run.stdout, /^ended after 1 images$/m);
  assert.match(run.stdout, /^prompt\.txt \{"top":\d+,"tokens":\d+\}$/m);
  assert.match(run.stdout, /^ended after 1 prompts$/m);
});
