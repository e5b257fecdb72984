/** PCI devices that no port can be opened on: each is refused with an error that says what to do. */
import { Dataplane, type ErrorCode, Pipeline } from '../../lib/index.js';
import { assertRejects } from '../support/assert.js';

interface Outcome {
  readonly result: 'refused';
}

/** No device has this address. */
export const refuseAbsent = (device: string): Promise<Outcome> => refuse(device, 'DEVICE_NOT_FOUND');

/** A NIC is there, but neither the kernel nor DPDK has it. */
export const refuseUnbound = (device: string): Promise<Outcome> => refuse(device, 'DEVICE_IN_USE');

async function refuse(device: string, code: ErrorCode): Promise<Outcome> {
  const pipeline = Pipeline.compile({ input: { kind: 'image', width: 8, height: 8, format: 'gray' } });
  await assertRejects(
    Dataplane.start({
      eal: { hugepages: true },
      ports: [{ type: 'dpdk', name: 'a', device, addresses: ['10.0.0.1/24'] }],
      routes: [{ name: 'r', port: 'a', sources: ['10.0.0.0/24'], pipeline }],
    }),
    code,
    new RegExp(device.replaceAll('.', '\\.')),
  );
  return { result: 'refused' };
}
