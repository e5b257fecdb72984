/** Every example of docs/control.md, run as it is written, against a plane of the configuration that the page shows. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { startControl } from '../../lib/control/server.js';
import { readConfig } from '../../lib/files/config-file.js';
import { Service } from '../../lib/service/service.js';
import { ask, log } from './fixture.js';

const page = readFileSync('docs/control.md', 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]!);
const hasCurl = spawnSync('curl', ['--version']).status === 0;

let folder: string;
let service: Service;
let control: AsyncDisposable;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onpath-docs-'));
  copyFileSync('test/data/text/tiny-words.json', join(folder, 'words.json'));
  writeFileSync(join(folder, 'plane.yaml'), blocks('yaml')[0]!);
  const main = new URL('../../lib/cli/main.js', import.meta.url).pathname;
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/npx'), `#!/bin/sh\nshift\nexec ${process.execPath} ${main} "$@"\n`);
  chmodSync(join(folder, 'bin/npx'), 0o755);
  const config = readConfig(join(folder, 'plane.yaml'));
  service = await Service.start(config);
  control = await startControl(service, { ...config.control!, log });
});
after(async () => {
  await control[Symbol.asyncDispose]();
  await service.close();
  rmSync(folder, { recursive: true });
});

const scripts = blocks('sh');
it('the page has examples', () => assert.equal(scripts.length, 5));
for (const script of scripts) {
  const [first = ''] = script.split('\n');
  it(`the example that begins with "${first}" runs`, {
    skip: hasCurl ? false : 'curl is not installed',
  }, async () => {
    const env = { ...process.env, PATH: `${folder}/bin:${process.env['PATH']}` };
    const { stderr } = await promisify(execFile)('bash', ['--norc', '-euc', script], {
      cwd: folder,
      env,
    });
    assert.equal(stderr, '');
  });
}

it('the table of the page lists the calls of the OpenAPI document', async () => {
  const { paths } = JSON.parse((await ask(join(folder, 'plane.sock'), 'GET', '/openapi.json')).text) as {
    paths: Record<string, object>;
  };
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const listed = [...page.matchAll(/^\| `(GET|PUT|POST) ([^`?]+)/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  assert.deepEqual(listed.sort(), [...calls, 'GET /openapi.json'].sort());
});
