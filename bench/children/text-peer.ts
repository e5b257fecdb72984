/**
 * One tokenizer of suite `text` in a process of its own: ours or an npm peer.
 * usage: text-peer.js NAME VOCABULARY FOLDER. Says `ready` and its versions as JSON, then reads lines:
 *   whole CORPUS N       slice N in one call
 *   fresh CORPUS N       ours: by a tokenizer that was just loaded
 *   small CORPUS N       slice N in calls of 64 bytes
 *   bytes CORPUS N       ours: one call for the slice as bytes
 *   chunks CORPUS N      ours: the slice as bytes, in a stream, 1400 bytes at a time
 *   run NAME BYTES       a run of one sign
 *   load FORM            ours: json, compiled
 * It answers `ns NANOSECONDS` to each, and to the following in their own way:
 *   ids CORPUS N         sha256 HEX
 *   held CORPUS N        held AVERAGE P99 MOST: bytes that waited after each push of 64 bytes
 *   threads THREADS N    cpu SECONDS wall SECONDS: the first N slices of English, all at once
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { percentile } from '../statistics.js';
import { sliceFile } from '../text-slices.js';
import { openPeer, runOf, type TextPeer } from './text-tokenizers.js';

const [, , name, vocabulary, folder] = process.argv as [string, string, string, string, string];
const SMALL_BYTES = 64;
const CHUNK_BYTES = 1400;

const peer: TextPeer = await openPeer(name, vocabulary, folder);
console.log(`ready ${JSON.stringify(peer.about)}`);
for await (const line of createInterface(process.stdin)) {
  const [command, what, number] = line.split(' ') as [string, string, string];
  try {
    console.log(await answer(command, what, Number(number)));
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}

async function answer(command: string, what: string, number: number): Promise<string> {
  switch (command) {
    case 'whole': {
      const text = slice(what, number).toString();
      return timed(() => peer.encode(text));
    }
    case 'fresh': {
      const text = slice(what, number).toString();
      const fresh = await peer.ours!.fresh();
      return timed(() => fresh.encode(text));
    }
    case 'bytes': {
      const text = slice(what, number);
      return timed(() => peer.ours!.encodeBytes(text));
    }
    case 'small': {
      const texts = pieces(slice(what, number), SMALL_BYTES).map((piece) => piece.toString());
      return timed(async () => {
        for (const text of texts) {
          // One after the other, as by everybody: only those that answer later are waited for.
          const ids = peer.encode(text);
          if (ids instanceof Promise) await ids;
        }
      });
    }
    case 'chunks': {
      const chunks = pieces(slice(what, number), CHUNK_BYTES);
      const stream = peer.ours!.stream();
      return timed(() => {
        stream.begin();
        for (const chunk of chunks) stream.push(chunk);
        stream.end();
      });
    }
    case 'run': {
      const text = runOf(what, number);
      return timed(() => peer.encode(text));
    }
    case 'load':
      return timed(() => peer.ours!.load(what));
    case 'ids':
      return `sha256 ${sha256(await peer.encode(slice(what, number).toString()))}`;
    case 'held':
      return held(slice(what, number));
    case 'threads':
      return threads(Number(what), number);
    default:
      throw new Error(`unknown command ${command}`);
  }
}

function slice(corpus: string, index: number): Buffer {
  return readFileSync(sliceFile(folder, corpus, index));
}

async function timed(work: () => unknown): Promise<string> {
  const begin = process.hrtime.bigint();
  const result = work();
  if (result instanceof Promise) await result;
  return `ns ${process.hrtime.bigint() - begin}`;
}

/** Pieces of about so many bytes, whole characters each. */
function pieces(bytes: Buffer, size: number): Buffer[] {
  const list: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = Math.min(bytes.length, at + size);
    while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end++;
    list.push(bytes.subarray(at, end));
    at = end;
  }
  return list;
}

function sha256(ids: ArrayLike<number>): string {
  return createHash('sha256')
    .update(new Uint8Array(Uint32Array.from(ids).buffer))
    .digest('hex');
}

function held(bytes: Buffer): string {
  const stream = peer.ours!.stream();
  stream.begin();
  const waiting = pieces(bytes, SMALL_BYTES).map((piece) => {
    stream.push(piece);
    return stream.heldBytes;
  });
  stream.end();
  const average = waiting.reduce((sum, count) => sum + count, 0) / waiting.length;
  return `held ${average} ${percentile(waiting, 0.99)} ${Math.max(...waiting)}`;
}

async function threads(count: number, slices: number): Promise<string> {
  const texts = Array.from({ length: slices }, (_, i) => slice('english', i).toString());
  const before = process.cpuUsage();
  const begin = performance.now();
  await peer.ours!.encodeBatch(texts, count);
  const wall = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(before);
  return `cpu ${(user + system) / 1e6} wall ${wall}`;
}
