// Numbers, texts, tables and charts. Everything that came from elsewhere (names, prompts, causes) is put in as text, never as markup.

const HISTORY_MS = 120_000;
const SVG = 'http://www.w3.org/2000/svg';

export const count = (n) => n.toLocaleString('en-US');
/** "2026-11-22 15:25:46" */
export const time = (at) => new Date(at).toLocaleString('sv-SE');

/** 12345678 -> "12.3 M" */
export function scaled(n, unit) {
  const steps = [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  const [by, prefix] = steps.find(([step]) => n >= step) ?? [1, ''];
  const value = n / by;
  return `${value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3))} ${prefix}${unit}`;
}

/** A rate of things that are counted. */
export const each = (n, unit) => `${count(n < 10 ? Number(n.toFixed(1)) : Math.round(n))} ${unit}`;

export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, n < 1 ? 0 : Math.floor(Math.log2(n) / 10));
  return `${unit === 0 ? n : (n / 1024 ** unit).toFixed(1)} ${units[unit]}`;
}

/** Nanoseconds for people. */
export function duration(ns) {
  if (ns < 1000) return `${Math.round(ns)} ns`;
  const units = [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
  ];
  const [by, unit] = units.find(([step]) => ns >= step);
  return `${Number((ns / by).toPrecision(3))} ${unit}`;
}

export function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** Text with what could not be seen made visible: blanks in prompts, control characters and marks of direction everywhere. */
export function visible(text, { blanks = false } = {}) {
  const hidden = blanks ? /[\s\p{C}]/u : /[\p{C}\u2028\u2029]/u;
  const shown = { ' ': '·', '\n': '↵\n', '\t': '→\t' };
  const parts = [];
  let plain = '';
  for (const letter of text) {
    if (!hidden.test(letter)) {
      plain += letter;
      continue;
    }
    if (plain !== '') parts.push(plain);
    plain = '';
    const code = letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    parts.push(element('span', { class: 'mark', text: shown[letter] ?? `⟨U+${code}⟩` }));
  }
  if (plain !== '') parts.push(plain);
  return parts;
}

export const foreign = (text) => element('span', { class: 'foreign' }, ...visible(text));

/** Makes a table's rows these; what is the same already is left alone, so that a selection survives. Numbers stand to the right. */
export function fill(body, rows, none) {
  body.dataset.rows = rows.length;
  if (rows.length === 0 && none !== undefined)
    return body.replaceChildren(
      element('tr', {}, element('td', { colspan: 99, class: 'quiet', text: none })),
    );
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, r) => {
    const row = body.rows[r] ?? body.insertRow();
    const key = JSON.stringify(cells.map((cell) => (cell instanceof Node ? cell.textContent : cell)));
    if (row.dataset.key === key) return;
    row.dataset.key = key;
    row.replaceChildren(
      ...cells.map((cell) => {
        if (cell instanceof Node) return element('td', {}, cell);
        return element('td', {
          ...(typeof cell === 'number' && { class: 'n' }),
          text: typeof cell === 'number' ? count(cell) : cell,
        });
      }),
    );
  });
}

/** What `code` in backticks is meant to be. */
export function prose(text) {
  const parts = text.split('`').map((part, i) => (i % 2 === 1 ? element('code', { text: part }) : part));
  return element('span', { class: 'prose' }, ...parts);
}

/** Two minutes of one number. */
export class Chart {
  points = [];
  constructor(svg) {
    this.svg = svg;
    this.path = document.createElementNS(SVG, 'path');
    svg.replaceChildren(this.path);
  }
  add(at, value) {
    this.points.push([at, value]);
    while (this.points[0][0] < at - HISTORY_MS) this.points.shift();
    const most = Math.max(...this.points.map(([, v]) => v));
    const { width, height } = this.svg.viewBox.baseVal;
    let before;
    const steps = this.points.map(([t, v]) => {
      // A gap is a gap: what was not seen is not drawn.
      const move = before === undefined || t - before > 5000 ? 'M' : 'L';
      before = t;
      return `${move}${(width * (1 - (at - t) / HISTORY_MS)).toFixed(2)} ${(height - 1 - (v / (most || 1)) * (height - 2)).toFixed(2)}`;
    });
    this.path.setAttribute('d', steps.join(''));
    return most;
  }
}

export function uptime(seconds) {
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}

/** Bars over a logarithmic axis of nanoseconds, from one power of ten to another. */
export function histogram(svg, { bars, p50, p99, min, max }) {
  const width = Math.max(200, svg.clientWidth);
  const height = Math.max(60, svg.clientHeight);
  const base = height - 16;
  const low = Math.floor(Math.log10(Math.max(1, min)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(max + 1)));
  const x = (ns) => ((Math.log10(Math.max(1, ns)) - low) / (high - low)) * width;
  const most = Math.max(...bars.map(([, , n]) => n));
  const shape = (tag, attributes, text) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const shapes = [];
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power);
    const anchor = power === low ? 'start' : power === high ? 'end' : 'middle';
    shapes.push(
      shape('line', { x1: at, x2: at, y1: 0, y2: base }),
      shape('text', { x: at, y: height - 3, 'text-anchor': anchor }, duration(10 ** power)),
    );
  }
  for (const [from, to, n] of bars) {
    const left = Math.max(0, x(from));
    const tall = Math.max(1, (n / most) * (base - 14));
    const bar = shape('rect', {
      x: left,
      y: base - tall,
      width: Math.max(1, Math.min(width, x(to)) - left - 0.5),
      height: tall,
    });
    bar.append(shape('title', {}, `${duration(from)} to ${duration(to)}: ${count(n)}`));
    shapes.push(bar);
  }
  for (const [name, ns] of [
    ['p50', p50],
    ['p99', p99],
  ]) {
    const at = x(ns);
    const atEnd = at > width - 40;
    shapes.push(
      shape('line', { class: 'quantile', x1: at, x2: at, y1: 0, y2: base }),
      shape(
        'text',
        {
          class: 'quantile',
          x: atEnd ? at - 3 : at + 3,
          y: name === 'p50' ? 10 : 22,
          'text-anchor': atEnd ? 'end' : 'start',
        },
        name,
      ),
    );
  }
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.replaceChildren(...shapes);
}
