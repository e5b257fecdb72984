/** `onpath devices`: the network cards and interfaces of this host, and what stands between each and a dpdk port. */
import { Command } from 'commander';
import { type Device, devices } from '../devices.js';
import { columns, styled, Terminal } from './terminal.js';

export function devicesCommand(): Command {
  return new Command('devices')
    .description('list network devices and how DPDK can drive each')
    .option('--steps', 'print what is missing for each, with the commands')
    .addHelpText(
      'after',
      "\nExamples:\n  onpath devices\n  onpath devices --steps\n  onpath devices --json | jq '.[].dpdk.usable'",
    )
    .action(async (options: { steps?: boolean; json?: boolean }) => {
      const found = devices();
      await new Terminal(options).result(found, options.steps === true ? steps(found) : table(found));
    });
}

const nameOf = (device: Device): string => (device.kind === 'pci' ? device.address : device.name);

function table(found: readonly Device[]): string {
  if (found.length === 0) return 'No network devices are seen in this namespace.';
  return columns([
    ['device', 'kind', 'driver', 'link', 'speed', 'dpdk', 'port device'],
    ...found.map((device) => {
      const link = device.kind === 'pci' ? device.interfaces[0] : device;
      return [
        nameOf(device) + (device.carriesDefaultRoute ? ' (default route)' : ''),
        device.kind === 'pci' ? 'PCI' : device.type,
        (device.kind === 'pci' ? device.kernelDriver : device.dpdk.driver) ?? '-',
        link?.link ?? (link?.up === false ? 'off' : '-'),
        link?.speedMbps === undefined ? '-' : `${link.speedMbps} Mb/s`,
        usable(device.dpdk.usable),
        device.dpdk.device ?? '-',
      ];
    }),
  ]);
}

function usable(state: 'yes' | 'afterSteps' | 'no'): string {
  if (state === 'yes') return styled('green', 'yes');
  return state === 'no' ? styled('red', 'no') : styled('yellow', 'after steps');
}

function steps(found: readonly Device[]): string {
  return found
    .map((device) => {
      const { usable: state, reason, missing, warnings, device: name } = device.dpdk;
      return [
        `${nameOf(device)}: ${state === 'afterSteps' ? `${missing.length} steps to go` : state}${reason === undefined ? '' : `: ${reason}`}`,
        ...(name === undefined ? [] : [`  device: ${name}`]),
        ...missing.flatMap(({ what, command }) => [`  missing: ${what}`, `    ${command}`]),
        ...warnings.map((warning) => `  note: ${warning}`),
      ].join('\n');
    })
    .join('\n\n');
}
