/** The texts of suite `text`, cut into slices of about a megabyte at ends of lines, so that none is ever given twice. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from './peer-table.js';

export const CORPORA = ['english', 'mix'] as const;
export type Corpus = (typeof CORPORA)[number];

export const SLICE_BYTES = 1 << 20;

export interface Slices {
  readonly folder: string;
  /** Of each corpus. */
  readonly bytes: Readonly<Record<Corpus, readonly number[]>>;
}

/** Downloads what is not there yet (scripts/text-corpus), and writes english-00.txt and so on to `folder`. */
export function cutCorpora(folder: string): Slices {
  const made = spawnSync(join(packageFolder, 'scripts', 'text-corpus'), [], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`scripts/text-corpus failed: ${made.error?.message ?? made.stderr}`);
  const bytes = Object.fromEntries(CORPORA.map((corpus) => [corpus, cutOne(folder, corpus)]));
  return { folder, bytes: bytes as Record<Corpus, number[]> };
}

export function sliceFile(folder: string, corpus: string, index: number): string {
  return join(folder, `${corpus}-${String(index).padStart(2, '0')}.txt`);
}

function cutOne(folder: string, corpus: Corpus): number[] {
  const text = readFileSync(join(packageFolder, '.setup', 'text', `${corpus}.txt`));
  const sizes: number[] = [];
  for (let at = 0; at + SLICE_BYTES <= text.length; ) {
    const end = text.indexOf(0x0a, at + SLICE_BYTES - 1) + 1 || text.length;
    writeFileSync(sliceFile(folder, corpus, sizes.length), text.subarray(at, end));
    sizes.push(end - at);
    at = end;
  }
  return sizes;
}
