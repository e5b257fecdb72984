/** The part of the schema that is about loss repair: what receivers ask for, what senders keep. */
import { z } from 'zod';
import { isPrefix } from './address.js';

const ms = (least: number) => z.number().min(least).max(3_600_000);
const perSecond = z.int().min(1).max(10_000_000);

const prefix = z.string().refine(isPrefix, 'expected a prefix such as "10.1.0.0/16" or "2001:db8::/32"');

/** A source that may send: a prefix, or one that may also be told what is missing. */
export const sourceSpec = z.union([
  prefix,
  z.strictObject({
    prefix: prefix.describe('Such as "10.1.0.0/16".'),
    feedback: z
      .boolean()
      .default(false)
      .describe('Whether it is sent RTCP feedback: NACKs and receiver reports. Only with `repair`.'),
  }),
]);

export const resendSpec = z
  .strictObject({
    packets: z
      .int()
      .min(1)
      .max(32768)
      .default(2048)
      .describe('Packets kept: what left in one round trip and the wait for reordering, at least.'),
    packetsPerSecond: perSecond.default(50_000).describe('Sent again at most; more are refused and counted.'),
  })
  .describe(
    'Keep the last packets and send them again when the receiver asks for them (RTCP NACK, RFC 4585).',
  );

export const repairSpec = z
  .strictObject({
    nack: z.boolean().default(true).describe('Ask for missing packets; false: only report losses.'),
    reorderMs: ms(0).default(2).describe('A packet is missing when it is so much later than one behind it.'),
    retryMs: ms(1)
      .default(10)
      .describe(
        'Ask again after this, or the measured round trip if that is longer; then after twice that, and so on.',
      ),
    maxRetries: z.int().min(1).max(100).default(10).describe('Times that a packet is asked for.'),
    tailMs: ms(1)
      .default(10)
      .describe(
        'An open sample to which nothing came for so long: the packets that would follow are asked for.',
      ),
    windowPackets: z
      .int()
      .min(1)
      .max(32768)
      .default(4096)
      .describe('Packets of a stream, behind its latest, of which it is known whether they are missing.'),
    reportMs: ms(0).default(1000).describe('Between RTCP receiver reports to one source; 0: none.'),
    packetsPerSecond: perSecond.default(1000).describe('Of feedback to the source of one stream.'),
    routePacketsPerSecond: perSecond.default(10_000).describe('Of feedback to all of them, per worker.'),
    rtcpPort: z
      .enum(['same', 'next'])
      .default('same')
      .describe(
        'Where feedback goes: to the UDP port that the stream comes from (RFC 5761), or to that and one.',
      ),
  })
  .describe(
    'Tell sources listed with `feedback: true` which packets are missing (RTCP NACK, RFC 4585) and how many were lost (RFC 3550).',
  );
