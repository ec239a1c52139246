import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpv4Range } from '../../lib/ipv4.js';
import type { NetOutRule } from '../net-out-rule.js';
import { netOutExpressions } from './net-out-expressions.js';

const range = (text: string) => parseIpv4Range(text)!;
const guards = { closed: ['127.0.0.0/8', '169.254.0.0/16', '10.254.0.0/22'].map(range), denied: ['192.0.2.0/24', '10.254.1.0/24'].map(range) };
const plain: NetOutRule = { text: '', protocol: 'tcp', network: undefined, ports: undefined, domain: undefined, icmpType: undefined, icmpCode: undefined, log: false };

/** Netlink attributes: type without its flags, and contents. */
function* attributes(bytes: Buffer): Generator<[number, Buffer]> {
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt16LE(at);
    assert.ok(size >= 4 && at + size <= bytes.length, 'an attribute lies within what it is part of');
    yield [bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + size)];
    at += (size + 3) & ~3;
  }
}

/** One word for each expression, read from the bytes again. */
function words(rule: Partial<NetOutRule>): string[] {
  const bytes = Buffer.from(netOutExpressions({ ...plain, ...rule }, guards));
  return [...attributes(bytes)].map(([, element]) => {
    const parts = new Map(attributes(element));
    const data = new Map(attributes(parts.get(2)!));
    const number = (type: number): number => data.get(type)!.readInt32BE();
    switch (parts.get(1)!.toString()) {
      case 'meta\0': return `meta ${number(2)}`;
      case 'payload\0': return `payload ${number(2)} ${number(3)} ${number(4)}`;
      case 'cmp\0': return `cmp ${number(2)} ${[...new Map(attributes(data.get(3)!)).get(1)!].join('.')}`;
      case 'lookup\0': return `lookup ${data.get(1)!.toString().replace('\0', '')} ${number(5)}`;
      case 'immediate\0': {
        const verdict = new Map(attributes(new Map(attributes(data.get(2)!)).get(2)!));
        return `verdict ${verdict.get(1)!.readInt32BE()} ${verdict.get(2)?.toString().replace('\0', '') ?? ''}`.trim();
      }
      default: return assert.fail('an unknown expression');
    }
  });
}

const [tcp, udp, icmp, ipv4] = [['meta 16', 'cmp 0 6'], ['meta 16', 'cmp 0 17'], ['meta 16', 'cmp 0 1'], ['meta 15', 'cmp 0 2']] as const;
const notClosed = ['payload 1 16 4', 'lookup closed 1', 'meta 7', 'lookup interfaces 1'];
const notDenied = ['payload 1 16 4', 'lookup denied 1'];

test('every form of a rule in expressions', () => {
  const forms: [Partial<NetOutRule>, readonly string[]][] = [
    [{ ports: { first: 80, last: 80 } }, [...tcp, ...ipv4, 'payload 2 2 2', 'cmp 0 0.80', ...notClosed, ...notDenied, 'verdict 1']],
    [{ protocol: 'udp', network: range('203.0.113.7'), ports: { first: 256, last: 513 } },
      [...udp, ...ipv4, 'payload 1 16 4', 'cmp 0 203.0.113.7', 'payload 2 2 2', 'cmp 5 1.0', 'cmp 3 2.1', ...notClosed, ...notDenied, 'verdict 1']],
    [{ protocol: 'icmp', network: range('203.0.113.1-203.0.113.9'), icmpType: 8, icmpCode: 0, log: true },
      [...icmp, ...ipv4, 'payload 1 16 4', 'cmp 5 203.0.113.1', 'cmp 3 203.0.113.9', 'payload 2 0 1', 'cmp 0 8', 'payload 2 1 1', 'cmp 0 0', ...notClosed, ...notDenied, 'verdict -4 logged']],
    [{ protocol: 'all', network: range('203.0.113.7') }, [...ipv4, 'payload 1 16 4', 'cmp 0 203.0.113.7', ...notClosed, ...notDenied, 'verdict 1']],
  ];
  for (const [rule, expected] of forms) assert.deepEqual(words(rule), expected);
});

test('closed and denied addresses are opened only by what lies within them', () => {
  const guardsOf = (network: string): string => words({ network: range(network) }).slice(4).filter((word) => word.startsWith('lookup')).map((word) => word.split(' ')[1]).join(' ');
  assert.equal(guardsOf('0.0.0.0/0'), 'closed interfaces denied');
  assert.equal(guardsOf('169.254.169.254'), 'denied', 'metadata, by its exact address');
  assert.equal(guardsOf('169.0.0.0/8'), 'closed interfaces denied', 'what is around it does not open it');
  assert.equal(guardsOf('127.0.0.0/8'), 'denied');
  assert.equal(guardsOf('192.0.2.0/24'), 'closed interfaces', 'a denied network by its name');
  assert.equal(guardsOf('192.0.2.0/23'), 'closed interfaces denied');
  assert.equal(guardsOf('10.254.0.0/22'), 'denied', 'the whole pool, without the part of it that is denied');
  assert.equal(guardsOf('10.254.1.4'), '', 'one that is both');
  assert.equal(guardsOf('169.253.255.255-169.254.0.0'), 'closed interfaces denied', 'one address beyond');
});

test('a rule is far smaller than what the launcher takes', () => {
  const largest = netOutExpressions({ ...plain, protocol: 'icmp', network: range('1.0.0.0/8'), icmpType: 1, icmpCode: 1, log: true }, guards);
  assert.ok(largest.length <= 1024, String(largest.length));
});
