/** For commander: what the texts of options mean, or why they mean nothing. */
import { OnpathError } from '../errors.js';

/** A whole number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `Expected a whole number from ${least} to ${most}, received "${text}".`,
      );
    }
    return value;
  };
}

/** Of `--every`. */
export function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0.1 && value <= 86_400) return value;
  throw new OnpathError('INVALID_ARGUMENT', `--every is "${text}"; expected seconds from 0.1 to 86400.`);
}

/** Of `--rate`: bits per second; 0: as fast as it goes. */
export function rate(text: string): number {
  if (text === 'max') return 0;
  const match = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text);
  const value =
    match === null
      ? Number.NaN
      : Number(match[1]) * { '': 1, k: 1e3, M: 1e6, G: 1e9 }[match[2] as '' | 'k' | 'M' | 'G'];
  if (value >= 1000 && value <= 1e12) return value;
  throw new OnpathError(
    'INVALID_ARGUMENT',
    `--rate is "${text}"; expected bits per second such as 100M, from 1k to 1000G, or max.`,
  );
}
