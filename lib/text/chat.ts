/** Chat templates, carried out by @huggingface/jinja where it is installed. */
import { createRequire } from 'node:module';
import * as z from 'zod';
import { OnpathError } from '../errors.js';
import { parse, shown } from '../validate.js';

/** One turn of a conversation, with whatever else the template reads. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [key: string]: unknown;
}

/** Options of `tokenizer.applyChatTemplate`. */
export interface ChatTemplateOptions {
  /** Descriptions of functions that the model may call. */
  readonly tools?: readonly unknown[];
  readonly documents?: readonly unknown[];
  /** Whether the text ends where the model's answer begins. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** Ids (default) or the text. */
  readonly tokenize?: boolean;
  /** A template, or the name of one of the model's. Default: the model's. */
  readonly chatTemplate?: string;
  /** What else the template asks for. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

const schema = z.strictObject({
  tools: z.array(z.unknown()).optional(),
  documents: z.array(z.unknown()).optional(),
  addGenerationPrompt: z.boolean().optional(),
  tokenize: z.boolean().optional(),
  chatTemplate: z.string().optional(),
  variables: z.record(z.string(), z.unknown()).optional(),
});

interface Template {
  render(variables: Record<string, unknown>): string;
}
type TemplateClass = new (source: string) => Template;

let jinja: TemplateClass | undefined;
const MOST_TEMPLATES = 16;
const compiled = new Map<string, Template>();

export function renderChat(
  messages: readonly ChatMessage[],
  options: ChatTemplateOptions,
  templates: ReadonlyMap<string, string>,
  known: Readonly<Record<string, unknown>>,
): string {
  parse(schema, options, 'options', 'INVALID_ARGUMENT');
  if (!Array.isArray(messages)) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `messages must be an array of { role, content }, received ${shown(messages)}.`,
    );
  }
  const source = chosen(options, templates);
  try {
    return templateOf(source).render({
      ...known,
      ...options.variables,
      messages,
      // Templates ask whether they are none, which what is not there is not.
      tools: options.tools ?? null,
      documents: options.documents ?? null,
      add_generation_prompt: options.addGenerationPrompt ?? false,
    });
  } catch (cause) {
    if (cause instanceof OnpathError) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new OnpathError('INVALID_ARGUMENT', `The chat template refused the messages: ${said}.`, { cause });
  }
}

function chosen(options: ChatTemplateOptions, templates: ReadonlyMap<string, string>): string {
  const { chatTemplate } = options;
  const named = templates.get(
    chatTemplate ?? (options.tools !== undefined && templates.has('tool_use') ? 'tool_use' : 'default'),
  );
  const source = named ?? chatTemplate;
  if (source !== undefined) return source;
  const names = [...templates.keys()];
  throw new OnpathError(
    'NOT_FOUND',
    `This tokenizer has no chat template${names.length > 0 ? ` called default, but ${names.join(', ')}` : ''}. Use Tokenizer.fromPretrained on a folder that has one, or pass options.chatTemplate.`,
  );
}

function templateOf(source: string): Template {
  let template = compiled.get(source);
  if (template === undefined) {
    template = new (load())(source);
    if (compiled.size >= MOST_TEMPLATES) compiled.clear();
    compiled.set(source, template);
  }
  return template;
}

function load(): TemplateClass {
  if (jinja !== undefined) return jinja;
  try {
    jinja = (createRequire(import.meta.url)('@huggingface/jinja') as { Template: TemplateClass }).Template;
    return jinja;
  } catch (cause) {
    throw new OnpathError(
      'UNSUPPORTED',
      'Chat templates need the package @huggingface/jinja, which is not installed. Install it: npm install @huggingface/jinja',
      { cause },
    );
  }
}
