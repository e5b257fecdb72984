/** A running service with a control socket of its own, in this process; and requests as anybody may send them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlClient } from '../../lib/control/client.js';
import type { ControlLimits } from '../../lib/control/limits.js';
import { startControl } from '../../lib/control/server.js';
import { type Overrides, readConfig } from '../../lib/files/config-file.js';
import { createLog } from '../../lib/log/log.js';
import { Sender } from '../../lib/sender.js';
import { Service } from '../../lib/service/service.js';

export const WIDTH = 40;
export const HEIGHT = 30;
export const log = createLog({ level: 'silent' });

/** Route `photos` of images through table `tone`, route `prompts` of texts through vocabulary `words`. */
export const CONFIG = `version: 1
tables:
  tone: { expression: '255 - x', dtype: uint8 }
tokenizers:
  words: { file: words.json }
pipelines:
  photos:
    input: { kind: image, width: ${WIDTH}, height: ${HEIGHT}, format: rgb }
    stages: [{ stage: lookup, table: tone }]
  small:
    input: { kind: image, width: ${WIDTH}, height: ${HEIGHT}, format: rgb }
    stages: [{ stage: resize, width: 20, height: 15 }]
  prompts:
    input: { kind: text }
    stages: [{ stage: tokenize, tokenizer: words }]
ports:
  - { type: udp, name: in, address: 127.0.0.1, port: 0 }
routes:
  - { name: photos, port: in, payloadType: 96, pipeline: photos, slots: 256, deadlineMs: 60000 }
  - { name: prompts, port: in, payloadType: 97, pipeline: prompts, deadlineMs: 60000 }
`;

/** The vocabulary of the tests, with tokens that the other does not have. */
export function vocabulary(): Buffer {
  return readFileSync('test/data/text/tiny-words.json');
}
/** Another one. */
export function otherVocabulary(): Buffer {
  return readFileSync('test/data/text/tiny-bytes.json');
}

export interface Running extends AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  readonly service: Service;
  readonly client: ControlClient;
  /** Where the udp port listens. */
  readonly to: string;
}

export async function running(
  options: {
    readonly config?: string;
    readonly limits?: Partial<ControlLimits>;
    readonly overrides?: Overrides;
  } = {},
): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'onpath-control-'));
  const file = join(folder, 'plane.yaml');
  writeFileSync(join(folder, 'words.json'), vocabulary());
  writeFileSync(file, options.config ?? CONFIG);
  const socket = join(folder, 'control.sock');
  const service = await Service.start(readConfig(file, options.overrides));
  const control = await startControl(service, {
    socket,
    log,
    ...(options.limits && { limits: options.limits }),
  });
  const { address, port } = service.plane.address('in');
  return {
    ...{ folder, socket, service, to: `${address}:${port}` },
    client: new ControlClient(socket),
    [Symbol.asyncDispose]: async () => {
      await control[Symbol.asyncDispose]();
      await service.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Of the images that route `photos` takes. */
export function openSender(to: string, bitsPerSecond: number): Promise<Sender> {
  return Sender.open({
    to,
    width: WIDTH,
    height: HEIGHT,
    format: 'rgb',
    payloadType: 96,
    bitsPerSecond,
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request; rejects if the connection ends without an answer. */
export function ask(
  socket: string,
  method: string,
  path: string,
  body?: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length =
      body === undefined || 'transfer-encoding' in headers
        ? {}
        : { 'content-length': Buffer.byteLength(body) };
    const fields = { ...length, ...headers };
    const sent = request({ socketPath: socket, method, path, headers: fields, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      answer.once('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
      answer.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** A bare connection: what is written to it need not be HTTP. */
export async function bare(
  socket: string,
  said: string,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const connection = connect(socket);
  await new Promise<void>((resolve, reject) => {
    connection.once('connect', resolve).once('error', reject);
  });
  let text = '';
  connection.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  const answer = new Promise<string>((resolve) => {
    connection.once('close', () => resolve(text)).on('error', () => {});
  });
  connection.write(said);
  return { socket: connection, answer };
}
