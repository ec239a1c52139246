import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address, formatIpv4Network, formatIpv4Range, ipv4Bytes, ipv4RangeContains, parseIpv4Address, parseIpv4Range } from './ipv4.js';

test('addresses go there and back, also above 2^31', () => {
  for (const text of ['0.0.0.0', '10.254.0.1', '192.168.255.0', '255.255.255.255']) {
    const address = parseIpv4Address(text);
    assert.ok(address !== undefined && address >= 0);
    assert.equal(formatIpv4Address(address), text);
    assert.equal([...ipv4Bytes(address)].join('.'), text);
  }
});

test('what is no address', () => {
  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.-4', ' 1.2.3.4', '1.2.3.4 ', '0x1.2.3.4', '::1', '1.2.3.4\n']) {
    assert.equal(parseIpv4Address(text), undefined, text);
  }
});

test('a range that is a network is shown as one', () => {
  const format = (text: string): string => formatIpv4Network(parseIpv4Range(text)!);
  for (const text of ['0.0.0.0/0', '10.0.0.0/8', '10.0.0.4/30', '255.255.255.254/31', '1.2.3.4', '10.0.0.1-10.0.0.9', '10.0.0.1-10.0.0.2', '10.0.0.2-10.0.0.5']) assert.equal(format(text), text);
  assert.equal(format('0.0.0.0-255.255.255.255'), '0.0.0.0/0');
  assert.equal(format('10.1.2.3/24'), '10.1.2.0/24');
});

test('networks and ranges', () => {
  const format = (text: string): string | undefined => {
    const range = parseIpv4Range(text);
    return range === undefined ? undefined : formatIpv4Range(range);
  };
  assert.equal(format('10.0.0.0/8'), '10.0.0.0-10.255.255.255');
  assert.equal(format('10.1.2.3/30'), '10.1.2.0-10.1.2.3');
  assert.equal(format('0.0.0.0/0'), '0.0.0.0-255.255.255.255');
  assert.equal(format('1.2.3.4'), '1.2.3.4');
  assert.equal(format('1.2.3.4/32'), '1.2.3.4');
  assert.equal(format('200.0.0.1-200.0.0.9'), '200.0.0.1-200.0.0.9');
  for (const text of ['1.2.3.4/33', '1.2.3.4/', '1.2.3.4/08', '1.2.3.4-', '5.0.0.0-4.0.0.0', 'example.com', '1.2.3.4/24 -m x']) assert.equal(format(text), undefined, text);
  const inner = parseIpv4Range('169.254.169.254');
  const outer = parseIpv4Range('169.254.0.0/16');
  assert.ok(inner !== undefined && outer !== undefined);
  assert.equal(ipv4RangeContains(outer, inner), true);
  assert.equal(ipv4RangeContains(inner, outer), false);
});
