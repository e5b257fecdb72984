/** Suite `images`, from a JPEG file: decoding is most of it, and whoever decodes can resize on the way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../peer-table.js';
import type { Case } from '../report.js';
import { type Contestant, interleave, type Measurement, summarize } from '../statistics.js';
import type { Context } from '../suite.js';
import { compile, IMAGE, RESULT_ELEMENTS } from '../work.js';

const BLOCK_MS = 100;
const NAME = 'end to end from JPEG';

export async function jpegCases(context: Context): Promise<Case[]> {
  const { sharp } = context;
  if (sharp === null) return [];
  const photo = readFileSync(join(packageFolder, 'test', 'data', 'astronaut.png'));
  const jpeg = await sharp.encodeJpeg(photo, IMAGE.width, IMAGE.height);
  const pipeline = compile();
  const into = new Float32Array(RESULT_ELEMENTS);
  const contestants: Contestant[] = [
    each(NAME, async () => void pipeline.run(await sharp.decode(jpeg), { into })),
    each('sharp decodes, resizes, js', () => sharp.runFile(jpeg, into)),
    each('sharp decodes, then sharp-js', async () => sharp.run(await sharp.decode(jpeg), into)),
    each('decoding alone', async () => void (await sharp.decode(jpeg))),
  ];
  const rounds = await interleave(contestants, { rounds: context.rounds, blockMs: BLOCK_MS });
  const measured = (name: string): Measurement => summarize(rounds.get(name)!);
  const peers = contestants.slice(1).map(({ name }) => [name, measured(name)] as const);
  const decoding = measured('decoding alone').value / measured(NAME).value;
  context.note(
    `${NAME} (${jpeg.length} bytes): ${(100 * decoding).toFixed(0)} % of ours is sharp's decoding. sharp's own resize may decode at a half, a quarter or an eighth of the size: less work, other pixels.`,
  );
  return [
    {
      suite: 'images',
      case: NAME,
      unit: 'ms',
      better: 'lower',
      ours: measured(NAME),
      peers: Object.fromEntries(peers),
      limits: {},
    },
  ];
}

function each(name: string, work: () => Promise<void>): Contestant {
  return {
    name,
    async run(count) {
      for (let i = 0; i < count; i++) await work();
      return count;
    },
  };
}
