/** Variant `onpath`: images come as RTP packets, and are planes when they reach the service. */
import { Dataplane } from 'onpath';
import { compileFamily } from './preprocess.js';

const ROUTE = 'images';

/**
 * @param {object} options
 * @param {object} options.port a port of onpath: { type: 'udp', address, port }, or { type: 'dpdk', device, addresses }
 * @param {boolean} options.hugepages for dpdk ports; ordinary memory is slower, and there is more of it
 * @param {string[] | undefined} options.sources who may send, as prefixes; loopback needs none
 * @param {{ width: number, height: number }} options.largest
 * @param {(requestId: bigint, planes: Float32Array) => Promise<void>} options.answer
 */
export async function serveBehind({ port, hugepages, sources, largest, answer }) {
  const plane = await Dataplane.start({
    ...(port.type === 'dpdk' && { eal: { hugepages } }),
    ports: [{ ...port, name: 'in' }],
    routes: [
      { name: ROUTE, port: 'in', pipeline: compileFamily(largest), slots: 16, ...(sources && { sources }) },
    ],
  });
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
  const close = async () => {
    await plane.close();
    await served;
  };
  return { address: port.type === 'udp' ? plane.address('in') : undefined, served, close };
}
