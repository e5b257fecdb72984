/** The commands that speak to a running plane, as a user calls them. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { writeNpy } from '../../lib/files/npy.js';
import { CONFIG, HEIGHT, openSender, type Running, running, WIDTH } from '../control/fixture.js';
import { eventually, PATIENCE_MS } from '../support/plane.js';
import { temporaryFolder } from '../support/service.js';
import { type Ended, onpath, start } from './onpath.js';
import { OUTPUTS } from './outputs.js';

let plane: Running;
const inFolder = (name: string) => join(plane.folder, name);
const input = `input: { kind: image, width: ${WIDTH}, height: ${HEIGHT}, format: rgb }\n`;
const tone = writeNpy({
  dtype: 'uint8',
  shape: [256],
  data: Uint8Array.from({ length: 256 }, (_, i) => i >> 1),
});

before(async () => {
  plane = await running();
  // A specification in a folder of its own, which names a file beside it.
  mkdirSync(inFolder('specs'));
  writeFileSync(inFolder('specs/half.npy'), tone);
  writeFileSync(
    inFolder('specs/half.yaml'),
    `${input}stages: [{ stage: lookup, table: { file: half.npy } }]\n`,
  );
  writeFileSync(inFolder('specs/wrong.yaml'), `${input}stages:\n  - { stage: blur }\n`);
  writeFileSync(inFolder('tone.csv'), `${Array(256).fill(7).join(',')}\n`);
  copyFileSync('test/data/text/tiny-bytes.json', inFolder('other.json'));
});
after(() => plane[Symbol.asyncDispose]());

const ours = (...args: string[]) => onpath([...args, '--socket', plane.socket]);
async function good<T>(...args: string[]): Promise<T> {
  const { code, out, error } = await ours(...args, '--json');
  assert.equal(code, 0, error);
  const command = [args.slice(0, 2).join(' '), args[0]!].find((name) => name in OUTPUTS);
  OUTPUTS[command as keyof typeof OUTPUTS].parse(JSON.parse(out));
  return JSON.parse(out) as T;
}
const version = (route: string) => plane.service.plane.versions(route)[0]!.version;

describe('onpath swap, rollback, versions, load, reload', () => {
  it('change a route, and change it back', async () => {
    const before = version('photos');
    const checked = await good<{ hash: string; versions: [] }>(
      'swap',
      'photos',
      inFolder('specs/half.yaml'),
      '--check',
    );
    assert.deepEqual([checked.versions, version('photos')], [[], before]);
    const swapped = await good<{ hash: string }>('swap', 'photos', inFolder('specs/half.yaml'));
    assert.equal(swapped.hash, checked.hash);
    assert.equal(version('photos'), before + 1);
    await good('swap', 'photos', '--named', 'small');
    await good('rollback', 'photos', '--to', String(before));
    const { versions } = await good<{ versions: { route: string; hash: string }[] }>('versions', 'photos');
    assert.equal(versions.length, before + 3);
    assert.equal(versions[0]!.hash, versions.at(-before)!.hash);
    const { out } = await ours('versions');
    assert.match(out, /photos +\d+ +[0-9a-f]{16}.*alive\n/);
    assert.match(out, /prompts/);
  });

  it('load tables and vocabularies, which the routes that use them then have', async () => {
    const [photos, prompts] = [version('photos'), version('prompts')];
    const table = await good<{ versions: unknown[] }>(
      'load',
      'table',
      'tone',
      inFolder('tone.csv'),
      '--dtype',
      'uint8',
    );
    const words = await ours('load', 'vocabulary', 'words', inFolder('other.json'));
    assert.equal(table.versions.length, 1);
    assert.match(words.out, /^prompts: version \d+, plan [0-9a-f]{16}\n$/);
    assert.deepEqual([version('photos'), version('prompts')], [photos + 1, prompts + 1]);
    const { changed } = await good<{ changed: Record<string, string>[] }>('reload');
    assert.ok(changed.some(({ route }) => route === 'prompts'));
    assert.equal((await ours('reload', '--check')).out, 'Nothing differs.\n');
  });
});

it('onpath versions lists more routes than a plane takes connections', async () => {
  const routes = Array.from(
    { length: 12 },
    (_, i) =>
      `  - { name: r${i}, port: in, payloadType: ${98 + i}, pipeline: photos, slots: 2, openSamples: 1 }\n`,
  );
  const limits = { connections: 4 };
  await using many = await running({ config: `${CONFIG}${routes.join('')}`, limits });
  const { code, out, error } = await onpath(['versions', '--socket', many.socket, '--json']);
  assert.equal(code, 0, error);
  assert.equal((JSON.parse(out) as { versions: unknown[] }).versions.length, 14);
});

describe('onpath stats and top', () => {
  it('print counters, once and again', async () => {
    const stats = await good<{ routes: { name: string }[] }>('stats');
    assert.deepEqual(
      stats.routes.map(({ name }) => name),
      ['photos', 'prompts'],
    );
    assert.match((await ours('stats')).out, /^port +received/);
    const watch = start(['stats', '--watch', '--every', '0.1', '--json', '--socket', plane.socket]);
    const lines = () => watch.printed().split('\n').slice(0, -1);
    await eventually('three lines', () => lines().length >= 3);
    for (const line of lines()) OUTPUTS['stats --watch'].parse(JSON.parse(line));
    watch.child.kill('SIGINT');
    assert.equal((await watch.ended).code, 0);
  });

  it('print what one second was', async () => {
    const top = await good<{ seconds: number; routes: { name: string; version: number }[] }>('top', '--once');
    assert.ok(top.seconds >= 0.9);
    assert.equal(top.routes[0]!.version, version('photos'));
    assert.match((await ours('top', '--once')).out, /^onpath ready, up 00:0\d:\d\d[\s\S]*route +version/);
  });

  const script = spawnSync('script', ['--version']).status === 0;
  it('redraw in a terminal, until q', { skip: script ? false : 'script is not installed' }, async () => {
    const main = new URL('../../lib/cli/main.js', import.meta.url).pathname;
    const command = `stty rows 40 cols 100; ${process.execPath} ${main} top --every 0.1 --socket ${plane.socket}`;
    const child = execFile('script', ['-qec', command, '/dev/null'], { timeout: PATIENCE_MS });
    let shown = '';
    child.stdout!.on('data', (piece: string) => {
      shown += piece;
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (shown.split('\x1b[H').length < 4) await sleep(10);
    child.stdin!.write('q');
    assert.equal(await ended, 0);
    const [before, inside, behind] = shown.split('\x1b[?1049').map((part) => part.replace(/^[hl]/, ''));
    assert.equal(before, '');
    assert.match(inside!, /onpath ready[\s\S]*photos/);
    assert.equal(behind!.trim(), '');
  });
});

describe('onpath capture', () => {
  /** Sends until `stop` is aborted. */
  async function traffic(stop: AbortSignal): Promise<void> {
    await using sender = await openSender(plane.to, 5e6);
    while (!stop.aborted) await sender.send(new Uint8Array(WIDTH * HEIGHT * 3));
  }
  async function during(work: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const sent = traffic(stop.signal);
    try {
      await work();
    } finally {
      stop.abort();
      await sent;
    }
  }
  /** Packets of a pcapng file that ends where a block ends. */
  function packetsIn(file: Buffer): number {
    let packets = 0;
    let at = 0;
    for (; at < file.length; at += file.readUInt32LE(at + 4)) if (file.readUInt32LE(at) === 6) packets++;
    assert.equal(at, file.length);
    return packets;
  }

  it('writes so many packets to a file of its owner', () =>
    during(async () => {
      const out = inFolder('photos.pcapng');
      const { packets, missed } = await good<{ packets: number; missed: number }>(
        'capture',
        'photos',
        '--out',
        out,
        '--packets',
        '20',
      );
      assert.deepEqual([packets, missed, packetsIn(readFileSync(out))], [20, 0, 20]);
    }));

  it('writes to standard output', () =>
    during(async () => {
      const args = ['capture', '--port', 'in', '--out', '-', '--packets', '5', '--socket', plane.socket];
      const main = new URL('../../lib/cli/main.js', import.meta.url).pathname;
      const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { encoding: 'buffer' });
      assert.equal(packetsIn(stdout), 5);
    }));

  it('leaves a whole file when it is interrupted', () =>
    during(async () => {
      const out = inFolder('interrupted.pcapng');
      const capture = start(['capture', 'photos', '--out', out, '--socket', plane.socket]);
      while (!existsSync(out) || readFileSync(out).length < 5000) await sleep(10);
      capture.child.kill('SIGINT');
      const { code, out: said } = await capture.ended;
      assert.equal(code, 0);
      assert.match(said, new RegExp(`^${packetsIn(readFileSync(out))} packets -> `));
    }));

  it('takes a file that others could read from them', () =>
    during(async () => {
      const out = inFolder('open.pcapng');
      writeFileSync(out, 'x'.repeat(10_000), { mode: 0o644 });
      await good('capture', 'photos', '--out', out, '--packets', '1');
      assert.equal(packetsIn(readFileSync(out)), 1);
      assert.equal(statSync(out).mode & 0o777, 0o600);
    }));

  it('leaves a file alone that belongs to another', {
    skip: process.getuid?.() === 0 ? false : 'only root can become another user',
  }, async () => {
    const folder = temporaryFolder();
    const out = folder.write('public.pcapng', 'kept');
    chmodSync(folder.path, 0o755);
    chmodSync(out, 0o666);
    const file = new URL('../../lib/files/write.js', import.meta.url).href;
    const code = `import('${file}').then(({ openPrivately }) => openPrivately('${out}')).catch(({ code }) => console.log(code))`;
    const { stdout } = spawnSync(process.execPath, ['-e', code], {
      uid: 65534,
      gid: 65534,
      encoding: 'utf8',
    });
    assert.equal(stdout, 'PERMISSION_DENIED\n');
    assert.equal(readFileSync(out, 'utf8'), 'kept');
    folder[Symbol.dispose]();
  });

  it('is no failure where the reader has seen enough', () =>
    during(async () => {
      const args = ['capture', '--port', 'in', '--out', '-', '--seconds', '30', '--socket', plane.socket];
      const capture = start(args);
      await once(capture.child.stdout, 'data');
      capture.child.stdout.destroy();
      const { code, error } = await capture.ended;
      assert.deepEqual([code, error], [0, '']);
    }));

  it('overwrites nothing when the plane refuses', async () => {
    const out = inFolder('kept.pcapng');
    writeFileSync(out, 'kept');
    assert.equal((await ours('capture', 'none', '--out', out)).code, 1);
    assert.equal(readFileSync(out, 'utf8'), 'kept');
  });
});

describe('mistakes', { concurrency: 4 }, () => {
  const wrong: [string[], RegExp, number?][] = [
    [['swap', 'photos', 'specs/none.yaml'], /specs\/none\.yaml cannot be read/],
    [['swap', 'photos', 'specs/wrong.yaml'], /specs\/wrong\.yaml, line 3: .*blur/],
    [['swap', 'none', 'specs/half.yaml'], /No route is called "none"\. There are: photos, prompts/],
    [['swap', 'prompts', 'specs/half.yaml'], /takes texts/],
    [['swap', 'photos'], /Name a specification/],
    [['swap', 'photos', 'specs/half.yaml', '--named', 'small'], /Name a specification/],
    [['swap', 'photos', '--named', 'none'], /"none".*photos, small, prompts/],
    [['swap'], /missing required argument 'route'/, 2],
    [['swap', '../../v1/live', '--named', 'small'], /No route is called "\.\.\/\.\.\/v1\/live"/],
    [['rollback', 'photos', '--to', '9999'], /9999/],
    [['load', 'table', 'none', 'tone.csv', '--dtype', 'uint8'], /"none"/],
    [['load', 'table', 'tone', 'tone.csv'], /--dtype/],
    [['load', 'table', 'tone', 'none.npy'], /none\.npy cannot be read/],
    [['load', 'vocabulary', 'words', 'specs/half.npy'], /.+/],
    [['load', 'vocabulary', 'words', 'none.json'], /none\.json cannot be read/],
    [['load', 'nothing'], /unknown command 'nothing'/, 2],
    [['capture', 'photos'], /--out/, 2],
    [['capture', '--out', 'x.pcapng'], /Name a route, or with --port a port/],
    [['capture', 'photos', '--port', 'in', '--out', 'x'], /Name a route, or with --port a port/],
    [['capture', 'photos', '--out', 'none/x.pcapng'], /none\/x\.pcapng cannot be written .*\[NOT_FOUND\]/],
    [['capture', 'photos', '--out', '.'], /\. is a folder/],
    [['capture', 'photos', '--out', '/dev/full'], /\/dev\/full is a pipe or a device/],
    [['capture', 'photos', '--out', '-', '--json'], /leave --json out/],
    [['stats', '--watch', '--every', '0'], /0\.1 to 86400/, 2],
  ];
  for (const [args, message, code = 1] of wrong) {
    it(`onpath ${args.join(' ')}`, async () => {
      const ended: Ended = await onpath([...args, '--socket', plane.socket], undefined, plane.folder);
      assert.equal(ended.code, code, ended.error);
      assert.match(ended.error, message);
      assert.equal(ended.out, '');
    });
  }

  const commands = [['stats'], ['capture', 'r', '--out', 'x']];
  for (const args of commands) {
    it(`onpath ${args.join(' ')} where no plane listens`, async () => {
      const none = inFolder('none.sock');
      const { code, error } = await onpath([...args, '--socket', none, '--json'], undefined, plane.folder);
      assert.equal(code, 1);
      const said = JSON.parse(error).error;
      assert.equal(said.code, 'NOT_FOUND');
      assert.match(
        said.message,
        /No plane listens on .*none\.sock\. Start one with onpath run CONFIG --control/,
      );
    });
  }

  it('what listens is no plane', async () => {
    const path = inFolder('strange.sock');
    const strange = createServer((_request, response) => response.end('<html>')).listen(path);
    const mute = createServer((_request, response) => response.socket!.destroy());
    const other = inFolder('mute.sock');
    mute.listen(other);
    try {
      const { code, error } = await onpath(['stats', '--socket', path]);
      assert.equal(code, 1);
      assert.match(error, /is no plane|Is it a plane/);
      assert.match((await onpath(['stats', '--socket', other])).error, /closed the connection/);
    } finally {
      strange.close();
      mute.close();
      rmSync(path, { force: true });
    }
  });

  it('the socket of another user', {
    skip: process.getuid?.() === 0 ? false : 'only root can become another user',
  }, () => {
    const main = new URL('../../lib/cli/main.js', import.meta.url).pathname;
    const { status, stderr } = spawnSync(process.execPath, [main, 'stats', '--socket', plane.socket], {
      uid: 65534,
      gid: 65534,
      encoding: 'utf8',
    });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /belongs to another user|EACCES/);
  });
});
