/** What people and attackers give the command: arguments and files, good, wrong and hostile. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeNpy } from '../../lib/files/npy.js';

export const VOCABULARY = resolve('test/data/text/tiny-words.json');
const ESC = '\x1b';

/** A .npy file with this header in place of a true one. */
function npy(header: string, data: Uint8Array = new Uint8Array(256), version = 1): Buffer {
  const head = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0\0\0`, 'latin1');
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header, 'latin1'), data]);
}

const ARRAYS: Readonly<Record<string, Uint8Array>> = {
  'magic.npy': Buffer.from('\x93NUMPY', 'latin1'),
  'nothing.npy': npy(''),
  'shape.npy': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }"),
  'product.npy': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"),
  'negative.npy': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-256,), }"),
  'fortran.npy': npy("{'descr': '|u1', 'fortran_order': True, 'shape': (16, 16), }"),
  'object.npy': npy("{'descr': '|O', 'fortran_order': False, 'shape': (256,), }"),
  'big-endian.npy': npy("{'descr': '>f4', 'fortran_order': False, 'shape': (64,), }"),
  'structure.npy': npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (64,), }"),
  'repeated.npy': npy(`{'descr': '|u1', 'fortran_order': False, 'shape': (${'1, '.repeat(10_000)}), }`),
  'five.npy': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (5, 256), }", new Uint8Array(1280)),
  'escape.npy': npy(`{'descr': '${ESC}[2J', 'fortran_order': False, 'shape': (256,), }`),
  'wide.npy': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (256,), }", undefined, 3),
};

const TABLES: Readonly<Record<string, string | Uint8Array>> = {
  ...ARRAYS,
  'empty.npy': '',
  'empty.csv': '',
  'empty.json': '',
  'words.csv': 'one,two\n',
  'escape.csv': `${ESC}[31m1,2\n`,
  'nan.csv': `${'NaN,'.repeat(255)}NaN\n`,
  'huge.csv': `${'1e999,'.repeat(255)}1\n`,
  'rows.csv': `${'1\n'.repeat(257)}`,
  'bytes.csv': Uint8Array.from({ length: 4096 }, (_, i) => i),
  'line.csv': '1,'.repeat(500_000),
  'null.json': 'null',
  'object.json': '{"tables": {}}',
  'prototype.json': '{"__proto__": {"tables": [[1]]}, "dtype": "uint8"}',
  'deep.json': '['.repeat(500_000),
  'strings.json': JSON.stringify(Array.from({ length: 256 }, String)),
  'fields.json': `{"tables": [], "${ESC}]0;title\x07": 1}`,
  'long.json': ' '.repeat((1 << 20) + 1),
  'kind.txt': '1',
};

const IMAGE = 'input: { kind: image, width: 8, height: 6, format: rgb }\n';
const SPECS: Readonly<Record<string, string | Uint8Array>> = {
  'empty.yaml': '',
  'null.yaml': 'null\n',
  'list.yaml': '- 1\n',
  'scalar.yaml': `"${ESC}[31m"`,
  'open.yaml': 'input: {\n',
  'tab.yaml': 'input:\n\tkind: image\n',
  'twice.yaml': `${IMAGE}${IMAGE}`,
  'documents.yaml': `${IMAGE}---\n${IMAGE}`,
  'tag.yaml': '!!js/function "function () { process.exit(7) }"\n',
  'binary.yaml': Uint8Array.from({ length: 65_536 }, (_, i) => i),
  'utf8.yaml': Buffer.from('input: "\xff\xfe"\n', 'latin1'),
  'utf16.yaml': Buffer.from(IMAGE, 'utf16le'),
  'zeros.yaml': Buffer.alloc(4096),
  'deep.yaml': '['.repeat(20_000),
  'maps.yaml': '{a: '.repeat(20_000),
  'steps.yaml': Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'keys.yaml': Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'),
  'quotes.yaml': '"'.repeat(20_000),
  'long.yaml': '#'.repeat((1 << 20) + 1),
  'laughs.yaml': `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`).join(',')}]`).join('\n')}\n`,
  'merge.yaml': 'a: &a { b: 1 }\nc: { <<: *a, <<: *a }\n',
  'cycle.yaml': 'a: &a [*a]\n',
  'unknown-alias.yaml': 'a: *b\n',
  'prototype.yaml': `${IMAGE}__proto__: { stages: [] }\n`,
  'constructor.yaml': 'constructor: 1\n',
  'kind.yaml': `input: { kind: "${'\\e'}[2J", width: 1 }\n`,
  'field.yaml': `${IMAGE}"${'\\e'}]0;title${'\\a'}": 1\n`,
  'bidi.yaml': `${IMAGE}"\u202egnp": 1\n`,
  'width.yaml': 'input: { kind: image, width: 1e308, height: 6, format: rgb }\n',
  'nan.yaml': 'input: { kind: image, width: .nan, height: 6, format: rgb }\n',
  'infinite.yaml': 'input: { kind: image, width: .inf, height: -.inf, format: rgb }\n',
  'negative.yaml': 'input: { kind: image, width: -8, height: 6, format: rgb }\n',
  'huge.yaml':
    'input: { kind: image, width: 65535, height: 65535, format: rgba }\nstages: [{ stage: resize, width: 65535, height: 65535 }]\n',
  'stages.yaml': `${IMAGE}stages: ${JSON.stringify(Array.from({ length: 20_000 }, () => ({ stage: 'toRgb' })))}\n`,
  'stage.yaml': `${IMAGE}stages: [null, 1, "x", []]\n`,
  'table.yaml': `${IMAGE}stages: [{ stage: lookup, table: { file: "/dev/zero" } }]\n`,
  'table-pipe.yaml': `${IMAGE}stages: [{ stage: lookup, table: { file: pipe } }]\n`,
  'table-name.yaml': `${IMAGE}stages: [{ stage: lookup, table: __proto__ }]\n`,
  'table-up.yaml': `${IMAGE}stages: [{ stage: lookup, table: { file: "../../../../../../etc/passwd" } }]\n`,
  'expression.yaml': `${IMAGE}stages: [{ stage: lookup, table: { expression: "this.process", dtype: uint8 } }]\n`,
  'tokenizer-zero.yaml':
    'input: { kind: text }\nstages: [{ stage: tokenize, tokenizer: { file: /dev/zero } }]\n',
  'tokenizer-pipe.yaml': 'input: { kind: text }\nstages: [{ stage: tokenize, tokenizer: { file: pipe } }]\n',
  'dictionary.yaml': 'input: { kind: text }\nstages: [{ stage: replace, dictionary: { "": x } }]\n',
};

const VOCABULARIES: Readonly<Record<string, string | Uint8Array>> = {
  'empty-vocabulary.json': '',
  'tokenizer.json': '{}',
  'deep-tokenizer.json': `{"model": ${'['.repeat(200_000)}`,
  'tekken.json': '{"default_num_special_tokens": 1, "token_bytes": 1}',
  'zeros.model': Buffer.alloc(1000),
  'length.model': Buffer.from('0affffffff0f0a', 'hex'),
  'broken.tiktoken': '!!! x\n',
  'huge.tiktoken': 'YQ== 99999999999999999999\n',
  'vocab.txt': '',
  'escape-vocab.txt': `${ESC}[2J\n`,
  'broken.onpath': Buffer.concat([Buffer.from('onpathT\n'), Buffer.alloc(64, 255)]),
};

/** Files of images, by what becomes of them: `send` refuses each. */
const IMAGES: Readonly<Record<string, string | Uint8Array>> = {
  'empty.jpg': '',
  'text.jpg': 'no image',
  'cut.jpg': Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb0043', 'hex'),
  'cut.png': Buffer.from('89504e470d0a1a0a0000000d49484452ffffffffffffffff08020000', 'hex'),
  'script.svg': '<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/>',
  'flat.npy': writeNpy({ dtype: 'uint8', shape: [0, 8, 3], data: new Uint8Array(0) }),
  'two.npy': writeNpy({ dtype: 'uint8', shape: [2, 2, 2], data: new Uint8Array(8) }),
  'float.npy': writeNpy({ dtype: 'float32', shape: [2, 2, 3], data: new Float32Array(12) }),
  'line.npy': writeNpy({ dtype: 'uint8', shape: [70_000, 1], data: new Uint8Array(70_000) }),
  ...ARRAYS,
};

export interface Names {
  readonly tables: readonly string[];
  readonly specs: readonly string[];
  readonly vocabularies: readonly string[];
  readonly images: readonly string[];
  /** What is no file to be read at all. */
  readonly places: readonly string[];
}

/** Writes all of it to a folder, beside good files `image.npy`, `image.yaml`, `text.yaml`, `table.npy`. */
export function writeHostile(folder: string): Names {
  const write = (files: Readonly<Record<string, string | Uint8Array>>): string[] =>
    Object.entries(files).map(([name, content]) => {
      writeFileSync(join(folder, name), content);
      return name;
    });
  const specs = write(SPECS);
  const vocabularies = write(VOCABULARIES);
  const images = write(IMAGES);
  const tables = write(TABLES);
  write({
    'image.npy': writeNpy({ dtype: 'uint8', shape: [6, 8, 3], data: new Uint8Array(144) }),
    'table.npy': writeNpy({ dtype: 'uint8', shape: [256], data: new Uint8Array(256) }),
    'image.yaml': `${IMAGE}stages: [{ stage: resize, width: 4, height: 3 }]\n`,
    'text.yaml': 'input: { kind: text }\nstages: [{ stage: replace, dictionary: { cat: dog } }]\n',
    'plain.txt': 'one cat',
  });
  mkdirSync(join(folder, 'folder'));
  mkdirSync(join(folder, 'folder.npy'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  execFileSync('mkfifo', [join(folder, 'pipe.npy')]);
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync('/dev/zero', join(folder, 'zero.npy'));
  writeFileSync(join(folder, 'closed.npy'), '');
  chmodSync(join(folder, 'closed.npy'), 0);
  const places = [
    '',
    ' ',
    'missing',
    'folder',
    'folder.npy',
    'pipe',
    'pipe.npy',
    'loop',
    'zero.npy',
    'closed.npy',
    '/dev/zero',
    '/dev/full',
    '/proc/self/mem',
    'missing/file.npy',
    'image.npy/file.npy',
    'a'.repeat(300),
    'a/'.repeat(5000),
    `${ESC}[31mred${ESC}[0m.npy`,
    'two\nlines.npy',
    '\u202egnp.npy',
    'zero\0byte.npy',
    '\ud800.npy',
    '../'.repeat(50),
  ];
  return { tables, specs, vocabularies, images, places };
}
