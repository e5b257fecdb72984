/** For commander: what the texts of options mean, or why they mean nothing. */
import { InvalidArgumentError } from 'commander';
import { type HostPort, parseHostPort } from '../address.js';

/** A whole number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    return value;
  };
}

function secondsWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}(\.\d{1,9})?$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`Expected seconds from ${least} to ${most}, such as 1 or 0.5.`);
    return value;
  };
}

/** Of `--every`. */
export const seconds = secondsWithin(0.1, 86_400);
/** Of `--interval`. */
export const interval = secondsWithin(0.001, 86_400);

/** How fast to send. */
export type Rate =
  | { readonly bitsPerSecond: number }
  | { readonly packetsPerSecond: number }
  /** As fast as packets leave. */
  | 'max';

/** Of `--rate`: `100M` or `100Mbit/s`, `5kpps`, `max`. */
export function rate(text: string): Rate {
  if (text === 'max') return 'max';
  const [, number, scale, unit] = /^(\d{1,15}(?:\.\d{1,9})?)([kMG]?)(bit\/s|pps)?$/.exec(text) ?? [];
  const value = Number(number) * ({ k: 1e3, M: 1e6, G: 1e9 }[scale ?? ''] ?? 1);
  if (unit === 'pps' && value >= 1 && value <= 1e9) return { packetsPerSecond: value };
  if (unit !== 'pps' && value >= 1000 && value <= 1e12) return { bitsPerSecond: value };
  throw new InvalidArgumentError(
    'Expected bits per second from 1k to 1000G such as 100M, packets per second from 1pps to 1Gpps such as 5kpps, or max.',
  );
}

/** Of `--to` and `--from`: the text, once it is known to be an IP address and a port. */
export function hostPort(text: string): string {
  parsedHostPort(text);
  return text;
}

/** Of `--on`. Port 0: the system chooses. */
export function ownHostPort(text: string): HostPort {
  return parsedHostPort(text, 0);
}

function parsedHostPort(text: string, leastPort = 1): HostPort {
  try {
    return parseHostPort(text, 'it', leastPort);
  } catch {
    throw new InvalidArgumentError(
      'Expected an IP address and a port from 1 to 65535, such as 192.0.2.1:5004 or [2001:db8::1]:5004.',
    );
  }
}
