// What the life-cycle tests share: the smallest plane and sender worth having, traffic between them, and scenarios run in processes of
// their own. A scenario is a file of scenarios/; it reports by its exit code and by what it prints.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type NativeDelivery,
  type NativePlane,
  type NativePlaneConfig,
  type NativePortConfig,
  type NativeProgram,
  type NativeSink,
  native,
} from '../../lib/native.js';
import type { NativeSender, NativeSenderConfig } from '../../lib/native-sender.js';

export const WIDTH = 32;
export const HEIGHT = 16;
/** What no wait in these tests takes if all is well. */
export const PATIENCE_MS = 60_000;

/** RGB of WIDTH x HEIGHT to float32 CHW, normalized: 1536 bytes in, two packets; 6144 bytes out. */
export function program(): NativeProgram {
  const spec = {
    input: {
      width: WIDTH,
      height: HEIGHT,
      format: 'rgb' as const,
      order: 'row-major' as const,
      skipUnread: false,
    },
    stages: [
      { stage: 'normalize' as const, scale: 1 / 255, mean: [0.5], std: [0.25], recipe: 'torchvision' },
    ],
    output: { name: 'pixels', dtype: 'float32' as const, layout: 'chw' as const },
    maxStateBytes: 1 << 20,
  };
  return native().compile(spec, '');
}

export function image(seed = 1): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 31 + seed * 17) & 255);
}

export function expected(of: NativeProgram, input: Uint8Array): Uint8Array {
  const output = new Uint8Array(of.info.outputs[0]!.bytes);
  of.run(input, [output]);
  return output;
}

export function memoryPort(link: string, side: 0 | 1): NativePortConfig {
  return {
    type: 'memory',
    name: 'in',
    link,
    side,
    queues: 1,
    depth: 256,
    maxBytes: 2048,
  };
}

export function udpPort(port = 0): NativePortConfig {
  return {
    type: 'udp',
    name: 'in',
    address: '127.0.0.1',
    port,
    queues: 1,
    receiveBufferBytes: 1 << 20,
    maxBytes: 2048,
    offload: true,
  };
}

export function planeConfig(of: NativeProgram, port: NativePortConfig, slots = 8): NativePlaneConfig {
  return {
    eal: undefined,
    ports: [port],
    workers: 1,
    maxMemoryBytes: 2 ** 30,
    idleAfterUs: 50,
    maxSleepUs: 1000,
    watchdogMs: 1000,
    closeTimeoutMs: 5000,
    latency: true,
    routes: [
      {
        name: 'r',
        port: 'in',
        udpPort: 0,
        payloadType: undefined,
        sources: [],
        payload: 'chunk',
        program: of,
        text: undefined,
        shapes: undefined,
        slots,
        openSamples: 4,
        maxStreams: 8,
        deadlineMs: PATIENCE_MS,
        evictOldest: true,
        repair: undefined,
        sink: { type: 'host', batch: 1, maxWaitMs: 0, backpressure: false },
      },
    ],
  };
}

export function senderConfig(
  port: NativePortConfig,
  to = { address: '192.0.2.2', port: 5004 },
): NativeSenderConfig {
  return {
    port: { ...port, name: 'sender' },
    address: to.address,
    udpPort: to.port,
    sourceAddress: port.type === 'memory' ? '192.0.2.1' : undefined,
    sourceUdpPort: port.type === 'memory' ? 5004 : 0,
    destinationMac: undefined,
    payload: 'chunk',
    texts: false,
    program: undefined,
    width: WIDTH,
    height: HEIGHT,
    format: 'rgb',
    sendDims: false,
    payloadType: 96,
    ssrc: 0,
    maxPayloadBytes: 1400,
    bitsPerSecond: 0,
    burstBytes: 0,
    resend: undefined,
    queuedSamples: 64,
  };
}

/** A plane and a sender to it, over a memory link or a UDP socket. */
export class Pair {
  readonly program: NativeProgram;
  readonly plane: NativePlane;
  readonly sink: NativeSink;
  readonly sender: NativeSender;

  private constructor(program: NativeProgram, plane: NativePlane, sender: NativeSender) {
    this.program = program;
    this.plane = plane;
    this.sink = plane.sink('r');
    this.sender = sender;
  }

  static async open(over: 'udp' | string, slots = 8): Promise<Pair> {
    const udp = over === 'udp';
    const of = program();
    const port = udp ? udpPort() : memoryPort(over, 0);
    const plane = await native().startPlane(planeConfig(of, port, slots));
    const sender = native().openSender(
      udp ? senderConfig(udpPort(), plane.localPorts()['in']!) : senderConfig(memoryPort(over, 1)),
    );
    return new Pair(of, plane, sender);
  }

  /** Sends without end; stops when the sender is closed. */
  pour(): void {
    const bytes = image();
    const next = (): void => {
      this.sender.send(bytes, 1n).then(next, () => undefined);
    };
    for (let i = 0; i < 4; i++) next();
  }

  /** The next delivery, waiting for it. */
  async take(): Promise<NativeDelivery> {
    return takeFrom(this.sink);
  }

  async close(): Promise<void> {
    await Promise.all([this.sender.close(), this.plane.close()]);
  }
}

export async function takeFrom(sink: NativeSink): Promise<NativeDelivery> {
  for (;;) {
    const delivery = sink.next();
    if (delivery !== undefined) return delivery;
    await new Promise<void>((resolve) => sink.onReady(resolve));
  }
}

export async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await probe()); await sleep(5)) {
    assert.ok(Date.now() < end, `${what}: not within ${PATIENCE_MS} ms`);
  }
}

/** Collects garbage until `probe` holds; needs --expose-gc. */
export async function untilCollected(what: string, probe: () => boolean): Promise<void> {
  const collect = (globalThis as { gc?: () => void }).gc;
  assert.ok(collect, 'run with --expose-gc');
  await until(what, () => {
    collect();
    return probe();
  });
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  /** Resolves when the scenario has printed `line`; rejects if it ends before. */
  printed(line: string): Promise<void>;
}

/** Starts scenarios/<name>.js with `argument`. */
export function start(
  name: string,
  argument = '',
  nodeOptions: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Running {
  const file = join(import.meta.dirname, 'scenarios', `${name}.js`);
  const child = spawn(process.execPath, [...nodeOptions, file, argument], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, NODE_OPTIONS: '' },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString();
  });
  const killer = setTimeout(() => child.kill('SIGABRT'), PATIENCE_MS);
  const ended = new Promise<Outcome>((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(killer);
      resolve({ code, signal, out, err });
    });
  });
  const printed = async (line: string): Promise<void> => {
    let over = false;
    void ended.then(() => {
      over = true;
    });
    await until(`${name} ${argument} prints ${line}`, () => over || out.includes(`${line}\n`));
    assert.ok(
      out.includes(`${line}\n`),
      `${name} ${argument} ended before it printed ${line}:\n${out}${err}`,
    );
  };
  return { child, ended, printed };
}

/** Runs a scenario to its end, which must be a normal one with this exit code. */
export async function run(
  name: string,
  argument = '',
  { code = 0, nodeOptions = [] as readonly string[], env = {} as NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const outcome = await start(name, argument, nodeOptions, env).ended;
  const said = `${name} ${argument}\n${outcome.out}${outcome.err}`;
  assert.deepEqual({ code: outcome.code, signal: outcome.signal }, { code, signal: null }, said);
  return outcome;
}

/** Threads of ours in this process, now. */
export function threadCount(): number {
  return readdirSync('/proc/self/task').filter((task) => nameOf(task).startsWith('onpath')).length;
}
export function fileCount(): number {
  return readdirSync('/proc/self/fd').length;
}

function nameOf(task: string): string {
  try {
    return readFileSync(`/proc/self/task/${task}/comm`, 'utf8');
  } catch {
    return ''; // it has just ended
  }
}
