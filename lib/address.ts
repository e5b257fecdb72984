/** "address:port" texts and source prefixes. */
import { BlockList, isIP } from 'node:net';
import { OnpathError } from './errors.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export interface HostPort {
  readonly address: string;
  readonly port: number;
}

/** Parses "192.0.2.1:5004" or "[2001:db8::1]:5004". Host names are not looked up. @throws OnpathError INVALID_SPEC */
export function parseHostPort(text: string, what: string, leastPort = 1): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (isIP(address) === 0 || !(port >= leastPort && port <= 65535)) {
    throw new OnpathError(
      'INVALID_SPEC',
      `${what} must be "address:port" such as "192.0.2.1:5004" or "[2001:db8::1]:5004" (an IP address, not a name), received "${text}".`,
    );
  }
  return { address, port };
}

/** The text that `parseHostPort` takes. */
export function hostPortText({ address, port }: HostPort): string {
  return `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}

/** True for 127.0.0.0/8 and ::1: nobody outside this host can reach them. */
export function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** True for "10.0.0.0/8", "2001:db8::/32" and bare addresses. */
export function isPrefix(text: string): boolean {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const family = isIP(match?.[1] ?? '');
  return family !== 0 && Number(match?.[2] ?? 0) <= (family === 4 ? 32 : 128);
}

/** Two addresses that packets can travel between must be of one IP version. @throws OnpathError INVALID_SPEC */
export function requireSameVersion(a: string, aIs: string, b: string, bIs: string): void {
  if (isIP(a) !== isIP(b)) {
    throw new OnpathError(
      'INVALID_SPEC',
      `${aIs} is ${a} and ${bIs} is ${b}: one is IPv4, the other IPv6. Use addresses of one version.`,
    );
  }
}

/** Our own end of a memory link where none is given: addresses that documentation may use (RFC 5737, RFC 3849). */
export function memoryEnd(peer: string): HostPort {
  return { address: isIP(peer) === 6 ? '2001:db8::1' : '192.0.2.1', port: 5004 };
}

const multicast = new BlockList();
multicast.addSubnet('224.0.0.0', 4, 'ipv4');
multicast.addSubnet('ff00::', 8, 'ipv6');
/** What no single host on a link is called: this network, loopback, multicast, broadcast. */
const nobody = new BlockList();
nobody.addSubnet('0.0.0.0', 8, 'ipv4');
nobody.addSubnet('127.0.0.0', 8, 'ipv4');
nobody.addSubnet('224.0.0.0', 4, 'ipv4');
nobody.addAddress('255.255.255.255', 'ipv4');
nobody.addAddress('::', 'ipv6');
nobody.addAddress('::1', 'ipv6');
nobody.addSubnet('ff00::', 8, 'ipv6');
/** A list of its own, because a BlockList takes an IPv4 address and the same one in such a coat for equal. */
const coated = new BlockList();
coated.addSubnet('::ffff:0:0', 96, 'ipv6');

type Family = 'ipv4' | 'ipv6';
const familyOf = (address: string): Family => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
/** Zones ("fe80::1%eth0") name interfaces of the kernel's, which has no part in this. */
const isPlain = (address: string) => isIP(address) !== 0 && !address.includes('%');

/** True for an address that one host on a link can have. */
export function isHostAddress(address: string): boolean {
  const family = familyOf(address);
  if (!isPlain(address) || nobody.check(address, family)) return false;
  return family === 'ipv4' || !coated.check(address, family);
}

/** True for 224.0.0.0/4 and ff00::/8. */
export function isMulticast(address: string): boolean {
  return isPlain(address) && multicast.check(address, familyOf(address));
}

/** An own address and the length of its on-link prefix. */
export interface OwnAddress {
  readonly address: string;
  readonly bits: number;
}

/** Parses "10.9.0.2/24" or "2001:db8::2/64"; undefined if a host cannot have it. */
export function parseOwnAddress(text: string): OwnAddress | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match?.[1] ?? '';
  const bits = Number(match?.[2]);
  if (!isHostAddress(address) || bits < 1 || bits > (isIP(address) === 4 ? 32 : 128)) return undefined;
  return { address, bits };
}

/** Whether `address` lies in the prefix of one of these: a neighbour, reached without a gateway. */
export function isOnLink(address: string, own: readonly OwnAddress[]): boolean {
  const family = familyOf(address);
  const links = new BlockList();
  for (const one of own) {
    if (familyOf(one.address) === family) links.addSubnet(one.address, one.bits, family);
  }
  // RFC 4291 2.5.6: every IPv6 link has these.
  if (family === 'ipv6' && own.some((one) => isIP(one.address) === 6)) links.addSubnet('fe80::', 10, 'ipv6');
  return links.check(address, family);
}

/** The six bytes of "02:00:00:00:00:09", separated by colons or dashes; undefined if it is no MAC address of one station. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)) return undefined;
  const bytes = Uint8Array.from(text.split(/[:-]/), (digits) => Number.parseInt(digits, 16));
  const ofGroup = (bytes[0]! & 1) !== 0;
  return ofGroup || bytes.every((byte) => byte === 0) ? undefined : bytes;
}
