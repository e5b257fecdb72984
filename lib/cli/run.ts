/** `onpath run`: a data plane from a file, until it is told to stop. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { type Config, type Overrides, readConfigAsync, socketPath } from '../files/config-file.js';
import { type LogLevel, logLevels, PAGE_LISTEN, parseListen } from '../files/config-schema.js';
import { seconds } from './arguments.js';
import { Hangups } from './hangup.js';
import { columns, Terminal } from './terminal.js';

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
      if (options.check === true)
        return terminal.result(...checked(path, await readConfigAsync(path, overrides(options))));
      // From here on: a plane that is told to read its file again before it is ready does so then, and does not end.
      using hangups = new Hangups();
      const config = await readConfigAsync(path, overrides(options));
      const { serve } = await import('./serve.js');
      await serve(config, { ...options, hangups }, terminal);
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
      `${path}: good. ${counted(spec.ports.length, 'port')}, ${counted(routes.length, 'route')}, ${counted(pipelines.size, 'pipeline')}.`,
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

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
