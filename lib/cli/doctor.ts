/** `onpath doctor`: what on this host stands in the way, each with its fix. */
import { Command, Option } from 'commander';
import { placesOfThisMachine } from '../devices.js';
import type { Places } from '../devices-sysfs.js';
import * as software from './doctor-checks.js';
import * as kernel from './doctor-kernel.js';
import { DEFAULT_SOCKET } from './socket.js';
import { columns, EXIT, styled, Terminal } from './terminal.js';

interface Options {
  readonly for: 'dpdk' | 'udp';
  readonly socket: string;
  readonly json?: boolean;
}

export function doctorCommand(end: (code: number) => void): Command {
  return new Command('doctor')
    .description(
      'check hugepages, limits, drivers, kernel settings; exit code 3 if something needed is missing',
    )
    .addOption(
      new Option('--for <ports>', 'what the host shall run: dpdk ports, or udp and memory ports only')
        .choices(['dpdk', 'udp'])
        .default('dpdk'),
    )
    .addOption(
      new Option('--socket <path>', 'the control socket that shall be made')
        .env('ONPATH_SOCKET')
        .default(DEFAULT_SOCKET),
    )
    .addHelpText(
      'after',
      `
A check is ok, a note (it works, and could be better) or a failure (ports cannot be started).

Examples:
  onpath doctor
  onpath doctor --for udp --socket "$XDG_RUNTIME_DIR/plane.sock"
  onpath doctor --json | jq -r '.checks[] | select(.state == "fail").fix'`,
    )
    .action(async (options: Options) => {
      const checks = checksOf(placesOfThisMachine(), options);
      const ok = checks.every(({ state }) => state !== 'fail');
      if (!ok) end(EXIT.no);
      await new Terminal(options).result({ ok, checks }, text(checks));
    });
}

/** @internal */
export function checksOf(
  places: Places,
  { for: kind, socket }: Pick<Options, 'for' | 'socket'>,
): software.Check[] {
  const ground = software.groundOf(places);
  const common = [
    software.node(),
    software.addon(),
    kernel.cpus(),
    kernel.isolation(places),
    kernel.governor(places),
    kernel.receiveBuffers(places),
    kernel.largePages(places),
    software.openFiles(places),
    software.rights(ground),
    software.controlSocket(socket),
  ];
  if (kind === 'udp') return common;
  return [
    ...common,
    software.dpdk(ground),
    software.hugepages(ground),
    software.lockable(ground),
    ...kernel.iommu(places),
    software.ports(),
  ];
}

function text(checks: readonly software.Check[]): string {
  const marks = { ok: styled('green', 'ok'), note: styled('yellow', 'note'), fail: styled('red', 'fail') };
  const fixes = checks.flatMap(({ name, why, fix }) =>
    fix === undefined ? [] : [`\n${name}: ${why}\n  ${fix.replaceAll('\n', '\n  ')}`],
  );
  return [
    columns([['check', '', 'found'], ...checks.map(({ name, state, found }) => [name, marks[state], found])]),
    ...fixes,
  ].join('\n');
}
