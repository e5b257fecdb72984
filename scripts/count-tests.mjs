// Adds up the results of one run of scripts/test, all in the folder given: *.gtest.json (GoogleTest), *.counts.json
// ({passed, failed, skipped}). Prints the closing line; exit code 1 if a test failed or none was run.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of readdirSync(folder).sort()) {
  const path = join(folder, file);
  if (file.endsWith('.gtest.json')) add(countGoogleTests(JSON.parse(readFileSync(path, 'utf8'))));
  else if (file.endsWith('.counts.json')) add(JSON.parse(readFileSync(path, 'utf8')));
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
if (total.failed > 0 || total.passed + total.failed === 0) process.exitCode = 1;

function add(counts) {
  for (const outcome of Object.keys(total)) total[outcome] += counts[outcome];
}

function countGoogleTests(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const test of report.testsuites.flatMap((suite) => suite.testsuite)) {
    if (test.failures?.length > 0) counts.failed += 1;
    else if (test.result === 'COMPLETED' && test.status === 'RUN') counts.passed += 1;
    else counts.skipped += 1;
  }
  return counts;
}
