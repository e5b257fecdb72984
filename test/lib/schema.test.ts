// The JSON Schema that is generated from the one schema: complete, documented, and in agreement with validation.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jsonSchema, Pipeline, type PipelineSpec } from '../../lib/index.js';
import { dataplaneSpec, senderSpec } from '../../lib/schema.js';
import { parse } from '../../lib/validate.js';
import { assertThrows } from '../support/assert.js';

interface Schema {
  readonly $schema?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

const kinds = ['pipeline', 'family', 'text', 'dataplane', 'sender'] as const;

/** Every object schema below this one, with where it stands. */
function* objects(schema: Schema, where: string): Generator<[string, Schema]> {
  if (schema.properties !== undefined) yield [where, schema];
  for (const [key, child] of Object.entries(schema.properties ?? {}))
    yield* objects(child, `${where}.${key}`);
  if (schema.items !== undefined) yield* objects(schema.items, `${where}[]`);
  for (const child of [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) yield* objects(child, where);
}

describe('jsonSchema', () => {
  for (const kind of kinds) {
    test(`of ${kind} is plain JSON of draft 2020-12`, () => {
      const schema = jsonSchema(kind);
      assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
      assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
      assert.notEqual(jsonSchema(kind), schema, 'each call gives an object of its own');
    });

    test(`of ${kind} refuses unknown fields everywhere and describes every field`, () => {
      const undescribed: string[] = [];
      for (const [where, { properties, additionalProperties, required }] of objects(jsonSchema(kind), kind)) {
        assert.equal(additionalProperties, false, where);
        for (const name of required ?? []) assert.ok(name in properties!, `${where}.${name}`);
        for (const [name, field] of Object.entries(properties!)) {
          const isTag = name === 'stage' || name === 'type';
          if (!isTag && field.description === undefined) undescribed.push(`${where}.${name}`);
        }
      }
      assert.deepEqual(undescribed, []);
    });
  }

  test('of pipeline covers every stage and every field of it', () => {
    const stages = (jsonSchema('pipeline') as Schema).properties!['stages']!.items!.oneOf!;
    const fields = Object.fromEntries(
      stages.map(({ properties }) => [
        (properties!['stage'] as { const?: string }).const,
        Object.keys(properties!).filter((name) => name !== 'stage'),
      ]),
    );
    assert.deepEqual(fields, {
      resize: ['width', 'height', 'shortestEdge', 'longestEdge', 'profile', 'filter'],
      crop: ['left', 'top', 'width', 'height'],
      centerCrop: ['width', 'height', 'rule'],
      pad: ['left', 'top', 'right', 'bottom', 'width', 'height', 'value'],
      toRgb: ['matrix', 'range'],
      channels: ['to'],
      normalize: ['mean', 'std', 'scale', 'recipe'],
      lookup: ['table'],
      quantize: ['scale', 'zeroPoint'],
    });
  });

  test('of dataplane and sender cover ports, routes and sinks', () => {
    const names = (schema: Schema) => Object.keys(schema.properties ?? {});
    const plane = (jsonSchema('dataplane') as Schema).properties!;
    assert.deepEqual(Object.keys(plane), [
      'eal',
      'ports',
      'routes',
      'workers',
      'limits',
      'idleAfterUs',
      'maxSleepUs',
      'watchdogMs',
      'closeTimeoutMs',
      'latency',
    ]);
    const [memory, udp, dpdk] = plane['ports']!.items!.oneOf!;
    for (const field of ['link', 'side', 'depth', 'maxBytes', 'impair']) {
      assert.ok(names(memory!).includes(field), field);
    }
    for (const field of ['address', 'port', 'receiveBufferBytes', 'maxBytes', 'offload', 'impair']) {
      assert.ok(names(udp!).includes(field), field);
    }
    for (const field of [
      'device',
      'addresses',
      'gateways',
      'neighbours',
      'groups',
      'mtu',
      'offloads',
      'impair',
    ]) {
      assert.ok(names(dpdk!).includes(field), field);
    }
    const route = plane['routes']!.items!;
    for (const field of [
      'udpPort',
      'payloadType',
      'sources',
      'payload',
      'pipeline',
      'deadlineMs',
      'deliver',
      'sink',
    ]) {
      assert.ok(names(route).includes(field), field);
    }
    for (const field of ['to', 'via', 'from', 'payload', 'width', 'height', 'format', 'bitsPerSecond']) {
      assert.ok(names(jsonSchema('sender') as Schema).includes(field), field);
    }
  });

  test('says the bounds that validation keeps', () => {
    const width = (jsonSchema('pipeline') as Schema).properties!['input']!.properties!['width']!;
    assert.deepEqual([width.type, width.minimum, width.maximum], ['integer', 1, 65535]);
    const compile = (side: number) =>
      Pipeline.compile({ input: { kind: 'image', width: side, height: 1, format: 'gray' } });
    for (const side of [width.minimum!, width.maximum!]) assert.equal(compile(side).input.width, side);
    for (const side of [width.minimum! - 1, width.maximum! + 1]) {
      assertThrows(() => compile(side), 'INVALID_SPEC', /width/);
    }
  });

  test('every default it names is the one that is used', () => {
    const least: PipelineSpec = {
      input: { kind: 'image', width: 8, height: 6, format: 'rgb' },
      stages: [
        { stage: 'centerCrop', width: 5, height: 5 },
        { stage: 'resize', width: 4, height: 3 },
        { stage: 'normalize', mean: 0.5, std: 0.5 },
      ],
    };
    const stages = (jsonSchema('pipeline') as Schema).properties!['stages']!.items!.oneOf!;
    const filled = least.stages!.map((stage) => {
      const own = stages.find(
        ({ properties }) => (properties!['stage'] as { const?: string }).const === stage.stage,
      );
      const defaults = Object.entries(own!.properties!)
        .filter(([, field]) => field.default !== undefined)
        .map(([name, field]) => [name, field.default]);
      return { ...Object.fromEntries(defaults), ...stage };
    });
    assert.equal(Object.keys(filled[2]!).length, 5);
    assert.equal(
      Pipeline.compile({ ...least, stages: filled } as PipelineSpec).hash,
      Pipeline.compile(least).hash,
    );
  });
});

describe('wrong data planes and senders', () => {
  const port = { type: 'udp', name: 'in' };
  const pipeline = () => Pipeline.compile({ input: { kind: 'image', width: 1, height: 1, format: 'gray' } });
  const route = (change: object) => ({
    ports: [port],
    routes: [{ name: 'r', port: 'in', pipeline: pipeline(), ...change }],
  });
  const planes: [string, () => unknown, RegExp[]][] = [
    ['null', () => null, [/dataplane/, /object/]],
    ['no ports', () => ({ ports: [], routes: [] }), [/ports/, />=1/]],
    [
      'a port of an unknown type',
      () => ({ ports: [{ type: 'pcap', name: 'x' }], routes: [] }),
      [/ports\[0\]\.type/, /"pcap"/],
    ],
    [
      'a port number above 65535',
      () => ({ ports: [{ ...port, port: 65536 }], routes: [] }),
      [/ports\[0\]\.port/, /65536/],
    ],
    [
      'a loss above 1',
      () => ({ ports: [{ type: 'memory', name: 'm', link: 'l', impair: { loss: 1.5 } }], routes: [] }),
      [/loss/, /1\.5/],
    ],
    [
      'side 2 of a link',
      () => ({ ports: [{ type: 'memory', name: 'm', link: 'l', side: 2 }], routes: [] }),
      [/side/, /2/],
    ],
    [
      'a route without a pipeline',
      () => route({ pipeline: undefined }),
      [/routes\[0\]\.pipeline/, /Pipeline\.compile/],
    ],
    [
      'a specification in place of a pipeline',
      () => route({ pipeline: { input: {} } }),
      [/routes\[0\]\.pipeline/, /Pipeline\.compile/],
    ],
    ['payload type 128', () => route({ payloadType: 128 }), [/payloadType/, /127/, /128/]],
    ['no slots', () => route({ slots: 0 }), [/slots/, />=1/]],
    ['a deadline of NaN', () => route({ deadlineMs: Number.NaN }), [/deadlineMs/, /NaN/]],
    ['a sink of another kind', () => route({ sink: 'file' }), [/sink/, /"file"/, /host/]],
    [
      'a forward sink without a destination',
      () => route({ sink: { forward: { port: 'in' } } }),
      [/sink/, /to/],
    ],
    ['a misspelt field', () => route({ deadlineMS: 5 }), [/routes\[0\]/, /deadlineMS/]],
    ['workers 0', () => ({ ...route({}), workers: 0 }), [/workers/, />=1/]],
    ['65 workers', () => ({ ...route({}), workers: 65 }), [/workers/, /64/]],
  ];
  for (const [claim, spec, says] of planes) {
    test(`a data plane with ${claim} is refused by field`, () => {
      assertThrows(() => parse(dataplaneSpec, spec(), 'dataplane'), 'INVALID_SPEC', ...says);
    });
  }

  test('senders with wrong fields are refused by field', () => {
    const good = { to: '127.0.0.1:5004', width: 1, height: 1, format: 'rgb' };
    const wrong: [object, RegExp][] = [
      [{ to: 5 }, /sender\.to/],
      [{ width: 0 }, /sender\.width/],
      [{ format: 'yuv' }, /sender\.format/],
      [{ payload: 'h264' }, /sender\.payload/],
      [{ maxPayloadBytes: 10 }, /sender\.maxPayloadBytes/],
      [{ bitsPerSecond: -1 }, /sender\.bitsPerSecond/],
      [{ ssrc: 2 ** 32 }, /sender\.ssrc/],
      [{ via: {} }, /sender\.via\.link/],
      [{ pace: 1 }, /pace/],
    ];
    for (const [change, says] of wrong) {
      assertThrows(() => parse(senderSpec, { ...good, ...change }, 'sender'), 'INVALID_SPEC', says);
    }
    assert.equal(parse(senderSpec, good, 'sender').payloadType, 96);
  });
});
