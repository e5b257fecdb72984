// Without the driver library a dpdk port says what is missing, and everything else works in the same process.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runTool, temporaryFolder } from '../support/tools.js';

const program = `
import { Dataplane, Pipeline, Sender } from './lib/index.js';

const pipeline = Pipeline.compile({ input: { kind: 'image', width: 8, height: 8, format: 'gray' } });
const routes = [{ name: 'r', port: 'in', pipeline, sources: ['0.0.0.0/0'] }];
const failures = [];
for (let i = 0; i < 3; i++) {
  await Dataplane.start({ ports: [{ type: 'dpdk', name: 'in', device: 'net_ring0' }], routes }).catch((error) => failures.push(error));
}
const worked = [];
for (const port of [{ type: 'memory', name: 'in', link: 'l' }, { type: 'udp', name: 'in' }]) {
  const plane = await Dataplane.start({ ports: [port], routes });
  const overUdp = port.type === 'udp';
  const to = overUdp ? '127.0.0.1:' + plane.address('in').port : '192.0.2.2:5004';
  const sender = await Sender.open({ to, ...(overUdp ? {} : { via: { link: 'l' } }), width: 8, height: 8, format: 'gray' });
  await sender.send(new Uint8Array(64).fill(7));
  for await (const sample of plane.samples('r')) {
    worked.push([port.type, sample.data[63]]);
    break;
  }
  await sender.close();
  await plane.close();
}
console.log(JSON.stringify({ failures: failures.map(({ name, code, message }) => ({ name, code, message })), worked }));
`;

/** The package as built here, but for the driver beside the addon. */
function packageWithoutDriver(folder: string): void {
  const root = process.cwd();
  mkdirSync(join(folder, 'build/Release'), { recursive: true });
  mkdirSync(join(folder, 'drivers'));
  cpSync(join(root, 'build/ts/lib'), join(folder, 'lib'), { recursive: true });
  for (const file of ['package.json', 'build/Release/onpath.node'])
    cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'program.js'), program);
}

describe('without the driver', () => {
  for (const [where, named] of [
    ['beside the addon', false],
    ['in the folder that ONPATH_DRIVER_PATH names', true],
  ] as const) {
    test(`${where}, a dpdk port is DRIVER_MISSING, naming library, place and package; other ports work`, async () => {
      using folder = temporaryFolder();
      packageWithoutDriver(folder.path);
      const drivers = join(folder.path, 'drivers');
      const { stdout } = await runTool('env', [
        named ? `ONPATH_DRIVER_PATH=${drivers}` : '--unset=ONPATH_DRIVER_PATH',
        process.execPath,
        join(folder.path, 'program.js'),
      ]);
      const { failures, worked } = JSON.parse(stdout) as {
        failures: { name: string; code: string; message: string }[];
        worked: [string, number][];
      };
      assert.equal(failures.length, 3);
      const place = named ? drivers : join(folder.path, 'build/Release');
      for (const { name, code, message } of failures) {
        assert.deepEqual([name, code], ['OnpathError', 'DRIVER_MISSING'], message);
        for (const part of ['libonpath_dpdk.so.', place, 'libdpdk-dev', 'ONPATH_DRIVER_PATH'])
          assert.ok(message.includes(part), `${part}: ${message}`);
      }
      assert.deepEqual(worked, [
        ['memory', 7],
        ['udp', 7],
      ]);
    });
  }
});
