/** What bash offers of the onpath command, asked in a real bash. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { onpath } from './onpath.js';

let script: string;
before(async () => {
  const { code, out, error } = await onpath(['completion', 'bash']);
  assert.equal(code, 0, error);
  script = out;
});

/** What is offered for the last word of each line. */
function offered(...lines: readonly (readonly string[])[]): string[][] {
  const asked = lines.map((words) => {
    const quoted = ['onpath', ...words].map((word) => `'${word}'`).join(' ');
    return `COMP_WORDS=(${quoted}) COMP_CWORD=${words.length}; _onpath; echo "\${COMPREPLY[@]}"`;
  });
  const input = [`set -eu`, script, ...asked].join('\n');
  const { status, stdout, stderr } = spawnSync('bash', ['--norc'], { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').filter((word) => word !== ''));
}

/** Commands or options, as the help lists them. */
const listed = (help: string, one: RegExp) => [...help.matchAll(one)].map(([, name]) => name!);

describe('onpath completion bash', () => {
  it('offers the commands and options that the help lists', async () => {
    const { out } = await onpath(['--help']);
    const commands = listed(out, /^ {2}([a-z]+) (?!.*\bonpath\b)/gm).filter((name) => name !== 'onpath');
    const [all, some, run] = offered([''], ['c'], ['run', 'plane.yaml', '--']);
    assert.deepEqual(all!.toSorted(), commands.toSorted());
    assert.deepEqual(some!.toSorted(), commands.filter((name) => name.startsWith('c')).toSorted());
    const help = await onpath(['run', '--help']);
    assert.deepEqual(run!.toSorted(), listed(help.out, /^ {2}(?:-\w, )?(--[\w-]+)/gm).toSorted());
  });

  it('offers commands below commands, and what an option can be', () => {
    assert.deepEqual(
      offered(
        ['table', ''],
        ['load', 'v'],
        ['run', '--log-level', 'd'],
        ['completion', ''],
        ['table', 'build', '--dtype', 'uint'],
      ),
      [
        ['build', 'inspect', 'diff', 'help'],
        ['vocabulary'],
        ['debug'],
        ['bash'],
        ['uint8', 'uint16', 'uint32'],
      ],
    );
  });

  it('offers nothing of its own where a file is asked for, or a value of a user', () => {
    assert.deepEqual(
      offered(['run', ''], ['run', '--control', ''], ['send', 'table', ''], ['nonsense', 'x']),
      [[], [], [], []],
    );
  });
});
