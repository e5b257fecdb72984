/** A prompt travels as packets, and its tokens are printed as they come: over memory, kernel sockets and, where DPDK is, a ring of packets. */
import {
  Dataplane,
  type DataplaneSpec,
  OnpathError,
  Pipeline,
  Sender,
  type TextPipeline,
  Tokenizer,
} from '../../lib/index.js';

/** Packets of so many bytes, so slowly that one can watch. */
const PACKET_BYTES = 64;
const BITS_PER_SECOND = 20_000;
const PART = 4;

interface Way {
  readonly title: string;
  readonly ports: DataplaneSpec['ports'];
  readonly eal?: DataplaneSpec['eal'];
  sender(plane: Dataplane): Promise<Awaited<ReturnType<typeof openSender>>>;
}

const pace = { text: true, maxPayloadBytes: PACKET_BYTES, bitsPerSecond: BITS_PER_SECOND } as const;
const openSender = (to: string, via?: { link: string } | { plane: Dataplane; port: string }) =>
  Sender.open(via === undefined ? { to, ...pace } : { to, via, ...pace });

const group = '239.1.1.1';
const ways: readonly Way[] = [
  {
    title: 'memory, packets out of order',
    ports: [{ type: 'memory', name: 'in', link: 'prompt', impair: { reorderSpan: 4 } }],
    sender: () => openSender('192.0.2.2:5004', { link: 'prompt' }),
  },
  {
    title: 'kernel sockets',
    ports: [{ type: 'udp', name: 'in', address: '127.0.0.1' }],
    sender: (plane) => openSender(`127.0.0.1:${plane.address('in').port}`),
  },
  {
    title: 'DPDK, a ring',
    eal: { hugepages: false },
    ports: [
      {
        type: 'dpdk',
        name: 'in',
        device: 'net_ring_prompt',
        addresses: ['10.9.0.2/24'],
        groups: [group],
        senders: 1,
      },
    ],
    sender: (plane) => openSender(`${group}:5004`, { plane, port: 'in' }),
  },
];

/** Sends the prompt every way there is; whether every result was exact. */
export async function sendPrompt(text: string, vocabulary: string | undefined): Promise<boolean> {
  const tokenizer = vocabulary === undefined ? smallTokenizer() : Tokenizer.fromFile(vocabulary);
  const expected = tokenizer.encode(text);
  const pipeline = Pipeline.compile({ input: { kind: 'text' }, stages: [{ stage: 'tokenize', tokenizer }] });
  let exact = true;
  for (const way of ways) {
    console.log(`\n== A prompt over ${way.title}`);
    try {
      const ids = await travel(way, text, pipeline, tokenizer);
      const same = Buffer.from(ids.buffer).equals(Buffer.from(Uint32Array.from(expected).buffer));
      console.log(`  ${ids.length} tokens, exact: ${same ? 'yes' : 'NO'}`);
      exact &&= same;
    } catch (error) {
      if (!(error instanceof OnpathError)) throw error;
      console.log(`  Left out: ${error.message}`);
    }
  }
  return exact;
}

async function travel(
  way: Way,
  text: string,
  pipeline: TextPipeline,
  tokenizer: Tokenizer,
): Promise<Uint32Array> {
  await using plane = await Dataplane.start({
    ports: way.ports,
    routes: [
      {
        name: 'prompt',
        port: 'in',
        pipeline,
        deliver: { chunkTokens: PART },
        sources: ['0.0.0.0/0', '::/0'],
        deadlineMs: 60_000,
      },
    ],
    ...(way.eal && { eal: way.eal }),
  });
  await using sender = await way.sender(plane);
  const sent = sender.send(text, { requestId: 1 });
  const ids: number[] = [];
  const decoded = tokenizer.decodeStream();
  process.stdout.write('  ');
  for await (const part of plane.parts('prompt', { signal: AbortSignal.timeout(60_000) })) {
    ids.push(...part.ids);
    for (const id of part.ids) process.stdout.write(painted(decoded.push([id])));
    if (part.last) break;
  }
  process.stdout.write(`${painted(decoded.end())}\n`);
  await sent;
  return Uint32Array.from(ids);
}

const colours = [44, 42, 45, 43, 46];
let next = 0;

/** Each piece in a colour of its own where there are colours, between bars elsewhere. */
function painted(piece: string): string {
  if (piece === '') return '';
  const shown = piece.replaceAll('\n', '\u21b5');
  if (!process.stdout.isTTY || !process.stdout.hasColors()) return `${shown}|`;
  next = (next + 1) % colours.length;
  return `\u001b[97;${colours[next]}m${shown}\u001b[0m`;
}

/** Bytes, and a few syllables: for a demo without a vocabulary file. */
function smallTokenizer(): Tokenizer {
  const syllables = [
    'th',
    'the',
    ' t',
    ' th',
    ' the',
    'in',
    'ing',
    'an',
    ' a',
    ' an',
    'pro',
    'mpt',
    'er',
    'om',
    'ex',
    'am',
    'ple',
  ];
  const tokens = [
    ...Array.from({ length: 256 }, (_, i) => Buffer.from([i])),
    ...syllables.map((s) => Buffer.from(s)),
  ];
  const file = tokens.map((bytes, rank) => `${bytes.toString('base64')} ${rank}\n`).join('');
  const pattern = String.raw` ?\p{L}+| ?\p{N}+|[^\p{L}\p{N}]`;
  return Tokenizer.fromBuffer(Buffer.from(file), { format: 'tiktoken', encoding: { pattern } });
}
