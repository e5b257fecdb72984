/** The service: node service.js --help */
import { options, place, run, size, Usage } from './arguments.js';
import { serveBehind } from './behind.js';
import { imagesUpTo, serveInside } from './inside.js';
import { openModel } from './model.js';
import { PLANES, withOnpath, withSharp } from './preprocess.js';
import { behindOf, OPTIONS, Results, serve, variantOf } from './serving.js';

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

const KNOWN = {
  ...OPTIONS,
  model: { type: 'string', default: 'model.onnx' },
  largest: { type: 'string', default: '1920x1080' },
  prepare: { type: 'string', default: 'sharp' },
};
const PREPARE = { sharp: withSharp, onpath: withOnpath };

async function main() {
  const { values, positionals } = options(KNOWN);
  if (values.help) return console.log(help);
  const variant = variantOf(positionals);
  if (!Object.hasOwn(PREPARE, values.prepare))
    throw new Usage(`--prepare takes sharp or onpath, received "${values.prepare}".`);
  const listen = place('--listen', values.listen);
  const results = new Results(place('--results', values.results), values);
  const largest = size('--largest', values.largest);
  const model = await openModel(values.model);

  const answer = async (requestId, planes) => {
    results.send(requestId, await model.classify(planes));
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
          ...behindOf(values, listen),
          largest,
          answer,
        });
  await serve(service, () => `ended after ${results.sent} images`);
}

await run('service', main);
