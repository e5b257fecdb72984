// The dependency rule of the native rooms, checked by reading their includes; and what every room owes its reader.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

/** What the files of a room may include of other rooms: a room, or one header of it. `base` is open to every room but dpdk. */
const mayInclude: Record<string, readonly string[]> = {
  base: [],
  table: ['base'],
  text: ['base', 'kernel'],
  kernel: ['base'],
  wire: ['base'],
  stage: ['base', 'table', 'text', 'kernel'],
  plan: ['base', 'stage', 'table', 'text', 'kernel'],
  dataplane: ['base', 'plan', 'wire'],
  port: ['base', 'dataplane', 'wire'],
  dpdk: ['dataplane/port_abi.h'],
  addon: ['base', 'dataplane', 'plan', 'text', 'table', 'port'],
};

/** Headers of the world outside that only one room may include. */
const reserved: readonly { header: RegExp; room: string }[] = [
  { header: /^(napi|node_api|js_native_api|node|v8|uv)(-[\w-]+)?\.h$/, room: 'addon' },
  { header: /^(rte_|bus_.*driver|ethdev_driver)/, room: 'dpdk' },
];

/** Rooms that do no I/O, start no thread and take no lock. */
const pureRooms = ['base', 'table', 'text', 'kernel', 'stage', 'plan', 'wire'];
const impureHeader =
  /^(thread|mutex|shared_mutex|condition_variable|future|fstream|iostream|semaphore|stop_token|pthread\.h|unistd\.h|fcntl\.h|sys\/(socket|mman|epoll|stat|file)\.h)$/;

/** Advice to the system about memory that is there already: no I/O, and nothing depends on it. */
const advises = 'native/text/large_memory.cc';

const longestFile = 500;
const longestReadme = 60;

interface Include {
  readonly file: string;
  readonly line: number;
  readonly room: string;
  readonly target: string;
}

const rooms = readdirSync('native', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && readdirSync(join('native', entry.name)).length > 0)
  .map((entry) => entry.name);
const includes = rooms.flatMap((room) =>
  filesBelow(join('native', room)).flatMap((file) => includesOf(file, room)),
);

describe('architecture', () => {
  test('every room of native/ is one that the dependency rule knows', () => {
    assert.deepEqual(
      rooms.filter((room) => !(room in mayInclude)),
      [],
    );
  });

  test('a room includes only the rooms it may know', () => {
    const broken = includes.filter(({ room, target }) => {
      const other = target.split('/')[0] ?? '';
      if (!(other in mayInclude) || !target.includes('/') || other === room) return false;
      return !(mayInclude[room] ?? []).some((allowed) => allowed === other || allowed === target);
    });
    assert.deepEqual(broken.map(describeInclude), []);
  });

  test('a header of onpath is included by its path below native/', () => {
    const relative = includes.filter(
      ({ target, file }) => target.startsWith('.') || isBesideOnly(file, target),
    );
    assert.deepEqual(relative.map(describeInclude), []);
  });

  test('only addon knows Node, only dpdk knows DPDK', () => {
    const broken = includes.filter(({ room, target }) =>
      reserved.some((rule) => rule.header.test(target) && rule.room !== room),
    );
    assert.deepEqual(broken.map(describeInclude), []);
  });

  test('rooms below the data plane use no threads, locks, files or sockets', () => {
    const broken = includes.filter(
      ({ room, target, file }) => pureRooms.includes(room) && impureHeader.test(target) && file !== advises,
    );
    assert.deepEqual(broken.map(describeInclude), []);
  });

  test('every room has a README.md of a few lines', () => {
    const wanting = rooms.filter((room) => {
      const readme = join('native', room, 'README.md');
      return !existsSync(readme) || !isBetween(linesOf(readme).length, 2, longestReadme);
    });
    assert.deepEqual(wanting, []);
  });

  test(`no source file is longer than ${longestFile} lines`, () => {
    const sources = ['native', 'lib', 'test', 'bench', 'scripts']
      .filter((folder) => existsSync(folder))
      .flatMap(filesBelow)
      .filter((file) => /\.(h|cc|ts|mjs)$/.test(file) && !file.startsWith('lib/generated/'));
    const tooLong = sources.filter((file) => linesOf(file).length > longestFile);
    assert.deepEqual(tooLong, []);
  });
});

/** Without dot folders, where peers and tools are installed. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    })
    .sort();
}

function includesOf(file: string, room: string): Include[] {
  if (!/\.(h|cc|inc|def)$/.test(file)) return [];
  return linesOf(file).flatMap((text, index) => {
    const target = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(text)?.[1];
    return target === undefined ? [] : [{ file, line: index + 1, room, target }];
  });
}

/** True for `#include "x.h"` where x.h lies in the same room: found only because the compiler looks beside the file. */
function isBesideOnly(file: string, target: string): boolean {
  return !target.includes('/') && existsSync(join(file, '..', target));
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').replace(/\n$/, '').split('\n');
}

function isBetween(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

function describeInclude({ file, line, target }: Include): string {
  return `${file}:${line} includes ${target}`;
}
