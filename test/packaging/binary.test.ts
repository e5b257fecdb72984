// What the released binaries ask of the machine they are loaded on.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findOnPath, runOk } from './package.js';

const binary = 'build/Release/onpath.node';

const folder = 'build/Release';
const drivers = existsSync(folder)
  ? readdirSync(folder).filter((file) => /^libonpath_dpdk\.so\.\d+$/.test(file))
  : [];

/** Libraries that every glibc system has. */
const allowed = /^(libc|libm|libdl|libpthread|librt|ld-linux-(x86-64|aarch64))\.so\.\d+$/;

const withoutReadelf = findOnPath('readelf') === undefined ? 'readelf is not there' : false;

async function dynamicSection(file: string): Promise<string> {
  return (await runOk('readelf', ['--dynamic', '--wide', file])).stdout;
}

function neededBy(dynamic: string): string[] {
  return [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, library]) => library ?? '');
}

async function exportedBy(file: string): Promise<string[]> {
  const { stdout } = await runOk('readelf', ['--dyn-syms', '--wide', file]);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , , , bind, visibility, section]) =>
        bind !== 'LOCAL' && visibility === 'DEFAULT' && section !== 'UND',
    )
    .map((fields) => fields[7] ?? '')
    .filter((name) => /^\w/.test(name) && name !== 'Name');
}

async function newestGlibcOf(file: string): Promise<number> {
  const { stdout } = await runOk('readelf', ['--dyn-syms', '--wide', file]);
  return Math.max(...[...stdout.matchAll(/@GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor)));
}

describe('the addon binary', { skip: withoutReadelf }, () => {
  test('needs only the libraries of glibc', async () => {
    const needed = neededBy(await dynamicSection(binary));
    assert.ok(needed.length > 0);
    assert.deepEqual(
      needed.filter((library) => !allowed.test(library)),
      [],
    );
  });

  test('is never unloaded and searches no folder of the machine that built it', async () => {
    const dynamic = await dynamicSection(binary);
    assert.match(dynamic, /NODELETE/);
    assert.doesNotMatch(dynamic, /RPATH|RUNPATH/);
  });

  test('exports the entry points of Node-API and nothing else', async () => {
    const exported = await exportedBy(binary);
    assert.deepEqual(
      exported.filter((name) => !/^(napi_register_module_v1|node_api_module_get_api_version_v1)$/.test(name)),
      [],
    );
    assert.ok(exported.includes('napi_register_module_v1'), exported.join(' '));
  });

  test('asks for no symbol newer than glibc 2.36 or Node-API 8', async () => {
    const newest = await newestGlibcOf(binary);
    assert.ok(newest <= 36, `the newest symbol is of glibc 2.${newest}`);
  });
});

describe('the DPDK driver', {
  skip: withoutReadelf || (drivers.length === 0 && 'it was not built: libdpdk is not there'),
}, () => {
  for (const file of drivers) {
    const driver = join(folder, file);
    const abi = file.split('.').at(-1);

    test(`${file} needs glibc and the libraries of that DPDK only`, async () => {
      const ofDpdk = new RegExp(`^librte_\\w+\\.so\\.${abi}$`);
      const needed = neededBy(await dynamicSection(driver));
      assert.ok(needed.includes(`librte_eal.so.${abi}`), needed.join(' '));
      assert.deepEqual(
        needed.filter((library) => !allowed.test(library) && !ofDpdk.test(library)),
        [],
      );
    });

    test(`${file} is never unloaded and searches no folder of the machine that built it`, async () => {
      const dynamic = await dynamicSection(driver);
      assert.match(dynamic, /NODELETE/);
      assert.doesNotMatch(dynamic, /RPATH|RUNPATH/);
    });

    test(`${file} exports its table and nothing else`, async () => {
      assert.deepEqual(await exportedBy(driver), ['onpath_driver_table']);
    });

    test(`${file} asks for no symbol newer than glibc 2.36`, async () => {
      const newest = await newestGlibcOf(driver);
      assert.ok(newest <= 36, `the newest symbol is of glibc 2.${newest}`);
    });
  }
});
