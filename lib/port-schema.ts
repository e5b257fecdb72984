/**
 * The ports in the schema, and how DPDK's environment is started. Every field's `describe()` text is its documentation, as in
 * schema.ts, which includes them.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isHostAddress, isMulticast, isOnLink, parseMac, parseOwnAddress } from './address.js';
import { deviceForms, normalDeviceName } from './device-name.js';

export const name = z.string().min(1).max(64);
const probability = z.number().min(0).max(1);
const ringDepth = z
  .int()
  .min(64)
  .max(1 << 20)
  .refine((depth) => (depth & (depth - 1)) === 0, 'expected a power of two')
  .default(4096)
  .describe('Frames a queue can hold; a power of two.');

const impair = z
  .strictObject({
    loss: probability.default(0).describe('Probability that an arriving packet is lost.'),
    duplicate: probability.default(0).describe('Probability that an arriving packet comes twice.'),
    corrupt: probability.default(0).describe('Probability that one bit of an arriving packet is flipped.'),
    reorderSpan: z
      .int()
      .min(0)
      .max(65536)
      .default(0)
      .describe('Packets come in random order out of a window of this many; 0: in order.'),
    seed: z.int().min(0).default(1).describe('Same seed and same packets, same fate.'),
  })
  .optional()
  .describe(
    'A bad network in front of the port, for tests and staging; what it did is counted in plane.stats().ports[].impaired. A datagram that is corrupted is lost, as the kernel would see to.',
  );

export const linkSide = z.union([z.literal(0), z.literal(1)]);
export const memoryLink = {
  link: name.describe('Two ends of the same link name in one process are joined.'),
  depth: ringDepth,
  maxBytes: z.int().min(128).max(65535).default(2048).describe('Longest Ethernet frame; equal on both ends.'),
};

/** Of each kind, on one port. */
export const mostQueues = 64;
const receiveQueues = z.int().min(1).max(mostQueues).optional();

const memoryPort = z
  .strictObject({
    type: z.literal('memory'),
    name: name.describe('How routes refer to the port.'),
    ...memoryLink,
    side: linkSide.default(0).describe('Which end. Each can be open once.'),
    queues: receiveQueues.describe(
      'Receive queues, over which frames are spread by source address and port. Default: one for each worker. Fewer than workers: those that poll hand the streams of the others on.',
    ),
    impair,
  })
  .describe('Ethernet frames in process: for tests and for chaining planes.');

const udpPortSpec = z
  .strictObject({
    type: z.literal('udp'),
    name: name.describe('How routes refer to the port.'),
    address: z
      .string()
      .refine((text) => isIP(text) !== 0, 'expected an IPv4 or IPv6 address, not a name')
      .default('127.0.0.1')
      .describe('Local IPv4 or IPv6 address to bind to.'),
    port: z
      .int()
      .min(0)
      .max(65535)
      .default(0)
      .describe('UDP port; 0: the system chooses, see plane.address(name).'),
    receiveBufferBytes: z
      .int()
      .min(4096)
      .max(1 << 30)
      .default(8 * 1024 * 1024)
      .describe(
        'Socket receive buffer asked for; without CAP_NET_ADMIN the system caps it at net.core.rmem_max.',
      ),
    maxBytes: z.int().min(128).max(65507).default(9000).describe('Longest datagram.'),
    offload: z.boolean().default(true).describe('UDP GRO and GSO where the kernel has them.'),
    impair,
  })
  .describe('Kernel sockets, batched.');

const descriptors = z.int().min(32).max(32768).optional();
/** What travels in a C string. */
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => !value.includes('\0'), 'expected a text without a zero byte');

const offloads = z
  .union([
    z.enum(['auto', 'none']),
    z.strictObject({
      steering: z
        .boolean()
        .default(true)
        .describe(
          'Only packets that a route wants are taken in (flow rules in isolated mode); the kernel keeps the rest where it shares the NIC.',
        ),
      mark: z
        .boolean()
        .default(true)
        .describe('The NIC marks packets with their route, where the UDP port alone says it.'),
      rss: z
        .boolean()
        .default(true)
        .describe('Streams spread over the queues by the NIC (RSS over addresses and UDP ports).'),
      allowList: z
        .boolean()
        .default(true)
        .describe('The NIC drops packets of sources that no route of their UDP port lists.'),
      checksums: z.boolean().default(true).describe('Checksums verified and filled by the NIC.'),
      timestamps: z.boolean().default(true).describe("Arrival times of the NIC's clock."),
      bufferSplit: z
        .boolean()
        .default(false)
        .describe(
          'Headers in buffers apart from the payload. They are joined again before the plane sees them, so it costs a copy.',
        ),
      mprq: z
        .boolean()
        .optional()
        .describe(
          "mlx5: several packets in one receive buffer (mprq_en); not with bufferSplit. Default: the driver's.",
        ),
      cqeCompression: z
        .boolean()
        .optional()
        .describe("mlx5: fewer bytes over PCI for each packet (rxq_cqe_comp_en). Default: the driver's."),
    }),
  ])
  .default('auto')
  .describe(
    'What the NIC may do: all it can, nothing, or as listed. What it does not do is done in software with the same result; plane.ports() says which, and why.',
  );

const dpdkPort = z
  .strictObject({
    type: z.literal('dpdk'),
    name: name.describe('How routes refer to the port.'),
    device: z
      .string()
      .refine((value) => normalDeviceName(value) !== undefined, `expected ${deviceForms}`)
      .overwrite((value) => normalDeviceName(value) ?? value)
      .describe(
        'PCI address ("0000:03:00.0" or "03:00.0"), "auxiliary:mlx5_core.sf.4", or a virtual device ("net_ring0"); arguments of the driver after a comma. `devices()` lists what there is.',
      ),
    addresses: z
      .array(
        z
          .string()
          .refine(
            (value) => parseOwnAddress(value) !== undefined,
            'expected an address a host can have and the length of its prefix, such as "10.9.0.2/24" or "2001:db8::2/64"',
          ),
      )
      .max(32)
      .default([])
      .describe(
        'The port\'s own addresses with the length of their on-link prefix, such as "10.9.0.2/24". No kernel serves the port: ARP, neighbour discovery and echo requests for them are answered by the plane. None: every datagram is taken, nothing is answered or sent.',
      ),
    gateways: z
      .array(
        z
          .string()
          .refine(isHostAddress, 'expected an IPv4 or IPv6 address of a host, without a prefix length'),
      )
      .max(2)
      .default([])
      .describe('Next hop of what is not on-link; at most one of each IP version.'),
    neighbours: z
      .record(
        z.string(),
        z
          .string()
          .refine(
            (value) => parseMac(value) !== undefined,
            'expected the MAC address of one station, such as "02:00:00:00:00:09"',
          ),
      )
      .default({})
      .describe(
        'MAC addresses by IP address, for neighbours that need not be asked: { "10.9.0.9": "02:00:00:00:00:09" }.',
      ),
    groups: z
      .array(
        z.string().refine(isMulticast, 'expected a multicast address such as "239.1.1.1" or "ff3e::8000:1"'),
      )
      .max(64)
      .default([])
      .describe('Multicast groups joined (IGMPv3, MLDv2).'),
    queues: receiveQueues.describe(
      'Receive queues, dealt out to the workers in turn. Default: one for each worker. Fewer than workers: those that poll hand the streams of the others on.',
    ),
    senders: z
      .int()
      .min(0)
      .max(64)
      .default(0)
      .describe(
        'Transmit queues kept for senders: how many Sender.open({ via: { plane, port } }) can leave by it at a time.',
      ),
    rxDescriptors: descriptors.describe(
      'Packets a receive queue holds. Default: 1024, or what the device takes that is next to it.',
    ),
    txDescriptors: descriptors.describe(
      'Packets a transmit queue holds. Default: 1024, or what the device takes that is next to it.',
    ),
    mtu: z
      .int()
      .min(68)
      .max(65521)
      .default(1500)
      .describe('Longest IP packet in bytes; with addresses at least 1280.'),
    bufferBytes: z
      .int()
      .min(256)
      .max(65407)
      .optional()
      .describe(
        'Packet data in one receive buffer; longer frames are received in several and put together. Default: a frame fits one.',
      ),
    buffers: z
      .int()
      .min(64)
      .max(1 << 24)
      .optional()
      .describe('Receive buffers in all. Default: chosen from queues and descriptors.'),
    promiscuous: z.boolean().default(false).describe('Take in frames for other MAC addresses.'),
    allMulticast: z.boolean().default(false).describe('Take in frames of every multicast group.'),
    offloads,
    impair,
  })
  .describe(
    'A NIC or virtual device driven by DPDK, past the kernel. Needs the driver library (DRIVER_MISSING says how to get it).',
  )
  .superRefine(checkHost);

export const ealSpec = z
  .strictObject({
    hugepages: z
      .boolean()
      .default(true)
      .describe(
        'Take memory from hugepages, which NICs need; false: ordinary memory, which virtual devices can do with.',
      ),
    memoryMb: z
      .int()
      .min(0)
      .max(1 << 20)
      .refine((value) => value === 0 || value >= 64, 'expected 0 (chosen) or at least 64')
      .default(0)
      .describe(
        'Megabytes of memory taken at start; 0: chosen by the driver, with hugepages as pools need it.',
      ),
    filePrefix: z
      .string()
      .regex(/^(?!\.+$)[A-Za-z0-9_.-]{1,48}$/, 'expected 1 to 48 letters, digits, "_", "-" or "."')
      .optional()
      .describe(
        'Name of the runtime folder, for tools such as dpdk-telemetry.py. Default: made from the process id.',
      ),
    iova: z
      .enum(['pa', 'va'])
      .optional()
      .describe('Addresses that devices see: physical or virtual. Default: chosen by DPDK.'),
    telemetry: z.boolean().default(true).describe('A socket for dpdk-telemetry.py.'),
    logLevel: z
      .int()
      .min(0)
      .max(8)
      .default(0)
      .describe('What DPDK writes to stderr: 1 (emergency) to 8 (debug); 0: nothing.'),
    controlCpu: z
      .int()
      .min(0)
      .max(1023)
      .optional()
      .describe('CPU of the control thread. Default: any this process may use.'),
    plugins: text(4095)
      .optional()
      .describe('Folder or file of poll-mode drivers that come before the installed ones.'),
    args: z
      .array(text(1024))
      .max(64)
      .default([])
      .describe(
        'Further EAL arguments, such as "--vfio-intr=msi"; those that end the process or contradict the fields above are refused.',
      ),
  })
  .describe(
    "How DPDK's environment (EAL) is started: once per process, by the first plane with a dpdk port. A later plane gives equal options or none.",
  );

export const portSpec = z.discriminatedUnion('type', [memoryPort, udpPortSpec, dpdkPort]);

type DpdkPort = z.output<typeof dpdkPort>;

/** What the fields of one host must be to each other. */
function checkHost(port: DpdkPort, context: z.RefinementCtx<DpdkPort>): void {
  const refuse = (path: (string | number)[], input: unknown, message: string): void =>
    context.addIssue({ code: 'custom', path, input, message });
  if (typeof port.offloads === 'object' && port.offloads.bufferSplit && port.offloads.mprq === true)
    refuse(['offloads', 'mprq'], true, 'expected false or nothing, as bufferSplit is true');
  const own = port.addresses.flatMap((address) => parseOwnAddress(address) ?? []);
  if (own.length === 0) {
    for (const field of ['gateways', 'groups'] as const) {
      if (port[field].length > 0) refuse([field], port[field], 'expected none, as the port has no addresses');
    }
    if (Object.keys(port.neighbours).length > 0)
      refuse(['neighbours'], port.neighbours, 'expected none, as the port has no addresses');
    return;
  }
  own.forEach(({ address }, i) => {
    if (own.findIndex((other) => other.address === address) < i)
      refuse(['addresses', i], port.addresses[i], 'expected each address once');
  });
  if (port.mtu < 1280) refuse(['mtu'], port.mtu, 'expected 1280 or more, as the port has addresses');
  port.gateways.forEach((gateway, i) => {
    if (!isOnLink(gateway, own))
      refuse(['gateways', i], gateway, `expected an address within ${port.addresses.join(' or ')}`);
    if (own.some(({ address }) => address === gateway))
      refuse(['gateways', i], gateway, "expected another host's address, not one of the port's own");
    if (port.gateways.findIndex((other) => isIP(other) === isIP(gateway)) < i)
      refuse(['gateways', i], gateway, 'expected one gateway of each IP version');
  });
  const neighbours = Object.keys(port.neighbours);
  if (neighbours.length > 256) refuse(['neighbours'], neighbours, 'expected at most 256 entries');
  for (const address of neighbours) {
    if (!isHostAddress(address) || !isOnLink(address, own) || own.some((one) => one.address === address))
      refuse(
        ['neighbours'],
        address,
        `expected addresses of other hosts within ${port.addresses.join(' or ')} as keys`,
      );
  }
}
