// A process with a port on net_af_xdp that is killed in traffic leaves the interface such that the next process can take it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { VethPair, vethUnavailable } from '../../scripts/demo-parts/veth.js';
import { dpdkMissing, eal } from '../support/dpdk.js';
import type { DpdkChildTask } from '../support/dpdk-child.js';
import { Child } from '../support/dpdk-children.js';
import { format, height, image, width } from '../support/small.js';
import { PYTHON, runTool, temporaryFolder } from '../support/tools.js';

test('a process on net_af_xdp is killed in traffic, and the next one takes the interface, again and again', {
  skip: dpdkMissing() ?? vethUnavailable() ?? false,
}, async () => {
  using pair = VethPair.create(9);
  using folder = temporaryFolder();
  const file = join(folder.path, 'images.raw');
  writeFileSync(file, Buffer.concat([image(0), image(1), image(2)]));
  const script = join(process.cwd(), 'test', 'interop', 'sender.py');
  const args = [script, pair.portAddress, '5004', `${width}`, `${height}`, format, file];
  const over = new AbortController();
  const traffic = (async () => {
    // While nobody answers its ARP requests, the kernel lets sending fail.
    while (!over.signal.aborted) await runTool(...pair.command(PYTHON, args)).catch(() => sleep(20));
  })();
  const task: DpdkChildTask = {
    eal: { ...eal, filePrefix: `onpath-xdp-kill-${process.pid}` },
    port: {
      type: 'dpdk',
      name: 'xdp',
      device: `net_af_xdp0,iface=${pair.device}`,
      addresses: [`${pair.portAddress}/24`],
    },
    listens: true,
  };
  try {
    for (let round = 0; round < 3; round++) {
      using child = await new Child(task).up();
      await sleep(20);
      child.process.kill('SIGKILL');
      assert.deepEqual(await child.ended, [null, 'SIGKILL']);
    }
    using last = await new Child({ ...task, samples: 5 }).up();
    assert.deepEqual(await last.ended, [0, null]);
  } finally {
    over.abort();
    await traffic;
  }
});
