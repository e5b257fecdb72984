/** A pipeline that a client sends for a route: compiled, and compared with what the route takes, before the plane is touched. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { OnpathError } from '../errors.js';
import type { Config } from '../files/config-file.js';
import {
  type AnyPipeline,
  compilePipeline,
  found,
  type Named,
  readyTokenizers,
} from '../files/pipeline-file.js';
import { SpecFile } from '../files/spec-file.js';
import { Pipeline } from '../pipeline.js';
import { notReadable } from '../read-file.js';
import type { Service } from '../service/service.js';
import { TextPipeline } from '../text-pipeline.js';

/** How errors call it; a client that knows the file's name can put that in its place. */
export const SENT_PIPELINE = 'the pipeline that was sent';

const byName = z.strictObject({ pipeline: z.string() });
const filesOf = z.object({
  stages: z.array(
    z.looseObject({
      table: z
        .object({ file: z.string().min(1) })
        .optional()
        .catch(undefined),
      tokenizer: z
        .looseObject({ file: z.string().min(1) })
        .optional()
        .catch(undefined),
    }),
  ),
});

export interface UploadContext {
  readonly service: Service;
  /** What names stand for now. */
  readonly named: Omit<Named, 'ready'>;
  /** Where files lie that it names. */
  readonly folder: string;
  /** Of a vocabulary file that the specification names. */
  readonly mostBytes: number;
}

export interface UploadedPipeline {
  readonly pipeline: AnyPipeline;
  /** What the configuration calls it; undefined: it is none of the configuration's. */
  readonly name: string | undefined;
}

/** @throws OnpathError NOT_FOUND (no such route, a file), INVALID_SPEC (also: not for this route), and those of `compile` */
export async function uploadedPipeline(
  routeName: string,
  bytes: Uint8Array,
  { service, named, folder, mostBytes }: UploadContext,
): Promise<UploadedPipeline> {
  // Says which routes there are, if it is none.
  service.plane.versions(routeName);
  const now = service.routes().find(({ name }) => name === routeName)!.pipeline;
  const file = SpecFile.parse(textOf(bytes), join(folder, SENT_PIPELINE));
  try {
    const { data, success } = byName.safeParse(file.value);
    const pipeline = success
      ? configured(data.pipeline, service.config, named)
      : compilePipeline(file, [], { ...named, ready: await vocabularies(file, mostBytes) });
    checkFits(routeName, now, pipeline);
    return { pipeline, name: data?.pipeline };
  } catch (error) {
    if (!(error instanceof OnpathError)) throw error;
    throw new OnpathError(error.code, error.message.replaceAll(file.path, SENT_PIPELINE), { cause: error });
  }
}

/** A pipeline of the configuration, with what its names stand for by now. */
function configured(name: string, config: Config, named: UploadContext['named']): AnyPipeline {
  const pipeline = found(config.pipelines, name, 'pipeline');
  if (pipeline instanceof TextPipeline) {
    const others = exchanged(pipeline.vocabularies, config.tokenizers, named.tokenizers);
    return others === undefined ? pipeline : pipeline.withVocabularies(others);
  }
  const others = exchanged(pipeline.tables, config.tables, named.tables);
  return others === undefined ? pipeline : pipeline.withTables(others);
}

/** Of these names those that stand for something else; undefined if none does. */
function exchanged<Part>(
  names: readonly string[],
  before: ReadonlyMap<string, Part>,
  now: ReadonlyMap<string, Part>,
): Record<string, Part> | undefined {
  const others = names.filter((name) => now.get(name) !== before.get(name));
  return others.length === 0 ? undefined : Object.fromEntries(others.map((name) => [name, now.get(name)!]));
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new OnpathError('INVALID_ARGUMENT', 'The body is no UTF-8. Send a pipeline in YAML or JSON.', {
      cause,
    });
  }
}

/** Reads vocabularies off the event loop. What has no end, or nobody writes to, is not opened. */
async function vocabularies(file: SpecFile, mostBytes: number): Promise<Named['ready']> {
  const { data } = filesOf.safeParse(file.value);
  const stages = data?.stages ?? [];
  for (const { table, tokenizer } of stages) {
    for (const source of [table, tokenizer]) {
      if (source !== undefined) await checkFile(file.fileNamed(source.file), mostBytes);
    }
  }
  return readyTokenizers(
    stages.flatMap(({ tokenizer }) => tokenizer ?? []),
    file,
  );
}

async function checkFile(path: string, mostBytes: number): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw notReadable(path, cause);
  });
  if (!found.isFile()) throw new OnpathError('INVALID_ARGUMENT', `${path} is no file.`);
  if (found.size > mostBytes) {
    throw new OnpathError(
      'LIMIT_EXCEEDED',
      `${path} has ${found.size} bytes; a file that a pipeline names has at most ${mostBytes}.`,
    );
  }
}

/** The plane checks the same when it swaps; here it is said without touching the plane. */
function checkFits(route: string, now: AnyPipeline, next: AnyPipeline): void {
  const [takes, is] = [inputText(now), inputText(next)];
  if (takes === is && now.input.digest === next.input.digest) return;
  throw new OnpathError(
    'INVALID_SPEC',
    `Route "${route}" takes ${takes}; the pipeline takes ${is}. Send one with the same input, or start another route.`,
  );
}

function inputText(pipeline: AnyPipeline): string {
  if (pipeline instanceof TextPipeline) return 'texts';
  if (pipeline instanceof Pipeline) {
    const { width, height, format } = pipeline.input;
    return `${width} x ${height} ${format} images`;
  }
  const { maxWidth, maxHeight, format } = pipeline.input;
  return `${format} images of many sizes up to ${maxWidth} x ${maxHeight}`;
}
