/** A service with an image route and a text route on loopback, from a file, and the page that is served of it. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { readConfig } from '../../lib/files/config-file.js';
import { Sender } from '../../lib/index.js';
import { startPage } from '../../lib/page/server.js';
import { Service } from '../../lib/service/service.js';

export const width = 64;
export const height = 48;
/** Red grows to the right, green downwards, blue is 255 - red. */
export const gradient = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const pixel = Math.floor(i / 3);
  const red = 4 * (pixel % width);
  return [red, 5 * Math.floor(pixel / width), 255 - red][i % 3]!;
});

/** A name that would be markup, script, and text from right to left, if anybody took it for that. */
export const hostileName = '<img src=x onerror=hacked()>"\u202e';

export interface Folder extends Disposable {
  readonly config: string;
}

/** A folder with a configuration; the system chooses the UDP port unless one is given. */
export function configFolder({ udpPort = 0 } = {}): Folder {
  const path = mkdtempSync(join(tmpdir(), 'onpath-page-'));
  copyFileSync('test/data/text/tiny-bytes.json', join(path, 'tokenizer.json'));
  const config = join(path, 'plane.json');
  const spec = {
    version: 1,
    tables: { negative: { expression: '255 - x', dtype: 'uint8' } },
    tokenizers: { words: { file: 'tokenizer.json' } },
    pipelines: {
      photos: {
        input: { kind: 'image', width, height, format: 'rgb' },
        stages: [{ stage: 'lookup', table: 'negative' }],
      },
      prompts: { input: { kind: 'text' }, stages: [{ stage: 'tokenize', tokenizer: 'words' }] },
    },
    ports: [{ type: 'udp', name: 'in', address: '127.0.0.1', port: udpPort }],
    routes: [
      { name: 'photos', port: 'in', payloadType: 96, pipeline: 'photos' },
      { name: hostileName, port: 'in', payloadType: 97, pipeline: 'prompts' },
    ],
  };
  writeFileSync(config, JSON.stringify(spec));
  return { config, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

export interface LoggedLine {
  readonly level: number;
  readonly msg: string;
}

/** A log, and the lines that were written to it. */
export function logged(): { readonly log: Logger; readonly lines: readonly LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

export interface Served extends AsyncDisposable {
  readonly service: Service;
  readonly url: string;
  readonly lines: readonly LoggedLine[];
  /** Where its port takes packets. */
  readonly to: string;
}

export async function serve(listen = '127.0.0.1:0'): Promise<Served> {
  using folder = configFolder();
  const service = await Service.start(readConfig(folder.config));
  const { log, lines } = logged();
  const page = await startPage(service, { listen, log });
  return {
    service,
    url: `http://${page.address}/`,
    lines,
    to: `127.0.0.1:${service.plane.address('in').port}`,
    async [Symbol.asyncDispose]() {
      await page[Symbol.asyncDispose]();
      await service.close();
    },
  };
}

export async function sendImages(to: string, count: number): Promise<void> {
  await using sender = await Sender.open({ to, width, height, format: 'rgb', payloadType: 96 });
  for (let i = 0; i < count; i++) await sender.send(gradient);
}

export async function sendText(to: string, text: string, payloadType = 97): Promise<void> {
  await using sender = await Sender.open({ to, text: true, payloadType });
  await sender.send(text);
}
