/**
 * Variant `inside`: requests come over TCP, and the service prepares them itself.
 * A request is a header of 20 bytes (id, 64 bits; width, height, bytes: 32 bits each, big-endian) and so many bytes: rgb pixels; or, where
 * width and height are 0, a file, or a text. A connection carries one request after the other; what comes faster waits in the sockets.
 */
import { createServer } from 'node:net';

export const HEADER_BYTES = 20;
const MOST_CONNECTIONS = 64;
const IDLE_MS = 60_000;

/**
 * @typedef {object} Request
 * @property {bigint} requestId
 * @property {number} width
 * @property {number} height
 * @property {Buffer} bytes good until it is done
 */

/**
 * @param {object} options
 * @param {{ address: string, port: number }} options.listen
 * @param {(header: { width: number, height: number, bytes: number }) => void} options.check throws for what must not be taken in
 * @param {() => (request: Request) => Promise<void>} options.open called for every connection: answers its requests
 * @param {(sentence: string) => void} options.complain
 */
export async function serveInside({ listen, check, open, complain }) {
  const sockets = new Set();
  const server = createServer(async (socket) => {
    sockets.add(socket);
    const from = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    const take = open();
    try {
      for await (const request of requests(socket, check)) await take(request);
    } catch (error) {
      // It is the connection that is wrong, not the service.
      if (server.listening) complain(`${from}: ${error.message}`);
    } finally {
      socket.destroy();
      sockets.delete(socket);
    }
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise((resolve, reject) => {
    server.once('error', ({ message }) => reject(new Error(`${message}. Choose another with --listen.`)));
    server.listen(listen.port, listen.address, resolve);
  });
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { address: server.address(), close };
}

/** The requests of a connection; ends with it. */
async function* requests(socket, check) {
  const header = Buffer.alloc(HEADER_BYTES);
  // Taken once, for the largest that came: fresh memory for every request would cost more than copying it.
  let body = Buffer.alloc(0);
  let request;
  let filled = 0;
  for await (const chunk of socket) {
    for (let at = 0; at < chunk.length; ) {
      const target = request === undefined ? header : request.bytes;
      const taken = chunk.copy(target, filled, at);
      at += taken;
      filled += taken;
      if (filled < target.length) continue;
      filled = 0;
      if (request === undefined) {
        const [width, height, bytes] = [8, 12, 16].map((offset) => header.readUInt32BE(offset));
        check({ width, height, bytes });
        const requestId = header.readBigUInt64BE(0);
        if (body.length < bytes) body = Buffer.allocUnsafeSlow(bytes);
        request = { requestId, width, height, bytes: body.subarray(0, bytes) };
      } else {
        yield request;
        request = undefined;
      }
    }
  }
}

/** Never more than the largest image. */
export function imagesUpTo(largest) {
  const atMost = bytesUpTo(largest.width * largest.height * 3);
  return ({ width, height, bytes }) => {
    atMost({ bytes });
    const isFile = width === 0 && height === 0;
    if (!isFile && (width > largest.width || height > largest.height || bytes !== width * height * 3))
      throw new Error(
        `${bytes} bytes for ${width}x${height} rgb, at most ${largest.width}x${largest.height}`,
      );
  };
}

export function bytesUpTo(most) {
  return ({ bytes }) => {
    if (bytes === 0 || bytes > most) throw new Error(`a request of ${bytes} bytes; 1 to ${most} are taken`);
  };
}
