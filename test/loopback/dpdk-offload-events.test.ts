// What happens to a device under a running plane: its link goes and comes, it asks to be reset, it is pulled out.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dataplane, type DpdkPortInfo, Pipeline, Sender } from '../../lib/index.js';
import { assertSameBytes } from '../support/assert.js';
import { GROUP, ringPort, route } from '../support/dpdk-loop.js';
import { assertBooksBalance, eventually, takeOne } from '../support/plane.js';
import { format, height, image, resize, width } from '../support/small.js';
import { SoftNic, softNicEal, softNicMissing } from '../support/soft-nic.js';
import { temporaryFolder } from '../support/tools.js';

const pipeline = Pipeline.compile(resize);

function planeOn(nic: SoftNic, deadlineMs = 20_000): Promise<Dataplane> {
  const own = ['10.9.0.0/24'];
  return Dataplane.start({
    eal: softNicEal(),
    ports: [ringPort({ device: nic.device })],
    routes: [route({ pipeline, udpPort: 6004, sources: own, deadlineMs })],
    workers: 2,
  });
}

function infoOf(plane: Dataplane): DpdkPortInfo {
  const [port] = plane.ports();
  assert.ok(port?.type === 'dpdk');
  return port;
}

async function passes(plane: Dataplane, sender: Sender, seeds: number): Promise<void> {
  for (let seed = 0; seed < seeds; seed++) {
    await sender.send(image(seed));
    using sample = await takeOne(plane, 'r');
    assertSameBytes(sample.data, pipeline.run(image(seed)).data);
  }
}

const open = (plane: Dataplane) =>
  Sender.open({ to: `${GROUP}:6004`, via: { plane, port: 'ring' }, width, height, format });

describe('a device under a running plane', { skip: softNicMissing() ?? false }, () => {
  test('whose link goes down says so with its cause, and comes back by itself', async () => {
    using folder = temporaryFolder();
    const nic = new SoftNic(folder.path);
    await using plane = await planeOn(nic);
    await using sender = await open(plane);
    await passes(plane, sender, 3);
    assert.deepEqual([infoOf(plane).state, infoOf(plane).stateChanges], ['up', 0]);
    nic.tell('link=down');
    await eventually('the link is down', () => infoOf(plane).state === 'linkDown');
    assert.match(infoOf(plane).cause, /link is down/);
    assert.equal(infoOf(plane).link.up, false);
    nic.tell('link=up');
    await eventually('the link is up', () => infoOf(plane).state === 'up');
    assert.equal(infoOf(plane).stateChanges, 2);
    await passes(plane, sender, 3);
  });

  test('that asks to be reset is restarted with the same rules, and samples flow again', async () => {
    using folder = temporaryFolder();
    const nic = new SoftNic(folder.path);
    await using plane = await planeOn(nic);
    await using sender = await open(plane);
    await passes(plane, sender, 30);
    const before = await eventually('the device has told of its rules', () => {
      const state = nic.state();
      return state !== undefined && state.rules > 0 && state.isolated && state;
    });
    nic.tell('reset');
    const after = await eventually('it was reset and has rules again', () => {
      const state = nic.state();
      return state !== undefined && state.resets === 1 && state.rules > 0 && state;
    });
    assert.deepEqual([after.rules, after.isolated, after.starts], [before.rules, true, before.starts + 1]);
    await passes(plane, sender, 30);
    await eventually('steering is active', () => infoOf(plane).offloads.steering.state === 'active');
    assert.equal(infoOf(plane).state, 'up');
    await plane.close();
    assertBooksBalance(plane.stats());
  });

  test('that is removed says why, and one of its name can be opened anew', async () => {
    using folder = temporaryFolder();
    const nic = new SoftNic(folder.path);
    const name = nic.device.split(',', 1)[0]!;
    const plane = await planeOn(nic);
    await using sender = await open(plane);
    await passes(plane, sender, 3);
    nic.tell('remove');
    await eventually('the device is gone', () => infoOf(plane).state === 'removed');
    assert.match(infoOf(plane).cause, /removed/);
    assert.equal(infoOf(plane).removed, true);
    await sender.close();
    await plane.close();
    assert.equal(infoOf(plane).state, 'removed');
    using other = temporaryFolder();
    await using again = await planeOn(new SoftNic(other.path, {}, name));
    await using second = await open(again);
    await passes(again, second, 3);
    assert.equal(infoOf(again).state, 'up');
  });

  test('whose NIC begins to mark wrongly is not believed any more, and loses no sample', async () => {
    using folder = temporaryFolder();
    const nic = new SoftNic(folder.path);
    await using plane = await planeOn(nic);
    await using sender = await open(plane);
    await passes(plane, sender, 40);
    await eventually('marks are believed', () => infoOf(plane).offloads.mark.state === 'active');
    nic.tell('broken=mark');
    for (let round = 0; infoOf(plane).offloads.mark.state === 'active'; round++) {
      assert.ok(round < 500, 'a wrong mark is found among the bursts that are looked at');
      await passes(plane, sender, 10);
    }
    assert.match(infoOf(plane).offloads.mark.reason, /named another route/);
    await passes(plane, sender, 10);
  });
});
