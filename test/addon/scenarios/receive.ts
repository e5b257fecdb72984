// Receives over UDP on the port given, and sends to itself. Prints the port; with 'once' it ends after a sample.

import { native } from '../../../lib/native.js';
import { image, Pair, planeConfig, program, senderConfig, takeFrom, udpPort } from '../fixture.js';

const [port, once] = process.argv[2]!.split(' ');
const plane = await native().startPlane(planeConfig(program(), udpPort(Number(port))));
const local = plane.localPorts()['in']!;
const sender = native().openSender(senderConfig(udpPort(), local));
const sink = plane.sink('r');
if (once) {
  void sender.send(image(), 1n);
  await takeFrom(sink);
  await Promise.all([sender.close(), plane.close()]);
} else {
  sink.onReady(() => {
    for (let d = sink.next(); d !== undefined; d = sink.next()) sink.release(d.buffer);
  });
  Pair.prototype.pour.call({ sender } as Pair);
  await sender.send(image(), 1n);
}
console.log(`port ${local.port}`);
console.log('up');
