/** Sends one raw RGB photograph from a file many times. Runs where the senders are: as a process of its own. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Sender } from '../../lib/index.js';

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    to: { type: 'string' },
    payload: { type: 'string' },
    width: { type: 'string' },
    height: { type: 'string' },
    count: { type: 'string' },
    'bits-per-second': { type: 'string' },
  },
});

const photo = readFileSync(values.file!);
await using sender = await Sender.open({
  to: values.to!,
  payload: values.payload === 'rfc4175' ? 'rfc4175' : 'chunk',
  width: Number(values.width),
  height: Number(values.height),
  format: 'rgb',
  bitsPerSecond: Number(values['bits-per-second']),
});
for (let i = 0; i < Number(values.count); i++) await sender.send(photo);
