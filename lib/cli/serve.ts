/** What `onpath run` runs: a service, and what it is served by. Loaded by nothing else, so that other commands start without loggers and HTTP frameworks. */
import { startControl } from '../control/server.js';
import type { Config } from '../files/config-file.js';
import { logEvents } from '../log/events.js';
import { createLog, type Logger } from '../log/log.js';
import { startMetrics } from '../metrics/server.js';
import { startPage } from '../page/server.js';
import { Service } from '../service/service.js';
import type { Hangups } from './hangup.js';
import { endedBySignals } from './signals.js';
import { summary } from './summary.js';
import { described, type Terminal } from './terminal.js';

/** Until a signal ends it. @throws OnpathError as `Service.start`, and for sockets and addresses that cannot be served on */
export async function serve(
  config: Config,
  options: { readonly every?: number; readonly hangups: Hangups },
  terminal: Terminal,
): Promise<void> {
  const log = createLog(config.log);
  using stop = endedBySignals();
  const onReload = ({ log: { level } }: Config) => {
    log.level = level;
  };
  log.info({ file: config.file.path }, 'starting');
  await using service = await Service.start(config, { onReload });
  // What serves it: each is closed before the plane is.
  await using _control = config.control && (await startControl(service, { ...config.control, log }));
  await using _metrics = config.metrics && (await startMetrics(service, { ...config.metrics, log }));
  await using _page = config.page && (await startPage(service, { ...config.page, log }));
  const { plane } = service;
  // The last: "ready" means that all of it is.
  await using _events = logEvents(service, log);
  options.hangups.answerBy(() => reload(service, log));
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
