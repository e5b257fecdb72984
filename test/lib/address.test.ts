// "address:port" texts: IP addresses only, never names, never surprises.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isLoopback, parseHostPort } from '../../lib/address.js';
import { assertThrows } from '../support/assert.js';

describe('an "address:port" text', () => {
  test('IPv4 as it is, IPv6 in brackets', () => {
    const texts: [string, string, number][] = [
      ['192.0.2.1:5004', '192.0.2.1', 5004],
      ['127.0.0.1:1', '127.0.0.1', 1],
      ['0.0.0.0:65535', '0.0.0.0', 65535],
      ['[::1]:5004', '::1', 5004],
      ['[2001:db8::1]:5004', '2001:db8::1', 5004],
      ['[::ffff:192.0.2.1]:80', '::ffff:192.0.2.1', 80],
    ];
    for (const [text, address, port] of texts) {
      assert.deepEqual(parseHostPort(text, 'to'), { address, port });
    }
  });

  const wrong: unknown[] = [
    '',
    ':',
    '5004',
    '192.0.2.1',
    '192.0.2.1:',
    ':5004',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1:99999',
    '192.0.2.1:-1',
    '192.0.2.1:5e3',
    '192.0.2.1:5004 ',
    ' 192.0.2.1:5004',
    '192.0.2.1:5004\n',
    '192.0.2:5004',
    '192.0.2.256:5004',
    '192.0.2.01:5004',
    'localhost:5004',
    'example.com:5004',
    '::1:5004',
    '[::1]',
    '[::1]5004',
    '[192.0.2.1:5004',
    '[]:5004',
    '[::1]:5004:1',
    'udp://192.0.2.1:5004',
    '1'.repeat(1_000_000),
    `${'['.repeat(100_000)}:1`,
    null,
    undefined,
    5004,
    {},
  ];
  for (const text of wrong) {
    test(`${JSON.stringify(text)?.slice(0, 40)} is refused by field, with an example`, () => {
      assertThrows(
        () => parseHostPort(text as string, 'sender.to'),
        'INVALID_SPEC',
        /sender\.to/,
        /192\.0\.2\.1:5004/,
      );
    });
  }

  test('loopback is 127.0.0.0/8 and ::1, nothing that only looks like it', () => {
    for (const address of ['127.0.0.1', '127.255.255.254', '::1']) assert.ok(isLoopback(address), address);
    for (const address of [
      '128.0.0.1',
      '0.0.0.0',
      '::',
      '::2',
      '127.example.com',
      '127.0.0.1.5',
      '12.7.0.1',
      '',
    ]) {
      assert.ok(!isLoopback(address), address);
    }
  });

  test('every spelling of ::1 is loopback', () => {
    for (const address of ['0:0:0:0:0:0:0:1', '::0001', '0::1']) assert.ok(isLoopback(address), address);
  });
});
