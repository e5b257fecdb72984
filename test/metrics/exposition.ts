/** A strict reader of Prometheus' text format 0.0.4: refuses what a scraper might take by chance. */
import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

/** By name. Fails on the first line that is not as the format has it, and on what does not fit together. */
export function readExposition(text: string): Map<string, ReadFamily> {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, ReadFamily>();
  const series = new Set<string>();
  let help: readonly [string, string] | undefined;
  let current: ReadFamily | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string];
      if (kind === 'HELP') {
        help = [name, rest];
        continue;
      }
      assert.equal(help?.[0], name, `HELP stands before TYPE: ${line}`);
      assert.ok(!families.has(name), `one family of a name: ${line}`);
      assert.ok(rest in SUFFIXES, `a type that is known: ${line}`);
      current = { name, type: rest, help: help![1], samples: [] };
      families.set(name, current);
      continue;
    }
    const sample = readSample(line);
    assert.ok(current, `a sample stands in a family: ${line}`);
    const { name, type } = current;
    assert.ok(
      SUFFIXES[type]!.some((suffix) => sample.name === name + suffix),
      `of its family ${name}: ${line}`,
    );
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    assert.ok(!series.has(key), `told once: ${line}`);
    series.add(key);
    if (type !== 'gauge') assert.ok(sample.value >= 0, `not negative: ${line}`);
    current.samples.push(sample);
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function readSample(line: string): Sample {
  const match =
    /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\[\\n"])*"(?:,(?!\})|(?=\})))+)\})? (\S+)$/.exec(
      line,
    );
  assert.ok(match, `a sample: ${line}`);
  const labels: Record<string, string> = {};
  for (const [, name, text] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\[\\n"])*)"/g)) {
    assert.ok(!Object.hasOwn(labels, name!), `one label of a name: ${line}`);
    labels[name!] = text!.replace(/\\([\\n"])/g, (_, c) => (c === 'n' ? '\n' : c));
  }
  return { name: match[1]!, labels, value: numberOf(match[3]!, line) };
}

function numberOf(text: string, line: string): number {
  if (text === 'Nan' || text === 'NaN') return Number.NaN;
  if (text === '+Inf') return Infinity;
  assert.match(text, /^-?\d+(\.\d+)?(e[+-]?\d+)?$/, `a number: ${line}`);
  return Number(text);
}

/** Buckets ascend, end with +Inf and with the count; there is one sum. */
function checkHistogram({ name, samples }: ReadFamily): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _le, ...rest } = sample.labels;
    const key = JSON.stringify(rest);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => numberOf(labels['le']!, key));
    assert.ok(
      bounds.every((bound, i) => i === 0 || bound > bounds[i - 1]!),
      `bounds ascend: ${key}`,
    );
    assert.equal(bounds.at(-1), Infinity, `the last bound is +Inf: ${key}`);
    assert.ok(
      buckets.every(({ value }, i) => i === 0 || value >= buckets[i - 1]!.value),
      `buckets add up: ${key}`,
    );
    const of = (suffix: string) => group.filter((sample) => sample.name === name + suffix);
    assert.equal(of('_count').length, 1, key);
    assert.equal(of('_sum').length, 1, key);
    assert.equal(buckets.at(-1)!.value, of('_count')[0]!.value, `+Inf is the count: ${key}`);
  }
}

/** The value of the one series that has these labels. */
export function seriesValue(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = [...families.values()]
    .flatMap(({ samples }) => samples)
    .filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
  assert.equal(found.length, 1, `one ${name}${JSON.stringify(labels)}, found ${found.length}`);
  return found[0]!.value;
}

/** Every series that only grows: counters, and the counts and sums of histograms. */
export function growing(families: ReadonlyMap<string, ReadFamily>): Map<string, number> {
  return new Map(
    [...families.values()]
      .filter(({ type }) => type !== 'gauge')
      .flatMap(({ samples }) => samples)
      .map(({ name, labels, value }) => [`${name}${JSON.stringify(labels)}`, value]),
  );
}
