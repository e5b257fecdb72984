/** Where the demo happens: what kind of port the plane has, and where the senders run. */
import { readFileSync } from 'node:fs';
import { Dataplane, type DataplaneSpec, OnpathError, type Pipeline } from '../../lib/index.js';
import { VethPair, vethUnavailable } from './veth.js';

export interface Stage {
  readonly plane: Dataplane;
  /** Where senders send to. */
  readonly address: string;
  readonly port: number;
}

export interface Venue extends Disposable {
  /** Part of file names. */
  readonly name: string;
  readonly title: string;
  /** Pace of our own sender. */
  readonly bitsPerSecond: number;
  /** A plane with one route. */
  open(route: string, payload: 'chunk' | 'rfc4175', pipeline: Pipeline): Promise<Stage>;
  /** The command line that runs a program where the senders are. */
  command(program: string, args: readonly string[]): [string, string[]];
}

export const loopback: Venue = {
  name: 'loopback',
  title: 'kernel sockets on loopback',
  bitsPerSecond: 1.5e9,
  async open(route, payload, pipeline) {
    const plane = await Dataplane.start({
      ports: [{ type: 'udp', name: 'in', address: '127.0.0.1', receiveBufferBytes: 32 * 1024 * 1024 }],
      routes: [{ name: route, port: 'in', payload, pipeline }],
    });
    return { plane, ...plane.address('in') };
  },
  command: (program, args) => [program, [...args]],
  [Symbol.dispose]: () => {},
};

const UDP_PORT = 5004;
/** A sender of video sends a frame's packets at once: room for a few frames. */
const deep = { net_af_packet: ',framecnt=8192', net_af_xdp: '' } as const;
type Driver = keyof typeof deep;

/** A DPDK port on one end of a veth pair; the senders are hosts in the namespace at the other, and find the port by ARP. */
class VethVenue implements Venue {
  readonly name: string;
  readonly title: string;
  // A veth pair is software on both ends and shares its cores with everything else here.
  readonly bitsPerSecond = 4e8;
  readonly #driver: Driver;
  readonly #pair: VethPair;

  constructor(driver: Driver, index: number) {
    this.name = driver;
    this.title = `DPDK, ${driver} on a veth pair`;
    this.#driver = driver;
    this.#pair = VethPair.create(index);
  }

  async open(route: string, payload: 'chunk' | 'rfc4175', pipeline: Pipeline): Promise<Stage> {
    const { portAddress, hostAddress, prefixBits, device } = this.#pair;
    const plane = await Dataplane.start({
      eal,
      ports: [
        {
          type: 'dpdk',
          name: 'in',
          device: `${this.#driver}0,iface=${device}${deep[this.#driver]}`,
          rxDescriptors: 2048,
          addresses: [`${portAddress}/${prefixBits}`],
        },
      ],
      routes: [
        { name: route, port: 'in', udpPort: UDP_PORT, sources: [`${hostAddress}/32`], payload, pipeline },
      ],
    });
    return { plane, address: portAddress, port: UDP_PORT };
  }

  command(program: string, args: readonly string[]): [string, string[]] {
    return this.#pair.command(program, args);
  }

  [Symbol.dispose](): void {
    this.#pair[Symbol.dispose]();
  }
}

/** Virtual devices need few buffers: where nobody has reserved hugepages, ordinary memory serves. */
const eal: NonNullable<DataplaneSpec['eal']> = { hugepages: freeHugepages() >= 256 };

function freeHugepages(): number {
  try {
    return Number(readFileSync('/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', 'utf8').trim());
  } catch {
    return 0;
  }
}

/** The venues with DPDK that this machine can have; says what is left out and why. */
export async function* dpdkVenues(): AsyncGenerator<Venue, void, undefined> {
  const why = vethUnavailable() ?? (await dpdkUnavailable());
  if (why !== undefined) {
    console.log(`\nLeft out: DPDK on veth pairs (${why}).`);
    return;
  }
  console.log(
    `\nDPDK runs on ${eal.hugepages ? 'hugepages' : 'ordinary memory (no hugepages are reserved)'}.`,
  );
  yield new VethVenue('net_af_packet', 1);
  yield new VethVenue('net_af_xdp', 2);
}

/** Why DPDK cannot be used here, or undefined. Starts it. */
async function dpdkUnavailable(): Promise<string | undefined> {
  try {
    await using plane = await Dataplane.start({
      eal,
      ports: [{ type: 'dpdk', name: 'probe', device: 'net_null0', senders: 1 }],
      routes: [],
    });
    void plane;
    return undefined;
  } catch (error) {
    if (error instanceof OnpathError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
