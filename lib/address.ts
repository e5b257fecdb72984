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
export function parseHostPort(text: string, what: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (isIP(address) === 0 || !(port >= 1 && port <= 65535)) {
    throw new OnpathError(
      'INVALID_SPEC',
      `${what} must be "address:port" such as "192.0.2.1:5004" or "[2001:db8::1]:5004" (an IP address, not a name), received "${text}".`,
    );
  }
  return { address, port };
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
