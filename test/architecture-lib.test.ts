// The dependency rule of the rooms of lib/, checked by reading their imports; and that `import 'onpath'` loads the API alone.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';

/** From below to above: a room may import those before it. Rooms of one rank do not know each other. */
const RANKS: readonly (readonly string[])[] = [
  ['api'],
  ['files'],
  ['service'],
  ['log'],
  ['metrics'],
  ['control', 'page'],
  ['cli'],
];
/** Folders that are parts of the API. */
const OF_THE_API = ['presets', 'text', 'generated'];
/** Packages that only some rooms may load. */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  yaml: ['files'],
  jsep: ['files'],
  pino: ['log'],
  'prom-client': ['metrics'],
  fastify: ['metrics', 'control', 'page'],
  '@fastify/swagger': ['control'],
  'fastify-type-provider-zod': ['control'],
  commander: ['cli'],
};

interface Import {
  readonly file: string;
  readonly target: string;
  /** Erased by the compiler: nothing is loaded. */
  readonly typeOnly: boolean;
}

const files = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('lib', name));
const imports = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const fixed = [...text.matchAll(/^(?:import|export) (type )?(?:[^;'"]*? from )?'([^']+)';/gm)];
  const dynamic = [...text.matchAll(/\b(typeof )?import\('([^']+)'\)/g)];
  return [...fixed, ...dynamic].map((match) => ({
    file,
    target: match[2]!.startsWith('.')
      ? normalize(join(dirname(file), match[2]!.replace(/\.js$/, '.ts')))
      : match[2]!,
    typeOnly: match[1] !== undefined,
  }));
}

/** `lib/cli/run.ts` is of `cli`, `lib/schema.ts` of `api`. */
function roomOf(file: string): string {
  const [, folder, rest] = file.split('/');
  return rest === undefined || OF_THE_API.includes(folder!) ? 'api' : folder!;
}

function rankOf(room: string): number {
  return RANKS.findIndex((rank) => rank.includes(room));
}

const told = ({ file, target }: Import) => `${file} imports ${target}`;

describe('architecture of lib/', () => {
  test('every room is one that the dependency rule knows', () => {
    const unknown = files.filter((file) => rankOf(roomOf(file)) < 0);
    assert.deepEqual(unknown, []);
  });

  test('a room imports itself and those before it only', () => {
    const broken = imports.filter(({ file, target }) => {
      if (!target.startsWith('lib/')) return false;
      const [room, other] = [roomOf(file), roomOf(target)];
      return room !== other && rankOf(other) >= rankOf(room);
    });
    assert.deepEqual(broken.map(told), []);
    assert.ok(imports.filter(({ target }) => target.startsWith('lib/')).length > 200);
  });

  test('a package is loaded only by the rooms it belongs to', () => {
    const broken = imports.filter(({ file, target, typeOnly }) => {
      const rooms = RESERVED[target];
      return rooms !== undefined && !typeOnly && !rooms.includes(roomOf(file));
    });
    assert.deepEqual(broken.map(told), []);
    const loaded = new Set(imports.map(({ target }) => target));
    for (const name of ['yaml', 'jsep', 'commander']) assert.ok(loaded.has(name), `nobody imports ${name}`);
  });

  test('only lib/native.ts loads the addon', () => {
    const loaders = files.filter((file) =>
      /require\('node-gyp-build'\)|\.node'/.test(readFileSync(file, 'utf8')),
    );
    assert.deepEqual(loaders, ['lib/native.ts']);
  });

  test("import 'onpath' loads neither files, servers nor loggers", () => {
    const heavy = Object.keys(RESERVED);
    const script = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(\`
        export async function resolve(name, context, next) {
          const found = await next(name, context);
          process._rawDebug('loads ' + found.url);
          return found;
        }\`));
      await import('${join(process.cwd(), 'build/ts/lib/index.js')}');
    `;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    const loaded = run.stderr.split('\n').filter((line) => line.startsWith('loads '));
    assert.ok(
      loaded.some((line) => line.endsWith('/lib/dataplane.js')),
      run.stderr,
    );
    const tooMuch = loaded.filter(
      (line) =>
        heavy.some((name) => line.includes(`/node_modules/${name}/`)) ||
        /\/lib\/(files|service|log|metrics|control|page|cli)\//.test(line),
    );
    assert.deepEqual(tooMuch, []);
  });
});
