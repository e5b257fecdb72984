/** The tokenizer files of a model's folder, and what tokenizer_config.json adds to them. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OnpathError } from '../errors.js';
import type { NativeTemplateItem, NativeTokenizer } from '../native-text.js';
import { requireFile } from '../read-file.js';
import { shown } from '../validate.js';
import type { LoadOptions } from './formats.js';

/** In the order in which they are preferred. */
const FILES = ['tokenizer.json', 'tekken.json', 'tokenizer.model', 'vocab.txt'] as const;
const SPECIALS = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

/** What a model's folder says of its tokenizer beside the vocabulary. */
export interface Pretrained {
  readonly path: string;
  readonly load: LoadOptions;
  /** Chat templates by name; that of no name is 'default'. */
  readonly chatTemplates: ReadonlyMap<string, string>;
  /** bos_token, eos_token, ... and what else a chat template may ask for. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Whether bos and eos are put around texts; undefined: as the vocabulary's template says. */
  readonly addBos: boolean | undefined;
  readonly addEos: boolean | undefined;
}

type Json = Record<string, unknown>;

export function readPretrained(folder: string, options: LoadOptions): Pretrained {
  if (typeof folder !== 'string' || !isFolder(folder)) {
    throw new OnpathError(
      'NOT_FOUND',
      `${shown(folder)} is no folder. Give the folder that a model was downloaded to.`,
    );
  }
  const file = FILES.find((name) => existsSync(join(folder, name)));
  if (file === undefined)
    throw new OnpathError('NOT_FOUND', `${shown(folder)} has none of ${FILES.join(', ')}.`);
  const config = {
    ...readJson(join(folder, 'special_tokens_map.json')),
    ...readJson(join(folder, 'tokenizer_config.json')),
  };
  const variables: Json = {};
  for (const key of SPECIALS) {
    const text = tokenText(config[key]);
    if (text !== undefined) variables[key] = text;
  }
  const slow = file !== 'tokenizer.json';
  const family = String(config['tokenizer_class'] ?? '').replace(/Fast$/, '');
  // These classes make their template themselves, whatever tokenizer.json has.
  const own = ['LlamaTokenizer', 'CodeLlamaTokenizer', 'GemmaTokenizer', 'CohereTokenizer'].includes(family);
  const flag = (key: string, otherwise: boolean) =>
    typeof config[key] === 'boolean' ? config[key] : otherwise;
  const bert = file === 'vocab.txt' ? { lowercase: flag('do_lower_case', true) } : {};
  return {
    path: join(folder, file),
    load: { ...bert, ...options },
    chatTemplates: chatTemplates(folder, config['chat_template']),
    variables,
    addBos: own ? flag('add_bos_token', true) : undefined,
    addEos: own ? flag('add_eos_token', false) : slow && family === 'T5Tokenizer' ? true : undefined,
  };
}

/** The templates that bos and eos make, or nothing if the vocabulary's own stays. */
export function templatesOf(
  { addBos, addEos, variables }: Pretrained,
  native: NativeTokenizer,
): { single: NativeTemplateItem[]; pair: NativeTemplateItem[] } | undefined {
  if (addBos === undefined && addEos === undefined) return undefined;
  const item = (wanted: boolean | undefined, key: string, typeId: number): NativeTemplateItem[] => {
    if (wanted !== true) return [];
    const token = variables[key];
    const id = typeof token === 'string' ? native.tokenToId(token) : undefined;
    if (id !== undefined) return [{ ids: [id], typeId }];
    throw new OnpathError(
      'INVALID_VOCABULARY',
      `tokenizer_config.json asks for ${key} around texts, and ${token === undefined ? 'names none' : `${shown(token)} is no token`}.`,
    );
  };
  const part = (sequence: 0 | 1): NativeTemplateItem[] => [
    ...item(addBos, 'bos_token', sequence),
    { sequence, ids: [], typeId: sequence },
    ...item(addEos, 'eos_token', sequence),
  ];
  return { single: part(0), pair: [...part(0), ...part(1)] };
}

function chatTemplates(folder: string, value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  if (typeof value === 'string') found.set('default', value);
  if (Array.isArray(value)) {
    for (const one of value as Json[]) {
      if (typeof one?.['name'] === 'string' && typeof one['template'] === 'string')
        found.set(one['name'], one['template']);
    }
  }
  const file = join(folder, 'chat_template.jinja');
  if (existsSync(file)) {
    requireFile(file, 'a chat template');
    found.set('default', readFileSync(file, 'utf8'));
  } else {
    const json = readJson(join(folder, 'chat_template.json'))['chat_template'];
    if (typeof json === 'string') found.set('default', json);
  }
  return found;
}

function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = (value as Json | null | undefined)?.['content'];
  return typeof content === 'string' ? content : undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readJson(path: string): Json {
  if (!existsSync(path)) return {};
  requireFile(path, 'a file of a model');
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (cause) {
    throw new OnpathError('INVALID_VOCABULARY', `${shown(path)} is no JSON: ${String(cause)}.`, { cause });
  }
  throw new OnpathError('INVALID_VOCABULARY', `${shown(path)} holds no object.`);
}
