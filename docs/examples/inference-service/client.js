/** Sends images to either variant and takes the results: node client.js --help */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Sender } from 'onpath';
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
        reject(new Error(`no result of request ${id} within ${LOST_AFTER_MS / 1000} s`));
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
    const result = JSON.parse(datagram.toString());
    this.#expected.get(result.requestId)?.(result);
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
    const answer = await result;
    this.#idle.push(socket);
    return answer;
  }

  async #connect() {
    const socket = connect({ host: this.#to.address, port: this.#to.port, noDelay: true });
    await once(socket, 'connect');
    // The service ends a connection that it cannot understand; the request on it then has no result.
    socket.on('error', () => {});
    return socket;
  }
  async close() {
    for (const socket of this.#idle) socket.destroy();
  }
}

/** To variant `onpath`: a stream of packets for each size of image. */
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

  /** @param {import('./preprocess.js').Image} image pixels */
  async send({ bytes, width, height }) {
    const size = `${width}x${height}`;
    let sender = this.#senders.get(size);
    if (sender === undefined) {
      sender = Sender.open({ to: this.#to, width, height, format: 'rgb', sendDims: true, ...this.#settings });
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

const help = `usage: node client.js inside|onpath FILE... [--to ADDRESS:PORT] [--results ADDRESS:PORT] [--encoded]

Sends photographs (JPEG, PNG, WebP) to a service and prints what it says. They are decoded here, so that pixels travel;
with --encoded (to inside only) the files travel as they are.

  node client.js onpath holiday.jpg`;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      to: { type: 'string', default: '127.0.0.1:5004' },
      results: { type: 'string', default: '127.0.0.1:5006' },
      encoded: { type: 'boolean', default: false },
    },
  });
  const [variant, ...files] = positionals;
  if (values.help) return console.log(help);
  if (
    !['inside', 'onpath'].includes(variant) ||
    files.length === 0 ||
    (values.encoded && variant === 'onpath')
  )
    throw new Error(`Say to which variant, and which files.\n\n${help}`);
  const results = await Results.open(place(values.results));
  const client = new (variant === 'inside' ? TcpClient : RtpClient)(place(values.to), results);
  try {
    for (const file of files) {
      const image = { bytes: readFileSync(file), width: 0, height: 0 };
      const { requestId: _, ...result } = await client.send(values.encoded ? image : await decode(image));
      console.log(file, JSON.stringify(result));
    }
  } finally {
    await client.close();
    results.close();
  }
}

function place(text) {
  const at = text.lastIndexOf(':');
  return { address: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(`client: ${error.message}`);
    process.exit(1);
  });
}
