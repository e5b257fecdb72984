/** The fields of a configuration file that are its own: names for tables, tokenizers and pipelines, and what serves the plane. */
import * as z from 'zod';
import { type HostPort, parseHostPort } from '../address.js';

const named = z.record(z.string().min(1).max(64), z.unknown());

/** What servers of ours listen on if nothing is said. */
export const PAGE_LISTEN = '127.0.0.1:8490';

const listen = z
  .string()
  .refine(isListen, 'expected "address:port" such as "127.0.0.1:9464" (an IP address, not a name)')
  .describe('"address:port", with an IP address; port 0: one that is free.');

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Beside the fields of `Dataplane.start`. */
export const ownFields = {
  $schema: z.string().optional().describe('For editors: where the JSON Schema of this format is.'),
  version: z.literal(1).describe('Of this format.'),
  tables: named
    .default({})
    .describe('Lookup tables by name: { file, dtype? } or { expression, dtype, channels? }.'),
  tokenizers: named.default({}).describe('Tokenizers by name: { file, encoding? }.'),
  pipelines: named.default({}).describe('Pipelines by name; stages refer to tables and tokenizers by name.'),
  control: z
    .strictObject({
      // The longest that a UNIX socket's address holds.
      socket: z
        .string()
        .min(1)
        .max(107)
        .describe('Path of a UNIX socket, from the folder of this file; only its owner may use it.'),
    })
    .optional()
    .describe('The control API. Default: none.'),
  metrics: z
    .strictObject({ listen })
    .optional()
    .describe('Prometheus metrics at http://address:port/metrics. Default: none.'),
  page: z
    .strictObject({ listen: listen.default(PAGE_LISTEN) })
    .optional()
    .describe('The live page, at http://address:port/. Default: none.'),
  log: z
    .strictObject({
      level: z.enum(logLevels).default('info').describe('The least severe lines that are written.'),
    })
    .prefault({})
    .describe('Lines of JSON on standard error.'),
  drainMs: z
    .number()
    .min(0)
    .max(3_600_000)
    .default(5000)
    .describe('Milliseconds that samples which are open have to end in when the service is told to stop.'),
};

/** As `parseHostPort`, and port 0. @throws OnpathError INVALID_SPEC */
export function parseListen(text: string, what: string): HostPort {
  return parseHostPort(text, what, 0);
}

function isListen(text: string): boolean {
  try {
    parseListen(text, 'listen');
    return true;
  } catch {
    return false;
  }
}
