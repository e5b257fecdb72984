/** `onpath swap`: another pipeline for a route of a running plane. */
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { CONTROL_LIMITS } from '../control/limits.js';
import { SENT_PIPELINE } from '../control/uploaded-pipeline.js';
import { OnpathError } from '../errors.js';
import { readBounded } from '../read-file.js';
import { clientOf, ofRunningPlane, type SocketOptions, versionText } from './socket.js';
import { Terminal } from './terminal.js';

interface Options extends SocketOptions {
  readonly named?: string;
  readonly check?: boolean;
}

export function swapCommand(): Command {
  return ofRunningPlane(
    new Command('swap')
      .description('give a route of a running plane another pipeline; no sample is lost')
      .argument('<route>', 'name of the route')
      .argument('[spec]', 'YAML or JSON, as for onpath compile')
      .option('--named <pipeline>', 'a pipeline of the configuration instead, by its name')
      .option('--check', 'read, compile and compare only; change nothing'),
  )
    .addHelpText(
      'after',
      `
The pipeline takes what the route takes; its outputs may be others. It may call the tables and tokenizers of the
configuration by name. Files that it names lie beside it, and the plane reads them.

Examples:
  onpath swap photos resnet.yaml --check
  onpath swap photos resnet.yaml
  onpath swap photos --named plain --json`,
    )
    .action(async (route: string, spec: string | undefined, options: Options) => {
      const { check = false } = options;
      const { hash, versions } = await renamed(spec, () =>
        clientOf(options).setPipeline(route, body(spec, options.named), {
          check,
          ...(spec !== undefined && { folder: resolve(dirname(spec)) }),
        }),
      );
      await new Terminal(options).result(
        { route, hash, checked: check, versions },
        check
          ? `${route}: good, plan ${hash.slice(0, 16)}. Nothing was changed.`
          : versions.map(versionText).join('\n'),
      );
    });
}

function body(spec: string | undefined, named: string | undefined): Uint8Array | string {
  if ((spec === undefined) === (named === undefined)) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      'Name a specification, or with --named a pipeline of the configuration.',
    );
  }
  if (spec === undefined) return JSON.stringify({ pipeline: named });
  return readBounded(spec, CONTROL_LIMITS.bodyBytes, 'a specification');
}

/** What is wrong in a file is told by the file's name. */
async function renamed<T>(spec: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (spec === undefined || !(error instanceof OnpathError)) throw error;
    throw new OnpathError(error.code, error.message.replaceAll(SENT_PIPELINE, spec), { cause: error });
  }
}
