/** What the services have in common: where their results go, and how they are started and ended. */
import { createSocket } from 'node:dgram';
import { Usage } from './arguments.js';

/** The variant that the command line names. */
export function variantOf(positionals) {
  const [variant] = positionals;
  if (positionals.length !== 1 || !['inside', 'onpath'].includes(variant))
    throw new Usage(`Say which variant: inside or onpath. Received "${positionals.join(' ')}".`);
  return variant;
}

/** The port that images or prompts come by: a udp one where --listen says, or that of --port. */
export function portOf(values, { address, port }) {
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
  #socket;
  sent = 0;

  constructor(to) {
    this.#to = to;
    this.#socket = createSocket(to.address.includes(':') ? 'udp6' : 'udp4').unref();
  }

  send(requestId, result) {
    const datagram = JSON.stringify({ requestId: String(requestId), ...result });
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
