// A worker thread with a data plane of its own: tells its parent where it listens, then what it received.
import { parentPort, workerData } from 'node:worker_threads';
import { Dataplane, Pipeline, type PipelineSpec } from '../../lib/index.js';

export interface WorkerTask {
  readonly spec: PipelineSpec;
  readonly samples: number;
  /** Leave the plane open, and samples unreleased, when the thread ends. */
  readonly abandon: boolean;
}

export type WorkerNews =
  | { readonly address: { address: string; port: number }; readonly hash: string }
  | { readonly requestId: bigint; readonly data: Uint8Array };

const task = workerData as WorkerTask;
const tell = (news: WorkerNews) => parentPort!.postMessage(news);

const pipeline = Pipeline.compile(task.spec);
const plane = await Dataplane.start({
  ports: [{ type: 'udp', name: 'in' }],
  routes: [{ name: 'r', port: 'in', pipeline }],
});
tell({ address: plane.address('in'), hash: pipeline.hash });
let count = 0;
for await (const sample of plane.samples('r')) {
  const { buffer, byteOffset, byteLength } = sample.data;
  tell({ requestId: sample.requestId, data: new Uint8Array(buffer, byteOffset, byteLength).slice() });
  if (!task.abandon) sample.release();
  if (++count === task.samples) break;
}
if (task.abandon) process.exit(0);
await plane.close();
