/** Runs the blocks of a page from top to bottom, in a folder of their own, as a reader would. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Block, type Page, placeOf } from './doc-pages.js';
import { freePort } from './plane.js';

const root = process.cwd();
/** Inside the package, so that `import 'onpath'` finds it. */
export const folder = join(root, 'build/docs');

/** What a page may need, and no page takes longer. */
const LONGEST_MS = 180_000;

/** Ports that pages name. Each run has free ones in their places. */
const PORTS = [5004, 5005, 5006, 5007, 5999, 8490, 9464];

export async function freePorts(): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (const named of PORTS) found.set(named, await freePort());
  return found;
}

export function withPorts(text: string, ports: ReadonlyMap<number, number>): string {
  return text.replace(/\b\d{4,5}\b/g, (digits) => String(ports.get(Number(digits)) ?? digits));
}

/** What a block's note says about running it. */
export type Way =
  | { readonly kind: 'foreground' }
  | { readonly kind: 'noRun'; readonly reason: string }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'needs'; readonly tool: string }
  /** Runs beside the next block and ends after it, or (`server`) runs until the page ends. */
  | { readonly kind: 'waits' | 'server'; readonly until: string };

export function wayOf(block: Block): Way {
  const { note } = block;
  if (note === '') return { kind: 'foreground' };
  const noRun = /^no-run: (.{10,})$/.exec(note);
  if (noRun) return { kind: 'noRun', reason: noRun[1]! };
  const beside = /^(waits|server) until "([^"]+)"$/.exec(note);
  if (beside) return { kind: beside[1] as 'waits' | 'server', until: beside[2]! };
  const needs = /^needs ([\w.-]+)$/.exec(note);
  if (needs) return { kind: 'needs', tool: needs[1]! };
  if (/^[\w-]+\.\w+$/.test(note)) return { kind: 'file', name: note };
  return assert.fail(
    `${placeOf(block)}: "${note}" is not known; see "How these pages are written" in docs/README.md`,
  );
}

export interface Output {
  /** `undefined`: the block was not reached. */
  readonly code: number | undefined;
  readonly text: string;
}

/** Pages whose commands somebody has read and found fit to be run on a machine that does other things. */
const COMMANDS_RUN = [
  'README.md',
  'docs/cli.md',
  'docs/getting-started.md',
  'docs/concepts.md',
  'docs/guides/images.md',
  'docs/guides/text.md',
  'docs/guides/tuning.md',
  'docs/guides/troubleshooting.md',
  'docs/wire-format.md',
];
/** Pages whose blocks a test of their own runs. */
export const RUN_ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/control.md': 'test/control/docs.test.ts',
  'docs/metrics.md': 'test/metrics/docs.test.ts',
  'docs/service.md': 'test/examples/inference-service.full.test.ts',
};
/** What a block of a page has no business with: other people's packages, the machine, files elsewhere. */
const NEVER =
  /\b(sudo|su|apt|apt-get|dpkg|npm|npx|pip3?|systemctl|modprobe|mount|umount|sysctl|ip|ethtool|dpdk-\S+|docker|podman|git|wget|killall|pkill|tee)\b(?![.\w/=:-])|scripts\/|rm -r|>\s*\/(?!dev\/null)/;

/** Why a command block must not be run; `undefined`: it may be. Nothing is run before every block has passed this. */
export function unfit(block: Block): string | undefined {
  const { kind } = wayOf(block);
  if (!['sh', 'python'].includes(block.language) || kind === 'noRun' || kind === 'file') return undefined;
  if (!COMMANDS_RUN.includes(block.page))
    return `${placeOf(block)}: the page is not among those whose commands are run`;
  const found = NEVER.exec(block.code);
  return found === null
    ? undefined
    : `${placeOf(block)}: "${found[0]}" is not for a test to run; say no-run and why`;
}

/** Runs the page; the outputs are in the order of its blocks. */
export async function runPage(
  page: Page,
  ports: ReadonlyMap<number, number>,
  scripts: ReadonlyMap<Block, string>,
): Promise<Output[]> {
  const name = page.path.replace(/\W+/g, '-');
  const place = join(folder, 'run', name);
  const outputs = join(folder, 'output', name);
  for (const path of [place, outputs]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
  }
  furnish(place);
  const script = join(outputs, 'script');
  writeFileSync(
    script,
    [
      PRELUDE,
      ...page.blocks.map((block, i) => lines(block, i, ports, scripts.get(block), outputs)),
      'finish',
    ].join('\n'),
  );
  const child = spawn('bash', [script], {
    cwd: place,
    detached: true,
    stdio: 'ignore',
    env: {
      ...process.env,
      OUT: outputs,
      HOME: place,
      PATH: `${root}/scripts/bin:${process.env['PATH']}`,
      COLUMNS: '100',
    },
  });
  const killAll = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  };
  const timer = setTimeout(killAll, LONGEST_MS);
  await once(child, 'exit');
  clearTimeout(timer);
  killAll();
  return page.blocks.map((_, i) => {
    const read = (suffix: string) =>
      existsSync(join(outputs, `${i}${suffix}`)) ? readFileSync(join(outputs, `${i}${suffix}`), 'utf8') : '';
    const code = read('.code').trim();
    return { code: code === '' ? undefined : Number(code), text: read('.out') };
  });
}

/** What docs/README.md says the folder of a page has. */
function furnish(place: string): void {
  mkdirSync(join(place, 'model'));
  copyFileSync('test/data/astronaut.png', join(place, 'photo.png'));
  for (const name of ['tokenizer.json', 'model/tokenizer.json'])
    copyFileSync('test/data/text/tiny-words.json', join(place, name));
  writeFileSync(join(place, 'prompt.txt'), 'this is an example of the input prompt');
  const template =
    '{{ cls_token }}{% for m in messages %}{{ m.role }}: {{ m.content }} {{ sep_token }}{% endfor %}{% if add_generation_prompt %} assistant:{% endif %}';
  const config = { cls_token: '[CLS]', sep_token: { content: '[SEP]' }, chat_template: template };
  writeFileSync(join(place, 'model/tokenizer_config.json'), JSON.stringify(config));
}

// Each block's output goes to $OUT/N.out and the code it ended with to $OUT/N.code. No job control: all is one process group, which is
// killed at the end. A block that runs beside others is given to -c, so that one simple command is the process that gets SIGTERM.
const PRELUDE = `
set -eu -o pipefail
declare -A beside=()
waiting=
current=
ended() { # N: waits for what runs beside.
  local code=0
  wait "\${beside[$1]}" || code=$?
  echo "$code" >"$OUT/$1.code"
  unset "beside[$1]"
}
finish() {
  local code=$? one
  trap - EXIT
  [[ -z $current ]] || echo "$code" >"$OUT/$current.code"
  for one in "\${!beside[@]}"; do
    kill -TERM "\${beside[$one]}" 2>/dev/null || true
    ended "$one"
  done
  exit "$code"
}
trap finish EXIT
begin() { current=$1; exec >"$OUT/$1.out" 2>&1 </dev/null; }
done_with() {
  echo 0 >"$OUT/$1.code"
  current=
  if [[ -n $waiting ]]; then local one=$waiting; waiting=; ended "$one"; fi
}
start() { # N KIND TEXT: runs the block until it has said TEXT.
  current=$1
  : >"$OUT/$1.out" # grep looks before the job has begun
  bash -eu -o pipefail -c "$(<"$OUT/$1.sh")" >>"$OUT/$1.out" 2>&1 </dev/null &
  beside[$1]=$!
  until grep -qF -- "$3" "$OUT/$1.out"; do
    kill -0 "\${beside[$1]}" 2>/dev/null || exit 1
    sleep 0.05
  done
  [[ $2 == server ]] || waiting=$1
  current=
}
`;

function lines(
  block: Block,
  i: number,
  ports: ReadonlyMap<number, number>,
  script: string | undefined,
  outputs: string,
): string {
  const way = wayOf(block);
  const { language } = block;
  const code = withPorts(block.code, ports);
  const stored = join(outputs, `${i}.${language}`);
  writeFileSync(stored, code);
  const inFront = (text: string) => `begin ${i}\n${text}\ndone_with ${i}`;
  if (way.kind === 'noRun') return '';
  if (way.kind === 'file') return inFront(`cp ${stored} ${way.name}`);
  if (way.kind === 'needs' && !isThere(way.tool)) return '';
  if (way.kind === 'waits' || way.kind === 'server') return `start ${i} ${way.kind} '${way.until}'`;
  switch (language) {
    case 'sh':
      return inFront(code);
    case 'ts':
      return inFront(`node ${script}`);
    case 'python':
      return inFront(`python3 ${stored}`);
    case 'yaml':
      // What it is, its fields tell: a configuration has a version, a pipeline an input.
      return inFront(
        `cp ${stored} block-${i}.yaml; onpath ${/^version:/m.test(code) ? 'run --check' : 'compile'} block-${i}.yaml`,
      );
    default:
      return '';
  }
}

export function isThere(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((place) => existsSync(join(place, tool)));
}

/** Compares line by line. `...` stands for anything within a line, on a line of its own for any number of lines. */
export function assertPrinted(printed: string, expected: string, place: string): void {
  const pattern = expected
    .trimEnd()
    .split('\n')
    .map((line) =>
      line.trim() === '...'
        ? '(?:.*\\n)*?'
        : `${line
            .trimEnd()
            .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
            .replaceAll('\\.\\.\\.', '.*')} *\\n`,
    )
    .join('');
  if (!new RegExp(`^${pattern}$`).test(`${printed.trimEnd()}\n`))
    assert.equal(printed, expected, `${place} printed something else`);
}
