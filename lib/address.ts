/** "address:port" texts and source prefixes. */
import { isIP } from 'node:net';
import { OnpathError } from './errors.js';

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
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
