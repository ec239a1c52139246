import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpv4Range } from '../../lib/ipv4.js';
import type { NetOutRule } from '../net-out-rule.js';
import { netOutChains, netOutExpressions, netOutNote } from './net-out-expressions.js';

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
      case 'immediate\0': {
        const verdict = new Map(attributes(new Map(attributes(data.get(2)!)).get(2)!));
        return `verdict ${verdict.get(1)!.readInt32BE()} ${verdict.get(2)?.toString().replace('\0', '') ?? ''}`.trim();
      }
      default: return assert.fail('an unknown expression');
    }
  });
}

const [tcp, udp, icmp, ipv4] = [['meta 16', 'cmp 0 6'], ['meta 16', 'cmp 0 17'], ['meta 16', 'cmp 0 1'], ['meta 15', 'cmp 0 2']] as const;
/** NFT_JUMP */
const butBoth = 'verdict -3 but_closed_and_denied';

test('every form of a rule in expressions', () => {
  const forms: [Partial<NetOutRule>, readonly string[]][] = [
    [{ ports: { first: 80, last: 80 } }, [...tcp, ...ipv4, 'payload 2 2 2', 'cmp 0 0.80', butBoth]],
    [{ protocol: 'udp', network: range('203.0.113.7'), ports: { first: 256, last: 513 } },
      [...udp, ...ipv4, 'payload 1 16 4', 'cmp 0 203.0.113.7', 'payload 2 2 2', 'cmp 5 1.0', 'cmp 3 2.1', butBoth]],
    [{ protocol: 'icmp', network: range('203.0.113.1-203.0.113.9'), icmpType: 8, icmpCode: 0, log: true },
      [...icmp, ...ipv4, 'payload 1 16 4', 'cmp 5 203.0.113.1', 'cmp 3 203.0.113.9', 'payload 2 0 1', 'cmp 0 8', 'payload 2 1 1', 'cmp 0 0', 'verdict -3 logged_but_closed_and_denied']],
    [{ protocol: 'all', network: range('203.0.113.7') }, [...ipv4, 'payload 1 16 4', 'cmp 0 203.0.113.7', butBoth]],
  ];
  for (const [rule, expected] of forms) assert.deepEqual(words(rule), expected);
});

test('closed and denied addresses are opened only by what lies within them', () => {
  const endOf = (network: string, log = false): string => words({ network: range(network), log }).at(-1) ?? '';
  assert.equal(endOf('0.0.0.0/0'), butBoth);
  assert.equal(endOf('169.254.169.254'), 'verdict -3 but_denied', 'metadata, by its exact address');
  assert.equal(endOf('169.0.0.0/8'), butBoth, 'what is around it does not open it');
  assert.equal(endOf('127.0.0.0/8', true), 'verdict -3 logged_but_denied');
  assert.equal(endOf('192.0.2.0/24'), 'verdict -3 but_closed', 'a denied network by its name');
  assert.equal(endOf('192.0.2.0/23'), butBoth);
  assert.equal(endOf('10.254.0.0/22'), 'verdict -3 but_denied', 'the whole pool, without the part of it that is denied');
  assert.equal(endOf('10.254.1.4'), 'verdict 1', 'one that is both');
  assert.equal(endOf('10.254.1.4', true), 'verdict -4 logged');
  assert.equal(endOf('169.253.255.255-169.254.0.0'), butBoth, 'one address beyond');
});

test('the chains that rules end in refuse what they are named by, and go back to the rules behind', () => {
  const chains = new Map([...netOutChains.matchAll(/chain (\w+) \{([^}]*)\}/g)].map(([, name, text = '']) => [name, text.trim().split(/\n\s*/)]));
  const [closed, denied] = [['ip daddr @closed return', 'oifname @interfaces return'], ['ip daddr @denied return']];
  assert.deepEqual(Object.fromEntries(chains), {
    but_closed: [...closed, 'accept'], logged_but_closed: [...closed, 'goto logged'],
    but_denied: [...denied, 'accept'], logged_but_denied: [...denied, 'goto logged'],
    but_closed_and_denied: [...closed, ...denied, 'accept'], logged_but_closed_and_denied: [...closed, ...denied, 'goto logged'],
  });
});

test('its note is a comment as nft has them, and fits', () => {
  assert.deepEqual(Buffer.from(netOutNote({ text: 'tcp *' })), Buffer.from('\0\x06tcp *\0'));
  const longest = 'icmp 255.255.255.255-255.255.255.255 type 255 code 255 log';
  assert.ok(netOutNote({ text: longest }).length <= 128);
});

test('a rule is far smaller than what the launcher takes', () => {
  const largest = netOutExpressions({ ...plain, protocol: 'icmp', network: range('1.0.0.0/8'), icmpType: 1, icmpCode: 1, log: true }, guards);
  assert.ok(largest.length <= 1024, String(largest.length));
});
