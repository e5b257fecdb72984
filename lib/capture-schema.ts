/** What `plane.capture` takes. */
import { z } from 'zod';
import { name } from './port-schema.js';

const atMost = Number.MAX_SAFE_INTEGER;

export const captureSpec = z
  .strictObject({
    route: name
      .optional()
      .describe('Packets of its port whose headers name the route, also those it then drops. Or `port`.'),
    port: name.optional().describe('Every packet that comes in by the port. Or `route`.'),
    file: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'Path of the pcapng file: created or overwritten, readable by its owner only. Or `writable`.',
      ),
    writable: z
      .custom<NodeJS.WritableStream>(
        (value) =>
          typeof value === 'object' &&
          value !== null &&
          ['write', 'end', 'once'].every((method) => typeof Reflect.get(value, method) === 'function'),
        { error: 'expected a writable stream of Node' },
      )
      .optional()
      .describe(
        'Where the bytes of the file go instead. Ended with the capture, unless it is stdout or stderr.',
      ),
    snapLength: z
      .int()
      .min(1)
      .max(262_144)
      .default(65_535)
      .describe('Bytes that are kept of each packet, from its first header.'),
    maxPackets: z
      .int()
      .min(1)
      .max(atMost)
      .default(1_000_000)
      .describe('The capture ends with the last of them.'),
    maxBytes: z
      .int()
      .min(1024)
      .max(atMost)
      .default(256 * 1024 * 1024)
      .describe('Of the file; no block is cut.'),
    maxSeconds: z.number().positive().max(1e9).default(60).describe('From the start.'),
    bufferBytes: z
      .int()
      .min(1)
      .max(2 ** 32)
      .default(4 * 1024 * 1024)
      .describe(
        'Of the ring between each worker and the writer, rounded up to a power of two that holds two packets; counted in memoryBytes while the capture runs. Packets that find it full are `missed`.',
      ),
  })
  .superRefine(({ route, port, file, writable }, context) => {
    if ((route === undefined) === (port === undefined))
      context.addIssue({
        code: 'custom',
        path: ['route'],
        input: route,
        message: 'expected either route or port',
      });
    if ((file === undefined) === (writable === undefined))
      context.addIssue({
        code: 'custom',
        path: ['file'],
        input: file,
        message: 'expected either file or writable',
      });
  });

/** What `plane.capture` takes beside a signal. */
export type CaptureSpec = z.input<typeof captureSpec>;
export type ParsedCaptureSpec = z.output<typeof captureSpec>;
