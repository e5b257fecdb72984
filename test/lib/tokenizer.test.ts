/** Tokenizers as callers have them: every way of asking gives the same ids, which are the reference's. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { OnpathError, Tokenizer } from '../../lib/index.js';
import { columnsOf, definitionOf, encodingCases, optionsOf } from '../support/encodings.js';

const words = Tokenizer.fromFile('test/data/text/tiny-words.json');
const bytes = Tokenizer.fromFile('test/data/text/tiny-bytes.json');
const texts = [
  '',
  'This is an example of an input prompt',
  'caf\u00e9  \u4e2d\u6587 \ud83e\udd8a example   the',
  '<mask> the </s> [SEP] [MASK]',
  'x'.repeat(3000),
  'the quick brown fox '.repeat(400),
];
const folder = mkdtempSync(join(tmpdir(), 'onpath-tokenizer-'));
after(() => rmSync(folder, { recursive: true }));

const code = (expected: string) => (error: unknown) =>
  error instanceof OnpathError && error.code === expected;

describe('memory that small results share', () => {
  const { transfer } = ArrayBuffer.prototype as { transfer?: () => ArrayBuffer };
  const skip = transfer === undefined && 'this Node has no ArrayBuffer.transfer';
  test('somebody takes it for himself: later results lie elsewhere', { skip }, () => {
    const expected = [...bytes.encode('the example')];
    const taken = bytes.encode('the example');
    transfer!.call(taken.buffer);
    assert.equal(taken.length, 0);
    assert.deepEqual([...bytes.encode('the example')], expected);
    transfer!.call(bytes.encode('the').buffer);
    const stream = bytes.stream();
    assert.deepEqual([...stream.push('the example'), ...stream.end()], expected);
  });
});

describe('encodings equal the reference', () => {
  for (const [i, one] of encodingCases.entries()) {
    test(`case ${i}: ${one.vocabulary}, ${one.processor ?? 'its own template'}`, async () => {
      const tokenizer = Tokenizer.fromBuffer(definitionOf(one));
      const batch = await tokenizer.tokenizeBatch(
        one.inputs.map((input) => (input.length === 1 ? input[0] : input)),
        { ...optionsOf(one), offsets: 'codepoint', threads: 2 },
      );
      assert.deepEqual(
        batch.map((encoding, j) => columnsOf(encoding, one.expected[j]!)),
        one.expected,
      );
      for (const [j, [text, pair]] of one.inputs.entries()) {
        const alone = tokenizer.tokenize(text, {
          ...optionsOf(one),
          offsets: 'codepoint',
          ...(pair === undefined ? {} : { pair }),
        });
        if (one.padding === undefined || one.padding.length !== undefined)
          assert.deepEqual(columnsOf(alone, one.expected[j]!), one.expected[j]);
        if (pair === undefined) assert.deepEqual(tokenizer.encode(text, optionsOf(one)), alone.ids);
      }
    });
  }
});

describe('the memory of results', () => {
  test('a small one shares it, a large one has its own', () => {
    const [first, second] = [bytes.encode('the'), bytes.encode('quick')];
    assert.equal(first.buffer, second.buffer);
    assert.equal(second.byteOffset, first.byteOffset + first.byteLength);
    for (const count of [1_000, 40_000, 1_500_000]) {
      const text = 'the '.repeat(count);
      const ids = bytes.encode(text);
      assert.equal(ids.buffer.byteLength, ids.byteLength);
      const own = new Uint32Array(ids.length);
      assert.equal(bytes.encodeInto(text, own).total, ids.length);
      assert.deepEqual(ids, own);
    }
  });
});

describe('every way of asking gives the same ids', () => {
  for (const [name, tokenizer] of Object.entries({ words, bytes })) {
    for (const text of texts) {
      test(`${name}: ${JSON.stringify(text.slice(0, 30))}`, async () => {
        const ids = tokenizer.encode(text);
        const utf8 = Buffer.from(text);
        assert.deepEqual(tokenizer.encode(utf8), ids);
        assert.deepEqual(tokenizer.tokenize(text).ids, ids);
        assert.deepEqual(await tokenizer.encodeBatch([text, utf8, text], { threads: 2 }), [ids, ids, ids]);
        assert.equal(tokenizer.count(text), ids.length);
        assert.equal(tokenizer.isWithinLimit(text, ids.length), ids.length);
        if (ids.length > 0) assert.equal(tokenizer.isWithinLimit(text, ids.length - 1), false);
        const target = new Uint32Array(ids.length + 1).fill(7);
        assert.deepEqual(tokenizer.encodeInto(text, target), { written: ids.length, total: ids.length });
        assert.deepEqual(target.subarray(0, ids.length), ids);
        assert.equal(target[ids.length], 7);
        const few = new Uint32Array(Math.min(2, ids.length));
        assert.deepEqual(tokenizer.encodeInto(text, few), { written: few.length, total: ids.length });
        assert.deepEqual(few, ids.slice(0, few.length));
        for (const size of [1, 3, 1000]) {
          const pieces = Array.from({ length: Math.ceil(utf8.length / size) }, (_, i) =>
            utf8.subarray(i * size, (i + 1) * size),
          );
          const found: number[] = [];
          for await (const some of tokenizer.encodeStream(Readable.from(pieces))) found.push(...some);
          assert.deepEqual(found, [...ids], `in pieces of ${size} bytes`);
        }
        const stream = tokenizer.stream();
        const characters = Array.from({ length: text.length }, (_, i) => [...stream.push(text[i]!)]);
        assert.deepEqual([...characters.flat(), ...stream.end()], [...ids], 'by UTF-16 units');
      });
    }
  }

  test('after a file was compiled, saved and mapped', async () => {
    const path = join(folder, 'compiled.onpath');
    const saved = bytes.save(path);
    const copies = [
      Tokenizer.fromCompiled(path),
      Tokenizer.fromFile(path),
      await Tokenizer.fromFileAsync(path),
      Tokenizer.fromCompiled(saved),
      await Tokenizer.fromBufferAsync(readFileSync('test/data/text/tiny-bytes.json')),
    ];
    for (const copy of copies) {
      assert.equal(copy.hash, bytes.hash);
      for (const text of texts) assert.deepEqual(copy.encode(text), bytes.encode(text));
    }
    assert.notEqual(words.hash, bytes.hash);
  });

  test('results stay as they are when others come', () => {
    const kept = texts.map((text) => bytes.encode(text));
    const copies = kept.map((ids) => [...ids]);
    for (let i = 0; i < 5000; i++) bytes.encode(`again ${i}`);
    assert.deepEqual(
      kept.map((ids) => [...ids]),
      copies,
    );
  });
});

describe('spans', () => {
  const text = 'caf\u00e9 \ud83e\udd8a the\u4e2d fox';
  for (const [name, tokenizer] of Object.entries({ words, bytes })) {
    test(`${name}: three units name the same places`, () => {
      const utf8 = Buffer.from(text);
      const [units, codepoints, places] = (['utf16', 'codepoint', 'byte'] as const).map((offsets) =>
        tokenizer.tokenize(text, { offsets }),
      );
      assert.deepEqual(units!.ids, places!.ids);
      for (let i = 0; i < places!.length; i++) {
        const span = places!.span(i);
        if (span === undefined) continue;
        const covered = utf8.subarray(...span).toString();
        assert.equal(text.slice(...units!.span(i)!), covered);
        assert.equal([...text].slice(...codepoints!.span(i)!).join(''), covered);
      }
      assert.equal(places!.span(0), undefined);
      assert.equal(places!.span(places!.length), undefined);
    });

    test(`${name}: a stream gives the same, cut anywhere, in every unit`, () => {
      const utf8 = Buffer.from(text.repeat(3));
      for (const offsets of ['utf16', 'codepoint', 'byte'] as const) {
        const whole = tokenizer.tokenize(text.repeat(3), { offsets });
        for (const size of [1, 2, 5, 17]) {
          const stream = tokenizer.stream({ offsets });
          const found: { ids: number[]; offsets: number[] } = { ids: [], offsets: [] };
          const take = (tokens: { ids: Uint32Array; offsets: Uint32Array }) => {
            found.ids.push(...tokens.ids);
            found.offsets.push(...tokens.offsets);
          };
          for (let at = 0; at < utf8.length; at += size) take(stream.push(utf8.subarray(at, at + size)));
          take(stream.end());
          assert.deepEqual(found, { ids: [...whole.ids], offsets: [...whole.offsets] }, `${offsets} ${size}`);
        }
      }
    });
  }

  test('bytes that are no UTF-8 count as the U+FFFD that stands for them', () => {
    const broken = Buffer.from([0x61, 0xff, 0xe4, 0xb8, 0x62, 0xf0, 0x9f, 0xa6, 0x8a, 0x63]);
    const repaired = 'a\ufffd\ufffdb\ud83e\udd8ac';
    for (const tokenizer of [words, bytes]) {
      assert.deepEqual(tokenizer.encode(broken), tokenizer.encode(repaired));
      for (const offsets of ['utf16', 'codepoint'] as const)
        assert.deepEqual(
          tokenizer.tokenize(broken, { offsets }).offsets,
          tokenizer.tokenize(repaired, { offsets }).offsets,
        );
    }
  });

  // Long strings are taken in parts of 16384 units.
  test('a long string is its UTF-8, wherever characters fall', () => {
    const fox = '\u{1f98a}';
    for (const before of [16382, 16383, 16384, 32767, 50000]) {
      for (const middle of [
        fox,
        '\ud83e',
        '\udd8a',
        `\ud83e${fox}`,
        'e\u0301',
        '\u4e2d',
        fox.repeat(20000),
      ]) {
        for (const unit of ['the ', 'caf\u00e9 ', '\u4e2d\u6587']) {
          const text = unit.repeat(before / unit.length + 1).slice(0, before) + middle + unit.repeat(9000);
          const ids = bytes.encode(Buffer.from(text));
          // Flat, part of another, and joined of many.
          for (const same of [text, ` ${text}`.slice(1), Array.from(text).reduce((a, b) => a + b)]) {
            assert.deepEqual(bytes.encode(same), ids);
            assert.equal(bytes.count(same), ids.length);
          }
        }
      }
    }
  });

  test('what a push gave stays as it is', () => {
    const stream = words.stream();
    const given: Uint32Array[] = [];
    const copies: number[][] = [];
    // More than the memory that small results share has room for, and results that find none there.
    for (let i = 0; i < 300; ++i) {
      const ids = stream.push('the quick brown fox '.repeat(i % 7 === 0 ? 400 : i % 40));
      given.push(ids);
      copies.push([...ids]);
      words.encode('another text');
    }
    given.push(stream.end());
    copies.push([...given.at(-1)!]);
    assert.deepEqual(
      given.map((ids) => [...ids]),
      copies,
    );
    const whole = Array.from({ length: 300 }, (_, i) =>
      'the quick brown fox '.repeat(i % 7 === 0 ? 400 : i % 40),
    ).join('');
    assert.deepEqual(copies.flat(), [...words.encode(whole)]);
  });

  test('lone surrogates are U+FFFD, also at the end of a stream', () => {
    for (const tokenizer of [words, bytes]) {
      const expected = tokenizer.encode('a\ufffdb\ufffd');
      assert.deepEqual(tokenizer.encode('a\ud83eb\udd8a'), expected);
      const stream = tokenizer.stream();
      const found = [
        ...stream.push('a\ud83e'),
        ...stream.push('b'),
        ...stream.push('\udd8a'),
        ...stream.end(),
      ];
      assert.deepEqual(found, [...expected]);
      stream.begin();
      const open = [...stream.push('a\ud83e'), ...stream.push(Buffer.from('b\ufffd')), ...stream.end()];
      assert.deepEqual(open, [...expected]);
      stream.begin();
      assert.deepEqual([...stream.push('a\ud83e'), ...stream.end()], [...tokenizer.encode('a\ufffd')]);
    }
  });
});

describe('special tokens', () => {
  const text = 'the </s> fox';

  test('parsed, refused, taken as text, or allowed by name', () => {
    const end = bytes.tokenToId('</s>')!;
    const plain = { addSpecialTokens: false } as const;
    assert.ok(bytes.encode(text, plain).includes(end));
    assert.ok(!bytes.encode(text, { ...plain, special: 'text' }).includes(end));
    const allowed = { ...plain, special: 'refuse', allowedSpecial: ['</s>'] } as const;
    assert.deepEqual(bytes.encode(text, allowed), bytes.encode(text, plain));
    assert.throws(
      () => bytes.encode(`\u00e9${text}`, { special: 'refuse' }),
      (error: OnpathError) => {
        assert.equal(error.code, 'SPECIAL_TOKEN');
        assert.match(error.message, /"<\/s>" \(id 2\) at position 5/);
        return true;
      },
    );
    assert.throws(() => bytes.encode(Buffer.from(`\u00e9${text}`), { special: 'refuse' }), /at byte 6/);
    const stream = bytes.stream({ special: 'refuse' });
    assert.throws(() => {
      stream.push(text);
      stream.end();
    }, code('SPECIAL_TOKEN'));
    assert.throws(() => stream.push('x'), code('CLOSED'));
    stream.begin();
    assert.ok([...stream.push('fox'), ...stream.end()].length > 0);
  });

  test('a refusal in a batch names the text', async () => {
    await assert.rejects(
      bytes.encodeBatch(['a', 'b', text], { special: 'refuse' }),
      /^OnpathError: texts\[2\]: /,
    );
  });

  test('are listed, and left out by decoding on request', () => {
    assert.deepEqual([...bytes.specialTokens.keys()].sort(), ['</s>', '<mask>', '<pad>', '<s>']);
    const ids = bytes.encode('the example');
    assert.equal(bytes.decode(ids), '<s> the example</s>');
    assert.equal(bytes.decode(ids, { skipSpecial: true }), ' the example');
    assert.equal(bytes.decode([...ids]), bytes.decode(ids));
  });
});

describe('decoding', () => {
  test('a stream of ids gives the text of all, never half a character', () => {
    const text = 'caf\u00e9 \ud83e\udd8a\u4e2d\u6587 the example';
    for (const tokenizer of [bytes, words]) {
      const ids = tokenizer.encode(text);
      const stream = tokenizer.decodeStream({ skipSpecial: true });
      let found = '';
      for (const id of ids) {
        const piece = stream.push(id);
        assert.equal(Buffer.from(piece).toString(), piece);
        found += piece;
      }
      found += stream.end();
      assert.equal(found, tokenizer.decode(ids, { skipSpecial: true }));
      assert.throws(() => stream.push(1), code('CLOSED'));
      assert.throws(() => stream.end(), code('CLOSED'));
    }
  });
});

describe('vocabularies', () => {
  test('tokens and ids', () => {
    for (const tokenizer of [words, bytes]) {
      assert.equal(tokenizer.idLimit, tokenizer.vocabSize);
      for (let id = 0; id < tokenizer.idLimit; id++)
        assert.equal(tokenizer.tokenToId(tokenizer.idToToken(id)!), id);
      assert.equal(tokenizer.idToToken(tokenizer.idLimit), undefined);
      assert.equal(tokenizer.tokenToId('no such token'), undefined);
      assert.ok(tokenizer.memory().every(({ bytes }) => bytes >= 0));
      assert.ok(tokenizer.explain().length > 20);
    }
    assert.deepEqual(words.tokenize('jumps!').tokens, ['[CLS]', 'jump', '##s', '!', '[SEP]']);
  });

  test('with further tokens', () => {
    const more = words.addTokens(['zzyzx', { text: '<user>', special: true }, 'fox']);
    assert.equal(more.vocabSize, words.vocabSize + 2);
    assert.equal(more.tokenToId('zzyzx'), words.idLimit);
    assert.equal(more.tokenToId('fox'), words.tokenToId('fox'));
    assert.ok(more.specialTokens.has('<user>'));
    assert.deepEqual(more.tokenize('a zzyzx <user>').tokens, ['[CLS]', 'a', 'zzyzx', '<user>', '[SEP]']);
    assert.equal(words.tokenToId('zzyzx'), undefined);
  });

  test('what is none is refused by type', () => {
    const path = join(folder, 'broken.json');
    writeFileSync(path, '{"model":');
    assert.throws(() => Tokenizer.fromFile(path), code('INVALID_VOCABULARY'));
    assert.throws(() => Tokenizer.fromFile(join(folder, 'missing')), code('NOT_FOUND'));
    assert.throws(() => Tokenizer.fromFile(folder), code('INVALID_ARGUMENT'));
    assert.throws(() => Tokenizer.fromCompiled(path), code('INVALID_VOCABULARY'));
    assert.throws(() => Tokenizer.fromBuffer(Buffer.from('no vocabulary')), code('INVALID_VOCABULARY'));
    assert.throws(() => Tokenizer.fromBuffer(Buffer.from('YQ== 0\n')), code('INVALID_ARGUMENT'));
    assert.throws(() => Tokenizer.fromFile(3 as never), code('INVALID_ARGUMENT'));
    const damaged = bytes.save();
    damaged[damaged.length - 1]! ^= 1;
    assert.throws(() => Tokenizer.fromCompiled(damaged), code('INVALID_VOCABULARY'));
  });
});

describe('wrong arguments', () => {
  const wrong: [string, () => unknown][] = [
    ['a text that is none', () => bytes.encode(3 as never)],
    ['an unknown option', () => bytes.encode('x', { addSpecial: true } as never)],
    ['an unknown policy', () => bytes.encode('x', { special: 'no' as never })],
    ['no boolean', () => bytes.encode('x', { addSpecialTokens: 1 as never })],
    ['a token that is none', () => bytes.encode('x', { allowedSpecial: ['nope'] })],
    ['a target that is none', () => bytes.encodeInto('x', [] as never)],
    ['a limit that is none', () => bytes.isWithinLimit('x', -1)],
    ['an unknown unit', () => bytes.tokenize('x', { offsets: 'bytes' as never })],
    [
      'a stride as long as a part',
      () => words.tokenize('the the the the', { truncation: { maxLength: 4, stride: 2 } }),
    ],
    ['no room for the template', () => words.encode('the', { truncation: { maxLength: 1 } })],
    [
      'only one text',
      () => words.tokenize('the fox', { truncation: { maxLength: 3, strategy: 'onlySecond' } }),
    ],
    ['ids that are none', () => bytes.decode(['x'] as never)],
    ['ids that are too large', () => bytes.decode([2 ** 32])],
    ['a cap that is none', () => bytes.stream({ capBytes: 0 })],
    ['a token without text', () => bytes.addTokens([''])],
    ['the same token twice', () => bytes.addTokens(['q1', 'q1'])],
    ['no messages', () => bytes.applyChatTemplate('hi' as never)],
  ];
  for (const [what, call] of wrong) test(what, () => assert.throws(call, code('INVALID_ARGUMENT')));

  test('a stream whose cap is too small refuses the text', () => {
    const stream = words.stream({ capBytes: 64 });
    assert.throws(() => {
      for (let i = 0; i < 1000; i++) stream.push('abcdefghij');
      stream.end();
    }, code('RUN_TOO_LONG'));
  });

  test('an aborted batch', async () => {
    await assert.rejects(bytes.encodeBatch(['x'], { signal: AbortSignal.abort() }), code('ABORTED'));
    const stop = new AbortController();
    const batch = bytes.encodeBatch(new Array(200_000).fill('the quick brown fox'), {
      signal: stop.signal,
      threads: 1,
    });
    stop.abort();
    await assert.rejects(batch, code('ABORTED'));
    await assert.rejects(bytes.encodeBatch(['x', 3 as never]), code('INVALID_ARGUMENT'));
  });
});

test('a truncated or padded file is so by default, and not where the caller says so', () => {
  const definition = JSON.parse(readFileSync('test/data/text/tiny-words.json', 'utf8')) as Record<
    string,
    unknown
  >;
  definition['truncation'] = { direction: 'Right', max_length: 5, strategy: 'LongestFirst', stride: 0 };
  definition['padding'] = {
    strategy: { Fixed: 8 },
    direction: 'Right',
    pad_to_multiple_of: null,
    pad_id: 0,
    pad_type_id: 0,
    pad_token: '[PAD]',
  };
  const tokenizer = Tokenizer.fromBuffer(JSON.stringify(definition));
  const all = words.encode('the quick brown fox over');
  const cut = [...all.slice(0, 4), all.at(-1)!];
  assert.deepEqual([...tokenizer.encode('the quick brown fox over')], [...cut, 0, 0, 0]);
  assert.deepEqual([...tokenizer.encode('the quick brown fox over', { padding: false })], cut);
  assert.deepEqual(tokenizer.encode('the quick brown fox over', { padding: false, truncation: false }), all);
  assert.equal(tokenizer.count('the quick brown fox over'), all.length);
});
