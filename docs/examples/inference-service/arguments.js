/** What service and client read off their command lines. */
import { parseArgs } from 'node:util';

/** A mistake on the command line. */
export class Usage extends Error {}

/** Runs a program to its end; what goes wrong is one sentence, and exit code 1, or 2 for the command line. */
export async function run(name, main) {
  try {
    await main();
  } catch (error) {
    const isUsage = error instanceof Usage || error.code?.startsWith('ERR_PARSE_ARGS');
    console.error(`${name}: ${error.message}${isUsage ? `\nnode ${name}.js --help tells more.` : ''}`);
    process.exit(isUsage ? 2 : 1);
  }
}

export function options(known) {
  return parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, ...known },
    allowPositionals: true,
  });
}

/** "127.0.0.1:5004" or "[::1]:5004" */
export function place(option, text) {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (found === null || Number(found[3]) > 65535)
    throw new Usage(`${option} takes ADDRESS:PORT, such as 127.0.0.1:5004, received "${text}".`);
  return { address: found[1] ?? found[2], port: Number(found[3]) };
}

/** "1920x1080" */
export function size(option, text) {
  const [width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text)?.slice(1).map(Number) ?? [];
  if (width > 0 && height > 0) return { width, height };
  throw new Usage(`${option} takes WIDTHxHEIGHT in pixels, such as 1920x1080, received "${text}".`);
}
