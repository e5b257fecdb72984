/** Metrics of workers. */
import type { PlaneStats } from '../dataplane.js';
import { each, type Family } from './family.js';

const worker = each<PlaneStats['workers'][number]>(
  'worker',
  ({ stats }) => stats.workers,
  (_, index) => String(index),
);

export const workerFamilies: readonly Family[] = [
  worker(
    'counter',
    'onpath_worker_busy_seconds_total',
    'Time in rounds of polling that found packets.',
    ({ busyMs }) => busyMs / 1000,
  ),
  worker(
    'counter',
    'onpath_worker_cpu_seconds_total',
    'CPU time of the thread.',
    ({ cpuMs }) => cpuMs / 1000,
  ),
  worker('counter', 'onpath_worker_polls_total', 'Rounds of polling.', ({ polls }) => polls),
  worker(
    'counter',
    'onpath_worker_empty_polls_total',
    'Rounds that found nothing.',
    ({ emptyPolls }) => emptyPolls,
  ),
  worker('counter', 'onpath_worker_sleeps_total', 'How often it went to sleep.', ({ sleeps }) => sleeps),
  worker(
    'counter',
    'onpath_worker_fanned_out_packets_total',
    'Packets handed to the workers that have their streams.',
    ({ fannedOut }) => fannedOut,
  ),
  worker(
    'counter',
    'onpath_worker_fanned_in_packets_total',
    'Packets taken from the workers that received them.',
    ({ fannedIn }) => fannedIn,
  ),
  worker(
    'counter',
    'onpath_worker_fences_total',
    'How often it hung and was given up.',
    ({ fences }) => fences,
  ),
  worker('gauge', 'onpath_worker_fenced', '1: it hangs now; the others have its share.', ({ fenced }) =>
    Number(fenced),
  ),
];
