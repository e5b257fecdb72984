/** Services in the tests of metrics and logs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { readConfig } from '../../lib/files/config-file.js';
import type { Logger } from '../../lib/log/log.js';
import { Service } from '../../lib/service/service.js';
import { input } from '../support/small.js';

export const images = { input, stages: [{ stage: 'lookup', table: 'negative' }] };
export const texts = { input: { kind: 'text' }, stages: [{ stage: 'replace', dictionary: { cat: 'dog' } }] };
export const tables = { negative: { expression: '255 - x', dtype: 'uint8' } };

/** A service from a configuration, as from a file. */
export function startService(config: object): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'onpath-metrics-'));
  try {
    const path = join(folder, 'plane.json');
    writeFileSync(path, JSON.stringify({ version: 1, ...config }));
    return Service.start(readConfig(path));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export type Line = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: string };

/** A log that keeps its lines. */
export function keptLog(): { log: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString('utf8')));
      done();
    },
  });
  const formatters = { level: (level: string) => ({ level }) };
  return { log: pino({ level: 'trace', base: null, formatters }, out), lines };
}
