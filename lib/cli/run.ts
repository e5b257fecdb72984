/** `onpath run`: a data plane from a file, until it is told to stop. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { PlaneStats } from '../dataplane.js';
import { type Config, type Overrides, readConfigAsync, socketPath } from '../files/config-file.js';
import { type LogLevel, logLevels, PAGE_LISTEN, parseListen } from '../files/config-schema.js';
import { logEvents } from '../log/events.js';
import { createLog, type Logger } from '../log/log.js';
import { startMetrics } from '../metrics/server.js';
import { Service } from '../service/service.js';
import { seconds } from './arguments.js';
import { onHangup } from './hangup.js';
import { endedBySignals } from './signals.js';
import { columns, described, Terminal } from './terminal.js';

interface Options {
  readonly check?: boolean;
  readonly every?: number;
  readonly json?: boolean;
  readonly control?: string;
  readonly metrics?: string;
  readonly ui?: string | true;
  readonly logLevel?: LogLevel;
}

export function runCommand(): Command {
  return new Command('run')
    .description('start the data plane of a configuration file and serve it until SIGINT or SIGTERM')
    .argument('<config>', 'YAML or JSON: tables, tokenizers, pipelines, ports, routes (docs/cli.md)')
    .option('--check', 'read, compile and check everything, start nothing')
    .option('--every <seconds>', 'print counters this often', seconds)
    .option('--control <socket>', 'path of the control API')
    .option('--metrics <address:port>', 'serve Prometheus metrics')
    .option('--ui [address:port]', `serve the live page, by default on ${PAGE_LISTEN}`)
    .addOption(new Option('--log-level <level>', 'least severe lines that are written').choices(logLevels))
    .addHelpText(
      'after',
      `
What routes with sink: host make has nobody to take it here: it is counted and released.
SIGHUP reads the file again and applies what has changed, or says what needs a restart. SIGINT or SIGTERM lets open samples end and ends it;
a second one ends it at once.

Examples:
  onpath run plane.yaml --check
  onpath run plane.yaml --every 5
  onpath run plane.yaml --ui --control ./plane.sock --metrics 127.0.0.1:9464`,
    )
    .action(async (path: string, options: Options) => {
      const terminal = new Terminal(options);
      const config = await readConfigAsync(path, overrides(options));
      if (options.check === true) return terminal.result(...checked(path, config));
      await run(config, options, terminal);
    });
}

/** What the command line says stands above the file. @throws OnpathError INVALID_SPEC */
function overrides({ control, metrics, ui, logLevel }: Options): Overrides {
  const page = ui === true ? PAGE_LISTEN : ui;
  if (metrics !== undefined) parseListen(metrics, '--metrics');
  if (page !== undefined) parseListen(page, '--ui');
  return {
    ...(control !== undefined && { control: { socket: socketPath(resolve(control)) } }),
    ...(metrics !== undefined && { metrics: { listen: metrics } }),
    ...(page !== undefined && { page: { listen: page } }),
    ...(logLevel !== undefined && { log: { level: logLevel } }),
  };
}

function checked(path: string, { spec, pipelines, pipelineOf }: Config): [unknown, string] {
  const routes = spec.routes.map(({ name, port, sink }) => ({
    name,
    port,
    pipeline: pipelineOf.get(name)!,
    hash: pipelines.get(pipelineOf.get(name)!)!.hash,
    sink: sink === undefined || sink === 'host' ? 'host' : `${sink.forward.port} -> ${sink.forward.to}`,
  }));
  return [
    { ok: true, file: path, ports: spec.ports.map(({ name, type }) => ({ name, type })), routes },
    [
      `${path}: good. ${spec.ports.length} ports, ${routes.length} routes, ${pipelines.size} pipelines.`,
      columns([
        ['route', 'port', 'pipeline', 'plan', 'sink'],
        ...routes.map((route) => [
          route.name,
          route.port,
          route.pipeline,
          route.hash.slice(0, 16),
          route.sink,
        ]),
      ]),
    ].join('\n'),
  ];
}

async function run(config: Config, options: Options, terminal: Terminal): Promise<void> {
  const log = createLog(config.log);
  using stop = endedBySignals();
  const onReload = ({ log: { level } }: Config) => {
    log.level = level;
  };
  await using service = await Service.start(config, { onReload });
  // What serves it: each is closed before the plane is.
  await using _events = logEvents(service, log);
  await using _metrics = config.metrics && (await startMetrics(service, { ...config.metrics, log }));
  // HTTP frameworks are loaded where they are used: other commands start without them.
  await using _control =
    config.control &&
    (await (await import('../control/server.js')).startControl(service, { ...config.control, log }));
  using _reload = onHangup(() => reload(service, log));
  const { plane } = service;
  terminal.note(`onpath: running ${config.file.path}`);
  const timer =
    options.every === undefined
      ? undefined
      : setInterval(() => {
          const stats = plane.stats();
          void terminal.item({ at: Date.now(), stats }, summary(stats));
        }, options.every * 1000);
  if (!stop.signal.aborted)
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(timer);
  log.info('draining');
  await service.close({ drainMs: service.config.drainMs });
  const stats = plane.stats();
  await terminal.item({ at: Date.now(), ended: true, stats }, `ended\n${summary(stats)}`);
}

/** An error changes nothing but the log. */
async function reload(service: Service, log: Logger): Promise<void> {
  const { path } = service.config.file;
  try {
    const { changed, unchanged } = await service.reloadFile();
    log.info({ changed }, unchanged ? `${path}: nothing has changed` : `${path}: applied`);
  } catch (error) {
    const { code, message } = described(error);
    log.error({ code }, `not reloaded: ${message}`);
  }
}

/** Routes in a table, and below it what was dropped and why. */
export function summary({ ports, routes }: PlaneStats): string {
  const drops = [...ports, ...routes].flatMap(({ name, drops: reasons }) =>
    Object.entries(reasons)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => [name, reason, count] as const),
  );
  return [
    columns([
      ['port', 'received', 'missed', 'sent'],
      ...ports.map((port) => [port.name, port.rxPackets, port.rxMissed, port.txPackets]),
    ]),
    columns([
      ['route', 'packets', 'complete', 'open', 'delivered', 'forwarded'],
      ...routes.map((route) => [
        route.name,
        route.packetsUsed,
        route.samplesComplete,
        route.samplesOpen,
        route.samplesDelivered,
        route.packetsForwarded,
      ]),
    ]),
    ...(drops.length === 0 ? [] : [columns([['dropped at', 'reason', 'count'], ...drops])]),
  ].join('\n\n');
}
