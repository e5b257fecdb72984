/** Variant `onpath`: images or prompts come as RTP packets, and are planes or ids when they reach the service. */
import { Dataplane, TextPipeline, Tokenizer } from 'onpath';
import { compileFamily } from './preprocess.js';

const ROUTE = 'in';

/**
 * @typedef {object} Behind
 * @property {object} port a port of onpath: { type: 'udp', address, port }, or { type: 'dpdk', device, addresses }
 * @property {boolean} hugepages for dpdk ports; ordinary memory is slower, and there is more of it
 * @property {string[] | undefined} sources who may send, as prefixes; loopback needs none
 */

/**
 * @param {Behind & {
 *   largest: { width: number, height: number },
 *   answer: (requestId: bigint, planes: Float32Array) => Promise<void>,
 * }} options
 */
export async function serveBehind({ largest, answer, ...behind }) {
  const plane = await start(behind, { pipeline: compileFamily(largest), slots: 16 });
  const served = (async () => {
    for await (const sample of plane.samples(ROUTE)) {
      // The planes lie in a slot of the route: the model reads them there, then the slot goes back.
      try {
        await answer(sample.requestId, sample.data);
      } finally {
        sample.release();
      }
    }
  })();
  return running(plane, behind, served);
}

/**
 * @param {Behind & {
 *   vocabulary: string,
 *   answer: (requestId: bigint, ids: Uint32Array) => Promise<void>,
 * }} options
 */
export async function servePromptsBehind({ vocabulary, answer, ...behind }) {
  const tokenizer = Tokenizer.fromFile(vocabulary);
  const stages = [{ stage: 'tokenize', tokenizer, special: 'text' }];
  const pipeline = TextPipeline.compile({ input: { kind: 'text' }, stages });
  const plane = await start(behind, { pipeline, slots: 64 });
  const served = (async () => {
    for await (const { requestId, ids } of plane.texts(ROUTE)) await answer(requestId, ids);
  })();
  return running(plane, behind, served);
}

function start({ port, hugepages, sources }, route) {
  return Dataplane.start({
    ...(port?.type === 'dpdk' && { eal: { hugepages } }),
    ports: [{ ...port, name: 'in' }],
    routes: [{ name: ROUTE, port: 'in', ...route, ...(sources && { sources }) }],
  });
}

function running(plane, { port }, served) {
  const close = async () => {
    await plane.close();
    await served;
  };
  return { address: port.type === 'udp' ? plane.address('in') : undefined, served, close };
}
