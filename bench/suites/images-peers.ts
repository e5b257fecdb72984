/** The peers of suite `images` that run in processes of their own: which there are, and how far their results are from ours. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildPeer } from '../child-peer.js';
import { loadable, packageFolder, peersPython } from '../peer-table.js';
import type { Context } from '../suite.js';
import { compile } from '../work.js';

const children = join(dirname(dirname(fileURLToPath(import.meta.url))), 'children');
const PYTHON_PEERS = ['torch', 'opencv', 'pillow'] as const;
/** A peer whose normalized values are further away than this on average does other work: about 17 levels. Those that do not antialias are half as far. */
const MOST_APART = 0.3;

/** Those that are installed; of the others a note says why they are missing. */
export async function startPeers(folder: string, context: Context): Promise<ChildPeer[]> {
  const peers: ChildPeer[] = [];
  const start = async (name: string, command: string, args: readonly string[], installed: boolean) => {
    if (!installed) {
      context.note(`${name} is not installed: its figures and limits are missing. Run: npm run bench:peers`);
      return;
    }
    try {
      peers.push(await ChildPeer.start(name, command, args, folder));
    } catch (error) {
      context.note(`${name} does not start: ${(error as Error).message.split('\n').at(-1)}`);
    }
  };
  const transformers = join(children, 'transformers-peer.js');
  await start('transformers-js', process.execPath, [transformers], loadable('@huggingface/transformers'));
  const script = join(packageFolder, 'bench', 'children', 'python_peer.py');
  for (const name of PYTHON_PEERS) await start(name, peersPython, [script, name], existsSync(peersPython));
  return peers;
}

/** Versions, and how far each result is from ours: Pillow's must be the same bits, or nothing is measured. */
export async function describePeers(
  peers: readonly ChildPeer[],
  image: Uint8Array,
  context: Context,
): Promise<void> {
  const expected = compile().run(image).data as Float32Array;
  for (const peer of peers) {
    const values = await peer.result();
    let sum = 0;
    let same = 0;
    values.forEach((value, i) => {
      sum += Math.abs(value - expected[i]!);
      same += Number(Object.is(value, expected[i]));
    });
    const apart = sum / expected.length;
    if (values.length !== expected.length || !(apart <= MOST_APART))
      throw new Error(`${peer.name}: its result is ${apart.toFixed(3)} away on average: not the same work.`);
    if (peer.name === 'pillow' && same !== expected.length)
      throw new Error(
        `ours is not Pillow's result: ${expected.length - same} values differ. Nothing was measured.`,
      );
    const versions = Object.entries(peer.about).map(([name, version]) => `${name} ${version}`);
    const share = ((100 * same) / expected.length).toFixed(1);
    context.note(
      `${peer.name} (${versions.join(', ')}): ${share} % of its values are the bits of ours, ${apart.toPrecision(2)} apart on average.`,
    );
  }
}
