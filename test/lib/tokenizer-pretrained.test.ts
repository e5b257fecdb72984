/** A model's folder: which file is taken, what tokenizer_config.json adds, and chat templates. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { OnpathError, Tokenizer } from '../../lib/index.js';

const folder = mkdtempSync(join(tmpdir(), 'onpath-pretrained-'));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

/** A model's folder with these files; objects are written as JSON, the names of vocabularies copied. */
function model(files: Record<string, object | string>): string {
  const place = join(folder, String(count++));
  mkdirSync(place);
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'object') writeFileSync(join(place, name), JSON.stringify(content));
    else if (content.startsWith('tiny-')) copyFileSync(`test/data/text/${content}.json`, join(place, name));
    else writeFileSync(join(place, name), content);
  }
  return place;
}

const code = (expected: string) => (error: unknown) =>
  error instanceof OnpathError && error.code === expected;
const messages = [
  { role: 'user', content: 'this is over' },
  { role: 'assistant', content: 'the fox' },
];
const template = `{{ bos_token }}{%- for message in messages %}
[{{ message['role'] }}] {{ message['content'] }}{{ eos_token }}
{%- endfor %}
{%- if tools is not none %} {{ tools | length }} tools{% endif %}
{%- if add_generation_prompt %} [assistant]{% endif %}`;

describe('a folder', () => {
  test('with tokenizer.json and no more', async () => {
    const place = model({ 'tokenizer.json': 'tiny-bytes' });
    const expected = Tokenizer.fromFile('test/data/text/tiny-bytes.json').encode('the example');
    assert.deepEqual(Tokenizer.fromPretrained(place).encode('the example'), expected);
    assert.deepEqual((await Tokenizer.fromPretrainedAsync(place)).encode('the example'), expected);
  });

  test('cuts and pads only when asked to', () => {
    const file = JSON.parse(readFileSync('test/data/text/tiny-words.json', 'utf8')) as Record<
      string,
      unknown
    >;
    file['truncation'] = { direction: 'Right', max_length: 3, strategy: 'LongestFirst', stride: 0 };
    const place = model({ 'tokenizer.json': file, 'tokenizer_config.json': { pad_token: '[MASK]' } });
    const tokenizer = Tokenizer.fromPretrained(place);
    assert.equal(tokenizer.encode('the quick fox').length, 5);
    assert.equal(Tokenizer.fromFile(join(place, 'tokenizer.json')).encode('the quick fox').length, 3);
    assert.deepEqual([...tokenizer.encode('fox', { padding: { length: 5 } })].slice(3), [4, 4]);
  });

  test('with a vocab.txt, lowercasing as the configuration says', () => {
    const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'the', 'The', 'fox'].join('\n');
    const lower = Tokenizer.fromPretrained(model({ 'vocab.txt': vocab }));
    assert.deepEqual(lower.tokenize('The fox').tokens, ['[CLS]', 'the', 'fox', '[SEP]']);
    const config = { do_lower_case: false };
    const cased = Tokenizer.fromPretrained(model({ 'vocab.txt': vocab, 'tokenizer_config.json': config }));
    assert.deepEqual(cased.tokenize('The fox').tokens, ['[CLS]', 'The', 'fox', '[SEP]']);
  });

  test('of a class that puts bos and eos around texts itself', () => {
    const config = { tokenizer_class: 'LlamaTokenizer', bos_token: '<s>', eos_token: { content: '</s>' } };
    const of = (more: object) =>
      Tokenizer.fromPretrained(
        model({ 'tokenizer.json': 'tiny-bytes', 'tokenizer_config.json': { ...config, ...more } }),
      );
    const own = [...of({}).encode('the', { addSpecialTokens: false })];
    assert.deepEqual([...of({}).encode('the')], [0, ...own]);
    assert.deepEqual([...of({ add_eos_token: true }).encode('the')], [0, ...own, 2]);
    assert.deepEqual([...of({ add_bos_token: false }).encode('the')], own);
    assert.deepEqual(
      [...of({ add_eos_token: true }).tokenize('the', { pair: 'the' }).ids],
      [0, ...own, 2, 0, ...own, 2],
    );
    const stream = of({ add_eos_token: true }).stream();
    assert.deepEqual([...stream.push('the'), ...stream.end()], [0, ...own, 2]);
    assert.throws(() => of({ bos_token: 'none' }), code('INVALID_VOCABULARY'));
  });

  test('that is none, or holds none, or nothing that can be read', () => {
    assert.throws(() => Tokenizer.fromPretrained(join(folder, 'missing')), code('NOT_FOUND'));
    assert.throws(() => Tokenizer.fromPretrained(model({})), code('NOT_FOUND'));
    const broken = model({ 'tokenizer.json': 'tiny-words', 'tokenizer_config.json': '[1]' });
    assert.throws(() => Tokenizer.fromPretrained(broken), code('INVALID_VOCABULARY'));
  });
});

describe('chat templates', () => {
  const config = { bos_token: '<s>', eos_token: '</s>', chat_template: template };
  const tokenizer = Tokenizer.fromPretrained(
    model({ 'tokenizer.json': 'tiny-bytes', 'tokenizer_config.json': config }),
  );

  test('of the folder: text, and its ids with special tokens parsed', () => {
    const text = tokenizer.applyChatTemplate(messages, { tokenize: false, addGenerationPrompt: true });
    assert.equal(text, '<s>[user] this is over</s>[assistant] the fox</s> [assistant]');
    const ids = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true });
    assert.deepEqual(ids, tokenizer.encode(text, { addSpecialTokens: false, special: 'parse' }));
    assert.equal(ids[0], 0);
    assert.match(tokenizer.applyChatTemplate(messages, { tokenize: false, tools: [{}, {}] }), / 2 tools$/);
  });

  test('by name, of the caller, in a file of their own, or none', () => {
    const named = [
      { name: 'default', template: 'd' },
      { name: 'tool_use', template: 't' },
      { name: 'rag', template: 'r{{ extra }}' },
    ];
    const many = Tokenizer.fromPretrained(
      model({ 'tokenizer.json': 'tiny-bytes', 'tokenizer_config.json': { chat_template: named } }),
    );
    const text = (options: object) => many.applyChatTemplate([], { ...options, tokenize: false });
    assert.equal(text({}), 'd');
    assert.equal(text({ tools: [] }), 't');
    assert.equal(text({ chatTemplate: 'rag', variables: { extra: 1 } }), 'r1');
    assert.equal(text({ chatTemplate: 'own {{ messages | length }}' }), 'own 0');
    const file = model({ 'tokenizer.json': 'tiny-bytes', 'chat_template.jinja': 'file' });
    assert.equal(Tokenizer.fromPretrained(file).applyChatTemplate([], { tokenize: false }), 'file');
    const none = Tokenizer.fromFile('test/data/text/tiny-bytes.json');
    assert.throws(() => none.applyChatTemplate([]), code('NOT_FOUND'));
  });

  test('that refuse the messages, or are none', () => {
    const failing = (chatTemplate: string) => () => tokenizer.applyChatTemplate(messages, { chatTemplate });
    assert.throws(failing("{{ raise_exception('roles must alternate') }}"), /roles must alternate/);
    assert.throws(failing('{% if %}'), code('INVALID_ARGUMENT'));
    assert.throws(
      () => tokenizer.applyChatTemplate(messages, { nope: 1 } as never),
      code('INVALID_ARGUMENT'),
    );
  });
});
