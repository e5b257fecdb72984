// A service: what its configuration makes of a plane, and how that is changed while samples come.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readConfig, readConfigAsync } from '../../lib/files/config-file.js';
import { configJsonSchema } from '../../lib/files/config-schema.js';
import { LookupTable, Pipeline, Sender, Tokenizer } from '../../lib/index.js';
import { Service } from '../../lib/service/service.js';
import { assertRejects, assertThrows } from '../support/assert.js';
import { assertBooksBalance, eventually, linkName } from '../support/plane.js';
import { type Folder, temporaryFolder } from '../support/service.js';
import { format, height, image, width } from '../support/small.js';
import { SMALL_FOLDER, smallVocabularies } from '../support/text-vocabulary.js';

let folder: Folder;
before(() => {
  folder = temporaryFolder();
});
after(() => folder[Symbol.dispose]());

const to = '192.0.2.2:5004';
const vocabularies = smallVocabularies().filter(({ format }) => format === 'tokenizer.json');
const vocabulary = (i: number) => resolve(join(SMALL_FOLDER, vocabularies[i]!.path.split('/').at(-1)!));

interface Stage {
  readonly properties: { readonly stage: { readonly const: string } };
}

interface Parts {
  readonly shift?: number;
  readonly vocabulary?: number;
  readonly mean?: number;
  readonly photos?: string;
  readonly more?: string;
  readonly slots?: number;
  readonly drainMs?: number;
}

/** Photos through a table called shift, tensors that are normalized, prompts through a vocabulary called small. */
function config(link: string, parts: Parts = {}): string {
  const { shift = 1, vocabulary: which = 0, mean = 0.5, photos = 'shifted', more = '', slots = 64 } = parts;
  const input = `{ kind: image, width: ${width}, height: ${height}, format: ${format} }`;
  return folder.write(
    `${link}.yaml`,
    `version: 1
drainMs: ${parts.drainMs ?? 5000}
tables:
  shift: { expression: '(x + ${shift}) % 256', dtype: uint8 }
  unused: { expression: 'x', dtype: uint8 }
tokenizers:
  small: { file: ${vocabulary(which)} }
pipelines:
  shifted: { input: ${input}, stages: [{ stage: lookup, table: shift }] }
  normal: { input: ${input}, stages: [{ stage: normalize, mean: ${mean}, std: 0.5 }], output: { layout: chw } }
  prompts: { input: { kind: text }, stages: [{ stage: tokenize, tokenizer: small }] }
ports:
  - { type: memory, name: in, link: ${link} }
routes:
  - { name: photos, port: in, payloadType: 96, pipeline: ${photos}, slots: ${slots}, deadlineMs: 60000, slowConsumer: backpressure }
  - { name: tensors, port: in, payloadType: 97, pipeline: normal, deadlineMs: 60000 }
  - { name: prompts, port: in, payloadType: 98, pipeline: prompts, deadlineMs: 60000 }
${more}`,
  );
}

async function sendImages(link: string, count: number, payloadType = 96): Promise<void> {
  await using sender = await Sender.open({ to, via: { link }, width, height, format, payloadType });
  for (let i = 0; i < count; i++) await sender.send(image(i));
}

async function sendText(link: string, text: string): Promise<void> {
  await using sender = await Sender.open({ to, via: { link }, text: true, payloadType: 98 });
  await sender.send(text);
}

const numbers = (service: Service) => service.snapshot().routes.map(({ version }) => version);
const names = (service: Service) => service.routes().map(({ pipelineName }) => pipelineName);

describe('a service', () => {
  test('calls tables and vocabularies by the names of its configuration, and exchanges them', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    assert.deepEqual(service.plane.tables.list(), [{ name: 'shift', routes: ['photos'] }]);
    assert.deepEqual(service.plane.vocabularies.list(), [{ name: 'small', routes: ['prompts'] }]);
    const table = LookupTable.fromFunction((x) => 255 - x, { dtype: 'uint8' });
    const [set] = await service.setTable('shift', table);
    assert.deepEqual([set!.route, set!.version], ['photos', 2]);
    const [loaded] = await service.setVocabulary('small', Tokenizer.fromFile(vocabulary(1)));
    assert.deepEqual([loaded!.route, loaded!.version], ['prompts', 2]);
    assert.deepEqual(numbers(service), [2, 1, 2]);
    assert.deepEqual(names(service), ['shifted', 'normal', 'prompts']);
    await assertRejects(service.setTable('unused', table), 'NOT_FOUND', /"shift"/);
  });

  test('takes what host routes make, and shows it in its snapshot', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link, { slots: 2 })));
    await sendImages(link, 20);
    await sendText(link, 'hello');
    await eventually('taken', () =>
      [20, 0, 1].every((count, i) => service.plane.stats().routes[i]!.samplesDelivered === count),
    );
    const { routes, tables, state, memoryBytes, stats, ports, events } = service.snapshot();
    assert.equal(state, 'ready');
    assert.deepEqual(
      routes.map(({ name, kind, sink, latency }) => [name, kind, sink, latency?.lastPacket.count]),
      [
        ['photos', 'tensor', 'host', 20],
        ['tensors', 'tensor', 'host', 0],
        ['prompts', 'text', 'host', 1],
      ],
    );
    assert.ok(routes[0]!.latency!.lastPacket.p99 >= routes[0]!.latency!.lastPacket.p50);
    assert.deepEqual(tables, [{ name: 'shift', routes: ['photos'] }]);
    assert.equal(memoryBytes, stats.memoryBytes);
    assert.deepEqual([ports.length, ports[0]!.name, events.length], [1, 'in', 0]);
    await service.close();
    assert.equal(service.state, 'closed');
    assertBooksBalance(service.plane.stats());
  });

  test('has no latency in its snapshot where none is measured', async () => {
    await using service = await Service.start(readConfig(config(linkName(), { more: 'latency: false' })));
    assert.equal(service.snapshot().routes[0]!.latency, undefined);
  });

  test('ends samples that are open before it closes, and no later than drainMs', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    await using sender = await Sender.open({ to, via: { link }, text: true, payloadType: 98 });
    const text = (async function* () {
      yield 'one ';
      await eventually('draining', () => service.state === 'draining');
      await assertRejects(service.reloadFile(), 'CLOSED', /drains.*nothing was changed/);
      yield 'two';
    })();
    const sent = sender.send(text);
    await eventually('open', () => service.plane.stats().routes[2]!.samplesOpen === 1);
    await service.close({ drainMs: 60_000 });
    await sent;
    assert.equal(service.plane.stats().routes[2]!.samplesComplete, 1);
    assert.equal(service.plane.stats().routes[2]!.drops.closed, 0);

    const late = linkName();
    await using other = await Service.start(readConfig(config(late)));
    await using stuck = await Sender.open({ to, via: { link: late }, text: true, payloadType: 98 });
    const controller = new AbortController();
    const never = (async function* () {
      yield 'one ';
      await new Promise((resolve) => controller.signal.addEventListener('abort', resolve));
    })();
    const unsent = stuck.send(never).catch(() => {});
    await eventually('open', () => other.plane.stats().routes[2]!.samplesOpen === 1);
    await other.close({ drainMs: 50 });
    assert.equal(other.plane.stats().routes[2]!.drops.closed, 1);
    controller.abort();
    await unsent;
  });
});

describe('a service that is closed', () => {
  test('can still be looked at, and refuses changes', async () => {
    const link = linkName();
    const service = await Service.start(readConfig(config(link)));
    await service.close();
    assert.deepEqual(numbers(service), [1, 1, 1]);
    const table = LookupTable.fromFunction((x) => 255 - x, { dtype: 'uint8' });
    await assertRejects(service.setTable('shift', table), 'CLOSED');
    config(link, { shift: 2 });
    await assertRejects(service.reloadFile(), 'CLOSED');
    assert.deepEqual(numbers(service), [1, 1, 1]);
    await service.close();
  });
});

describe('a rollback', () => {
  test('runs an earlier version again as a new one; twice is back', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    const hash = () => service.snapshot().routes[0]!.hash;
    const first = hash();
    await assertRejects(service.rollback('photos'), 'NOT_FOUND', /no earlier version/);
    const table = LookupTable.fromFunction((x) => 255 - x, { dtype: 'uint8' });
    await service.setTable('shift', table);
    const second = hash();
    assert.notEqual(first, second);
    assert.equal((await service.rollback('photos')).version, 3);
    assert.equal(hash(), first);
    assert.equal((await service.rollback('photos')).version, 4);
    assert.equal(hash(), second);
    assert.equal((await service.rollback('photos', 1)).version, 5);
    assert.equal(hash(), first);
    await assertRejects(service.rollback('photos', 5), 'INVALID_ARGUMENT', /runs now/);
    await assertRejects(service.rollback('photos', 9), 'NOT_FOUND', /4, 3, 2, 1/);
    await assertRejects(service.rollback('other'), 'NOT_FOUND', /photos, tensors, prompts/);
    await assertRejects(service.rollback('photos', 'x' as unknown as number), 'NOT_FOUND', /"x"/);
  });

  test('reaches as far back as versions are listed', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    for (let i = 2; i <= 20; i++) {
      await service.setTable(
        'shift',
        LookupTable.fromFunction((x) => (x + i) % 256, { dtype: 'uint8' }),
      );
    }
    const listed = service.plane.versions('photos');
    assert.equal(listed.length, 16);
    const oldest = listed.at(-1)!;
    assert.equal((await service.rollback('photos', oldest.version)).hash, oldest.hash);
    await assertRejects(service.rollback('photos', 4), 'NOT_FOUND');
  });

  test('names what it went back to', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    await service.swap('photos', service.config.pipelines.get('normal') as Pipeline);
    assert.deepEqual(names(service), ['normal', 'normal', 'prompts']);
    const input = { kind: 'image', width, height, format } as const;
    await service.swap('photos', Pipeline.compile({ input }));
    assert.deepEqual(names(service), ['(swapped in)', 'normal', 'prompts']);
    await service.rollback('photos', 1);
    assert.deepEqual(names(service), ['shifted', 'normal', 'prompts']);
    // What is refused changes no name.
    await assertRejects(service.swap('photos', service.config.pipelines.get('prompts')!), 'INVALID_SPEC');
    assert.deepEqual(names(service), ['shifted', 'normal', 'prompts']);
  });
});

describe('a reload', () => {
  test('of the same file changes nothing', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    assert.deepEqual(await service.reloadFile(), { changed: [], unchanged: true });
    assert.deepEqual(numbers(service), [1, 1, 1]);
  });

  test('swaps the routes that differ, all at once, and says what did', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    config(link, { shift: 2, vocabulary: 1, drainMs: 100 });
    const changed = [
      { route: 'photos' },
      { route: 'prompts' },
      { table: 'shift' },
      { vocabulary: 'small' },
      { setting: 'drainMs' },
    ];
    assert.deepEqual(await service.reloadFile({ check: true }), { changed, unchanged: false });
    assert.deepEqual(numbers(service), [1, 1, 1]);
    assert.deepEqual(await service.reloadFile(), { changed, unchanged: false });
    assert.deepEqual(numbers(service), [2, 1, 2]);
    assert.equal(service.config.drainMs, 100);
    // The names still stand for what they did.
    assert.deepEqual(service.plane.tables.list(), [{ name: 'shift', routes: ['photos'] }]);
    assert.equal((await service.rollback('photos')).version, 3);
  });

  test('gives a route another pipeline of the file', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    config(link, { photos: 'normal' });
    assert.deepEqual((await service.reloadFile()).changed, [{ route: 'photos' }]);
    assert.deepEqual(names(service), ['normal', 'normal', 'prompts']);
  });

  test('undoes what was set by other means', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    const { hash } = service.snapshot().routes[0]!;
    await service.setTable(
      'shift',
      LookupTable.fromFunction((x) => 255 - x, { dtype: 'uint8' }),
    );
    assert.deepEqual((await service.reloadFile()).changed, [{ route: 'photos' }, { table: 'shift' }]);
    assert.equal(service.snapshot().routes[0]!.hash, hash);
  });

  const restarts: [string, (text: string) => string, RegExp[]][] = [
    ['another worker', (text) => `${text}workers: 2\n`, [/line 18: workers would be 2, and runs with 1/]],
    [
      'slots',
      (text) => text.replace('slots: 64', 'slots: 32'),
      [/line 15: routes\[0\]\.slots would be 32, and runs with 64/],
    ],
    [
      'what is left out',
      (text) => text.replace(', deadlineMs: 60000', ''),
      [/line 15: routes\[0\]\.deadlineMs would be 1000, and runs with 60000/],
    ],
    [
      'a further route',
      (text) => `${text}  - { name: more, port: in, pipeline: shifted, payloadType: 99 }\n`,
      [/routes would be \[photos, tensors, prompts, more\], and runs with \[photos, tensors, prompts\]/],
    ],
    [
      'another port and another order at a time',
      (text) => text.replace('link: ', 'queues: 1, link: x').replace('payloadType: 97', 'payloadType: 77'),
      [/line 13: ports\[0\]\.link/, /line 13: ports\[0\]\.queues/, /line 16: routes\[1\]\.payloadType/],
    ],
    [
      'a metrics server',
      (text) => `${text}metrics: { listen: '127.0.0.1:0' }\n`,
      [/line 18: metrics would be/],
    ],
    [
      'a pipeline of another input',
      (text) =>
        text.replace('pipeline: shifted', 'pipeline: prompts').replace(', slowConsumer: backpressure', ''),
      [
        /line 15: routes\[0\]\.pipeline would be "prompts", which takes texts, but the route takes rgb images/,
      ],
    ],
  ];
  for (const [what, change, says] of restarts) {
    test(`refuses ${what}, and changes nothing`, async () => {
      const link = linkName();
      const path = config(link);
      await using service = await Service.start(readConfig(path));
      const applied = service.config;
      // Something that could be applied stands beside it.
      folder.write(`${link}.yaml`, change(readFileSync(path, 'utf8')).replace('x + 1', 'x + 2'));
      await assertRejects(service.reloadFile(), 'INVALID_SPEC', ...says, /Restart/);
      assert.deepEqual(numbers(service), [1, 1, 1]);
      assert.equal(service.config, applied);
    });
  }

  test('of a file with an error changes nothing and says where it is', async () => {
    const link = linkName();
    const path = config(link);
    await using service = await Service.start(readConfig(path));
    folder.write(`${link}.yaml`, 'version: 1\nports: [');
    await assertRejects(service.reloadFile(), 'INVALID_SPEC', /line 2, column/);
    await assertRejects(service.reloadFile(), 'INVALID_SPEC', /line 2/);
    assert.deepEqual(numbers(service), [1, 1, 1]);
  });

  test('keeps what stands above the file', async () => {
    const link = linkName();
    const overrides = { metrics: { listen: '127.0.0.1:0' }, log: { level: 'silent' } } as const;
    const applied: string[] = [];
    await using service = await Service.start(readConfig(config(link), overrides), {
      onReload: ({ log }) => applied.push(log.level),
    });
    config(link, { shift: 2, more: 'log: { level: debug }' });
    await service.reloadFile();
    assert.deepEqual(service.config.metrics, overrides.metrics);
    assert.deepEqual(applied, ['silent']);
  });

  test('reads the file in its turn: what is read later is never older', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    // The first has more to read, and would be done after the second.
    const more = [1, 2, 3].map((i) => `  more-${i}: { file: ${vocabulary(1)} }\n`).join('');
    const slow = readFileSync(config(link, { shift: 2 }), 'utf8');
    folder.write(`${link}.yaml`, slow.replace('pipelines:\n', `${more}pipelines:\n`));
    const first = service.reloadFile();
    const path = config(link, { shift: 3 });
    await Promise.all([first, service.reloadFile()]);
    assert.equal(service.snapshot().routes[0]!.hash, readConfig(path).pipelines.get('shifted')!.hash);
  });

  test('takes its turn among other changes', async () => {
    const link = linkName();
    await using service = await Service.start(readConfig(config(link)));
    config(link, { shift: 9 });
    const next = await readConfigAsync(service.config.file.path);
    const table = LookupTable.fromFunction((x) => 255 - x, { dtype: 'uint8' });
    const [set, reloaded, back] = await Promise.all([
      service.setTable('shift', table),
      service.reload(next),
      service.rollback('photos'),
    ]);
    assert.deepEqual([set[0]!.version, reloaded.unchanged, back.version], [2, false, 4]);
    assert.equal(back.hash, set[0]!.hash);
  });
});

describe('a configuration', () => {
  test('is the same read at once and off the event loop', async () => {
    const path = config(linkName());
    const [a, b] = [readConfig(path), await readConfigAsync(path)];
    assert.deepEqual(
      [...a.tokenizers].map(([name, one]) => [name, one.hash]),
      [...b.tokenizers].map(([name, one]) => [name, one.hash]),
    );
    assert.deepEqual(
      [...a.pipelines].map(([, { hash }]) => hash),
      [...b.pipelines].map(([, { hash }]) => hash),
    );
    assert.equal(readConfig(path).log.level, 'info');
  });

  const wrong: [string, string, RegExp[]][] = [
    [
      'a listen address without port',
      "metrics: { listen: '127.0.0.1' }",
      [/line 18.*metrics\.listen.*"address:port"/],
    ],
    ['a name to listen on', 'page: { listen: "localhost:80" }', [/page\.listen/, /not a name/]],
    ['a level that is none', 'log: { level: loud }', [/line 18.*log\.level/, /"loud"/]],
    ['a drain that never ends', 'drainMs: .inf', [/duplicate|unique|drainMs/i]],
    [
      'a socket that is too long',
      `control: { socket: ${'s'.repeat(105)} }`,
      [/line 18.*has \d+ bytes; the system takes at most 107/],
    ],
    ['a control that is a list', 'control: []', [/line 18.*control/]],
    [
      'what only the whole can tell',
      '  - { name: more, port: in, payloadType: 99, pipeline: prompts, slowConsumer: backpressure }',
      [/line 18: config\.routes\[3\]\.slowConsumer/],
    ],
    ['a field of no one', 'pages: {}', [/unknown field "pages"/]],
  ];
  for (const [what, more, says] of wrong) {
    test(`says where ${what} stands`, () => {
      const path = config(linkName(), { more });
      const error = assertThrows(() => readConfig(path), 'INVALID_SPEC', ...says);
      assert.ok(error.message.startsWith(path), error.message);
    });
  }

  test('has a JSON Schema in which files and names stand for tables, tokenizers and pipelines', () => {
    const text = JSON.stringify(configJsonSchema());
    const { properties, required } = JSON.parse(text);
    assert.deepEqual(required, ['version', 'ports', 'routes']);
    assert.equal(properties.routes.items.properties.pipeline.type, 'string');
    const kinds = properties.pipelines.additionalProperties.anyOf as { properties: Record<string, never> }[];
    assert.equal(kinds.length, 3);
    const stage = (kind: number, name: string) =>
      JSON.stringify(
        (kinds[kind]!.properties['stages'] as unknown as { items: { oneOf: Stage[] } }).items.oneOf.find(
          ({ properties }) => properties.stage.const === name,
        ),
      );
    assert.match(stage(0, 'lookup'), /"expression"/);
    assert.match(stage(0, 'lookup'), /"values"/);
    assert.match(stage(1, 'lookup'), /"expression"/);
    assert.match(stage(2, 'tokenize'), /"file"/);
  });

  test('finds its control socket beside itself', () => {
    const path = config(linkName(), { more: 'control: { socket: plane.sock }' });
    assert.deepEqual(readConfig(path).control, { socket: join(folder.path, 'plane.sock') });
  });
});
