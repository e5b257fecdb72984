// A port or a route on the page, and what a route shows when it is opened.
import {
  Chart,
  count,
  duration,
  each,
  element,
  fill,
  histogram,
  prose,
  scaled,
  time,
  visible,
} from './draw.mjs';

/** A port or a route: two charts and its counters. */
export class Card {
  counters = new Map();
  constructor(name, kind) {
    this.node = document.getElementById('card').content.cloneNode(true).firstElementChild;
    this.node.dataset[kind] = name;
    const part = (selector) => this.node.querySelector(selector);
    part('.name').append(...visible(name));
    [this.about, this.rate, this.lost, this.list] = ['.about', '.rate', '.lost', 'dl'].map(part);
    this.flow = new Chart(part('.flow'));
    this.drop = new Chart(part('.drop'));
  }

  /** `bits` and `drops`: per second; nothing when there is no snapshot to compare with. */
  show(at, { about, bits, drops, rates, counters }) {
    if (this.about.textContent !== about) this.about.replaceChildren(...visible(about));
    for (const [label, value] of Object.entries(counters)) this.counter(label, value);
    if (bits === undefined) return;
    const lost = each(drops, 'drops/s');
    const now = [scaled(bits, 'bit/s'), ...rates].join(', ');
    const most = [this.flow.add(at, bits), this.drop.add(at, drops)];
    this.caption(this.rate, this.flow, now, scaled(most[0], 'bit/s'));
    this.caption(this.lost, this.drop, lost, each(most[1], 'drops/s'));
    this.lost.classList.toggle('some', drops > 0);
  }

  caption(place, { svg }, now, most) {
    const scale = `at most ${most} in the last two minutes`;
    place.firstElementChild.textContent = now;
    place.lastElementChild.textContent = scale;
    svg.setAttribute('aria-label', `${now}; ${scale}`);
  }

  counter(label, value) {
    let place = this.counters.get(label);
    if (place === undefined) {
      place = element('dd', { 'data-counter': label });
      this.counters.set(label, place);
      this.list.append(element('div', {}, element('dt', { text: label }), place));
    }
    const text = typeof value === 'number' ? count(value) : value;
    if (place.textContent !== text) place.textContent = text;
  }
}

/** What a route shows when it is opened. */
export class Details {
  constructor(card, index, { kind, sink }, page) {
    const fragment = document.getElementById('details').content.cloneNode(true);
    this.node = fragment.firstElementChild;
    card.node.append(this.node);
    const part = (selector) => this.node.querySelector(selector);
    this.part = part;
    const what = kind === 'text' ? 'prompt' : 'image';
    part('.sample-title').textContent = `Last ${what}`;
    if (sink === 'forward')
      part('.sample-about').textContent = `This route forwards: its ${what}s leave without being kept.`;
    part('.orders-panel').hidden = kind === 'text';
    part('.stage').addEventListener('change', () => this.showLatency());
    this.node.addEventListener('toggle', () => page.toggled(index, this.node.open));
  }

  route({ versions, latency }) {
    fill(
      this.part('.versions'),
      versions.map(({ version, hash, at, alive }, i) => [
        version,
        element('code', { title: hash, text: hash.slice(0, 16) }),
        time(at),
        i === 0 ? 'current' : alive ? 'alive' : 'gone',
      ]),
    );
    this.latency = latency;
    const select = this.part('.stage');
    if (latency !== undefined && select.options.length === 0) {
      const first = ['lastPacket', 'firstPacket', 'wait'];
      const stages = [...first, ...Object.keys(latency).filter((stage) => !first.includes(stage))];
      select.append(...stages.map((stage) => element('option', { text: stage })));
    }
    this.showLatency();
  }

  showLatency() {
    const svg = this.part('.histogram');
    const stage = this.latency?.[this.part('.stage').value];
    const about = this.part('.latency-about');
    svg.toggleAttribute('hidden', (stage?.count ?? 0) === 0);
    if (stage === undefined) about.textContent = 'This plane was started with latency: false.';
    else if (stage.count === 0) about.textContent = 'nothing measured yet';
    else {
      const { count: all, p50, p99, mean, max } = stage;
      about.textContent = `${count(all)} measured: p50 ${duration(p50)}, p99 ${duration(p99)}, mean ${duration(mean)}, max ${duration(max)}`;
      svg.setAttribute('aria-label', `Histogram of ${this.part('.stage').value}: ${about.textContent}`);
      histogram(svg, stage);
    }
  }

  sample(latest) {
    const about = this.part('.sample-about');
    const place = this.part('.sample');
    if (latest.kind === 'text') {
      const some =
        latest.tokens.length < latest.total && latest.text === undefined
          ? `, the first ${latest.tokens.length} of them here`
          : '';
      const unit = latest.text === undefined ? 'tokens' : 'bytes';
      about.textContent = `${count(latest.total)} ${unit}${some}; version ${latest.versionNumber}, ${time(latest.at)}`;
      place.replaceChildren(...prompt(latest, place));
    } else {
      about.textContent = `${latest.dtype}[${latest.shape.join(', ')}]; version ${latest.versionNumber}, ${time(latest.at)}${latest.everyNthPixel > 1 ? `; of every ${latest.everyNthPixel}th pixel` : ''}`;
      place.replaceChildren(...tensor(latest));
    }
  }

  orders({ orders, taken, reason }) {
    this.part('.orders-about').textContent =
      reason ?? 'What each would cost, with packets of 1400 bytes that come in order.';
    fill(
      this.part('.orders'),
      (orders ?? []).map((one, i) => [
        `${one.order}${one.skipUnread ? ', skipUnread' : ''}${i === taken ? ' (taken)' : ''}`,
        ...(one.refused === undefined
          ? [one.sampleBytes, one.savedBytes, one.windowBytes, one.packetsToFirstOutput]
          : [prose(one.refused)]),
      ]),
    );
  }
}

function tensor({ picture, stats }) {
  const parts = [];
  if (picture !== undefined) {
    const { width, height, rgb } = picture;
    const canvas = element('canvas', {
      width,
      height,
      role: 'img',
      'aria-label': `The last image, ${width} by ${height} pixels`,
    });
    const raw = atob(rgb);
    const image = new ImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let c = 0; c < 3; c++) image.data[4 * pixel + c] = raw.charCodeAt(3 * pixel + c);
      image.data[4 * pixel + 3] = 255;
    }
    canvas.getContext('2d').putImageData(image, 0, 0);
    parts.push(canvas);
  }
  const head = ['channel', 'min', 'max', 'mean', 'std', 'NaN'];
  const table = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { class: 'n', text })))),
    element('tbody', { class: 'channels' }),
  );
  const shown = (n) => Number(n.toPrecision(6)).toString();
  for (const [i, { min, max, mean, std, nan }] of stats.entries()) {
    table.tBodies[0].append(
      element(
        'tr',
        {},
        ...[String(i), ...[min, max, mean, std].map(shown), count(nan)].map((text) =>
          element('td', { class: 'n', text }),
        ),
      ),
    );
  }
  return [...parts, table];
}

/** Tokens as coloured pieces; without a tokenizer the text that the pipeline made. */
function prompt({ tokens, text }, place) {
  if (text !== undefined)
    return [element('div', { class: 'tokens foreign' }, ...visible(text, { blanks: true }))];
  const box = element('div', { class: 'tokens' });
  const numbers = element('input', { type: 'checkbox' });
  numbers.checked = place.querySelector('input')?.checked ?? false;
  const number = () => box.classList.toggle('numbered', numbers.checked);
  numbers.addEventListener('change', number);
  number();
  for (const token of tokens) {
    const special = token.special === true;
    const piece = element('span', {
      class: special ? 'piece special' : 'piece',
      'data-id': token.id,
      title: `token ${token.id}${special ? ', special' : ''}`,
    });
    piece.append(
      ...(token.text === ''
        ? [element('span', { class: 'mark', text: '…' })]
        : visible(token.text, { blanks: true })),
    );
    box.append(piece);
  }
  return [element('label', {}, numbers, ' ids'), box];
}
