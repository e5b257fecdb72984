// The example inference service on a DPDK port: a host in a network namespace sends a photograph over a veth pair.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { prepareService } from '../../bench/suites/service-folder.js';
import { addKernelLink, behindVeth, KERNEL } from '../../bench/suites/service-veth.js';
import { VethPair, vethUnavailable } from '../../scripts/demo-parts/veth.js';
import { dpdkMissing } from '../support/dpdk.js';
import { PATIENCE_MS } from '../support/plane.js';

const RESULTS = `${KERNEL.there}:5006`;
const photograph = resolve('test/data/astronaut.png');

test('on a DPDK port every logit has the bits that it has inside', {
  skip: dpdkMissing() ?? vethUnavailable() ?? false,
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const folder = prepareService();
  using pair = VethPair.create(7);
  addKernelLink(pair);
  const behind = await classify(
    ['onpath', ...behindVeth(pair)],
    { results: RESULTS, to: `${pair.portAddress}:5004` },
    (command, args) => pair.command(command, args),
  );
  const inside = await classify(
    ['inside', '--prepare', 'onpath', '--listen', `${KERNEL.here}:5004`],
    { results: RESULTS, to: `${KERNEL.here}:5004` },
    (command, args) => pair.command(command, args),
  );
  assert.match(behind, /astronaut\.png \{"top":\d+,"logits":"/);
  assert.ok(behind === inside, 'the logits differ');

  async function classify(
    service: readonly string[],
    place: { results: string; to: string },
    within: (command: string, args: readonly string[]) => [string, string[]],
  ): Promise<string> {
    const child = spawn(
      process.execPath,
      ['service.js', ...service, '--results', place.results, '--logits'],
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    try {
      for await (const line of createInterface(child.stdout)) if (line.startsWith('ready')) break;
      const variant = service[0]!;
      const args = ['client.js', variant, photograph, '--to', place.to, '--results', place.results];
      // A veth pair is software on both ends: what comes at once may be more than its ring holds.
      if (variant === 'onpath') args.push('--mbit', '200');
      const run = spawnSync(...within(process.execPath, args), { cwd: folder, encoding: 'utf8' });
      assert.equal(run.status, 0, run.stderr);
      return run.stdout;
    } finally {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
  }
});
