/** The control socket: whose it is, whom it lets in, what becomes of its file. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { listenPrivately } from '../../lib/control/socket.js';
import { ask, running } from './fixture.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-socket-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Listens, calls `use`, ends; leaves nothing in the folder. */
async function listening(path: string, use: (server: Server) => unknown): Promise<void> {
  const server = createServer((_request, response) => response.end('here'));
  const remove = await listenPrivately(server, path);
  try {
    await use(server);
  } finally {
    remove();
    server.close();
    server.closeAllConnections();
  }
}

it('has mode 0600 under any umask, and is gone at the end', async () => {
  const path = join(folder, 'mode.sock');
  for (const umask of [0o000, 0o022, 0o777]) {
    const before = process.umask(umask);
    try {
      await listening(path, async () => {
        assert.equal(lstatSync(path).mode & 0o777, 0o600);
        assert.equal((await ask(path, 'GET', '/')).text, 'here');
      });
    } finally {
      process.umask(before);
    }
    assert.deepEqual(readdirSync(folder), []);
  }
});

/** Leaves the socket of a process that was killed. */
async function leave(path: string): Promise<void> {
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(lstatSync(path).isSocket());
}

it('replaces what a killed process left', async () => {
  const path = join(folder, 'left.sock');
  await leave(path);
  await listening(path, async () => assert.equal((await ask(path, 'GET', '/')).text, 'here'));
  assert.ok(!existsSync(path));
});

it('is not taken from another who replaces it at the same time', async () => {
  const path = join(folder, 'both.sock');
  await leave(path);
  const servers = ['one', 'two'].map((name) => createServer((_request, response) => response.end(name)));
  const ends = await Promise.allSettled(servers.map((server) => listenPrivately(server, path)));
  const first = ends.findIndex(({ status }) => status === 'fulfilled');
  const other = ends[1 - first]!;
  assert.ok(other.status === 'rejected' && other.reason.code === 'ADDRESS_IN_USE');
  assert.equal((await ask(path, 'GET', '/')).text, ['one', 'two'][first]);
  for (const end of ends) if (end.status === 'fulfilled') end.value();
  servers[first]!.close();
});

it('refuses a path where a process listens, and leaves that one alone', async () => {
  const path = join(folder, 'taken.sock');
  await listening(path, async () => {
    await assert.rejects(listenPrivately(createServer(), path), {
      code: 'ADDRESS_IN_USE',
      message: /A process listens on the control socket .*taken\.sock already\./,
    });
    assert.equal((await ask(path, 'GET', '/')).text, 'here');
  });
});

it('does not remove a file that has taken its place', async () => {
  const path = join(folder, 'other.sock');
  await listening(path, () => {
    rmSync(path);
    writeFileSync(path, 'another');
  });
  assert.ok(existsSync(path));
  rmSync(path);
});

it('refuses what cannot be a socket, each with a sentence, and leaves nothing', async () => {
  writeFileSync(join(folder, 'file'), 'kept');
  const wrong: [string, string, RegExp][] = [
    [join(folder, 'file'), 'INVALID_ARGUMENT', /is there and is no socket/],
    [folder, 'INVALID_ARGUMENT', /is there and is no socket/],
    [join(folder, 'none', 'x.sock'), 'NOT_FOUND', /none is no folder/],
    [join(folder, 'file', 'x.sock'), 'NOT_FOUND', /file is no folder/],
    [join(folder, 'x'.repeat(108)), 'INVALID_ARGUMENT', /the system takes 107/],
    [join(folder, 'a\0b'), 'INVALID_ARGUMENT', /zero/],
  ];
  for (const [path, code, message] of wrong) {
    await assert.rejects(listenPrivately(createServer(), path), { code, message }, path);
  }
  assert.deepEqual(readdirSync(folder), ['file']);
});

const isRoot = process.getuid?.() === 0;

it('refuses another user', { skip: isRoot ? false : 'only root can become another user' }, async () => {
  await using plane = await running();
  // The way to it is open: what refuses is the socket.
  chmodSync(plane.folder, 0o755);
  const code = `const { connect } = require('node:net');
connect(${JSON.stringify(plane.socket)}).on('connect', () => console.log('in')).on('error', (e) => console.log(e.code)).unref()`;
  const asNobody = { uid: 65534, gid: 65534 };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', `${code};setTimeout(() => {}, 200)`],
    asNobody,
  );
  assert.equal(stdout.trim(), 'EACCES');
  assert.equal((await ask(plane.socket, 'GET', '/v1/live')).status, 200);
});
