// A reporter for node:test that prints failures and one line per test file, and writes the counts as JSON to the file
// named by ONPATH_TEST_COUNTS. A suite (describe) is not counted; a test that is skipped or to do counts as skipped.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { inspect } from 'node:util';

export default async function* report(events) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const files = new Map();
  for await (const { type, data } of events) {
    if (type === 'test:stderr') yield data.message;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const file = nameOf(data.file);
    const counts = files.get(file) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 };
    files.set(file, counts);
    if (data.nesting === 0) counts.ms += data.details?.duration_ms ?? 0;
    if (data.details?.type === 'suite' && type === 'test:pass') continue;
    const isSkipped = data.skip !== undefined || data.todo !== undefined;
    const outcome = isSkipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed';
    // A suite or parent that fails only because of its subtests is not a failure of its own.
    if (outcome === 'failed' && data.details?.error?.failureType === 'subtestsFailed') continue;
    counts[outcome] += 1;
    total[outcome] += 1;
    if (outcome === 'failed')
      yield `FAILED ${file}: ${data.name}\n${indent(describeError(data.details?.error))}\n`;
    if (outcome === 'skipped' && typeof data.skip === 'string')
      yield `skipped ${file}: ${data.name}: ${data.skip}\n`;
  }
  for (const [file, { passed, failed, skipped, ms }] of files) {
    const seconds = (ms / 1000).toFixed(1);
    yield `${failed > 0 ? 'FAILED' : 'ok'} ${file}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds} s\n`;
  }
  const counts = process.env.ONPATH_TEST_COUNTS;
  if (counts) writeFileSync(counts, `${JSON.stringify(total)}\n`);
}

function nameOf(file) {
  if (file === undefined) return '(unknown file)';
  return relative(process.cwd(), file)
    .replace(/^build\/ts\//, '')
    .replace(/\.js$/, '.ts');
}

function describeError(error) {
  const cause = error?.cause ?? error;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 4, breakLength: 110 });
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}
