// The files of docs/operations: what systemd says of the units, and that a plane needs no more than they leave it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '../../lib/control/client.js';
import { eventually } from '../support/plane.js';
import { temporaryFolder } from '../support/tools.js';

const FOLDER = 'docs/operations';
const SERVICE = 'onpath.service';
const main = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));
const units = readdirSync(FOLDER).filter((name) => name.endsWith('.service'));
const dropIns = readdirSync(FOLDER).filter((name) => /^ports-.*\.conf$/.test(name));

const systemd = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
const skip = systemd.status === 0 ? false : 'systemd-analyze is not there (Debian: systemd)';

/** Units as installed, with programs that are there in place of those of /opt. */
function installed(folder: string, dropIn?: string): NodeJS.ProcessEnv {
  const command = join(folder, 'command');
  writeFileSync(command, '#!/bin/sh\n', { mode: 0o755 });
  for (const unit of units) {
    const text = readFileSync(join(FOLDER, unit), 'utf8');
    writeFileSync(join(folder, unit), text.replaceAll(/^(Exec\w+=)\/opt\/\S+/gm, `$1${command}`));
  }
  if (dropIn !== undefined) {
    mkdirSync(join(folder, `${SERVICE}.d`));
    writeFileSync(join(folder, `${SERVICE}.d/ports.conf`), readFileSync(join(FOLDER, dropIn)));
  }
  // The trailing colon keeps systemd's own units.
  return { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` };
}

describe('docs/operations', () => {
  test('systemd finds nothing wrong with the units, alone and with each drop-in', { skip }, () => {
    assert.ok(units.length === 2 && dropIns.length === 2);
    for (const dropIn of [undefined, ...dropIns]) {
      using folder = temporaryFolder();
      const env = installed(folder.path, dropIn);
      const paths = units.map((unit) => join(folder.path, unit));
      const run = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { env, encoding: 'utf8' });
      assert.equal(run.stdout + run.stderr, '', dropIn);
      assert.equal(run.status, 0, dropIn);
    }
  });

  test('the service is exposed no more than its page says', { skip }, () => {
    using folder = temporaryFolder();
    const env = installed(folder.path);
    const args = ['security', '--offline=yes', '--no-pager', join(folder.path, SERVICE)];
    const run = spawnSync('systemd-analyze', args, { env, encoding: 'utf8' });
    const found = /Overall exposure level for onpath\.service: ([\d.]+)/.exec(run.stdout)?.[1];
    const told = /rates its exposure ([\d.]+)/.exec(readFileSync(join(FOLDER, 'README.md'), 'utf8'))?.[1];
    assert.ok(Number(found) <= Number(told), `found ${found}, the page says ${told}`);
  });

  test('the service is reloaded by the socket that it serves', () => {
    const unit = readFileSync(join(FOLDER, SERVICE), 'utf8');
    const [started, reloaded] = ['ExecStart', 'ExecReload'].map((line) =>
      new RegExp(`^${line}=(\\S+) .*(?:--control|--socket) (\\S+)$`, 'm').exec(unit)!.slice(1),
    );
    assert.deepEqual(reloaded, started);
  });

  // As root only, and where another user may read this checkout.
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const mayRead = spawnSync('setpriv', [...asNobody, 'test', '-r', main]).status === 0;
  test('a plane on udp runs as another user without any capability, and ends by SIGTERM with 0', {
    skip: mayRead ? false : 'takes root, and a checkout that others may read',
  }, async () => {
    using folder = temporaryFolder();
    const run = join(folder.path, 'run');
    mkdirSync(run);
    chmodSync(folder.path, 0o755);
    chmodSync(run, 0o700);
    chownSync(run, 65534, 65534);
    writeFileSync(
      join(folder.path, 'plane.yaml'),
      `version: 1
pipelines: { photos: { input: { kind: image, width: 8, height: 8, format: gray } } }
ports: [{ type: udp, name: in }]
routes: [{ name: photos, port: in, pipeline: photos }]
`,
    );
    const socket = join(run, 'control.sock');
    const privileges = [...asNobody, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all'];
    const child = spawn(
      'setpriv',
      [...privileges, process.execPath, main, 'run', join(folder.path, 'plane.yaml'), '--control', socket],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await eventually('running', () => said.includes('running') || child.exitCode !== null);
    assert.equal(child.exitCode, null, said);
    const { mode, uid } = statSync(socket);
    assert.equal(mode & 0o777, 0o600);
    assert.equal(uid, 65534);
    const held = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    assert.match(held, /^CapEff:\s+0+$/m);
    assert.match(held, /^CapBnd:\s+0+$/m);
    assert.equal((await new ControlClient(socket).status()).state, 'ready');
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    assert.equal(code, 0, said);
  });

  test('the sysctl file has settings only, and the kernel knows them', () => {
    const lines = readFileSync(join(FOLDER, '60-onpath.sysctl.conf'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.ok(lines.length > 0);
    for (const line of lines) {
      const key = /^([a-z_.]+) = \d+$/.exec(line)?.[1];
      assert.ok(key !== undefined, line);
      assert.ok(statSync(`/proc/sys/${key.replaceAll('.', '/')}`).isFile());
    }
  });
});
