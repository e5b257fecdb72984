// `onpath run` as its own process, over loopback: reloads while samples come, ends, and files that are wrong.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Sender } from '../../lib/index.js';
import { eventually, freePort } from '../support/plane.js';
import { type Folder, temporaryFolder } from '../support/service.js';
import { format, height, image, width } from '../support/small.js';
import { onpath, start } from './onpath.js';
import { OUTPUTS } from './outputs.js';

let folder: Folder;
before(() => {
  folder = temporaryFolder();
});
after(() => folder[Symbol.dispose]());

interface Parts {
  readonly shift?: number;
  readonly more?: string;
  readonly word?: string;
}

function config(port: number, { shift = 1, word = 'dog', more = '' }: Parts = {}): string {
  return folder.write(
    `plane-${port}.yaml`,
    `version: 1
tables:
  shift: { expression: '(x + ${shift}) % 256', dtype: uint8 }
pipelines:
  photos:
    input: { kind: image, width: ${width}, height: ${height}, format: ${format} }
    stages: [{ stage: lookup, table: shift }]
  prompts:
    input: { kind: text }
    stages: [{ stage: replace, dictionary: { cat: ${word} } }]
ports:
  - { type: udp, name: in, port: ${port}, receiveBufferBytes: 4000000 }
routes:
  - { name: photos, port: in, payloadType: 96, pipeline: photos, deadlineMs: 60000 }
  - { name: prompts, port: in, payloadType: 97, pipeline: prompts, deadlineMs: 60000 }
${more}`,
  );
}

/** Lines of the log that standard error has so far. */
function logOf(run: ReturnType<typeof start>): { msg: string; level: string }[] {
  return run
    .said()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/** Sends images without end until it is told to stop; gives how many it sent. */
function pour(port: number): { stop(): Promise<number> } {
  let going = true;
  const run = async (): Promise<number> => {
    await using sender = await Sender.open({
      ...{ to: `127.0.0.1:${port}`, width, height, format, bitsPerSecond: 20e6 },
    });
    let sent = 0;
    for (; going; sent++) await sender.send(image(sent % 8));
    return sent;
  };
  const sent = run();
  return {
    stop() {
      going = false;
      return sent;
    },
  };
}

interface Stats {
  readonly routes: { name: string; version: number; samplesComplete: number; samplesOpened: number }[];
}
const statsOf = (out: string): Stats => OUTPUTS.run.parse(JSON.parse(out.trim().split('\n').at(-1)!)).stats;

/** What `run --every 0.1 --json` has counted so far; undefined before its first line. */
function countedBy(run: ReturnType<typeof start>): Stats | undefined {
  const lines = run.printed().split('\n').slice(0, -1);
  return lines.length === 0 ? undefined : statsOf(lines.at(-1)!);
}

describe('onpath run', () => {
  it('reloads on SIGHUP while samples come: none is lost, each version changes once', async () => {
    const port = await freePort();
    const run = start(['run', config(port), '--json']);
    await run.says('running');
    const traffic = pour(port);
    await new Promise((resolve) => setTimeout(resolve, 100));
    config(port, { shift: 2, word: 'bird' });
    run.child.kill('SIGHUP');
    await eventually('applied', () => logOf(run).some(({ msg }) => msg.endsWith('applied')));
    run.child.kill('SIGHUP');
    await eventually('the same', () => logOf(run).some(({ msg }) => msg.endsWith('nothing has changed')));
    const sent = await traffic.stop();
    run.child.kill('SIGTERM');
    const { code, out } = await run.ended;
    assert.equal(code, 0);
    assert.deepEqual(
      statsOf(out).routes.map(({ version, samplesComplete }) => [version, samplesComplete]),
      [
        [2, sent],
        [2, 0],
      ],
    );
    assert.ok(sent > 0);
  });

  it('does not end by a SIGHUP that comes before it is ready, and reads its file again when it is', async () => {
    const run = start(['run', config(await freePort()), '--json']);
    await run.says('starting');
    run.child.kill('SIGHUP');
    await run.says('running');
    await run.says('nothing has changed');
    run.child.kill('SIGTERM');
    assert.equal((await run.ended).code, 0);
  });

  it('refuses a reload that needs a restart, or has an error, in one line of the log, and goes on', async () => {
    const port = await freePort();
    const path = config(port);
    const run = start(['run', path, '--json']);
    await run.says('running');
    const refusal = (of: RegExp) =>
      eventually(`a refusal that matches ${of}`, () =>
        logOf(run).find(({ msg, level }) => level === 'error' && of.test(msg)),
      );
    config(port, { shift: 2, more: 'workers: 2\n' });
    run.child.kill('SIGHUP');
    await refusal(
      /^not reloaded: .*plane-\d+\.yaml, line 16: workers would be 2, and runs with 1\..*Restart/,
    );
    config(port, { shift: 2, more: 'workers: [\n' });
    run.child.kill('SIGHUP');
    await refusal(/^not reloaded: .*line 17, column 1/);
    folder.write(`plane-${port}.yaml`, '');
    run.child.kill('SIGHUP');
    await refusal(/^not reloaded: .*expected object/);
    run.child.kill('SIGTERM');
    const { code, out } = await run.ended;
    assert.equal(code, 0);
    assert.deepEqual(
      statsOf(out).routes.map(({ version }) => version),
      [1, 1],
    );
  });

  it('ends with 0 on SIGTERM while samples come, within what it has for that', async () => {
    const port = await freePort();
    const run = start(['run', config(port, { more: 'drainMs: 300\n' }), '--every', '0.1', '--json']);
    await run.says('running');
    const traffic = pour(port);
    await eventually('a sample', () => (countedBy(run)?.routes[0]?.samplesComplete ?? 0) > 0);
    run.child.kill('SIGTERM');
    const { code, out } = await run.ended;
    await traffic.stop().catch(() => {});
    assert.equal(code, 0);
    const [photos] = statsOf(out).routes;
    assert.ok(photos!.samplesComplete > 0);
    assert.ok(photos!.samplesOpened - photos!.samplesComplete <= 1, 'one sender has one sample open');
  });

  it('ends at once on a second signal', async () => {
    const port = await freePort();
    const run = start(['run', config(port, { more: 'drainMs: 3600000\n' }), '--every', '0.1', '--json']);
    await run.says('running');
    await using sender = await Sender.open({ to: `127.0.0.1:${port}`, text: true, payloadType: 97 });
    const stop = new AbortController();
    const sent = sender
      .send(
        (async function* () {
          yield 'one ';
          await once(stop.signal, 'abort');
        })(),
      )
      .catch(() => {});
    await eventually('an open text', () => countedBy(run)?.routes[1]?.samplesOpened === 1);
    run.child.kill('SIGTERM');
    await eventually('draining', () => logOf(run).some(({ msg }) => msg === 'draining'));
    run.child.kill('SIGTERM');
    const [, signal] = await once(run.child, 'exit');
    assert.equal(signal, 'SIGTERM');
    stop.abort();
    await sent;
  });

  it('that cannot start ends with 1 and one sentence', async () => {
    const port = await freePort();
    const run = start(['run', config(port)]);
    await run.says('running');
    const { code, error } = await onpath(['run', config(port)]);
    assert.equal(code, 1);
    assert.match(error.split('\n').at(-2)!, /^onpath: .* \[ADDRESS_IN_USE\]$/);
    run.child.kill('SIGTERM');
    await run.ended;
  });

  it('takes flags above the file', async () => {
    const path = config(0, { more: "metrics: { listen: '127.0.0.1:1' }\n" });
    const good = ['--metrics', '127.0.0.1:0', '--ui', '--control', './x.sock', '--log-level', 'warn'];
    assert.equal((await onpath(['run', path, '--check', ...good])).code, 0);
    const wrong: [string[], number, RegExp][] = [
      [['--metrics', 'here'], 1, /--metrics must be "address:port"/],
      [['--ui', 'localhost:80'], 1, /--ui must be/],
      [['--control', 'x'.repeat(200)], 1, /at most 107/],
      [['--log-level', 'loud'], 2, /Allowed choices are trace/],
    ];
    for (const [flags, expected, says] of wrong) {
      const { code, error } = await onpath(['run', path, '--check', ...flags]);
      assert.deepEqual([code, says.test(error)], [expected, true], error);
    }
  });

  const files: [string, string | Uint8Array, RegExp][] = [
    ['nothing', '', /expected object, received null/],
    ['bytes', Uint8Array.from({ length: 300 }, (_, i) => i & 255), /no text in UTF-8/],
    ['brackets without end', '['.repeat(100_000), /line 1/],
    [
      'aliases of aliases',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(10)}]`).join('\n')}\n`,
      /alias/i,
    ],
    ['a field twice', 'version: 1\nversion: 1\n', /line 2/],
  ];
  for (const [what, content, says] of files) {
    it(`says in one sentence what is wrong with a file of ${what}`, async () => {
      const { code, error } = await onpath(['run', folder.write('wrong.yaml', content), '--check']);
      assert.equal(code, 1);
      assert.match(error, says);
      assert.equal(error.trim().split('\n').length, 1, error);
    });
  }
  it('does not read what never ends', async () => {
    const { code, error } = await onpath(['run', '/dev/zero', '--check']);
    assert.equal(code, 1);
    assert.match(error, /is a device/);
  });
});
