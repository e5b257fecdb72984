/** What the demo prints, and the picture it writes. */
import { DROP_REASONS, type PlaneStats } from '../../lib/index.js';
import type { Measurement } from './measure.js';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** Prints one measurement. Returns whether everything received was exact (true without an oracle). */
export function report(title: string, result: Measurement): boolean {
  const { stats } = result;
  const rxPackets = stats.ports.reduce((sum, port) => sum + port.rxPackets, 0);
  const rxBytes = stats.ports.reduce((sum, port) => sum + port.rxBytes, 0);
  const workerMs = stats.workers.reduce((sum, worker) => sum + worker.cpuMs, 0);
  const gigabits = (rxBytes * 8) / result.seconds / 1e9;
  const exact = result.exact === undefined ? 'not checked' : result.exact === result.received ? 'yes' : 'NO';
  const line = (name: string, text: string) => console.log(`  ${name.padEnd(9)} ${text}`);
  console.log(`\n${title}`);
  line('packets', `${rxPackets.toLocaleString('en-US')} received, drops: ${dropText(stats)}`);
  line('samples', `${result.received} of ${result.sent} complete`);
  line(
    'rate',
    `${gigabits.toFixed(2)} Gbit/s, ${(result.received / result.seconds).toFixed(0)} samples/s over ${result.seconds.toFixed(2)} s`,
  );
  const answered = stats.ports.reduce((sum, port) => sum + port.controlPackets, 0);
  if (answered > 0) line('host', `${answered} packets of ARP and neighbour discovery dealt with`);
  line(
    'latency',
    `last packet to JavaScript: ${percentile(result.latencyMs, 50)} ms median, ${percentile(result.latencyMs, 99)} ms p99`,
  );
  line(
    'CPU',
    `worker ${workerMs.toFixed(0)} ms, whole process ${result.nodeCpuMs.toFixed(0)} ms (checking included)`,
  );
  line(
    'exact',
    `${exact}${result.exact === undefined ? '' : ` (${result.exact} of ${result.received} equal Pillow bit for bit)`}`,
  );
  return result.received > 0 && exact !== 'NO';
}

function dropText(stats: PlaneStats): string {
  const parts: string[] = [];
  for (const { name } of DROP_REASONS) {
    let count = 0;
    for (const counters of [...stats.ports, ...stats.routes]) count += counters.drops[name];
    if (count > 0) parts.push(`${name} ${count.toLocaleString('en-US')}`);
  }
  const missed = stats.ports.reduce((sum, port) => sum + port.rxMissed, 0);
  if (missed > 0) parts.push(`lost before the port ${missed.toLocaleString('en-US')}`);
  return parts.join(', ') || 'none';
}

function percentile(values: readonly number[], percent: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
  return value === undefined ? '-' : value.toFixed(2);
}

/** Undoes normalize, to look at a tensor: interleaved 8-bit RGB. */
export function toPixels(tensor: Float32Array, size: number): Uint8Array {
  const pixels = new Uint8Array(size * size * 3);
  const plane = size * size;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) {
      const value = (tensor[c * plane + i]! * STD[c]! + MEAN[c]!) * 255;
      pixels[i * 3 + c] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return pixels;
}
