/** Changes while samples arrive as fast as they can be sent: none is lost, and versions change once for each change. */
import { it } from 'node:test';
import { running } from './fixture.js';
import { changeAtFullRate, fullRateConfig, untilSeen } from './full-rate.js';

const LOAD = { images: 40_000, texts: 4000 };

it('load and swap during send --rate max lose no sample', { timeout: 170_000 }, async () => {
  await untilSeen(async () => {
    await using plane = await running({ config: fullRateConfig(LOAD) });
    return (await changeAtFullRate(plane, LOAD)) !== undefined;
  });
});
