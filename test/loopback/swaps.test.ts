// Swaps of pipelines, tables and vocabularies while packets arrive: samples are exact under the version that they name, and none is lost.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Dataplane,
  LookupTable,
  Pipeline,
  PipelineFamily,
  type PipelineSpec,
  type Sample,
  Sender,
  TextPipeline,
  Tokenizer,
} from '../../lib/index.js';
import { assertRejects, assertSameBytes, assertThrows } from '../support/assert.js';
import { assertBooksBalance, eventually, linkName, startPlane, take } from '../support/plane.js';
import { format, height, image, input, width } from '../support/small.js';

/** Every value plus `number`: outputs of two of them differ everywhere. */
const shift = (number: number) =>
  LookupTable.fromFunction((value) => (value + number) % 256, { dtype: 'uint8' });
const named: PipelineSpec = { input, stages: [{ stage: 'lookup', table: 'shift' }] };
const shifted = (number: number) => Pipeline.compile(named, { tables: { shift: shift(number) } });

const to = '192.0.2.2:5004';

/** Sends images without end, numbered by their request ids, until it is told to stop; gives how many it sent. */
function pour(link: string): { stop(): Promise<number> } {
  let going = true;
  const run = async (): Promise<number> => {
    await using sender = await Sender.open({ to, via: { link }, width, height, format });
    let sent = 0;
    for (; going; sent++) await sender.send(image(sent % 32), { requestId: sent });
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

/** A plane with one route, `route` of them in `pipeline`. */
function start(
  link: string,
  pipeline: Pipeline | PipelineFamily | TextPipeline,
  more = {},
): Promise<Dataplane> {
  return startPlane({
    ports: [{ type: 'memory', name: 'in', link }],
    routes: [{ name: 'r', port: 'in', pipeline, slowConsumer: 'backpressure', ...more }],
  });
}

describe('a swap', () => {
  test('under traffic loses nothing, mixes nothing, and every sample names its version', async () => {
    const link = linkName();
    const pipelines = [shifted(1), shifted(2)];
    const expected = pipelines.map((p) => Array.from({ length: 32 }, (_, i) => p.run(image(i)).data));
    await using plane = await start(link, pipelines[0]!);
    const memory = plane.stats().memoryBytes;
    const traffic = pour(link);
    let seen = 0;
    const numbers = new Set<number>();
    const check = (sample: Sample) => {
      const of = (sample.versionNumber - 1) % 2;
      assert.equal(sample.version, pipelines[of]!.hash);
      assertSameBytes(sample.data as Uint8Array, expected[of]![Number(sample.requestId) % 32] as Uint8Array);
      assert.equal(Number(sample.requestId), seen);
      numbers.add(sample.versionNumber);
      sample.release();
      seen++;
    };
    const consumer = (async () => {
      for await (const sample of plane.samples('r')) check(sample);
    })();
    const swaps = 300;
    for (let number = 2; number <= swaps + 1; number++) {
      const { version, hash, route } = await plane.swap('r', pipelines[(number - 1) % 2]!);
      assert.deepEqual([route, version, hash], ['r', number, pipelines[(number - 1) % 2]!.hash]);
    }
    const sent = await traffic.stop();
    await eventually('all samples', () => seen === sent);
    await eventually('one version', () => plane.versions('r').filter(({ alive }) => alive).length === 1);
    const stats = plane.stats();
    assert.equal(stats.memoryBytes, memory);
    assert.equal(
      plane.memory().reduce((sum, { bytes }) => sum + bytes, 0),
      memory,
    );
    const [route] = stats.routes;
    assert.deepEqual([route!.version, route!.versionsAlive, route!.versionsFreed], [swaps + 1, 1, swaps]);
    assert.ok(numbers.size > 20, `samples of only ${numbers.size} versions came`);
    assert.deepEqual(
      plane.versions('r').map(({ version }) => version),
      Array.from({ length: 16 }, (_, i) => swaps + 1 - i),
    );
    await plane.close();
    await consumer;
    assertBooksBalance(plane.stats());
  });

  test('of several routes is of all or none, and of each once', async () => {
    const link = linkName();
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: ['a', 'b'].map((name, payloadType) => ({
        name,
        port: 'in',
        payloadType,
        pipeline: shifted(1),
      })),
    });
    const next = shifted(2);
    const both = ['a', 'b'].map((route) => ({ route, pipeline: next }));
    const numbers = () => plane.stats().routes.map(({ version }) => version);
    assert.deepEqual(
      (await plane.swapAll(both)).map(({ route, version }) => [route, version]),
      [
        ['a', 2],
        ['b', 2],
      ],
    );
    assert.equal(plane.pipeline('a'), next);
    assert.deepEqual(await plane.swapAll([]), []);
    const small = Pipeline.compile({ input: { ...input, width: 8 } });
    const unfit = [both[0]!, { route: 'b', pipeline: small }];
    await assertRejects(plane.swapAll(unfit), 'INVALID_SPEC', /Route "b"/);
    await assertRejects(plane.swapAll([...both, both[0]!]), 'INVALID_ARGUMENT', /"a" twice/);
    await assertRejects(plane.swapAll([{ route: 'c', pipeline: next }]), 'NOT_FOUND', /a, b/);
    for (const wrong of [undefined, 'a', [undefined], { route: 'a' }]) {
      await assertRejects(plane.swapAll(wrong as unknown as []), 'INVALID_ARGUMENT', /array of \{ route/);
    }
    assert.deepEqual(numbers(), [2, 2]);
    assert.equal(plane.pipeline('b'), next);
    assertThrows(() => plane.pipeline('c'), 'NOT_FOUND', /a, b/);
  });

  test('to a pipeline with another output: shapes and types are those of the version', async () => {
    const link = linkName();
    const tensor = Pipeline.compile({
      input,
      stages: [{ stage: 'normalize', mean: 0.5, std: 0.5 }],
      output: { layout: 'chw' },
    });
    await using plane = await start(link, shifted(1), { deliver: { batch: 2, maxWaitMs: 1 } });
    await using sender = await Sender.open({ to, via: { link }, width, height, format });
    await sender.send(image(1));
    await eventually('it has come', () => plane.stats().routes[0]!.samplesComplete === 1);
    await plane.swap('r', tensor);
    await sender.send(image(1));
    const shapes: (readonly number[])[] = [];
    for await (using batch of plane.batches('r')) {
      shapes.push(batch.shape);
      const pipeline = batch.versionNumber === 1 ? shifted(1) : tensor;
      assertSameBytes(batch.data as Uint8Array, pipeline.run(image(1)).data as Uint8Array);
      if (shapes.length === 2) break;
    }
    assert.deepEqual(shapes, [
      [1, height, width, 3],
      [1, 3, height, width],
    ]);
  });

  test('waits for room while samples are held, fails as BUSY when it stays away, and can be given up', async () => {
    const link = linkName();
    await using plane = await start(link, shifted(0), { deadlineMs: 50 });
    await using sender = await Sender.open({ to, via: { link }, width, height, format });
    const held: Sample[] = [];
    for (let number = 1; number <= 7; number++) {
      await sender.send(image(1));
      held.push(...(await take(plane, 'r', 1)));
      await plane.swap('r', shifted(number));
    }
    assert.equal(plane.stats().routes[0]!.versionsAlive, 8);
    await assertRejects(plane.swap('r', shifted(8)), 'BUSY', /8 versions alive/, /Release/);
    await assertRejects(plane.swap('r', shifted(8), { signal: AbortSignal.timeout(20) }), 'ABORTED');
    const waiting = plane.swap('r', shifted(8));
    for (const [i, sample] of held.entries()) {
      assertSameBytes(sample.data as Uint8Array, shifted(i).run(image(1)).data as Uint8Array);
      sample.release();
    }
    assert.equal((await waiting).version, 9);
    await eventually('freed', () => plane.stats().routes[0]!.versionsAlive === 1);
  });

  test('that does not fit is refused before anything changes', async () => {
    const link = linkName();
    await using plane = await start(link, shifted(1));
    const other = Pipeline.compile({ input: { ...input, width: 26 } });
    await assertRejects(plane.swap('r', other), 'INVALID_SPEC', /input size is 26x16/, /24x16/);
    const bgr = Pipeline.compile({ input: { ...input, format: 'bgr' } });
    await assertRejects(plane.swap('r', bgr), 'INVALID_SPEC', /input format/);
    await assertRejects(plane.swap('x', other), 'NOT_FOUND', /x/, /r/);
    await assertRejects(plane.swap('r', {} as Pipeline), 'INVALID_ARGUMENT', /pipeline/);
    await assertRejects(plane.swap('r', undefined as unknown as Pipeline), 'INVALID_ARGUMENT', /pipeline/);
    assertThrows(() => plane.versions('x'), 'NOT_FOUND', /x/);
    const family = PipelineFamily.compile({
      input: { kind: 'image', maxWidth: 24, maxHeight: 16, format: 'rgb' },
      stages: [{ stage: 'resize', width: 8, height: 8 }],
    });
    await assertRejects(plane.swap('r', family), 'INVALID_SPEC', /many sizes/);
    assert.deepEqual(
      plane.versions('r').map(({ version, alive }) => [version, alive]),
      [[1, true]],
    );
    await plane.close();
    await assertRejects(plane.swap('r', shifted(2)), 'CLOSED');
  });

  test('whose version does not fit the memory beside the older one is refused', async () => {
    const link = linkName();
    await using probe = await start(linkName(), shifted(1));
    const memoryBytes = probe.stats().memoryBytes + 1000;
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [{ name: 'r', port: 'in', pipeline: shifted(1) }],
      limits: { memoryBytes },
    });
    await assertRejects(plane.swap('r', shifted(2)), 'LIMIT_EXCEEDED', /limits\.memoryBytes/);
  });
});

describe('a named table', () => {
  test('is exchanged in every pipeline that uses it, families too, and in none if one cannot', async () => {
    const link = linkName();
    const family = (number: number) =>
      PipelineFamily.compile(
        {
          input: { kind: 'image', maxWidth: width, maxHeight: height, format },
          stages: [
            { stage: 'resize', width: 8, height: 8 },
            { stage: 'lookup', table: 'shift' },
          ],
        },
        { tables: { shift: shift(number) } },
      );
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [
        { name: 'r', port: 'in', payloadType: 96, pipeline: shifted(1) },
        { name: 'f', port: 'in', payloadType: 97, pipeline: family(1) },
        { name: 'plain', port: 'in', payloadType: 98, pipeline: Pipeline.compile({ input }) },
      ],
    });
    assert.deepEqual(plane.tables.list(), [{ name: 'shift', routes: ['r', 'f'] }]);
    await using images = await Sender.open({ to, via: { link }, width, height, format, payloadType: 96 });
    const versions = await plane.tables.set('shift', shift(9));
    assert.deepEqual(
      versions.map(({ route, version, hash }) => [route, version, hash]),
      [
        ['r', 2, shifted(9).hash],
        ['f', 2, family(9).hash],
      ],
    );
    await images.send(image(3));
    const [sample] = await take(plane, 'r', 1);
    assertSameBytes(sample!.data as Uint8Array, shifted(9).run(image(3)).data as Uint8Array);
    assert.equal(plane.stats().routes[2]!.version, 1);

    await assertRejects(plane.tables.set('shfit', shift(1)), 'NOT_FOUND', /shfit/, /"shift"/);
    await assertRejects(
      plane.tables.set('shift', [] as unknown as LookupTable),
      'INVALID_ARGUMENT',
      /LookupTable/,
    );
    const three = LookupTable.fromFunction((v) => v, { dtype: 'uint8', channels: 2 });
    await assertRejects(plane.tables.set('shift', three), 'INVALID_SPEC');
    assert.deepEqual(
      plane.versions('r').map(({ version }) => version),
      [2, 1],
    );
  });

  test('must be given, and no other', () => {
    assertThrows(() => Pipeline.compile(named), 'INVALID_SPEC', /"shift"/, /options\.tables/);
    const tables = { shift: shift(1), gamma: shift(2) };
    assertThrows(() => Pipeline.compile(named, { tables }), 'INVALID_ARGUMENT', /gamma/);
    const wrong = { shift: 7 as unknown as LookupTable };
    assertThrows(
      () => Pipeline.compile(named, { tables: wrong }),
      'INVALID_ARGUMENT',
      /options\.tables\.shift/,
    );
    const pipeline = shifted(1);
    assert.deepEqual(pipeline.tables, ['shift']);
    assert.equal(pipeline.withTables({ shift: shift(4) }).hash, shifted(4).hash);
    assertThrows(() => pipeline.withTables({ gamma: shift(1) }), 'NOT_FOUND', /gamma/, /"shift"/);
    assert.deepEqual(Pipeline.fromBytes(pipeline.toBytes()).tables, []);
  });
});

/** Single bytes, their ids counted from `first`. */
const vocabulary = (first: number) =>
  Tokenizer.fromBuffer(
    Buffer.from(
      Array.from(
        { length: 256 },
        (_, i) => `${Buffer.from([i]).toString('base64')} ${(i + first) % 256}\n`,
      ).join(''),
    ),
    { format: 'tiktoken', encoding: { pattern: String.raw`\p{L}+|[^\p{L}]+?`, specialTokens: {} } },
  );

describe('a named vocabulary', () => {
  test('is exchanged under traffic: each text is wholly of one', async () => {
    const link = linkName();
    const vocabularies = [vocabulary(0), vocabulary(100)];
    const pipeline = TextPipeline.compile(
      { input: { kind: 'text' }, stages: [{ stage: 'tokenize', tokenizer: 'main' }] },
      { vocabularies: { main: vocabularies[0]! } },
    );
    await using plane = await startPlane({
      ports: [{ type: 'memory', name: 'in', link }],
      routes: [{ name: 't', port: 'in', pipeline, slots: 1024 }],
    });
    assert.deepEqual(plane.vocabularies.list(), [{ name: 'main', routes: ['t'] }]);
    assert.deepEqual(plane.tables.list(), []);
    await using sender = await Sender.open({ to, via: { link }, text: true });
    const prompt = 'An example of an input prompt. '.repeat(100);
    const expected = vocabularies.map((tokenizer) => [...tokenizer.encode(prompt)]);
    let sent = 0;
    let going = true;
    const traffic = (async () => {
      for (; going; sent++) await sender.send(prompt);
    })();
    let seen = 0;
    const versions = new Set<number>();
    const consumer = (async () => {
      for await (const text of plane.texts('t')) {
        assert.deepEqual([...text.ids], expected[(text.versionNumber - 1) % 2]);
        versions.add(text.versionNumber);
        seen++;
      }
    })();
    for (let number = 2; number <= 40; number++) {
      const [made] = await plane.vocabularies.set('main', vocabularies[(number - 1) % 2]!);
      assert.equal(made!.version, number);
    }
    going = false;
    await traffic;
    await eventually('all texts', () => seen === sent);
    assert.ok(versions.size > 5);
    await plane.close();
    await consumer;
    assertBooksBalance(plane.stats());
    const { drops } = plane.stats().routes[0]!;
    assert.equal(drops.no_segment + drops.slow_consumer, 0);
  });
});
