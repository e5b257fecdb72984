// The types refuse, while compiling, what validation refuses while running; this file compiles only if they do.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type DataplaneSpec,
  type DropReason,
  type ErrorCode,
  LookupTable,
  OnpathError,
  Pipeline,
  type PipelineSpec,
  type PlaneStats,
  type PortInfo,
  type Sample,
  type SenderSpec,
  Serialization,
  type TensorData,
} from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';

const input = { kind: 'image', width: 2, height: 2, format: 'rgb' } as const;

/** Constants are as good as literals. */
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const constant: PipelineSpec = { input, stages: [{ stage: 'normalize', ...imagenet }] };

/** Each of these is an error of types, and of running. */
const wrong: Record<string, PipelineSpec> = {
  // @ts-expect-error input is required
  noInput: {},
  // @ts-expect-error there is no such format
  format: { input: { ...input, format: 'cmyk' } },
  // @ts-expect-error sizes are numbers
  width: { input: { ...input, width: '2' } },
  // @ts-expect-error there is no such stage
  stage: { input, stages: [{ stage: 'blur' }] },
  // @ts-expect-error resize needs a height
  height: { input, stages: [{ stage: 'resize', width: 2 }] },
  // @ts-expect-error there is no such field
  field: { input, stages: [{ stage: 'resize', width: 2, height: 2, antialias: true }] },
  // @ts-expect-error there is no such profile
  profile: { input, stages: [{ stage: 'resize', width: 2, height: 2, profile: 'skia' }] },
  // @ts-expect-error mean is a number or a list of numbers
  mean: { input, stages: [{ stage: 'normalize', mean: 'imagenet', std: 1 }] },
  // @ts-expect-error a table is a LookupTable or its plain form
  table: { input, stages: [{ stage: 'lookup', table: [1, 2, 3] }] },
  // @ts-expect-error there is no such layout
  layout: { input, output: { layout: 'nchw' } },
  // @ts-expect-error there is no such dtype
  dtype: { input, output: { dtype: 'float64' } },
};

describe('types', () => {
  test('take readonly arrays', () => {
    assert.equal(Pipeline.compile(constant).outputs[0]?.dtype, 'float32');
  });

  for (const [field, spec] of Object.entries(wrong)) {
    test(`a wrong ${field} is refused when running, as it is when compiling`, () => {
      assertThrows(() => Pipeline.compile(spec), 'INVALID_SPEC');
    });
  }

  test('results are typed as what they are', () => {
    const result = Pipeline.compile({ input }).run(new Uint8Array(12));
    const data: TensorData = result.data;
    const shape: readonly number[] = result.shape;
    // @ts-expect-error an output may be missing
    assert.equal(result.outputs['pixels'].dtype, 'uint8');
    // @ts-expect-error shapes are read-only
    assert.throws(() => shape.push.call(Object.freeze([...shape]), 1));
    assert.equal(data.length, 12);
  });

  test('specifications of planes and senders', () => {
    const pipeline = Pipeline.compile({ input });
    const addresses = ['10.9.0.2/24'] as const;
    const planes: DataplaneSpec[] = [
      { ports: [{ type: 'udp', name: 'in' }], routes: [{ name: 'r', port: 'in', pipeline }] },
      {
        eal: { hugepages: false },
        ports: [{ type: 'dpdk', name: 'in', device: '03:00.0', addresses, offloads: { rss: false } }],
        routes: [],
      },
      // @ts-expect-error a dpdk port needs a device
      { ports: [{ type: 'dpdk', name: 'in' }], routes: [] },
      // @ts-expect-error MAC addresses are texts
      { ports: [{ type: 'dpdk', name: 'in', device: '03:00.0', neighbours: { '10.9.0.9': 9 } }], routes: [] },
      // @ts-expect-error there is no such option
      { eal: { cores: 4 }, ports: [], routes: [] },
      // @ts-expect-error a memory port needs a link
      { ports: [{ type: 'memory', name: 'in' }], routes: [] },
      // @ts-expect-error there is no such port
      { ports: [{ type: 'pcap', name: 'in' }], routes: [] },
      // @ts-expect-error a route takes a compiled pipeline
      { ports: [{ type: 'udp', name: 'in' }], routes: [{ name: 'r', port: 'in', pipeline: { input } }] },
      // @ts-expect-error there is no such sink
      { ports: [{ type: 'udp', name: 'in' }], routes: [{ name: 'r', port: 'in', pipeline, sink: 'file' }] },
    ];
    const senders: SenderSpec[] = [
      { to: '127.0.0.1:5004', width: 1, height: 1, format: 'rgb' },
      { to: '127.0.0.1:5004', serialization: Serialization.of(pipeline) },
      // @ts-expect-error a serialization has its shape
      { to: '127.0.0.1:5004', serialization: Serialization.of(pipeline), width: 1, height: 1, format: 'rgb' },
      // @ts-expect-error a shape has three fields
      { to: '127.0.0.1:5004', width: 1, height: 1 },
      // @ts-expect-error where to is required
      { width: 1, height: 1, format: 'rgb' },
      // @ts-expect-error a plane is a Dataplane
      { to: '10.9.0.9:5004', width: 1, height: 1, format: 'rgb', via: { plane: {}, port: 'nic' } },
      // @ts-expect-error there is no such payload
      { to: '127.0.0.1:5004', width: 1, height: 1, format: 'rgb', payload: 'h264' },
    ];
    assert.equal(planes.length + senders.length, 16);
  });

  test('names of errors and drop reasons are closed sets', () => {
    const code: ErrorCode = new OnpathError('CLOSED', 'closed').code;
    assert.equal(code, 'CLOSED');
    // @ts-expect-error there is no such code
    const noCode: ErrorCode = 'OOPS';
    const reason: DropReason = 'late';
    // @ts-expect-error there is no such reason
    const noReason: DropReason = 'lost';
    assert.deepEqual([noCode, reason, noReason], ['OOPS', 'late', 'lost']);
  });

  test('ports are told apart by their type', () => {
    const read = (port: PortInfo) => {
      // @ts-expect-error only udp ports are bound to an address
      const address: string = port.address;
      return port.type === 'dpdk'
        ? [port.link.up, port.offloads.rss.state, port.numaNode]
        : [port.name, address];
    };
    assert.equal(typeof read, 'function');
  });

  test('tables, samples and statistics', () => {
    // @ts-expect-error a table has a dtype
    assert.throws(() => LookupTable.from([1]));
    const read = (sample: Sample, stats: PlaneStats) => {
      const id: bigint = sample.requestId;
      const address: string = sample.source.address;
      const late: number | undefined = stats.routes[0]?.drops.late;
      // @ts-expect-error a sample's fields are read-only
      sample.requestId = 1n;
      // @ts-expect-error there is no such counter
      return [id, address, late, stats.routes[0]?.drops.lost];
    };
    assert.equal(typeof read, 'function');
  });
});
