/** The example service as somebody has it who copied it: its files, its packages and its model in a folder of their own. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outsideNpmRun } from '../npm-run.js';
import { packageFolder } from '../peer-table.js';

const example = join(packageFolder, 'docs', 'examples', 'inference-service');
const folder = join(packageFolder, '.setup', 'inference-service');

/**
 * Installs what is missing of its packages, and copies the files anew.
 * @returns the folder
 * @throws Error with what npm complained about
 */
export function prepareService(): string {
  mkdirSync(folder, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  // onpath is the one that was built here, not that of the registry.
  const { onpath: _, ...packages } = manifest.dependencies;
  const wanted = `${JSON.stringify({ private: true, type: 'module', dependencies: packages }, null, 2)}\n`;
  const kept = join(folder, 'package.json');
  const modules = join(folder, 'node_modules');
  if (!existsSync(join(modules, '.complete')) || readFileSync(kept, 'utf8') !== wanted) {
    rmSync(modules, { recursive: true, force: true });
    writeFileSync(kept, wanted);
    // Without scripts: the packages have their binaries, and what onnxruntime-node would download is for GPUs.
    must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts']);
    writeFileSync(join(modules, '.complete'), '');
  }
  const link = join(modules, 'onpath');
  rmSync(link, { recursive: true, force: true });
  symlinkSync(packageFolder, link);
  cpSync(example, folder, { recursive: true, filter: (file) => !/(package\.json|node_modules)$/.test(file) });
  must(process.execPath, ['make-model.js', 'model.onnx']);
  must(process.execPath, ['make-text-model.js', 'prompts.onnx']);
  return folder;
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: outsideNpmRun(),
  });
  if (status !== 0)
    throw new Error(
      `${command} ${args.join(' ')} failed in ${folder}: ${error?.message ?? stderr.trim().slice(-1000)}`,
    );
}
