/** Names of DPDK devices, as a port takes them. */

/** Domain (may be left out), bus, device, function. */
const pci = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])$/;
const auxiliary = /^auxiliary:[a-z0-9_-]+\.[a-z]+\.\d+$/;
/** Drivers of virtual network devices are all called net_something; EAL's limit is 63 characters. */
const virtual = /^net_[a-zA-Z0-9_-]{1,59}$/;
const deviceArguments = /^[\x20-\x7e]+$/;
const longest = 250;

export const deviceForms =
  'a PCI address such as "0000:03:00.0" or "03:00.0", "auxiliary:mlx5_core.sf.4", or a virtual device such as "net_ring0" or "net_memif0,role=client"; arguments follow after a comma';

/** The name as DPDK writes it ("03:00.0" -> "0000:03:00.0"), arguments and all; undefined if it is none. */
export function normalDeviceName(text: string): string | undefined {
  const comma = text.indexOf(',');
  const name = comma < 0 ? text : text.slice(0, comma);
  const rest = comma < 0 ? '' : text.slice(comma);
  if (text.length > longest || (rest !== '' && !deviceArguments.test(rest.slice(1)))) return undefined;
  const address = pci.exec(name.toLowerCase());
  if (address !== null) return `${address[1] ?? '0000'}:${address[2]}${rest}`;
  return auxiliary.test(name) || virtual.test(name) ? text : undefined;
}
