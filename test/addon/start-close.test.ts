// Start and close, any number of times.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { native } from '../../lib/native.js';
import { freePort } from '../support/plane.js';
import {
  image,
  memoryPort,
  Pair,
  planeConfig,
  program,
  run,
  senderConfig,
  udpPort,
  until,
} from './fixture.js';

describe('start and close', () => {
  for (const over of ['memory', 'udp']) {
    test(`200 times over ${over}, with traffic: no thread, no file, no memory is left`, async () => {
      await run('start-close', over, { nodeOptions: ['--expose-gc'] });
    });
  }

  test('close twice, at once and later, is one close', async () => {
    const pair = await Pair.open('close-twice');
    pair.pour();
    await pair.take();
    for (const closable of [pair.plane, pair.sender]) {
      const first = closable.close();
      assert.equal(closable.close(), first);
      assert.equal(await first, undefined);
      assert.equal(await closable.close(), undefined);
    }
  });

  test('what was finished can still be taken after close, then nothing', async () => {
    const pair = await Pair.open('after-close');
    for (let i = 0; i < 3; i++) await pair.sender.send(image(i), BigInt(i));
    await until('three samples', () => pair.plane.stats().routes[0]!.samplesComplete === 3);
    await pair.close();
    assert.equal(pair.plane.stats().routes[0]!.drops.undelivered, 3);
    for (let i = 0; i < 3; i++) {
      const delivery = pair.sink.next();
      assert.ok(delivery);
      assert.equal(delivery.samples[0]!.requestId, BigInt(i));
      pair.sink.release(delivery.buffer);
    }
    assert.equal(pair.sink.next(), undefined);
    assert.equal(pair.plane.sink('r').next(), undefined);
    const { samplesDelivered, drops } = pair.plane.stats().routes[0]!;
    assert.deepEqual([samplesDelivered, drops.undelivered], [3, 0]);
  });

  test('statistics can be read at any time', async () => {
    const pair = await Pair.open('stats');
    pair.pour();
    await pair.take();
    const closing = pair.close();
    const during = pair.plane.stats();
    await closing;
    const after = pair.plane.stats();
    assert.ok(after.routes[0]!.packetsUsed >= during.routes[0]!.packetsUsed);
    assert.equal(after.routes[0]!.samplesOpen, 0);
    pair.plane.ref();
    pair.plane.unref();
    assert.deepEqual(Object.keys(after.routes[0]!.drops), Object.keys(after.ports[0]!.drops));
  });

  test('sends that wait when the sender closes are refused as CLOSED', async () => {
    const sender = native().openSender({
      ...senderConfig(udpPort(), { address: '127.0.0.1', port: 9 }),
      bitsPerSecond: 1000,
    });
    const sends = Array.from({ length: 8 }, () => sender.send(image(), 1n));
    const outcomes = Promise.allSettled(sends);
    await sender.close();
    const refused = (await outcomes).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason.code] : [],
    );
    // The first may have left before the pace held it back.
    assert.ok(refused.length >= 7);
    assert.deepEqual(new Set(refused), new Set(['CLOSED']));
    await assert.rejects(sender.send(image(), 1n), { code: 'CLOSED' });
  });

  test('a start that fails leaves nothing open', async () => {
    const config = planeConfig(program(), memoryPort('fails', 0));
    const wrong = { ...config, routes: [{ ...config.routes[0]!, port: 'nowhere' }] };
    for (let i = 0; i < 20; i++) await assert.rejects(native().startPlane(wrong), { code: 'INVALID_SPEC' });
    const twice = { ...config, ports: [config.ports[0]!, { ...config.ports[0]!, name: 'same' }] };
    for (let i = 0; i < 20; i++) await assert.rejects(native().startPlane(twice), { code: 'BUSY' });
    await (await native().startPlane(config)).close();
  });

  test('planes that start at once: each is whole, of two on one link side one is refused', async () => {
    const starts = Array.from({ length: 8 }, (_, i) =>
      native().startPlane(planeConfig(program(), memoryPort(`at-once-${i >> 1}`, 0))),
    );
    const outcomes = await Promise.allSettled(starts);
    const open = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    assert.equal(open.length, 4);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'BUSY');
    await Promise.all(open.map((plane) => plane.close()));
  });

  test('an address in use says so; the port is free again right after close', async () => {
    const port = await freePort();
    const first = await native().startPlane(planeConfig(program(), udpPort(port)));
    await assert.rejects(native().startPlane(planeConfig(program(), udpPort(port))), {
      code: 'ADDRESS_IN_USE',
    });
    await first.close();
    assert.equal(first.localPorts()['in']!.port, port);
    await (await native().startPlane(planeConfig(program(), udpPort(port)))).close();
  });
});
