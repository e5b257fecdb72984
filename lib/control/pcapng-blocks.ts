/** pcapng as it comes over a connection, cut where a block ends: what was received is a file that can be read, wherever it stops. */
import { OnpathError } from '../errors.js';

const HEAD_BYTES = 8;
/** A packet, its head and its options are far shorter. */
const MOST_BLOCK_BYTES = 1 << 20;
const ENHANCED_PACKET = 6;

export class PcapngBlocks {
  #held: Buffer = Buffer.alloc(0);
  /** Of the blocks that were given. */
  packets = 0;

  /** The blocks that are whole with this piece. @throws OnpathError PORT_FAILED (no pcapng) */
  push(piece: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#held, piece]);
    let end = 0;
    while (bytes.length - end >= HEAD_BYTES) {
      const length = bytes.readUInt32LE(end + 4);
      if (length < 12 || length > MOST_BLOCK_BYTES) {
        throw new OnpathError('PORT_FAILED', `What came is no pcapng: it has a block of ${length} bytes.`);
      }
      if (bytes.length - end < length) break;
      if (bytes.readUInt32LE(end) === ENHANCED_PACKET) this.packets++;
      end += length;
    }
    this.#held = Buffer.from(bytes.subarray(end));
    return bytes.subarray(0, end);
  }
}
