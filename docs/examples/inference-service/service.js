/** The service: node service.js --help */
import { createSocket } from 'node:dgram';
import { options, place, run, size, Usage } from './arguments.js';
import { serveBehind } from './behind.js';
import { serveInside } from './inside.js';
import { Model } from './model.js';
import { withOnpath, withSharp } from './preprocess.js';

const help = `usage: node service.js inside|onpath [options]

Classifies images. The result of each leaves as a datagram of JSON: { "requestId": "7", "top": 281 }

  inside   images come over TCP, and the service resizes and normalizes them
  onpath   images come as RTP packets, and are tensors when they reach the service

  --listen ADDRESS:PORT   where images come (127.0.0.1:5004)
  --results ADDRESS:PORT  where results go (127.0.0.1:5006)
  --model FILE            (model.onnx; node make-model.js makes one)
  --largest WxH           of the images (1920x1080)
  --prepare sharp|onpath  inside: with what (sharp)
  --port JSON             onpath: a port instead of the udp one, such as {"type":"dpdk","device":"0000:3b:00.0","addresses":["10.0.0.2/24"]}
  --no-huge               onpath: a dpdk port without hugepages
  --sources PREFIX,...    onpath: who may send; loopback needs none
  --logits                results have "logits" too, float32 in base64`;

const OPTIONS = {
  listen: { type: 'string', default: '127.0.0.1:5004' },
  results: { type: 'string', default: '127.0.0.1:5006' },
  model: { type: 'string', default: 'model.onnx' },
  largest: { type: 'string', default: '1920x1080' },
  prepare: { type: 'string', default: 'sharp' },
  port: { type: 'string' },
  sources: { type: 'string' },
  'no-huge': { type: 'boolean', default: false },
  logits: { type: 'boolean', default: false },
};
const PREPARE = { sharp: withSharp, onpath: withOnpath };

async function main() {
  const { values, positionals } = options(OPTIONS);
  if (values.help) return console.log(help);
  const [variant] = positionals;
  if (positionals.length !== 1 || !['inside', 'onpath'].includes(variant))
    throw new Usage(`Say which variant: inside or onpath. Received "${positionals.join(' ')}".`);
  if (!Object.hasOwn(PREPARE, values.prepare))
    throw new Usage(`--prepare takes sharp or onpath, received "${values.prepare}".`);
  const listen = place('--listen', values.listen);
  const results = place('--results', values.results);
  const largest = size('--largest', values.largest);
  const model = await Model.open(values.model);
  const socket = createSocket(results.address.includes(':') ? 'udp6' : 'udp4').unref();
  let answered = 0;

  const answer = async (requestId, planes) => {
    const { top, logits } = await model.classify(planes);
    const more = values.logits && {
      logits: Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).toString('base64'),
    };
    // A result that nobody takes is no reason to stop.
    socket.send(
      JSON.stringify({ requestId: String(requestId), top, ...more }),
      results.port,
      results.address,
      () => {},
    );
    answered++;
  };
  const service =
    variant === 'inside'
      ? await serveInside({
          listen,
          largest,
          prepare: PREPARE[values.prepare](largest),
          answer,
          complain: console.error,
        })
      : await serveBehind({
          port: portOf(values, listen),
          hugepages: !values['no-huge'],
          sources: values.sources?.split(','),
          largest,
          answer,
        });
  const { address } = service;
  console.log(`ready${address ? ` ${address.address} ${address.port}` : ''}`);

  const end = async () => {
    await service.close();
    console.log(`ended after ${answered} images`);
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end);
  await service.served;
}

function portOf(values, { address, port }) {
  if (values.port === undefined) return { type: 'udp', address, port, receiveBufferBytes: 64 * 1024 * 1024 };
  try {
    return JSON.parse(values.port);
  } catch (error) {
    throw new Usage(`--port takes the JSON of a port: ${error.message}.`);
  }
}

await run('service', main);
