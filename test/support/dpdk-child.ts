// A process with a plane on one DPDK port. Its argument says what it does; it prints `up` when samples flow, or what start() said.
import { Dataplane, type DataplaneSpec, OnpathError, Pipeline, Sender } from '../../lib/index.js';
import { type DpdkPort, GROUP, route } from './dpdk-loop.js';
import { format, height, image, resize, width } from './small.js';

export interface DpdkChildTask {
  readonly eal: NonNullable<DataplaneSpec['eal']>;
  readonly port: DpdkPort;
  /** Where it sends; default: to itself, by a group. */
  readonly to?: string;
  /** Send nothing; somebody else does. */
  readonly listens?: boolean;
  /** End after this many samples; default: never. */
  readonly samples?: number;
  /** Close the plane on a signal, as a service does; default: leave that to the system. */
  readonly graceful?: boolean;
}

const task = JSON.parse(process.argv[2]!) as DpdkChildTask;
try {
  await run();
} catch (error) {
  if (!(error instanceof OnpathError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}

async function run(): Promise<void> {
  const { eal, port, to = `${GROUP}:5004` } = task;
  await using plane = await Dataplane.start({
    eal,
    ports: [port],
    routes: [route({ port: port.name, pipeline: Pipeline.compile(resize) })],
  });
  if (task.graceful)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void plane.close());
  await using sender = task.listens
    ? undefined
    : await Sender.open({ to, via: { plane, port: port.name }, width, height, format });
  const pour = (seed: number): void => {
    if (sender === undefined) return;
    sender.send(image(seed), { requestId: seed }).then(
      () => pour((seed + 1) % 50),
      (error: OnpathError) => {
        if (error.code === 'UNREACHABLE') setTimeout(pour, 20, seed);
      },
    );
  };
  pour(0);
  if (sender !== undefined && task.to !== undefined) {
    await sender.send(image(0), { requestId: 0 }).catch(() => undefined);
    console.log('up');
  }
  let count = 0;
  for await (using _ of plane.samples('r')) {
    if (++count === 1) console.log('up');
    if (count === task.samples) return;
  }
}
