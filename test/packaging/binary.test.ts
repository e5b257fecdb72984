// What the released binary asks of the machine it is loaded on.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findOnPath, runOk } from './package.js';

const binary = 'build/Release/onpath.node';

/** Libraries that every glibc system has. */
const allowed = /^(libc|libm|libdl|libpthread|librt|ld-linux-(x86-64|aarch64))\.so\.\d+$/;

describe('the addon binary', {
  skip: findOnPath('readelf') === undefined ? 'readelf is not there' : false,
}, () => {
  test('needs only the libraries of glibc', async () => {
    const { stdout } = await runOk('readelf', ['--dynamic', '--wide', binary]);
    const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, library]) => library ?? '');
    assert.ok(needed.length > 0, stdout);
    assert.deepEqual(
      needed.filter((library) => !allowed.test(library)),
      [],
    );
  });

  test('is never unloaded and searches no folder of the machine that built it', async () => {
    const { stdout } = await runOk('readelf', ['--dynamic', '--wide', binary]);
    assert.match(stdout, /NODELETE/);
    assert.doesNotMatch(stdout, /RPATH|RUNPATH/);
  });

  test('exports the entry points of Node-API and nothing else', async () => {
    const { stdout } = await runOk('readelf', ['--dyn-syms', '--wide', binary]);
    const exported = stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, , , , bind, visibility, section]) =>
          bind !== 'LOCAL' && visibility === 'DEFAULT' && section !== 'UND',
      )
      .map((fields) => fields[7] ?? '')
      .filter((name) => /^\w/.test(name) && name !== 'Name');
    assert.deepEqual(
      exported.filter((name) => !/^(napi_register_module_v1|node_api_module_get_api_version_v1)$/.test(name)),
      [],
    );
    assert.ok(exported.includes('napi_register_module_v1'), exported.join(' '));
  });

  test('asks for no symbol newer than glibc 2.36 or Node-API 8', async () => {
    const { stdout } = await runOk('readelf', ['--dyn-syms', '--wide', binary]);
    const newest = [...stdout.matchAll(/@GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    assert.ok(Math.max(...newest) <= 36, `the newest symbol is of glibc 2.${Math.max(...newest)}`);
  });
});
