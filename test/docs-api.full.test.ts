// The pages on the API: typedoc makes them without a warning, which also means that every export has a docstring.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('npm run docs describes every export, without a warning', () => {
  const out = mkdtempSync(join(tmpdir(), 'onpath-api-'));
  try {
    const command = 'node_modules/typedoc/bin/typedoc';
    const run = spawnSync(process.execPath, [command, '--out', out, '--json', join(out, 'api.json')], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.doesNotMatch(run.stdout + run.stderr, /warning/i);
    const { children } = JSON.parse(readFileSync(join(out, 'api.json'), 'utf8')) as {
      children: { name: string }[];
    };
    const names = new Set(children.map(({ name }) => name));
    const exported = exportsOf(readFileSync('lib/index.ts', 'utf8'));
    assert.ok(exported.length > 80, `${exported.length} exports`);
    assert.deepEqual(
      exported.filter((name) => !names.has(name)),
      [],
    );
    assert.ok(readdirSync(join(out, 'classes')).includes('Dataplane.html'));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

/** The names that the package exports, types included. */
function exportsOf(index: string): string[] {
  return [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap((match) => match[1]!.split(','))
    .map((item) =>
      item
        .trim()
        .replace(/^type /, '')
        .replace(/^.* as /, ''),
    )
    .filter((name) => name !== '');
}
