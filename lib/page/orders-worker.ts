/** The thread of orders.ts: takes a plan, answers with what each serialization order costs. */
import { parentPort, workerData } from 'node:worker_threads';
import { compareOrders } from '../order-facts.js';
import { Pipeline } from '../pipeline.js';

parentPort!.postMessage(compareOrders(Pipeline.fromBytes(workerData as Uint8Array)));
