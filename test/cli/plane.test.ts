/** The commands that move packets, against each other, over loopback. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { readImage } from '../../lib/files/image-file.js';
import { readNpy, writeNpy } from '../../lib/files/npy.js';
import { Pipeline } from '../../lib/index.js';
import { eventually } from '../support/plane.js';
import { missing } from '../support/tools.js';
import { onpath, start } from './onpath.js';
import { OUTPUTS } from './outputs.js';

let folder: string;
const inFolder = (name: string) => join(folder, name);
const width = 40;
const height = 30;
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) & 255);
const stages = [{ stage: 'resize', width: 20, height: 15 } as const];

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-cli-'));
  writeFileSync(inFolder('image.npy'), writeNpy({ dtype: 'uint8', shape: [height, width, 3], data: pixels }));
  const input = `input: { kind: image, width: ${width}, height: ${height}, format: rgb }\n`;
  writeFileSync(inFolder('images.yaml'), `${input}stages: ${JSON.stringify(stages)}\n`);
  writeFileSync(
    inFolder('texts.yaml'),
    'input: { kind: text }\nstages: [{ stage: replace, dictionary: { cat: dog } }]\n',
  );
});
after(() => rmSync(folder, { recursive: true }));

/** The port that the command says it listens on. */
async function listening(command: ReturnType<typeof start>): Promise<string> {
  let said = '';
  command.child.stderr.on('data', (text: string) => {
    said += text;
  });
  await command.says('listening on');
  return /listening on (\S+)/.exec(said)![1]!;
}

describe('onpath send and recv', () => {
  it('carry images whose tensors equal a direct call', async () => {
    const out = inFolder('tensors');
    const recv = start([
      'recv',
      '--pipeline',
      inFolder('images.yaml'),
      '--on',
      '127.0.0.1:0',
      '--count',
      '3',
      '--out',
      out,
      '--json',
    ]);
    const to = await listening(recv);
    const sent = await onpath([
      'send',
      inFolder('image.npy'),
      '--to',
      to,
      '--repeat',
      '3',
      '--rate',
      '50M',
      '--json',
    ]);
    assert.equal(sent.code, 0, sent.error);
    assert.equal(JSON.parse(sent.out).samples, 3);
    const { code, out: lines } = await recv.ended;
    assert.equal(code, 0);
    assert.equal(lines.trim().split('\n').length, 3);
    const pipeline = Pipeline.compile({ input: { kind: 'image', width, height, format: 'rgb' }, stages });
    const expected = pipeline.run(pixels).data;
    for (const file of readdirSync(out)) {
      const { shape, data } = readNpy(readFileSync(join(out, file)), file);
      assert.deepEqual(shape, [15, 20, 3]);
      assert.deepEqual(data, expected);
    }
    assert.equal(readdirSync(out).length, 3);
  });

  const direct = () =>
    Pipeline.compile({ input: { kind: 'image', width, height, format: 'rgb' }, stages }).run(pixels).data;
  const rates = [
    ['row-major', '50Mbit/s'],
    ['planar', '2kpps'],
    ['tile-major', 'max'],
  ] as const;
  for (const [order, rate] of rates) {
    it(`carry ${order} images at ${rate}, with the same tensors`, async () => {
      const out = inFolder(`tensors-${order}`);
      const ordered = ['--pipeline', inFolder('images.yaml'), '--order', order, '--skip-unread'];
      const recv = start(['recv', ...ordered, '--on', '127.0.0.1:0', '--count', '2', '--out', out, '--json']);
      const to = await listening(recv);
      const send = [
        'send',
        '-',
        '--to',
        to,
        ...ordered,
        '--rate',
        rate,
        '--repeat',
        '2',
        '--interval',
        '0.05',
      ];
      const sent = await onpath([...send, '--json'], readFileSync(inFolder('image.npy')));
      assert.equal(sent.code, 0, sent.error);
      const { samples, seconds } = OUTPUTS.send.parse(JSON.parse(sent.out));
      assert.equal(samples, 2);
      assert.ok(seconds >= 0.05);
      const { code, out: lines } = await recv.ended;
      assert.equal(code, 0);
      for (const line of lines.trimEnd().split('\n')) OUTPUTS.recv.parse(JSON.parse(line));
      assert.deepEqual(readNpy(readFileSync(join(out, '000001-pixels.npy')), '').data, direct());
    });
  }

  it('keep planes that no pipeline is named for, and write pictures', async () => {
    const out = inFolder('pictures');
    const on = missing('ipv6') === false ? '[::1]:0' : '127.0.0.1:0';
    const recv = start([
      ...['recv', '--pipeline', inFolder('images.yaml'), '--order', 'planar', '--on', on],
      ...['--count', '1', '--out', out, '--as', 'png'],
    ]);
    const to = await listening(recv);
    const sent = await onpath(['send', inFolder('image.npy'), '--to', to, '--order', 'planar']);
    assert.equal(sent.code, 0, sent.error);
    assert.equal((await recv.ended).code, 0);
    const { width: w, height: h, pixels: found } = await readImage(join(out, '000000-pixels.png'));
    assert.deepEqual([w, h], [20, 15]);
    assert.deepEqual(Uint8Array.from(found), direct());
  });

  it('end by a signal with what was sent until then', async () => {
    const receiver = createSocket('udp4').bind(0, '127.0.0.1');
    await once(receiver, 'listening');
    const to = `127.0.0.1:${receiver.address().port}`;
    const send = start([
      ...['send', inFolder('image.npy'), '--to', to, '--repeat', '1000000', '--interval', '0.02'],
      '--json',
    ]);
    // By then the first ones have been counted.
    for (let packets = 0; packets < 50; packets++) await once(receiver, 'message');
    send.child.kill('SIGTERM');
    const { code, out, error } = await send.ended;
    receiver.close();
    assert.equal(code, 0, error);
    const { samples } = OUTPUTS.send.parse(JSON.parse(out));
    assert.ok(samples > 0 && samples < 1_000_000, out);
  });

  it('carry texts from standard input', async () => {
    const recv = start([
      'recv',
      '--pipeline',
      inFolder('texts.yaml'),
      '--on',
      '127.0.0.1:0',
      '--count',
      '1',
      '--json',
    ]);
    const to = await listening(recv);
    const sent = await onpath(['send', '-', '--text', '--to', to], 'one cat, two cats');
    assert.equal(sent.code, 0, sent.error);
    assert.equal(JSON.parse((await recv.ended).out).text, 'one dog, two dogs');
  });

  const wrong: [string[], RegExp][] = [
    [['send', 'none.npy', '--to', '127.0.0.1:9'], /none\.npy cannot be read/],
    [['send', 'x.txt', '--text', '--dims', '--to', '127.0.0.1:9'], /--dims is about images/],
    [['send', 'none.npy', '--order', 'tile-major', '--to', '127.0.0.1:9'], /need --pipeline/],
    [['recv', '--pipeline', 'none.yaml'], /none\.yaml cannot be read/],
  ];
  for (const [args, message] of wrong) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, error } = await onpath(args, undefined, folder);
      assert.equal(code, 1);
      assert.match(error, message);
    });
  }
});

describe('onpath run', () => {
  const config = (port: number) => `version: 1
tables:
  negative: { expression: '255 - x', dtype: uint8 }
pipelines:
  photos:
    input: { kind: image, width: ${width}, height: ${height}, format: rgb }
    stages: [{ stage: lookup, table: negative }]
  prompts:
    input: { kind: text }
    stages: [{ stage: replace, dictionary: { cat: dog } }]
ports:
  - { type: udp, name: in, port: ${port} }
routes:
  - { name: photos, port: in, payloadType: 96, pipeline: photos }
  - { name: prompts, port: in, payloadType: 97, pipeline: prompts }
`;

  it('checks a file without starting anything', async () => {
    writeFileSync(inFolder('plane.yaml'), config(0));
    const { code, out, error } = await onpath(['run', inFolder('plane.yaml'), '--check', '--json']);
    assert.equal(code, 0, error);
    const { ok, routes } = OUTPUTS['run --check'].parse(JSON.parse(out));
    assert.equal(ok, true);
    assert.deepEqual(
      routes.map(({ name, pipeline, sink }) => [name, pipeline, sink]),
      [
        ['photos', 'photos', 'host'],
        ['prompts', 'prompts', 'host'],
      ],
    );
  });

  const wrong: [string, (text: string) => string, RegExp][] = [
    ['a version there is not', (text) => text.replace('version: 1', 'version: 2'), /line 1: .*version/],
    [
      'a pipeline that is not there',
      (text) => text.replace('pipeline: prompts', 'pipeline: promts'),
      /line 15: .*"promts", which is not there.*photos, prompts/,
    ],
    [
      'a table that is not there',
      (text) => text.replace('table: negative', 'table: positive'),
      /line 7: .*"positive"|line \d+: .*"positive"/,
    ],
    ['an unknown field', (text) => `${text}wrokers: 2\n`, /wrokers/],
    [
      'a route that takes what another takes',
      (text) => text.replace('payloadType: 97', 'payloadType: 96'),
      /line 15: config\.routes\[1\]: "photos" and "prompts" both take any UDP port and payload type 96 of port "in"\./,
    ],
    [
      'a port that is not there',
      (text) => text.replace('port: in, payloadType: 97', 'port: out, payloadType: 97'),
      /out/,
    ],
  ];
  for (const [what, change, message] of wrong) {
    it(`says where ${what} stands`, async () => {
      writeFileSync(inFolder('wrong.yaml'), change(config(0)));
      const { code, error } = await onpath(['run', inFolder('wrong.yaml'), '--check']);
      assert.equal(code, 1, what);
      assert.match(error, message);
      assert.match(error, /wrong\.yaml/);
    });
  }

  it('runs until SIGTERM, then says what it did and ends with 0', async () => {
    // A port of its own: found free a moment ago.
    const probe = start(['recv', '--pipeline', inFolder('images.yaml'), '--on', '127.0.0.1:0']);
    const to = await listening(probe);
    probe.child.kill('SIGTERM');
    assert.equal((await probe.ended).code, 0);
    writeFileSync(inFolder('plane.yaml'), config(Number(to.split(':')[1])));
    const run = start(['run', inFolder('plane.yaml'), '--every', '0.1', '--json']);
    await run.says('running');
    const delivered = (text: string): number[] =>
      JSON.parse(text).stats.routes.map((route: { samplesDelivered: number }) => route.samplesDelivered);
    const sent = await onpath(['send', inFolder('image.npy'), '--to', to, '--repeat', '4', '--rate', '50M']);
    assert.equal(sent.code, 0, sent.error);
    assert.equal((await onpath(['send', '-', '--text', '--payload-type', '97', '--to', to], 'cat')).code, 0);
    await eventually('all of it', () => {
      const line = run.printed().split('\n').at(-2);
      return line !== undefined && isDeepStrictEqual(delivered(line), [4, 1]);
    });
    run.child.kill('SIGTERM');
    const { code, out } = await run.ended;
    assert.equal(code, 0);
    assert.deepEqual(delivered(out.trimEnd().split('\n').at(-1)!), [4, 1]);
  });
});
