// Wireshark's view of chunks: what scripts/onpath.lua shows of images, texts and token ids.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { udpFrame, writePcap } from '../support/pcap.js';
import { PATIENCE_MS } from '../support/plane.js';
import { type ChunkFields, chunkPayload, digestOf, rtpPacket } from '../support/rtp.js';
import { missing, runTool, temporaryFolder } from '../support/tools.js';

const TEXT = 0x90065db1;
const TOKENS = 0xabcdef01;
const FIELDS = [
  'info',
  'text',
  'text_end',
  'token',
  'bytes',
  'empty',
  'past_end',
  'not_its_length',
  'broken_token',
];

interface Sent {
  readonly chunk: ChunkFields;
  readonly bytes: Uint8Array;
  readonly marker?: boolean;
}

/** The dissector's fields of each packet; values of one field that occurs more than once are joined by commas. */
async function dissect(packets: readonly Sent[]): Promise<Record<string, string>[]> {
  using folder = temporaryFolder();
  const capture = join(folder.path, 'chunks.pcap');
  writePcap(
    capture,
    packets.map(({ chunk, bytes, marker = false }, sequence) =>
      udpFrame(
        { source: '10.0.0.2', destination: '10.0.0.1', destinationPort: 5004 },
        rtpPacket({ payloadType: 97, marker, sequence }, chunkPayload(chunk, bytes)),
      ),
    ),
  );
  const names = FIELDS.map((name) => (name === 'info' ? '_ws.col.Info' : `onpath.${name}`));
  const { stdout } = await runTool('tshark', [
    ...['-X', 'lua_script:scripts/onpath.lua', '-o', 'onpath.payload_type:97'],
    ...['-o', `onpath.token_digest:${TOKENS.toString(16)}`, '-d', 'udp.port==5004,rtp', '-r', capture],
    ...['-T', 'fields', '-E', 'separator=|', ...names.flatMap((name) => ['-e', name])],
  ]);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const values = line.split('|');
      const found = FIELDS.map((name, i): [string, string] => [name, values[i] ?? '']);
      return Object.fromEntries(found.filter(([, value]) => value !== ''));
    });
}

function ids(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value, 4 * i);
  });
  return bytes;
}

describe('the dissector for Wireshark', { skip: missing('tshark'), timeout: PATIENCE_MS }, () => {
  test('shows an image by its shape and bytes', async () => {
    const chunk = { digest: digestOf('rgb'), dims: [2, 2, 3], length: 12n, requestId: 42n };
    const seen = await dissect([
      { chunk, bytes: new Uint8Array(6).fill(255) },
      { chunk: { ...chunk, offset: 6n }, bytes: new Uint8Array(7), marker: true },
    ]);
    assert.deepEqual(seen[0], { info: 'request 42, bytes 0 + 6 of 12, shape 2x2x3', bytes: 'ffffffffffff' });
    assert.equal(seen[1]?.['past_end'], '1');
  });

  test('shows texts as text, and where they end', async () => {
    const seen = await dissect([
      { chunk: { digest: TEXT, requestId: 7n }, bytes: Buffer.from('naïve ') },
      { chunk: { digest: TEXT, requestId: 7n, offset: 7n }, bytes: Buffer.from('text'), marker: true },
      {
        chunk: { digest: TEXT, requestId: 8n, offset: 5n, length: 5n },
        bytes: new Uint8Array(0),
        marker: true,
      },
    ]);
    assert.deepEqual(seen, [
      { info: 'request 7, bytes 0 + 7 of 0, text', text: 'naïve ', text_end: '0' },
      { info: 'request 7, bytes 7 + 4 of 0, text, end', text: 'text', text_end: '1' },
      { info: 'request 8, bytes 5 + 0 of 5, text, end', text_end: '1' },
    ]);
  });

  test('shows token ids of the vocabulary it was told', async () => {
    const seen = await dissect([
      { chunk: { digest: TOKENS, requestId: 7n }, bytes: ids(1, 65_536) },
      { chunk: { digest: TOKENS, requestId: 7n, offset: 8n }, bytes: Buffer.from([9, 0, 0]), marker: true },
    ]);
    assert.deepEqual(seen[0], {
      info: 'request 7, bytes 0 + 8 of 0, 2 tokens',
      text_end: '0',
      token: '1,65536',
    });
    assert.equal(seen[1]?.['broken_token'], '1');
  });

  test('marks what carries nothing, and an end elsewhere than at the length', async () => {
    const seen = await dissect([
      { chunk: { digest: TEXT }, bytes: new Uint8Array(0) },
      { chunk: { digest: TEXT, offset: 4n, length: 5n }, bytes: new Uint8Array(0), marker: true },
      { chunk: { digest: digestOf('rgb'), length: 12n }, bytes: new Uint8Array(0), marker: true },
    ]);
    assert.deepEqual(
      seen.map(({ empty, not_its_length }) => [empty !== undefined, not_its_length !== undefined]),
      [
        [true, false],
        [false, true],
        [true, false],
      ],
    );
  });
});
