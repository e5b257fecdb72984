/**
 * Writes what is derived from the schema in lib/schema.ts: docs/specification.md and docs/schema/*.json.
 * With --check it writes nothing and fails if a file is not what it would write.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configJsonSchema } from '../lib/files/config-schema.js';
import { jsonSchema } from '../lib/index.js';

type Json = Record<string, unknown>;

const parts = [
  { of: 'pipeline', call: 'Pipeline.compile(spec)', title: 'Pipeline' },
  { of: 'family', call: 'PipelineFamily.compile(spec)', title: 'Family of pipelines' },
  { of: 'text', call: 'TextPipeline.compile(spec)', title: 'Pipeline for texts' },
  { of: 'dataplane', call: 'Dataplane.start(spec)', title: 'Data plane' },
  { of: 'sender', call: 'Sender.open(spec)', title: 'Sender' },
] as const;

const files = new Map<string, string>();
const pages: string[] = [];
for (const { of, call, title } of parts) {
  const schema = jsonSchema(of);
  files.set(`docs/schema/${of}.json`, `${JSON.stringify(schema, null, 2)}\n`);
  pages.push(
    `## ${title}: \`${call}\`\n\nJSON Schema: [schema/${of}.json](schema/${of}.json)\n\n${section(schema, 3, title)}`,
  );
}
const config = configJsonSchema();
files.set('docs/schema/config.json', `${JSON.stringify(config, null, 2)}\n`);
pages.push(`## Configuration: \`onpath run CONFIG\`

JSON Schema: [schema/config.json](schema/config.json); a file may name it in \`$schema\`. A configuration has the fields of a
[data plane](#data-plane-dataplanestartspec), of which a route's \`pipeline\` is a name, and these:

${section(ownOfConfig(config), 3, 'Configuration')}`);
files.set(
  'docs/specification.md',
  `# Specification reference

Generated from \`lib/schema.ts\` by \`npm run generate\`; do not edit. Unknown fields are errors. Types, validation and JSON Schema come from
the same source.

${pages.join('\n')}`,
);
writeOrCheck();

/** Without the fields of data planes and pipelines, which have their own sections. */
function ownOfConfig(schema: Json): Json {
  const plane = (jsonSchema('dataplane')['properties'] ?? {}) as Json;
  const fields = Object.entries(schema['properties'] as Record<string, Json>).filter(
    ([key]) => !(key in plane),
  );
  const { pipelines, ...own } = Object.fromEntries(fields);
  return {
    ...schema,
    properties: { ...own, pipelines: { ...pipelines, additionalProperties: { type: 'object' } } },
  };
}

/** The fields of an object as a table, then the objects inside it. */
function section(schema: Json, depth: number, name: string): string {
  const variants = variantsOf(schema);
  if (variants !== undefined) return variants.map((v) => variantSection(v, depth, name)).join('\n');
  const properties = (schema['properties'] ?? {}) as Record<string, Json>;
  const required = new Set((schema['required'] ?? []) as string[]);
  const rows = Object.entries(properties).map(
    ([key, field]) =>
      `| \`${key}\` | ${typeText(field)} | ${defaultText(field, required.has(key))} | ${describe(field)} |`,
  );
  const inner = Object.entries(properties)
    .map(([key, field]) => [key, objectIn(field)] as const)
    .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined)
    .map(
      ([key, field]) =>
        `${'#'.repeat(depth)} ${name}: \`${key}\`\n\n${section(field, Math.min(depth + 1, 6), key)}`,
    );
  return `${lead(schema)}| field | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n\n${inner.join('\n')}`;
}

function variantSection(variant: Json, depth: number, name: string): string {
  const properties = (variant['properties'] ?? {}) as Record<string, Json>;
  const tag = Object.entries(properties).find(([, field]) => field['const'] !== undefined);
  const required = ((variant['required'] ?? []) as string[]).join(', ');
  const heading = tag === undefined ? `${name}: { ${required} }` : `${tag[0]}: ${String(tag[1]['const'])}`;
  return `${'#'.repeat(depth)} \`${heading}\`\n\n${section(variant, Math.min(depth + 1, 6), heading)}`;
}

function lead(schema: Json): string {
  return schema['description'] === undefined ? '' : `${String(schema['description'])}\n\n`;
}

function variantsOf(schema: Json): Json[] | undefined {
  const list = (schema['oneOf'] ?? schema['anyOf']) as Json[] | undefined;
  return list?.every((item) => item['type'] === 'object') ? list : undefined;
}

/** The object (or list of variants) a field holds, directly, in an array, or as one of its alternatives. */
function objectIn(field: Json): Json | undefined {
  if (field['properties'] !== undefined || variantsOf(field) !== undefined) return field;
  if (field['items'] !== undefined) return objectIn(field['items'] as Json);
  const values = field['additionalProperties'];
  if (typeof values === 'object') return objectIn(values as Json);
  const list = (field['anyOf'] ?? field['oneOf']) as Json[] | undefined;
  return list?.find((item) => item['properties'] !== undefined);
}

function typeText(field: Json): string {
  if (field['const'] !== undefined) return `\`${JSON.stringify(field['const'])}\``;
  const choices = field['enum'] as unknown[] | undefined;
  if (choices !== undefined) return choices.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  const list = (field['anyOf'] ?? field['oneOf']) as Json[] | undefined;
  if (list !== undefined) return [...new Set(list.map(typeText))].join(' or ');
  if (field['type'] === 'array') return `array of ${typeText((field['items'] ?? {}) as Json)}`;
  const values = field['additionalProperties'];
  if (typeof values === 'object') return `object of ${typeText(values as Json)}`;
  return `${String(field['type'] ?? 'class instance')}${rangeText(field)}`;
}

function rangeText(field: Json): string {
  const low = field['minimum'] ?? field['exclusiveMinimum'];
  const high = field['maximum'] ?? field['exclusiveMaximum'];
  const widest = Number.MAX_SAFE_INTEGER;
  if (low === undefined || (low === -widest && high === widest)) return '';
  const from = field['exclusiveMinimum'] === undefined ? `${String(low)}` : `above ${String(low)}`;
  return high === undefined || high === widest ? `, ${from} or more` : `, ${from} to ${String(high)}`;
}

function defaultText(field: Json, required: boolean): string {
  const value = field['default'];
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  return required ? 'required' : '-';
}

function describe(field: Json): string {
  const items = field['items'] as Json | undefined;
  return String(field['description'] ?? items?.['description'] ?? '').replaceAll('|', '\\|');
}

function writeOrCheck(): void {
  const check = process.argv.includes('--check');
  const stale: string[] = [];
  for (const [file, text] of files) {
    const path = join(process.cwd(), file);
    if (check) {
      if (read(path) !== text) stale.push(file);
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
  if (stale.length > 0) {
    console.error(`Not up to date: ${stale.join(', ')}. Run npm run generate.`);
    process.exitCode = 1;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
