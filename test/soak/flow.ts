/** A flow: items sent in turn to one route by a sender of its own, and what came of each. */
import type { SendReport } from '../../lib/index.js';
import type { Item, Material } from './routes.js';

/** Samples under way by one sender at a time: the next is queued before the last packet of the one before has left. */
const QUEUED = 4;

export interface SendsItems {
  send(bytes: Uint8Array, options: { requestId: bigint }): Promise<SendReport>;
  close(): Promise<void>;
}

export class Flow {
  /** The route that its results come from. */
  readonly route: string;
  readonly #material: Material;
  /** Which of the material's items are sent. */
  readonly #items: readonly number[];
  readonly #sender: SendsItems;
  readonly #first: bigint;
  readonly #outstanding = new Map<bigint, number>();
  sent = 0;
  packets = 0;
  refused = 0;
  exact = 0;

  constructor(
    route: string,
    index: number,
    material: Material,
    items: readonly number[],
    sender: SendsItems,
  ) {
    this.route = route;
    this.#material = material;
    this.#items = items;
    this.#sender = sender;
    this.#first = BigInt(index) << 40n;
  }

  /** Sends until `over()`. @throws what the sender throws */
  async run(over: () => boolean): Promise<void> {
    const queue: Promise<void>[] = [];
    while (!over()) {
      queue.push(this.#send());
      if (queue.length >= QUEUED) await queue.shift();
    }
    await Promise.all(queue);
  }

  async #send(): Promise<void> {
    const which = this.#items[this.sent % this.#items.length]!;
    const requestId = this.#first + BigInt(this.sent++);
    this.#outstanding.set(requestId, which);
    const item: Item = this.#material.items[which]!;
    const report = await this.#sender.send(item.bytes, { requestId });
    this.packets += report.packets;
    this.refused += report.refused;
  }

  /**
   * Takes a result of this flow: it must be that of one direct call, under the version it names.
   * @returns what is wrong with it, or undefined
   */
  take(requestId: bigint, version: string | undefined, result: Uint8Array): string | undefined {
    const which = this.#outstanding.get(requestId);
    if (which === undefined) return `request ${requestId} came twice, or was never sent`;
    this.#outstanding.delete(requestId);
    const versions = this.#material.versions.filter(({ hash }) => version === undefined || hash === version);
    if (versions.length === 0) return `request ${requestId} names version ${version}, which was never set`;
    if (!versions.some(({ expected }) => Buffer.compare(expected[which]!, result) === 0))
      return `request ${requestId} (item ${which}, version ${version ?? 'any'}) differs from the direct call`;
    this.exact++;
    return undefined;
  }

  owns(requestId: bigint): boolean {
    return requestId >> 40n === this.#first >> 40n;
  }

  /** Sent and not come. */
  get missing(): number {
    return this.#outstanding.size;
  }

  close(): Promise<void> {
    return this.#sender.close();
  }
}
