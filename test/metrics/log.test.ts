// What a service logs: one line for each thing that happened, none for a packet.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { DROP_REASONS, LookupTable, Pipeline, type PlaneStats } from '../../lib/index.js';
import { DROPS_EVERY_MS, DropLog } from '../../lib/log/drops.js';
import { logEvents } from '../../lib/log/events.js';
import { humanLine } from '../../lib/log/human.js';
import { eventually, linkName, PlainSocket } from '../support/plane.js';
import { input } from '../support/small.js';
import { images, keptLog, startService, tables } from './service.js';

const config = () => ({
  tables,
  pipelines: { images },
  ports: [
    { type: 'udp', name: 'in', port: 0 },
    { type: 'memory', name: 'side', link: linkName() },
  ],
  routes: [{ name: 'photos', port: 'in', pipeline: 'images' }],
});
const swapped = (number: number) => {
  const table = LookupTable.fromFunction((x) => x ^ number, { dtype: 'uint8' });
  return Pipeline.compile({ input, stages: [{ stage: 'lookup', table }] });
};

/** Counters of a plane with one port, of which only these drops matter. */
function statsOf(drops: Readonly<Record<string, number>>): PlaneStats {
  const none = Object.fromEntries(DROP_REASONS.map(({ name }) => [name, 0]));
  return { ports: [{ name: 'in', drops: { ...none, ...drops } }], routes: [] } as unknown as PlaneStats;
}

describe('the log of a service', () => {
  test('says that it is ready, each version, what was dropped, and the end', async () => {
    const service = await startService(config());
    const { log, lines } = keptLog();
    await using _events = logEvents(service, log);
    assert.match(lines[0]!.msg, /^ready, running .*plane\.json$/);
    assert.deepEqual(lines[0]!['ports'], [`in 127.0.0.1:${service.plane.address('in').port}`, 'side']);
    await using socket = await PlainSocket.open();
    await socket.send(service.plane.address('in'), [Buffer.from('no RTP'), Buffer.from('none')]);
    await eventually('dropped', () => service.plane.stats().ports[0]!.drops.bad_rtp_header === 2);
    for (const number of [1, 2]) await service.swap('photos', swapped(number));
    await eventually('versions logged', () => lines.some(({ version }) => version === 3));
    await service.close();
    await eventually('end logged', () => lines.some(({ msg }) => msg === 'ended'));
    const versions = lines.filter(({ version }) => version !== undefined);
    assert.deepEqual(
      versions.map(({ route, version }) => [route, version]),
      [
        ['photos', 2],
        ['photos', 3],
      ],
    );
    assert.equal(versions[1]!['hash'], service.plane.versions('photos')[0]!.hash);
    const dropped = lines.filter(({ reason }) => reason !== undefined);
    assert.equal(
      dropped.reduce((all, { count }) => all + (count as number), 0),
      2,
    );
    assert.match(dropped[0]!.msg, /^port in: \d packets? dropped as bad_rtp_header\. RTP version is not 2/);
    const end = lines.at(-1)!;
    assert.equal(end.msg, 'ended');
    assert.deepEqual(end['drops'], { 'port in': { bad_rtp_header: 2 } });
  });

  test('ends with its listener, and leaves the service running', async () => {
    await using service = await startService(config());
    const { log, lines } = keptLog();
    await logEvents(service, log)[Symbol.asyncDispose]();
    await service.swap('photos', swapped(1));
    assert.equal(service.state, 'ready');
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['info'],
    );
  });

  test('has one line for a reason in ten seconds, and every drop is counted in one', () => {
    const { log, lines } = keptLog();
    const drops = new DropLog(log);
    let total = 0;
    for (let now = 0; now <= 3 * DROPS_EVERY_MS; now += 1000) {
      total += 7;
      drops.look(statsOf({ late: total, duplicate: 1 }), now);
    }
    drops.look(statsOf({ late: total, duplicate: 1 }), 10 * DROPS_EVERY_MS);
    const late = lines.filter(({ reason }) => reason === 'late');
    assert.deepEqual(
      late.map(({ count, total: all }) => [count, all]),
      [
        [7, 7],
        [70, 77],
        [70, 147],
        [70, 217],
      ],
    );
    const duplicate = lines.filter(({ reason }) => reason === 'duplicate');
    assert.deepEqual(
      duplicate.map(({ count, level, port }) => [count, level, port]),
      [[1, 'warn', 'in']],
    );
  });
});

describe('a line for people', () => {
  const line = (more: object) =>
    JSON.stringify({ level: 'warn', time: new Date(2026, 1, 3, 4, 5, 6, 78).toISOString(), pid: 1, ...more });

  test('has the time, the level, the message and the fields', () => {
    assert.equal(
      humanLine(line({ msg: 'gone', port: 'in', at: 'a b', n: [1, 2], err: { message: 'no' } }), false),
      '04:05:06.078 warn  gone  port=in at="a b" n=[1,2] problem=no\n',
    );
  });

  test('has colours only where they are shown', () => {
    const coloured = humanLine(line({ msg: 'gone', port: 'in' }), true);
    assert.notEqual(coloured, humanLine(line({ msg: 'gone', port: 'in' }), false));
    assert.equal(stripVTControlCharacters(coloured), humanLine(line({ msg: 'gone', port: 'in' }), false));
  });

  test('shows what a terminal would obey', () => {
    const shown = humanLine(line({ msg: 'a\u001b[31mb\nc\u009b2J', '\u001b]0;x\u0007': '\u001b[2J' }), false);
    assert.doesNotMatch(shown.slice(0, -1), /\p{Cc}/u);
    assert.match(shown, /a\\u001b\[31mb\\u000ac\\u009b2J/);
  });
});

describe('standard error', () => {
  const module = new URL('../../lib/log/log.js', import.meta.url).href;
  const run = (code: string, error: 'pipe' | number = 'pipe') =>
    spawn(process.execPath, ['--input-type=module', '-e', `import { createLog } from '${module}'; ${code}`], {
      stdio: ['ignore', 'pipe', error],
    });

  test('has lines of JSON from the level on that was asked for', async () => {
    const child = run(
      `const log = createLog({ level: 'warn' }); log.info('no'); log.warn({ a: 1 }, 'yes'); log.error('too');`,
    );
    let text = '';
    child.stderr!.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one));
    assert.deepEqual(
      lines.map(({ level, msg, a }) => [level, msg, a]),
      [
        ['warn', 'yes', 1],
        ['error', 'too', undefined],
      ],
    );
    assert.ok(Math.abs(Date.parse(lines[0].time) - Date.now()) < 3_600_000);
  });

  test('that nobody reads holds up nothing, and what was lost is said', async () => {
    // Far more than a pipe and the log hold; standard output tells that the event loop went on.
    const child = run(`
      const log = createLog({ level: 'info' });
      const long = 'x'.repeat(1000);
      for (let i = 0; i < 4000; i++) { log.info({ i }, long); if (i % 100 === 0) await new Promise(setImmediate); }
      process.stdout.write('through');
      // A process that ends waits for its reader for a second at most, which may have passed by now.
      await new Promise((resolve) => setTimeout(resolve, 3000));
    `);
    const ended = once(child, 'close');
    const [said] = await once(child.stdout!, 'data');
    assert.equal(String(said), 'through');
    let text = '';
    child.stderr!.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    await ended;
    const lines = text
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one));
    const lost = lines.reduce((all, one) => all + (one.lines ?? 0), 0);
    assert.ok(lost > 0);
    assert.equal(lines.filter(({ i }) => i !== undefined).length + lost, 4000);
  });

  test('that takes nothing ends nothing', {
    skip: existsSync('/dev/full') ? false : 'no /dev/full',
  }, async () => {
    const full = openSync('/dev/full', 'w');
    const child = run(
      `const log = createLog(); log.error('lost'); await new Promise(setImmediate); log.error('too'); process.stdout.write('through');`,
      full,
    );
    closeSync(full);
    const [said] = await once(child.stdout!, 'data');
    assert.equal(String(said), 'through');
    assert.equal((await once(child, 'exit'))[0], 0);
  });
});

test('a program that imports the package loads nothing of the servers or the log', () => {
  const index = new URL('../../lib/index.js', import.meta.url).href;
  const code = `import('${index}').then(() => console.log(Object.keys(require.cache).join('\\n')))`;
  const { stdout, status } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.doesNotMatch(stdout, /node_modules\/(@?fastify|prom-client|pino)\b/);
});
