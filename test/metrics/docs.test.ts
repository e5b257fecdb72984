// The page on metrics, the alert rules and the dashboard name what there is, and all of it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { families, processRegistry } from '../../lib/metrics/registry.js';
import { freePort, PATIENCE_MS } from '../support/plane.js';

const page = readFileSync('docs/metrics.md', 'utf8');
const alerts = readFileSync('docs/monitoring/alerts.yaml', 'utf8');
const dashboard = readFileSync('docs/monitoring/grafana-dashboard.json', 'utf8');
const promtool = spawnSync('promtool', ['--version']).status === 0 ? false : 'promtool is not there';

const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]!);
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |'))
    .join('\n');

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-metrics-page-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Names of metrics in an expression, without what histograms add. */
function namesIn(expression: string): string[] {
  const names = expression.replace(/"[^"]*"/g, '').match(/\b(onpath|process|nodejs)_\w+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}
const known = new Set([
  ...families.map(({ name }) => name),
  ...processRegistry()
    .getMetricsAsArray()
    .map(({ name }) => name),
]);
const labels = new Set(['job', 'instance', ...families.flatMap((family) => family.labels)]);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}
const rules = (parse(alerts) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
interface Panel {
  readonly title: string;
  readonly description: string;
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}
const { panels } = JSON.parse(dashboard) as { panels: Panel[] };
const targets = panels.flatMap((panel) => panel.targets);
const questions = [...page.matchAll(/^\| [^|`]+ \| `(.+)` \|$/gm)].map((match) => match[1]!);
const expressions = [...rules.map(({ expr }) => expr), ...targets.map(({ expr }) => expr), ...questions];

describe('docs/metrics.md', () => {
  test('has every metric with its labels and meaning, in order', () => {
    const own = table(
      ['metric', 'type', 'labels', 'meaning'],
      families.map(({ name, type, labels: of, help }) => [
        `\`${name}\``,
        type,
        of.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    );
    const ofProcess = table(
      ['metric', 'meaning'],
      processRegistry()
        .getMetricsAsArray()
        .map(({ name, help }) => [`\`${name}\``, help]),
    );
    assert.ok(page.includes(`\n${own}\n`), `put this table there:\n${own}`);
    assert.ok(page.includes(`\n${ofProcess}\n`), `put this table there:\n${ofProcess}`);
  });

  test('shows commands that do what it says', { timeout: PATIENCE_MS }, async () => {
    const [config] = blocks('yaml');
    const [commands] = blocks('sh');
    const port = await freePort();
    const udp = await freePort();
    const here = (text: string) => text.replaceAll('9464', String(port)).replaceAll('5004', String(udp));
    writeFileSync(join(folder, 'plane.yaml'), here(config!));
    const main = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));
    const onpath = join(folder, 'onpath');
    writeFileSync(onpath, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@" 2>log\n`);
    chmodSync(onpath, 0o755);
    // On a busy machine the service takes longer to start than a reader's.
    const patient = here(commands!).replaceAll(
      'curl ',
      'curl --retry 60 --retry-connrefused --retry-delay 1 ',
    );
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', `set -m\n${patient}wait`], {
      cwd: folder,
      env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
      encoding: 'utf8',
    });
    assert.match(stdout, /^ready\nonpath_ready 1\n/, stderr);
    const lines = readFileSync(join(folder, 'log'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string });
    assert.deepEqual(
      lines.map(({ msg }) => msg.replace(/ .*/, '')),
      ['starting', 'metrics', 'ready,', 'draining', 'ended'],
    );
  });

  test('shows a line of the log as there are', () => {
    assert.equal(blocks('json').length, 1);
    for (const block of blocks('json')) JSON.parse(block);
  });

  test('shows a configuration that Prometheus takes', { skip: promtool }, () => {
    const path = join(folder, 'prometheus.yaml');
    writeFileSync(path, blocks('yaml')[1]!);
    writeFileSync(join(folder, 'alerts.yaml'), alerts);
    const checked = spawnSync('promtool', ['check', 'config', path], { encoding: 'utf8' });
    assert.equal(checked.status, 0, checked.stderr + checked.stdout);
  });
});

describe('alert rules, dashboard and questions', () => {
  test('name only metrics and labels that there are', () => {
    assert.ok(expressions.length > 25);
    for (const expression of expressions) {
      const names = namesIn(expression);
      assert.ok(names.length > 0, expression);
      for (const name of names) assert.ok(known.has(name), `${name} in ${expression}`);
      for (const [, list] of expression.matchAll(/(?:by|on) \(([^)]*)\)/g))
        for (const label of list!.split(', ')) assert.ok(labels.has(label), `${label} in ${expression}`);
      for (const [, label] of expression.matchAll(/[{ ,](\w+)(?:=|!=|=~|!~)"/g))
        assert.ok(labels.has(label!), `${label} in ${expression}`);
    }
    for (const { legendFormat } of targets)
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(labels.has(label!), legendFormat);
  });

  test('every rule says what is wrong and what to do', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, annotations } of rules) {
      assert.match(alert, /^Onpath[A-Z]/);
      assert.ok(
        (annotations['summary'] ?? '').length > 15 && (annotations['description'] ?? '').length > 60,
        alert,
      );
      for (const [, label] of Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g))
        assert.ok(labels.has(label!), `${label} of ${alert}`);
    }
  });

  test('every panel says what it shows, and no two lie on each other', () => {
    const places = (JSON.parse(dashboard) as { panels: { gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[] })
      .panels;
    const taken = new Set<string>();
    for (const { gridPos } of places) {
      assert.ok(gridPos.x + gridPos.w <= 24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`));
          taken.add(`${x} ${y}`);
        }
      }
    }
    for (const { title, description } of panels) assert.ok(description.length > 0, title);
  });

  test('pass promtool check rules', { skip: promtool }, () => {
    const path = join(folder, 'rules.yaml');
    // As rules, so that the expressions of the others are read too; variables of Grafana's have values.
    const others = [...targets.map(({ expr }) => expr), ...questions].map((expr, i) => ({
      record: `checked:${i}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }));
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'others', rules: others }] }));
    for (const file of ['docs/monitoring/alerts.yaml', path]) {
      const checked = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
      assert.equal(checked.status, 0, checked.stderr + checked.stdout);
    }
  });

  test('rules fire on what they are about, and not on a service that is well', { skip: promtool }, () => {
    const service = { job: 'onpath', instance: 'host:9464' };
    const series = (name: string, of: object, values: string) => ({
      series: `${name}${JSON.stringify({ ...service, ...of }).replace(/"(\w+)":/g, '$1=')}`,
      values,
    });
    const photos = { route: 'photos' };
    const well = [
      series('onpath_ready', {}, '1x60'),
      series('onpath_worker_fenced', { worker: '0' }, '0x60'),
      series('onpath_port_up', { port: 'in' }, '1x60'),
      series('onpath_port_receive_packets_total', { port: 'in' }, '0+60000x60'),
      series('onpath_port_receive_missed_packets_total', { port: 'in' }, '0+1x60'),
      series('onpath_route_packets_total', photos, '0+60000x60'),
      series('onpath_route_dropped_packets_total', { ...photos, reason: 'late' }, '0+6000x60'),
      series('onpath_route_samples_opened_total', photos, '0+600x60'),
      series('onpath_route_dropped_samples_total', { ...photos, reason: 'incomplete' }, '0+1x60'),
      series('onpath_memory_bytes', { room: 'plane' }, '100x60'),
      series('onpath_memory_limit_bytes', {}, '1000x60'),
      series('onpath_route_versions_alive', photos, '1x60'),
      series('onpath_event_loop_active_seconds_total', {}, '0+6x60'),
    ];
    const ill: Record<string, (typeof well)[number] & { readonly at?: string }> = {
      OnpathGone: { ...series('onpath_ready', {}, '1x20 _x40'), at: '28m' },
      OnpathNotReady: series('onpath_ready', {}, '0x60'),
      OnpathWorkerFenced: series('onpath_worker_fenced', { worker: '0' }, '1x60'),
      OnpathPortDown: series('onpath_port_up', { port: 'in' }, '0x60'),
      OnpathPacketsMissed: series('onpath_port_receive_missed_packets_total', { port: 'in' }, '0+600x60'),
      OnpathSamplesLost: series(
        'onpath_route_dropped_samples_total',
        { ...photos, reason: 'evicted' },
        '0+60x60',
      ),
      OnpathPacketsDropped: series(
        'onpath_route_dropped_packets_total',
        { ...photos, reason: 'slow_consumer' },
        '0+6000x60',
      ),
      OnpathNoRoute: series(
        'onpath_port_dropped_packets_total',
        { port: 'in', reason: 'no_route' },
        '0+600x60',
      ),
      OnpathVersionsHeld: series('onpath_route_versions_alive', photos, '5x60'),
      OnpathMemory: series('onpath_memory_bytes', { room: 'plane' }, '950x60'),
      OnpathEventLoopBusy: series('onpath_event_loop_active_seconds_total', {}, '0+59x60'),
    };
    assert.deepEqual(Object.keys(ill).sort(), rules.map(({ alert }) => alert).sort());
    const cases = Object.entries(ill).map(([alert, { at = '40m', ...instead }]) => ({
      interval: '1m',
      input_series: [...well.filter((one) => one.series !== instead.series), instead],
      promql_expr_test: rules.map((rule) => ({
        expr: `count(ALERTS{alertname="${rule.alert}", alertstate="firing"})`,
        eval_time: at,
        exp_samples: rule.alert === alert ? [{ value: 1 }] : [],
      })),
    }));
    const path = join(folder, 'tests.yaml');
    const rule_files = [`${process.cwd()}/docs/monitoring/alerts.yaml`];
    writeFileSync(path, JSON.stringify({ rule_files, evaluation_interval: '1m', tests: cases }));
    const checked = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
    assert.equal(checked.status, 0, checked.stderr + checked.stdout);
  });
});
