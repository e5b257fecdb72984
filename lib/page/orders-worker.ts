/** The thread of orders.ts: takes a plan, answers with what each serialization order costs. */
import { parentPort, workerData } from 'node:worker_threads';
import { compareOrders } from '../order-facts.js';
import { Pipeline } from '../pipeline.js';
import { Serialization } from '../serialization.js';
import type { Compared } from './orders.js';

const pipeline = Pipeline.fromBytes(workerData as Uint8Array);
const { order, skipUnread } = Serialization.of(pipeline);
const orders = compareOrders(pipeline);
const taken = orders.findIndex((one) => one.order === order && one.skipUnread === skipUnread);
parentPort!.postMessage({ orders, taken } satisfies Compared);
