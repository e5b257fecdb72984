/** What the commands print with `--json`: the schemas that docs/cli.md shows, and that every output must keep to. */
import { z } from 'zod';

const dtype = z
  .enum(['uint8', 'int8', 'uint16', 'float16', 'bfloat16', 'float32', 'uint32'])
  .meta({ id: 'ElementType' });
const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** JSON has no form for some numbers of tables. */
const entry = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]).meta({ id: 'Entry' });
const count = z.int().min(0);

const link = {
  name: z.string(),
  mac: z.string().optional(),
  mtu: z.number().optional(),
  up: z.boolean(),
  link: z.enum(['up', 'down']).optional(),
  speedMbps: z.number().optional(),
};
const dpdkUse = z
  .strictObject({
    usable: z.enum(['yes', 'afterSteps', 'no']),
    reason: z.string().optional(),
    driver: z.string().optional(),
    device: z.string().optional(),
    missing: z.array(z.strictObject({ what: z.string(), command: z.string() })),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'DpdkUse' });
const pci = z.strictObject({
  kind: z.literal('pci'),
  address: z.string(),
  vendorId: z.string().optional(),
  deviceId: z.string().optional(),
  subsystemVendorId: z.string().optional(),
  subsystemDeviceId: z.string().optional(),
  kernelDriver: z.string().optional(),
  interfaces: z.array(z.strictObject(link)),
  numaNode: z.number().optional(),
  iommuGroup: z.number().optional(),
  carriesDefaultRoute: z.boolean(),
  dpdk: dpdkUse,
});
const networkInterface = z.strictObject({
  kind: z.literal('interface'),
  ...link,
  type: z.enum(['physical', 'loopback', 'veth', 'tap', 'tun', 'bridge', 'bond', 'vlan', 'other']),
  pciAddress: z.string().optional(),
  numaNode: z.number().optional(),
  carriesDefaultRoute: z.boolean(),
  dpdk: dpdkUse,
  afXdp: dpdkUse,
});

const output = z
  .strictObject({
    name: z.string(),
    dtype,
    layout: z.enum(['hwc', 'chw']),
    shape: z.array(count),
    bytes: count,
  })
  .meta({ id: 'Output' });
const explanation = z
  .strictObject({
    hash,
    kernels: z.string(),
    steps: z.array(
      z.strictObject({
        step: z.string(),
        stageClass: z.enum(['element', 'placed', 'sequential']),
        naiveTableEntries: count,
        tableEntries: count,
        tableBytes: count,
        tables: z.string(),
        windowBytes: count,
        stateBytes: count,
        state: z.string(),
        kernel: z.string(),
      }),
    ),
    tableBytes: count,
    stateBytes: count,
  })
  .meta({ id: 'Explanation' });
const order = z.enum(['row-major', 'planar', 'tile-major']).meta({ id: 'Order' });
const orders = z.array(
  z.union([
    z.strictObject({
      order,
      skipUnread: z.boolean(),
      sampleBytes: count,
      savedBytes: count,
      windowBytes: count,
      packetsToFirstOutput: count,
    }),
    z.strictObject({ order, skipUnread: z.boolean(), refused: z.string() }),
  ]),
);
const pixelFormat = z.enum(['gray', 'rgb', 'rgba', 'uyvy']);

const tableSummary = {
  file: z.string(),
  dtype,
  channels: z.int().min(1).max(4),
  ranges: z.array(z.strictObject({ min: entry, max: entry, distinct: count, monotone: z.boolean() })),
};

const sampleFacts = {
  number: count,
  requestId: z.string(),
  timestamp: count,
  source: z.strictObject({ address: z.string(), port: count, ssrc: count }),
  milliseconds: z.number(),
};

/** By reason. */
const drops = z.record(z.string(), count).meta({ id: 'Drops' });
const stats = z
  .strictObject({
    ports: z.array(
      z.strictObject({
        name: z.string(),
        rxPackets: count,
        rxBytes: count,
        rxMissed: count,
        txPackets: count,
        txBytes: count,
        controlPackets: count,
        impaired: z.strictObject({
          lost: count,
          duplicated: count,
          corrupted: count,
          reordered: count,
          held: count,
        }),
        drops,
      }),
    ),
    routes: z.array(
      z.strictObject({
        name: z.string(),
        packetsUsed: count,
        bytesUsed: count,
        overlapBytes: count,
        samplesOpened: count,
        samplesOpen: count,
        samplesComplete: count,
        samplesDelivered: count,
        packetsForwarded: count,
        version: count,
        versionsAlive: count,
        versionsFreed: count,
        nacksSent: count,
        packetsRepaired: count,
        reportsSent: count,
        nacksReceived: count,
        packetsResent: count,
        resendsRefused: count,
        probesSent: count,
        drops,
      }),
    ),
    workers: z.array(
      z.strictObject({
        polls: count,
        emptyPolls: count,
        sleeps: count,
        busyMs: z.number(),
        cpuMs: z.number(),
        fannedOut: count,
        fannedIn: count,
        fences: count,
        fenced: z.boolean(),
        packetsHeld: count,
      }),
    ),
    memoryBytes: count,
  })
  .meta({ id: 'Stats' });

const version = z
  .strictObject({ route: z.string(), version: count, hash, at: z.number() })
  .meta({ id: 'Version' });
const changed = z.strictObject({ versions: z.array(version) });
const spread = z
  .strictObject({ median: z.number(), low: z.number(), high: z.number() })
  .meta({ id: 'Spread' });

/** By command. Those of `lines` print a line for each result, the others one value. */
export const OUTPUTS = {
  devices: z.array(z.union([pci, networkInterface])),
  doctor: z.strictObject({
    ok: z.boolean(),
    checks: z.array(
      z.strictObject({
        name: z.string(),
        state: z.enum(['ok', 'note', 'fail']),
        found: z.string(),
        why: z.string().optional(),
        fix: z.string().optional(),
      }),
    ),
  }),
  completion: z.strictObject({ shell: z.literal('bash'), script: z.string() }),
  compile: z.union([
    z.strictObject({
      file: z.string(),
      kind: z.literal('image'),
      hash,
      input: z.strictObject({
        width: count,
        height: count,
        format: pixelFormat,
        order,
        skipUnread: z.boolean(),
        elementBytes: count,
        bytes: count,
        digest: count,
        text: z.string(),
      }),
      outputs: z.array(output),
      explanation: explanation.optional(),
      orders: orders.optional(),
    }),
    z.strictObject({
      file: z.string(),
      kind: z.literal('family'),
      hash,
      input: z.strictObject({
        maxWidth: count,
        maxHeight: count,
        format: pixelFormat,
        maxBytes: count,
        digest: count,
      }),
      outputs: z.array(output),
      explanation: explanation.optional(),
    }),
    z.strictObject({
      file: z.string(),
      kind: z.literal('text'),
      hash,
      explanation: explanation.optional(),
    }),
  ]),
  'table build': z.strictObject(tableSummary),
  'table inspect': z.strictObject({ ...tableSummary, tables: z.array(z.array(entry)) }),
  'table diff': z.strictObject({
    same: z.boolean(),
    differences: z.array(
      z.strictObject({ channel: count, byte: count, a: entry.nullable(), b: entry.nullable() }),
    ),
  }),
  'tokenizer inspect': z.strictObject({
    file: z.string(),
    format: z.enum(['tokenizer.json', 'tiktoken', 'sentencepiece', 'tekken', 'vocab.txt', 'compiled']),
    hash,
    vocabSize: count,
    idLimit: count,
    specialTokens: z.record(z.string(), count),
    memory: z.array(z.strictObject({ name: z.string(), bytes: count })),
    explanation: z.string(),
  }),
  'tokenizer encode': z.union([
    z.strictObject({ ids: z.array(count) }),
    z.strictObject({ count }),
    z.strictObject({
      pieces: z.array(z.strictObject({ id: count, token: z.string().nullable(), begin: count, end: count })),
    }),
  ]),
  'tokenizer decode': z.strictObject({ text: z.string() }),
  'tokenizer compile': z.strictObject({ file: z.string(), bytes: count, hash }),
  send: z.strictObject({
    samples: count,
    packets: count,
    bytes: count,
    refused: count,
    seconds: z.number(),
  }),
  recv: z.union([
    z.strictObject({
      ...sampleFacts,
      outputs: z.record(z.string(), z.strictObject({ dtype, shape: z.array(count) })),
      files: z.array(z.string()),
    }),
    z.strictObject({ ...sampleFacts, ids: z.array(count), text: z.string().optional() }),
  ]),
  bench: z.strictObject({
    host: z.strictObject({ cpu: z.string(), cpus: count, kernels: z.string(), node: z.string() }),
    rounds: count,
    blockMs: count,
    pipelines: z.array(
      z.strictObject({
        file: z.string(),
        hash,
        kind: z.enum(['image', 'family', 'text']),
        sampleBytes: count,
        packetsPerSample: z.number(),
        workerCpuMicroseconds: z.number(),
        figures: z.array(
          z.strictObject({
            how: z.string(),
            microseconds: spread,
            samplesPerSecond: z.number(),
            bitsPerSecond: z.number(),
          }),
        ),
      }),
    ),
  }),
  'run --check': z.strictObject({
    ok: z.literal(true),
    file: z.string(),
    ports: z.array(z.strictObject({ name: z.string(), type: z.enum(['memory', 'udp', 'dpdk']) })),
    routes: z.array(
      z.strictObject({ name: z.string(), port: z.string(), pipeline: z.string(), hash, sink: z.string() }),
    ),
  }),
  run: z.strictObject({ at: z.number(), ended: z.literal(true).optional(), stats }),
  'load table': changed,
  'load vocabulary': changed,
  swap: z.strictObject({ route: z.string(), hash, checked: z.boolean(), versions: z.array(version) }),
  rollback: changed,
  versions: z.strictObject({ versions: z.array(version.extend({ alive: z.boolean() })) }),
  reload: z.strictObject({
    changed: z.array(
      z.union([
        z.strictObject({ route: z.string() }),
        z.strictObject({ table: z.string() }),
        z.strictObject({ vocabulary: z.string() }),
        z.strictObject({ setting: z.string() }),
      ]),
    ),
    unchanged: z.boolean(),
    checked: z.boolean(),
  }),
  stats,
  'stats --watch': z.strictObject({ at: z.number(), stats }),
  top: z.strictObject({
    at: z.number(),
    state: z.enum(['ready', 'draining', 'closed']),
    uptimeSeconds: z.number(),
    seconds: z.number(),
    memoryBytes: count,
    ports: z.array(
      z.strictObject({
        name: z.string(),
        received: z.number(),
        receivedBytes: z.number(),
        sent: z.number(),
        missed: z.number(),
      }),
    ),
    routes: z.array(
      z.strictObject({
        name: z.string(),
        version: count,
        pipelineName: z.string(),
        packets: z.number(),
        samples: z.number(),
        open: count,
      }),
    ),
    drops: z.array(
      z.strictObject({ where: z.string(), reason: z.string(), total: count, perSecond: z.number() }),
    ),
    latency: z.array(
      z.strictObject({
        route: z.string(),
        stage: z.enum(['firstPacket', 'lastPacket', 'wait']),
        count,
        p50: z.number(),
        p99: z.number(),
        max: z.number(),
      }),
    ),
  }),
  capture: z.strictObject({ file: z.string(), packets: count, missed: count.optional() }),
} as const;

/** Of which commands a line is a value. */
export const LINES: readonly string[] = ['tokenizer encode', 'recv', 'run', 'stats --watch', 'top'];

type JsonSchema = {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
};

/** The schemas as TypeScript, for the page. */
export function typesText(): string {
  const shared = new Map<string, JsonSchema>();
  const types = Object.entries(OUTPUTS).map(([command, schema]) => {
    const { $defs = {}, ...own } = z.toJSONSchema(schema) as JsonSchema;
    for (const [name, one] of Object.entries($defs)) shared.set(name, one);
    return `// onpath ${command}${LINES.includes(command) ? ', each line' : ''}\n${typeText(own, '')}`;
  });
  const named = [...shared].map(([name, one]) => `type ${name} = ${typeText(one, '')}`);
  return [...types, ...named].join('\n\n');
}

function typeText(schema: JsonSchema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/$defs/', '');
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeText(one, indent)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.type === 'array') {
    const items = typeText(schema.items!, indent);
    return schema.items!.anyOf === undefined ? `${items}[]` : `(${items})[]`;
  }
  if (schema.type !== 'object') return [schema.type].flat().join(' | ').replace('integer', 'number');
  if (schema.properties === undefined)
    return `{ [name: string]: ${typeText(schema.additionalProperties as JsonSchema, indent)} }`;
  const fields = Object.entries(schema.properties).map(
    ([name, field]) =>
      `${name}${schema.required?.includes(name) === true ? '' : '?'}: ${typeText(field, `${indent}  `)}`,
  );
  const line = `{ ${fields.join('; ')} }`;
  if (line.length + indent.length <= 110 && !line.includes('\n')) return line;
  return `{\n${fields.map((field) => `${indent}  ${field}`).join('\n')}\n${indent}}`;
}
