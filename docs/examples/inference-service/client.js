/** Sends images to either variant and takes the results: node client.js --help */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';
import { Sender } from 'onpath';
import { options, place, run, Usage } from './arguments.js';
import { HEADER_BYTES } from './inside.js';
import { decode } from './preprocess.js';

const LOST_AFTER_MS = 5000;

/** Where results come: a datagram for each. */
export class Results {
  #socket;
  #nextRequest = 1n;
  #expected = new Map();

  static async open({ address, port }) {
    const results = new Results();
    results.#socket = createSocket(address.includes(':') ? 'udp6' : 'udp4', (datagram) =>
      results.#take(datagram),
    );
    results.#socket.bind(port, address);
    await once(results.#socket, 'listening');
    return results;
  }
  get port() {
    return this.#socket.address().port;
  }

  /** Of a request that is about to be sent: its id, and its result, which rejects when it does not come. */
  expect() {
    const requestId = this.#nextRequest++;
    const result = new Promise((resolve, reject) => {
      const id = String(requestId);
      const timer = setTimeout(() => {
        this.#expected.delete(id);
        const patience = `within ${LOST_AFTER_MS / 1000} s`;
        reject(
          new Error(`no result ${patience}. Does the service run, and are its --results this client's?`),
        );
      }, LOST_AFTER_MS);
      this.#expected.set(id, (result) => {
        clearTimeout(timer);
        this.#expected.delete(id);
        resolve(result);
      });
    });
    return { requestId, result };
  }

  #take(datagram) {
    let result;
    try {
      result = JSON.parse(datagram.toString());
    } catch {
      return; // not from the service
    }
    this.#expected.get(result?.requestId)?.(result);
  }
  close() {
    this.#socket.close();
  }
}

/** To variant `inside`: a connection for each request under way. */
export class TcpClient {
  #to;
  #results;
  #idle = [];

  constructor(to, results) {
    this.#to = to;
    this.#results = results;
  }

  /** @param {import('./preprocess.js').Image} image pixels, or a file */
  async send({ bytes, width, height }) {
    const socket = this.#idle.pop() ?? (await this.#connect());
    const { requestId, result } = this.#results.expect();
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeBigUInt64BE(requestId, 0);
    [width, height, bytes.length].forEach((value, i) => {
      header.writeUInt32BE(value, 8 + 4 * i);
    });
    socket.cork();
    socket.write(header);
    socket.write(bytes);
    socket.uncork();
    let onClose;
    const closed = new Promise((_, reject) => {
      onClose = () => reject(new Error('the service ended the connection; what it says may tell why'));
      socket.once('close', onClose);
    });
    result.catch(() => {}); // it comes too late then
    const answer = await Promise.race([result, closed]);
    socket.off('close', onClose);
    this.#idle.push(socket);
    return answer;
  }

  async #connect() {
    const socket = connect({ host: this.#to.address, port: this.#to.port, noDelay: true });
    await once(socket, 'connect');
    socket.on('error', () => {}); // 'close' comes too
    return socket;
  }
  async close() {
    for (const socket of this.#idle) socket.destroy();
  }
}

/** To variant `onpath`: a stream of packets for each size of image, and one for texts. */
export class RtpClient {
  #to;
  #results;
  #settings;
  #senders = new Map();

  /** @param {object} settings of the sender: bitsPerSecond, maxPayloadBytes, ... */
  constructor({ address, port }, results, settings = {}) {
    this.#to = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    this.#results = results;
    this.#settings = settings;
  }

  /** @param {import('./preprocess.js').Image} image pixels; without a size, a text */
  async send({ bytes, width, height }) {
    const size = `${width}x${height}`;
    let sender = this.#senders.get(size);
    if (sender === undefined) {
      const what = width > 0 ? { width, height, format: 'rgb', sendDims: true } : { text: true };
      sender = Sender.open({ to: this.#to, ...what, ...this.#settings });
      this.#senders.set(size, sender);
    }
    const opened = await sender;
    const { requestId, result } = this.#results.expect();
    const [answer] = await Promise.all([result, opened.send(bytes, { requestId })]);
    return answer;
  }
  async close() {
    for (const sender of this.#senders.values()) await (await sender).close();
  }
}

const help = `usage: node client.js inside|onpath FILE... [options]

Sends photographs (JPEG, PNG, WebP) to a service and prints what it says. They are decoded here, so that pixels travel.
With --text, files of text to the service for prompts.

  --to ADDRESS:PORT       the service (127.0.0.1:5004)
  --results ADDRESS:PORT  where its results come (127.0.0.1:5006)
  --text                  prompts in place of photographs
  --encoded               to inside only: the files travel as they are
  --mbit N                to onpath only: megabits a second; 0, the default: as fast as packets are taken

  node client.js onpath holiday.jpg
  node client.js onpath --text prompt.txt`;

async function main() {
  const { values, positionals } = options({
    to: { type: 'string', default: '127.0.0.1:5004' },
    results: { type: 'string', default: '127.0.0.1:5006' },
    text: { type: 'boolean', default: false },
    encoded: { type: 'boolean', default: false },
    mbit: { type: 'string', default: '0' },
  });
  const [variant, ...files] = positionals;
  if (values.help) return console.log(help);
  if (!['inside', 'onpath'].includes(variant) || files.length === 0)
    throw new Usage(
      `Say to which variant, inside or onpath, and which files. Received "${positionals.join(' ')}".`,
    );
  if (values.encoded && !values.text && variant === 'onpath')
    throw new Usage('--encoded is for inside: onpath takes pixels. Leave it out.');
  if (!(Number(values.mbit) >= 0)) throw new Usage(`--mbit takes a number, received "${values.mbit}".`);
  const to = place('--to', values.to);
  const results = await Results.open(place('--results', values.results));
  const client =
    variant === 'inside'
      ? new TcpClient(to, results)
      : new RtpClient(to, results, { bitsPerSecond: Number(values.mbit) * 1e6 });
  try {
    for (const file of files) {
      const { requestId: _, ...result } = await client.send(await read(file, values.text || values.encoded));
      console.log(file, JSON.stringify(result));
    }
  } finally {
    await client.close();
    results.close();
  }
}

/** A file as it is, or its pixels. */
async function read(file, encoded) {
  const image = { bytes: readFileSync(file), width: 0, height: 0 };
  if (encoded) return image;
  try {
    return await decode(image);
  } catch (error) {
    throw new Error(`${file}: ${error.message}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await run('client', main);
