/** From a validated specification of a plane to what the addon takes: names resolved, defaults that depend on each other filled in. */
import { isLoopback, memoryEnd, parseHostPort, parseMac, requireSameVersion } from './address.js';
import { OnpathError } from './errors.js';
import type {
  NativeEalOptions,
  NativeLocalHost,
  NativePlaneConfig,
  NativePortConfig,
  NativeProgram,
  NativeRouteConfig,
} from './native.js';
import { Pipeline } from './pipeline.js';
import { PipelineFamily } from './pipeline-family.js';
import type { ParsedDataplaneSpec } from './schema.js';
import { shapesSpec } from './shapes-schema.js';
import { TextPipeline } from './text-pipeline.js';
import { textRouteSpec } from './text-schema.js';

type ParsedPort = ParsedDataplaneSpec['ports'][number];
type ParsedDpdkPort = Extract<ParsedPort, { type: 'dpdk' }>;
type ParsedRoute = ParsedDataplaneSpec['routes'][number];

/** What results and senders leave with if the specification does not say. */
const ownUdpPort = 5004;

/** @throws OnpathError INVALID_SPEC */
export function nativePlaneConfig(spec: ParsedDataplaneSpec): NativePlaneConfig {
  const ports = new Map(spec.ports.map((port) => [port.name, port]));
  const routes = spec.routes.map((route, i) => nativeRoute(route, i, ports));
  checkApart(spec.routes);
  return {
    eal: spec.eal === undefined ? undefined : nativeEal(spec.eal),
    ports: spec.ports.map((port) =>
      port.type === 'dpdk' ? nativeDpdkPort(port, spec.workers) : nativeKernelPort(port, spec.workers),
    ),
    routes,
    workers: spec.workers,
    maxMemoryBytes: spec.limits.memoryBytes,
    idleAfterUs: spec.idleAfterUs === 'never' ? Infinity : spec.idleAfterUs,
    maxSleepUs: spec.maxSleepUs,
    watchdogMs: spec.watchdogMs,
    closeTimeoutMs: spec.closeTimeoutMs,
    latency: spec.latency,
  };
}

/** A memory or udp port: a queue for each worker to send by, and by default to receive by. */
function nativeKernelPort(port: Exclude<ParsedPort, ParsedDpdkPort>, workers: number): NativePortConfig {
  if (port.type === 'udp') return { ...port, queues: workers };
  const queues = port.queues ?? workers;
  return { ...port, queues, senders: Math.max(0, workers - queues) };
}

/** An end of ours: without an address the plane chooses, by the destination, among those of the port. */
export interface OwnEnd {
  readonly address: string | undefined;
  readonly port: number;
}

/** Where packets to `peer` that leave by a dpdk port come from. @throws OnpathError INVALID_SPEC if it has no address of that version */
export function dpdkEnd(port: ParsedDpdkPort, peer: string, what: string): OwnEnd {
  if (!port.addresses.some((own) => own.includes(':') === peer.includes(':'))) {
    throw new OnpathError(
      'INVALID_SPEC',
      `${what} is ${peer}, but port "${port.name}" has no ${peer.includes(':') ? 'IPv6' : 'IPv4'} address to send from. ` +
        'Give it one in `addresses`.',
    );
  }
  return { address: undefined, port: ownUdpPort };
}

function nativeEal(eal: NonNullable<ParsedDataplaneSpec['eal']>): NativeEalOptions {
  return {
    hugepages: eal.hugepages,
    memoryMb: eal.memoryMb,
    telemetry: eal.telemetry,
    logLevel: eal.logLevel,
    controlCpu: eal.controlCpu ?? -1,
    filePrefix: eal.filePrefix ?? '',
    iova: eal.iova ?? '',
    plugins: eal.plugins ?? '',
    args: eal.args,
  };
}

function nativeDpdkPort(port: ParsedDpdkPort, workers: number): NativePortConfig {
  return {
    type: 'dpdk',
    name: port.name,
    device: port.device,
    queues: port.queues ?? workers,
    transmitQueues: Math.max(workers, port.queues ?? 0) + port.senders,
    rxDescriptors: port.rxDescriptors ?? 0,
    txDescriptors: port.txDescriptors ?? 0,
    mtu: port.mtu,
    bufferBytes: port.bufferBytes ?? 0,
    buffers: port.buffers ?? 0,
    promiscuous: port.promiscuous,
    allMulticast: port.allMulticast,
    ...nativeOffloads(port.offloads),
    host: port.addresses.length === 0 ? undefined : localHost(port),
    impair: port.impair,
  };
}

const automatic = {
  steering: true,
  mark: true,
  rss: true,
  allowList: true,
  checksums: true,
  timestamps: true,
};
const off = { mprq: false, cqeCompression: false };

/** What the NIC may do by name, and what of mlx5 is to be switched off. */
function nativeOffloads(offloads: ParsedDpdkPort['offloads']): { offloads: string[]; offloadsOff: string[] } {
  const chosen = offloads === 'auto' ? automatic : offloads === 'none' ? off : offloads;
  const entries = Object.entries(chosen);
  return {
    offloads: entries.flatMap(([name, value]) => (value === true ? [name] : [])),
    offloadsOff: entries.flatMap(([name, value]) => (value === false && name in off ? [name] : [])),
  };
}

function localHost(port: ParsedDpdkPort): NativeLocalHost {
  return {
    addresses: port.addresses,
    gateways: port.gateways,
    neighbours: Object.entries(port.neighbours).map(([address, mac]) => ({ address, mac: parseMac(mac)! })),
    groups: port.groups,
  };
}

/** The plane refuses it as well; here a file can be checked without starting one. @throws OnpathError INVALID_SPEC */
function checkApart(routes: readonly ParsedRoute[]): void {
  const takers = new Map<string, number>();
  for (const [i, { name, port, udpPort, payloadType }] of routes.entries()) {
    const takes = `${udpPort === 0 ? 'any UDP port' : `UDP port ${udpPort}`} and ${payloadType === undefined ? 'any payload type' : `payload type ${payloadType}`}`;
    const key = JSON.stringify([port, takes]);
    const other = takers.get(key);
    if (other !== undefined) {
      throw new OnpathError(
        'INVALID_SPEC',
        `dataplane.routes[${i}]: "${routes[other]!.name}" and "${name}" both take ${takes} of port "${port}". Give one of them another payloadType or udpPort.`,
      );
    }
    takers.set(key, i);
  }
}

function nativeRoute(
  route: ParsedRoute,
  index: number,
  ports: ReadonlyMap<string, ParsedPort>,
): NativeRouteConfig {
  const at = `dataplane.routes[${index}]`;
  const port = ports.get(route.port);
  if (port === undefined) throw unknownPort(`${at}.port`, route.port, ports);
  if (route.sources === undefined && isReachable(port)) {
    const where = port.type === 'udp' ? `listens on ${port.address}` : 'is a dpdk port';
    throw new OnpathError(
      'INVALID_SPEC',
      `${at}.sources is required: port "${port.name}" ${where}, which other hosts can reach. ` +
        'List the prefixes that may send, such as ["10.1.0.0/16"], or ["0.0.0.0/0", "::/0"] for anyone.',
    );
  }
  if (port.type === 'udp' && port.port !== 0 && route.udpPort !== 0 && route.udpPort !== port.port) {
    throw new OnpathError(
      'INVALID_SPEC',
      `${at}.udpPort is ${route.udpPort}, but port "${port.name}" is bound to ${port.port}: no packet could match. Leave udpPort out.`,
    );
  }
  return {
    name: route.name,
    port: route.port,
    udpPort: route.udpPort,
    payloadType: route.payloadType,
    sources: (route.sources ?? []).map(prefixOf),
    sourceLimits: route.sourceLimits && {
      ...route.sourceLimits,
      packetsPerSecond: route.sourceLimits.packetsPerSecond ?? 0,
      bytesPerSecond: route.sourceLimits.bytesPerSecond ?? 0,
      openSamples: route.sourceLimits.openSamples ?? 0,
      streams: route.sourceLimits.streams ?? 0,
    },
    payload: route.payload,
    program: route.pipeline instanceof TextPipeline ? undefined : programOf(route.pipeline),
    text: nativeText(route, at),
    shapes: nativeShapes(route, at),
    slots: route.slots,
    openSamples: route.openSamples,
    maxStreams: route.maxStreams,
    deadlineMs: route.deadlineMs,
    evictOldest: route.whenFull === 'evict',
    repair: nativeRepair(route, at),
    sink: nativeSink(route, at, ports),
  };
}

type Source = NonNullable<ParsedRoute['sources']>[number];

const prefixOf = (source: Source): string => (typeof source === 'string' ? source : source.prefix);

/** Feedback goes to sources that are marked for it, and there must be some. */
function nativeRepair({ repair, sources }: ParsedRoute, where: string): NativeRouteConfig['repair'] {
  const feedback = (sources ?? []).filter((source) => typeof source !== 'string' && source.feedback);
  if (repair === undefined) {
    if (feedback.length === 0) return undefined;
    throw new OnpathError(
      'INVALID_SPEC',
      `${where}.sources: ${prefixOf(feedback[0]!)} has feedback, but the route has no \`repair\`. Give it one (\`repair: {}\`), or leave feedback out.`,
    );
  }
  if (feedback.length === 0) {
    throw new OnpathError(
      'INVALID_SPEC',
      `${where}.repair: none of the route's sources may be told anything. Mark those that may in \`sources\`, such as { prefix: '10.1.0.0/16', feedback: true }.`,
    );
  }
  const { rtcpPort, ...rest } = repair;
  return { feedback: feedback.map(prefixOf), nextPort: rtcpPort === 'next', ...rest };
}

/** The program of a pipeline, or of a family's largest size. */
export function programOf(pipeline: Pipeline | PipelineFamily): NativeProgram {
  return pipeline instanceof PipelineFamily
    ? PipelineFamily.partsOf(pipeline).largest
    : Pipeline.programOf(pipeline);
}

function nativeShapes(route: ParsedRoute, where: string): NativeRouteConfig['shapes'] {
  const { pipeline, shapes } = route;
  if (pipeline instanceof PipelineFamily) {
    const { cached, waiting, stateBytes } = shapes ?? shapesSpec.parse({});
    return { spec: PipelineFamily.partsOf(pipeline).spec, cached, waiting, stateBytes };
  }
  if (shapes === undefined) return undefined;
  throw new OnpathError(
    'INVALID_SPEC',
    `${where}.shapes is for a PipelineFamily; the pipeline of this route takes one size. Leave it out.`,
  );
}

function nativeText(route: ParsedRoute, where: string): NativeRouteConfig['text'] {
  const { pipeline, text, deliver } = route;
  const parts = deliver !== 'sample' && 'chunkTokens' in deliver ? deliver.chunkTokens : undefined;
  if (!(pipeline instanceof TextPipeline)) {
    if (text === undefined && parts === undefined && deliver !== 'sample') return undefined;
    throw new OnpathError(
      'INVALID_SPEC',
      `${where}.${text === undefined ? 'deliver' : 'text'} is for a TextPipeline; the pipeline of this route takes images. Leave it out.`,
    );
  }
  if (route.slowConsumer === 'backpressure') {
    throw new OnpathError(
      'INVALID_SPEC',
      `${where}.slowConsumer is backpressure, but a text may have more tokens than there is room for however long one waits. Leave it out.`,
    );
  }
  const { waitingBytes, segmentTokens } = text ?? textRouteSpec.parse({});
  const whole = parts === undefined;
  return {
    program: TextPipeline.programOf(pipeline),
    waitingBytes,
    segmentElements: parts ?? (route.sink === 'host' ? segmentTokens : 0),
    whole,
  };
}

/** How many samples come at a time, and how long a batch waits. */
function batching({ deliver }: ParsedRoute): { batch: number; maxWaitMs: number } {
  return deliver === 'sample' || 'chunkTokens' in deliver ? { batch: 1, maxWaitMs: 0 } : deliver;
}

/** Whether a route delivers to JavaScript in batches. */
export function isBatched(route: ParsedRoute): boolean {
  return batching(route).batch > 1;
}

/** Whether packets of other hosts can come in by it. */
function isReachable(port: ParsedPort): boolean {
  return port.type === 'dpdk' || (port.type === 'udp' && !isLoopback(port.address));
}

function unknownPort(where: string, name: string, ports: ReadonlyMap<string, ParsedPort>): OnpathError {
  return new OnpathError(
    'INVALID_SPEC',
    `${where}: no port is called "${name}". There are: ${[...ports.keys()].join(', ')}.`,
  );
}

function nativeSink(
  route: ParsedRoute,
  where: string,
  ports: ReadonlyMap<string, ParsedPort>,
): NativeRouteConfig['sink'] {
  if (route.sink === 'host') {
    return {
      type: 'host',
      ...batching(route),
      backpressure: route.slowConsumer === 'backpressure',
    };
  }
  const { batch, maxWaitMs } = batching(route);
  if (batch > 1 || maxWaitMs > 0) {
    throw new OnpathError(
      'INVALID_SPEC',
      `${where}.deliver is for results that come to JavaScript; this route forwards them. Leave it out.`,
    );
  }
  const { forward } = route.sink;
  const sink = `${where}.sink.forward`;
  const port = ports.get(forward.port);
  if (port === undefined) throw unknownPort(`${sink}.port`, forward.port, ports);
  const to = parseHostPort(forward.to, `${sink}.to`);
  const own = ownEnd(port, to.address, `${sink}.to`);
  const from = forward.from === undefined ? own : parseHostPort(forward.from, `${sink}.from`);
  if (from.address !== undefined)
    requireSameVersion(to.address, `${sink}.to`, from.address, 'the address it leaves from');
  return {
    type: 'forward',
    port: forward.port,
    address: to.address,
    udpPort: to.port,
    sourceAddress: from.address,
    sourceUdpPort: from.port,
    destinationMac: undefined,
    payloadType: forward.payloadType,
    ssrc: forward.ssrc,
    maxPayloadBytes: forward.maxPayloadBytes,
    resend: forward.resend,
  };
}

/** Where results to `peer` come from if the route does not say; refuses a port that has no such end. */
function ownEnd(port: ParsedPort, peer: string, what: string): OwnEnd {
  switch (port.type) {
    case 'udp':
      return { address: port.address, port: 0 };
    case 'memory':
      return memoryEnd(peer);
    case 'dpdk':
      return dpdkEnd(port, peer, what);
  }
}
