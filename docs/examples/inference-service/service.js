/** The service: node service.js --help */
import { options, place, run, size, Usage } from './arguments.js';
import { serveBehind } from './behind.js';
import { imagesUpTo, serveInside } from './inside.js';
import { Model } from './model.js';
import { PLANES, withOnpath, withSharp } from './preprocess.js';
import { portOf, Results, serve, variantOf } from './serving.js';

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
  const variant = variantOf(positionals);
  if (!Object.hasOwn(PREPARE, values.prepare))
    throw new Usage(`--prepare takes sharp or onpath, received "${values.prepare}".`);
  const listen = place('--listen', values.listen);
  const results = new Results(place('--results', values.results));
  const largest = size('--largest', values.largest);
  const model = await Model.open(values.model);

  const answer = async (requestId, planes) => {
    const { top, logits } = await model.classify(planes);
    const more = values.logits && {
      logits: Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).toString('base64'),
    };
    results.send(requestId, { top, ...more });
  };
  const prepare = PREPARE[values.prepare](largest);
  const service =
    variant === 'inside'
      ? await serveInside({
          listen,
          check: imagesUpTo(largest),
          open: () => {
            const planes = new Float32Array(PLANES);
            return async ({ requestId, ...image }) => {
              await prepare(image, planes);
              await answer(requestId, planes);
            };
          },
          complain: console.error,
        })
      : await serveBehind({
          port: portOf(values, listen),
          hugepages: !values['no-huge'],
          sources: values.sources?.split(','),
          largest,
          answer,
        });
  await serve(service, () => `ended after ${results.sent} images`);
}

await run('service', main);
