/** The part of the schema that is about senders. */
import { z } from 'zod';
import type { Dataplane } from './dataplane.js';
import { DATAPLANE, inputFormat, payloadType, SERIALIZATION, side } from './image-schema.js';
import { linkSide, memoryLink, name } from './port-schema.js';
import { resendSpec } from './repair-schema.js';
import type { Serialization } from './serialization.js';

export const senderSpec = z
  .strictObject({
    to: z.string().describe('"address:port" of the receiver, "[address]:port" for IPv6.'),
    via: z
      .union([
        z.strictObject({
          ...memoryLink,
          side: linkSide.default(1).describe('Which end. Each can be open once.'),
        }),
        z.strictObject({
          plane: z
            .custom<Dataplane>((value) => typeof value === 'object' && value !== null && DATAPLANE in value, {
              error: 'expected a Dataplane made by Dataplane.start',
            })
            .describe('A running Dataplane. The sender is closed with it.'),
          port: name.describe('Its dpdk port, which keeps a queue for the sender: `senders: 1` or more.'),
        }),
      ])
      .optional()
      .describe('Send over a memory link, or by a dpdk port of a running plane, instead of a kernel socket.'),
    from: z
      .string()
      .optional()
      .describe(
        '"address:port" of our own; default: any for sockets, 192.0.2.1:5004 on memory links, the address of the dpdk port and UDP port 5004.',
      ),
    payload: z
      .enum(['chunk', 'rfc4175'])
      .default('chunk')
      .describe('Payload format: onpath chunks, or raw video as of RFC 4175.'),
    width: side.optional().describe('Pixels of every image sent; with height and format.'),
    height: side.optional().describe('Pixels of every image sent; with width and format.'),
    format: inputFormat.optional(),
    serialization: z
      .custom<Serialization>(
        (value) => typeof value === 'object' && value !== null && SERIALIZATION in value,
        { error: 'expected a Serialization made by Serialization.plan, of or rowMajor' },
      )
      .optional()
      .describe(
        'A Serialization, instead of width, height and format: images are sent in its order. rfc4175 carries row-major ones only.',
      ),
    text: z
      .literal(true)
      .optional()
      .describe('Instead of all these: texts are sent, each as long as it is. See docs/wire-format.md.'),
    sendDims: z.boolean().default(false).describe('Put {height, width} into every chunk header.'),
    payloadType: payloadType.default(96).describe('RTP payload type.'),
    ssrc: z.int().min(0).max(0xffffffff).default(0).describe('0: chosen at random.'),
    maxPayloadBytes: z.int().min(64).max(65000).default(1400).describe('Longest RTP packet, in bytes.'),
    bitsPerSecond: z
      .number()
      .min(0)
      .default(0)
      .describe('Pace, of UDP payload, resends included; 0: as fast as the port takes packets.'),
    burstBytes: z
      .int()
      .min(0)
      .max(1 << 30)
      .default(0)
      .describe(
        'With bitsPerSecond: what may leave at once, one packet at least; 0: what the pace gives in a millisecond.',
      ),
    resend: resendSpec.optional(),
    queuedSamples: z
      .int()
      .min(1)
      .max(65536)
      .default(64)
      .describe('Samples that may wait; more are refused with BUSY.'),
  })
  .superRefine(checkSender);

/** A sender has either a serialization or the shape of row-major images. */
function checkSender(
  sender: {
    readonly width?: unknown;
    readonly height?: unknown;
    readonly format?: unknown;
    readonly serialization?: unknown;
    readonly text?: unknown;
    readonly payload?: unknown;
    readonly sendDims?: unknown;
  },
  context: z.RefinementCtx,
): void {
  const { width, height, format, serialization, text } = sender;
  const given = [width, height, format].filter((field) => field !== undefined).length;
  const others = [serialization, text].filter((field) => field !== undefined).length;
  if (text !== undefined && (sender.payload !== 'chunk' || sender.sendDims === true)) {
    const message = 'expected neither rfc4175 nor sendDims, as texts have no shape';
    context.addIssue({ code: 'custom', input: sender, message });
  }
  if (others === 0 ? given === 3 : others === 1 && given === 0) return;
  const message = 'expected either width, height and format, or serialization, or text';
  context.addIssue({ code: 'custom', input: sender, message });
}
