/** What happens to a service, in its log: ready, events of the plane, versions, drops, the end. Never a line for a packet. */
import type { PlaneEvent } from '../plane-events.js';
import type { Service } from '../service/service.js';
import { DropLog, dropTotals } from './drops.js';
import type { Logger } from './log.js';

/** How often versions and drops are looked at. */
const LOOK_MS = 1000;

const levels: Readonly<Record<PlaneEvent['type'], 'info' | 'warn' | 'error'>> = {
  workerFenced: 'error',
  workerRecovered: 'info',
  workerAbandoned: 'error',
  linkDown: 'warn',
  linkUp: 'info',
  portRemoved: 'error',
  portRecovered: 'info',
};

/**
 * Logs what happens to the service until it is closed or this is disposed of, which waits for the last line.
 *
 * @example
 * await using _events = logEvents(service, createLog({ level: 'info' }));
 */
export function logEvents(service: Service, log: Logger): AsyncDisposable {
  const { plane } = service;
  const stop = new AbortController();
  const versions = new Map(service.routes().map(({ name }) => [name, 1]));
  const drops = new DropLog(log);

  const look = (): void => {
    const stats = plane.stats();
    for (const { name, version } of stats.routes) {
      const last = versions.get(name)!;
      if (version === last) continue;
      versions.set(name, version);
      logVersions(service, log, name, last);
    }
    drops.look(stats, performance.now());
  };

  log.info(
    {
      ports: plane
        .ports()
        .map((port) => (port.type === 'udp' ? `${port.name} ${port.address}:${port.port}` : port.name)),
      routes: service.routes().map(({ name }) => name),
      workers: plane.stats().workers.length,
      memoryBytes: plane.stats().memoryBytes,
    },
    'ready',
  );
  const timer = setInterval(look, LOOK_MS).unref();
  const follow = async (): Promise<void> => {
    try {
      for await (const event of plane.events({ signal: stop.signal })) logEvent(log, event);
      look();
      logEnd(service, log);
    } catch (error) {
      if (!stop.signal.aborted) log.error({ err: error }, 'events of the plane are not logged any more');
    } finally {
      clearInterval(timer);
    }
  };
  const followed = follow();
  return {
    [Symbol.asyncDispose]: async () => {
      if (!plane.closed) stop.abort();
      await followed;
    },
  };
}

function logEvent(log: Logger, { type, cause, at: _at, times, missed, ...where }: PlaneEvent): void {
  const often = times > 1 ? { times } : {};
  const lost = missed > 0 ? { missed } : {};
  log[levels[type]]({ event: type, ...where, ...often, ...lost }, cause);
}

/** Those after `last`, oldest first; of very many only the last ones are still known. */
function logVersions(service: Service, log: Logger, route: string, last: number): void {
  const newer = service.plane.versions(route).filter(({ version }) => version > last);
  for (const { version, hash, at } of newer.reverse()) {
    log.info(
      { route, version, hash, at: new Date(at).toISOString() },
      `route ${route} runs version ${version}`,
    );
  }
}

function logEnd(service: Service, log: Logger): void {
  const stats = service.plane.stats();
  const sum = (of: (route: (typeof stats.routes)[number]) => number) =>
    stats.routes.reduce((all, route) => all + of(route), 0);
  log.info(
    {
      seconds: Math.round((Date.now() - service.startedAt) / 100) / 10,
      samplesComplete: sum((route) => route.samplesComplete),
      samplesDelivered: sum((route) => route.samplesDelivered),
      drops: dropTotals(stats),
    },
    'ended',
  );
}
