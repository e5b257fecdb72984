// The live page: listens to the service's events and shows what it is told.
import { Card, Details } from './cards.mjs';
import { bytes, duration, each, element, fill, foreign, prose, time, uptime } from './draw.mjs';

const RETRY_MS = 2000;
const OPEN_AT_FIRST = 4;

const byId = (id) => document.getElementById(id);
const sum = (drops) => Object.values(drops).reduce((all, n) => all + n, 0);

/** The growth of counters from one snapshot to the next, in a second; undefined when there is nothing to compare with. */
class Growth {
  constructor(now, before) {
    this.seconds = before === undefined ? 0 : (now.at - before.at) / 1000;
  }
  of(value, was) {
    return this.seconds > 0 && was !== undefined ? Math.max(0, value - was) / this.seconds : undefined;
  }
}

class Page {
  cards = { ports: [], routes: [] };
  details = new Map();
  /** Places of routes that are open, the one opened last at the end. */
  open = Array.from({ length: OPEN_AT_FIRST }, (_, i) => i);

  connect() {
    this.source?.close();
    clearTimeout(this.retry);
    if (document.hidden) {
      this.say('', 'paused while nobody sees it');
      return;
    }
    this.source = new EventSource(`events?open=${this.open.join(',')}`);
    const on = (name, take) => this.source.addEventListener(name, ({ data }) => take(JSON.parse(data)));
    on('hello', (hello) => this.hello(hello));
    on('snapshot', (snapshot) => this.snapshot(snapshot));
    on('route', (route) => this.details.get(route.index)?.route(route));
    on('sample', (latest) => this.details.get(latest.index)?.sample(latest));
    on('orders', (orders) => this.details.get(orders.index)?.orders(orders));
    on('refused', ({ why }) => this.lost(why));
    this.source.onerror = () => this.lost('No connection to the service; trying again.');
  }

  lost(why) {
    this.source.close();
    this.say('bad', why);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), RETRY_MS);
  }

  say(kind, text) {
    const place = byId('connection');
    place.className = kind;
    if (place.textContent !== text) place.textContent = text;
  }

  hello(hello) {
    this.say('good', 'live');
    this.told = hello;
  }

  snapshot(now) {
    // Another service, or other routes: nothing of the one before is true of it.
    const identity = JSON.stringify([
      this.told.startedAt,
      [now.ports, now.routes].map((all) => all.map(({ name }) => name)),
    ]);
    if (identity !== this.identity) this.rebuild(now);
    this.identity = identity;
    const growth = new Growth(now, this.before);
    byId('state').textContent =
      `${now.state}, up ${uptime(now.uptimeSeconds)}, ${bytes(now.memoryBytes)} in pools`;
    for (const [i, port] of now.ports.entries()) this.port(port, this.before?.ports[i], growth, now.at, i);
    for (const [i, route] of now.routes.entries())
      this.route(route, this.before?.routes[i], growth, now.at, i);
    this.drops(now, growth);
    this.workers(now, growth);
    const parts = [
      ...now.tables.map((part) => [part, 'lookup table']),
      ...now.vocabularies.map((part) => [part, 'vocabulary']),
    ];
    const rows = parts.map(([{ name, routes }, kind]) => [foreign(name), kind, foreign(routes.join(', '))]);
    fill(byId('parts'), rows, 'no pipeline calls one by name');
    const events = now.events.toReversed().map((event) => {
      const where = event.port ?? `worker ${event.worker}`;
      return [time(event.at), foreign(`${event.type}: ${where}`), foreign(event.cause), event.times];
    });
    fill(byId('events'), events, 'nothing happened to workers and ports');
    this.before = now;
  }

  rebuild(now) {
    this.before = undefined;
    this.cards = {
      ports: now.ports.map(({ name }) => new Card(name, 'port')),
      routes: now.routes.map(({ name }) => new Card(name, 'route')),
    };
    this.details = new Map(
      now.routes.map((route, i) => [i, new Details(this.cards.routes[i], i, route, this)]),
    );
    this.open = this.open.filter((i) => i < now.routes.length);
    for (const i of this.open) this.details.get(i).node.open = true;
    for (const kind of ['ports', 'routes']) {
      byId(kind).replaceChildren(...this.cards[kind].map(({ node }) => node));
      const more = byId(`${kind}-more`);
      more.hidden = now.notShown[kind] === 0;
      more.textContent = `${now.notShown[kind]} more are not shown here; onpath stats lists them all.`;
    }
  }

  /** Someone opened or closed a route: the service is asked for those that are open. */
  toggled(index, isOpen) {
    if (this.open.includes(index) === isOpen) return;
    this.open = this.open.filter((i) => i !== index);
    if (isOpen) this.open.push(index);
    const most = this.told.mostOpen;
    if (this.open.length > most) this.details.get(this.open.shift()).node.open = false;
    this.connect();
  }

  port(port, was, growth, at, i) {
    const per = (field) => growth.of(port[field], was?.[field]);
    this.cards.ports[i].show(at, {
      about: `${port.type} ${port.where}; ${{ up: 'up', linkDown: 'link down', removed: 'removed' }[port.link]}`,
      bits: per('rxBytes') === undefined ? undefined : 8 * (per('rxBytes') + per('txBytes')),
      drops: growth.of(sum(port.drops) + port.rxMissed, was && sum(was.drops) + was.rxMissed),
      rates: [each(per('rxPackets'), 'packets/s in'), each(per('txPackets'), 'packets/s out')],
      counters: {
        received: port.rxPackets,
        'received bytes': port.rxBytes,
        missed: port.rxMissed,
        sent: port.txPackets,
        'sent bytes': port.txBytes,
        dropped: sum(port.drops),
      },
    });
  }

  route(route, was, growth, at, i) {
    const per = (field) => growth.of(route[field], was?.[field]);
    const { latency, sink, kind, version } = route;
    this.cards.routes[i].show(at, {
      about: `${kind === 'text' ? 'texts' : 'images'} from port ${route.port}, ${sink === 'host' ? 'to the host' : 'forwarded'}; pipeline ${route.pipelineName}`,
      bits: per('bytesUsed') === undefined ? undefined : 8 * per('bytesUsed'),
      drops: growth.of(sum(route.drops), was && sum(was.drops)),
      rates: [each(per('samplesComplete'), 'samples/s'), each(per('packetsUsed'), 'packets/s')],
      counters: {
        version,
        packets: route.packetsUsed,
        complete: route.samplesComplete,
        open: route.samplesOpen,
        ...(sink === 'host' ? { delivered: route.samplesDelivered } : { forwarded: route.packetsForwarded }),
        dropped: sum(route.drops),
        ...(latency && {
          p50: latency.count ? duration(latency.p50) : '',
          p99: latency.count ? duration(latency.p99) : '',
        }),
      },
    });
  }

  drops(now, growth) {
    const of = (all, before, kind) =>
      all.flatMap(({ name, drops }, i) =>
        Object.entries(drops).map(([reason, n]) => ({
          reason,
          at: `${kind} ${name}`,
          n,
          rate: growth.of(n, before?.[i].drops[reason] ?? 0),
        })),
      );
    const rows = [
      ...of(now.routes, this.before?.routes, 'route'),
      ...of(now.ports, this.before?.ports, 'port'),
    ];
    rows.sort((a, b) => b.n - a.n);
    const shown = rows.map(({ reason, at, n, rate }) => {
      const { scope, meaning } = this.told.reasons[reason];
      return [
        element('code', { text: reason }),
        foreign(at),
        `${scope}s`,
        n,
        Math.round(rate ?? 0),
        prose(meaning),
      ];
    });
    fill(byId('drops'), shown, 'nothing was dropped');
  }

  workers(now, growth) {
    const rows = now.workers.map((worker, i) => {
      const per = (field) => growth.of(worker[field], this.before?.workers[i]?.[field]) ?? 0;
      const share = (part, whole) => (whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '');
      return [
        i,
        worker.fenced ? 'hangs' : 'runs',
        share(per('busyMs'), 1000),
        share(per('cpuMs'), 1000),
        Math.round(per('polls')),
        share(per('emptyPolls'), per('polls')),
        Math.round(per('sleeps')),
        worker.fannedOut,
        worker.fannedIn,
        worker.fences,
      ];
    });
    fill(byId('workers'), rows);
  }
}

const page = new Page();
document.addEventListener('visibilitychange', () => page.connect());
page.connect();
