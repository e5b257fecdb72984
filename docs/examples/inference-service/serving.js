/** What the services have in common: where their results go, and how they are started and ended. */
import { createSocket } from 'node:dgram';
import { Usage } from './arguments.js';

/** What every service takes; service.js and prompts.js say what it means. */
export const OPTIONS = {
  listen: { type: 'string', default: '127.0.0.1:5004' },
  results: { type: 'string', default: '127.0.0.1:5006' },
  port: { type: 'string' },
  sources: { type: 'string' },
  'no-huge': { type: 'boolean', default: false },
  logits: { type: 'boolean', default: false },
};

/** The variant that the command line names. */
export function variantOf(positionals) {
  const [variant] = positionals;
  if (positionals.length !== 1 || !['inside', 'onpath'].includes(variant))
    throw new Usage(`Say which variant: inside or onpath. Received "${positionals.join(' ')}".`);
  return variant;
}

/** How images or prompts come to a service behind onpath. */
export function behindOf(values, listen) {
  return {
    port: portOf(values, listen),
    hugepages: !values['no-huge'],
    sources: values.sources?.split(','),
  };
}

/** A udp port where --listen says, or that of --port. */
function portOf(values, { address, port }) {
  if (values.port === undefined) return { type: 'udp', address, port, receiveBufferBytes: 64 * 1024 * 1024 };
  try {
    return JSON.parse(values.port);
  } catch (error) {
    throw new Usage(`--port takes the JSON of a port: ${error.message}.`);
  }
}

/** Datagrams of JSON. */
export class Results {
  #to;
  #withLogits;
  #socket;
  sent = 0;

  constructor(to, { logits: withLogits }) {
    this.#to = to;
    this.#withLogits = withLogits;
    this.#socket = createSocket(to.address.includes(':') ? 'udp6' : 'udp4').unref();
  }

  send(requestId, { logits, ...result }) {
    const more = this.#withLogits && {
      logits: Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).toString('base64'),
    };
    const datagram = JSON.stringify({ requestId: String(requestId), ...result, ...more });
    // A result that nobody takes is no reason to stop.
    this.#socket.send(datagram, this.#to.port, this.#to.address, () => {});
    this.sent++;
  }
}

/** Says where the service is, and closes it on the first signal. */
export async function serve(service, ended) {
  const { address } = service;
  console.log(`ready${address ? ` ${address.address} ${address.port}` : ''}`);
  const end = async () => {
    await service.close();
    console.log(ended());
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end);
  await service.served;
}
