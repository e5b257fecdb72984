// Every function of the addon for text called with whatever JavaScript has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { native } from '../../lib/native.js';
import type { NativeTextOptions, NativeTokenizer, NativeVocabulary } from '../../lib/native-text.js';
import { bombard, spoil } from './garbage.js';

const file = readFileSync('test/data/text/tiny-bytes.json');
const vocabulary: NativeVocabulary = {
  format: 'tokenizer.json',
  encoding: 'none',
  pattern: '\\w+',
  specials: [{ text: '<s>', id: 0 }],
  lowercase: true,
  cacheBytes: 1 << 20,
};
const options = (detailed: boolean): NativeTextOptions => ({
  detailed,
  special: 'parse',
  allowedSpecial: Uint32Array.of(2),
  prefix: Uint32Array.of(0),
  suffix: Uint32Array.of(2),
  capBytes: 4096,
});
const tokenizer = (): NativeTokenizer => native().loadTokenizer(file, vocabulary);

describe('garbage for text', () => {
  test('loading', async () => {
    const addon = native();
    await bombard('loadTokenizer', addon.loadTokenizer as never, () => [file, vocabulary]);
    await bombard('loadTokenizerAsync', addon.loadTokenizerAsync as never, () => [file, vocabulary]);
    await bombard('mapTokenizer', addon.mapTokenizer as never, () => ['/nonexistent', 1 << 20]);
    await bombard('mapTokenizerAsync', addon.mapTokenizerAsync as never, () => ['/dev/null', 1 << 20]);
    const load = (wrong: never) => addon.loadTokenizer(file, wrong);
    assert.ok((await spoil('loadTokenizer', load, vocabulary)) > 100);
    for (const format of ['tiktoken', 'sentencepiece', 'tekken', 'vocab.txt', 'compiled'] as const)
      await bombard(format, addon.loadTokenizer as never, () => [file, { ...vocabulary, format }]);
  });

  test('methods of objects', async () => {
    const of = tokenizer();
    await bombard('settings', of.settings.bind(of), () => []);
    await bombard('hash', of.hash.bind(of), () => []);
    await bombard('addedTokens', of.addedTokens.bind(of), () => []);
    await bombard('explain', of.explain.bind(of), () => []);
    await bombard('memory', of.memory.bind(of), () => []);
    await bombard('save', of.save.bind(of), () => []);
    await bombard('idToToken', of.idToToken.bind(of) as never, () => [1]);
    await bombard('tokenToId', of.tokenToId.bind(of) as never, () => ['<s>']);
    await bombard('decode', of.decode.bind(of) as never, () => [Uint32Array.of(1, 2 ** 32 - 1), true]);
    await bombard('decodeStream', of.decodeStream.bind(of) as never, () => [true]);
    const answer = of.decodeStream(false);
    await bombard('decodeStream.push', answer.push.bind(answer) as never, () => [Uint32Array.of(1, 9999)]);
    await bombard('decodeStream.end', answer.end.bind(answer), () => []);
    const added = {
      text: 'q',
      singleWord: false,
      lstrip: true,
      rstrip: true,
      normalized: true,
      special: true,
    };
    assert.ok((await spoil('withAdded', (wrong) => of.withAdded(wrong), [added])) > 100);
    const encoder = of.encoder(options(true));
    const target = () => new ArrayBuffer(32);
    await bombard('encoder.encode', encoder.encode.bind(encoder) as never, () => [
      encoder.number,
      'the',
      target(),
      1,
      7,
      3,
    ]);
    await bombard('encoder.encodeInto', encoder.encodeInto.bind(encoder) as never, () => [
      'the',
      new Uint32Array(8),
    ]);
    await bombard('encoder.count', encoder.count.bind(encoder) as never, () => ['the', 2]);
    await bombard('encoder.tokenize', encoder.tokenize.bind(encoder) as never, () => ['the', 'utf16']);
    const plain = of.encoder(options(false));
    await bombard('tokenize without details', plain.tokenize.bind(plain) as never, () => ['the', 'utf16']);
    for (const detailed of [true, false]) {
      const stream = of.stream(options(detailed) as never, 'codepoint');
      await bombard('stream.push', stream.push.bind(stream) as never, () => [stream.number, 'the']);
      await bombard('stream.heldBytes', stream.heldBytes.bind(stream), () => []);
      await bombard('stream.end', stream.end.bind(stream), () => []);
      await bombard('stream.push after its end', stream.push.bind(stream) as never, () => [
        stream.number,
        'the',
      ]);
      await bombard('stream.begin', stream.begin.bind(stream), () => []);
    }
    await bombard('encodeBatch', of.encodeBatch.bind(of) as never, () => [
      ['the', file],
      options(true),
      'utf16',
      2,
      new Uint8Array(1),
    ]);
  });

  test('every field of the options of texts', async () => {
    const of = tokenizer();
    assert.ok((await spoil('encoder', (wrong) => of.encoder(wrong), options(true))) > 100);
    assert.ok((await spoil('stream', (wrong) => of.stream(wrong, 'byte'), options(true))) > 100);
    const batch = (wrong: never) => of.encodeBatch(['the'], wrong, 'byte', 2, undefined);
    assert.ok((await spoil('encodeBatch', batch, options(true))) > 100);
  });

  test('a target that goes away while the text is read is not written to', () => {
    const encoder = tokenizer().encoder(options(false));
    const target = new Uint32Array(8);
    structuredClone(target.buffer, { transfer: [target.buffer] });
    assert.throws(() => encoder.encode(encoder.number, 'the', target.buffer, 0, 8, undefined), {
      code: 'INVALID_ARGUMENT',
    });
    assert.equal(encoder.encodeInto('the', target), 3);
  });

  test('a number of no object of the class is refused', () => {
    const of = tokenizer();
    const encoder = of.encoder(options(false));
    const stream = of.stream(options(false) as never, 'byte');
    const target = new ArrayBuffer(32);
    for (const number of [stream.number, -1, 2 ** 31, undefined as never]) {
      const call = () => encoder.encode(number, 'the', target, 0, 8, undefined);
      assert.throws(call, { code: 'INVALID_ARGUMENT' }, `${number}`);
    }
    assert.throws(() => stream.push(encoder.number, 'the', target, 0, 8), { code: 'INVALID_ARGUMENT' });
    assert.equal(encoder.encode(encoder.number, 'the', target, 0, 8, undefined), 3);
  });

  test('objects by hand', () => {
    const of = tokenizer();
    const objects = [
      of,
      of.encoder(options(false)),
      of.stream(options(false) as never, 'byte'),
      of.decodeStream(true),
    ];
    for (const object of objects as object[]) {
      const prototype = Object.getPrototypeOf(object) as Record<string, unknown>;
      const made = prototype['constructor'] as new (...args: unknown[]) => object;
      assert.throws(() => new made(of), { code: 'INVALID_ARGUMENT' });
      for (const name of Object.getOwnPropertyNames(prototype)) {
        if (name === 'constructor') continue;
        for (const other of [...objects.filter((o) => o !== object), {}, null, prototype])
          assert.throws(() => (prototype[name] as () => unknown).call(other as never), `${name}`);
      }
    }
  });
});
