// A worker thread with a plane on a ring of its own: sends to itself, and tells its parent what came of it.
import { parentPort, workerData } from 'node:worker_threads';
import { Dataplane, Pipeline, Sender } from '../../lib/index.js';
import { GROUP, planeOn, ringPort, route } from './dpdk-loop.js';
import { format, height, image, resize, width } from './small.js';

export interface DpdkWorkerTask {
  readonly device: string;
  readonly samples: number;
  /** Leave the plane open and in traffic when the thread ends. */
  readonly abandon: boolean;
}

const task = workerData as DpdkWorkerTask;
const plane = await Dataplane.start(
  planeOn([ringPort({ device: task.device })], [route({ pipeline: Pipeline.compile(resize) })]),
);
const sender = await Sender.open({
  to: `${GROUP}:5004`,
  via: { plane, port: 'ring' },
  width,
  height,
  format,
});
const pour = (seed: number): void => {
  sender.send(image(seed), { requestId: seed }).then(
    () => pour((seed + 1) % 50),
    () => undefined,
  );
};
pour(0);
let count = 0;
for await (using sample of plane.samples('r')) {
  const { buffer, byteOffset, byteLength } = sample.data;
  parentPort!.postMessage({
    seed: Number(sample.requestId),
    data: new Uint8Array(buffer, byteOffset, byteLength).slice(),
  });
  if (++count === task.samples) break;
}
if (task.abandon) process.exit(0);
await sender.close();
await plane.close();
