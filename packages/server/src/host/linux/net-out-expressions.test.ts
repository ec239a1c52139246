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
      case 'payload\0': return data.has(1) ? `payload ${number(2)} ${number(3)} ${number(4)}` : `store ${number(2)} ${number(3)} ${number(4)} checksum ${number(6)} ${number(7)}`;
      case 'cmp\0': return `cmp ${number(2)} ${[...new Map(attributes(data.get(3)!)).get(1)!].join('.')}`;
      case 'bitwise\0': return `bits ${[4, 5].map((type) => new Map(attributes(data.get(type)!)).get(1)!.toString('hex')).join(' ^ ')} of ${number(3)}`;
      default: return assert.fail('an unknown expression');
    }
  });
}

const [tcp, udp, icmp] = [6, 17, 1].map((protocol) => ['payload 1 9 1', `cmp 0 ${protocol}`]) as [string[], string[], string[]];
/** Three expressions, for one of the notes that the chain `noted` knows. */
const noteFor = (opening: string): string[] => {
  const bit = Number(new RegExp(`ip frag-off & (0x\\w+) != 0 jump ${opening}\n`).exec(netOutChains)?.[1]);
  const hex = (value: number): string => value.toString(16).padStart(4, '0');
  return ['payload 1 6 2', `bits ${hex(0xffff ^ bit)} ^ ${hex(bit)} of 2`, 'store 1 6 2 checksum 1 10'];
};
const butBoth = noteFor('but_closed_and_denied');

test('every form of a rule in expressions', () => {
  const forms: [Partial<NetOutRule>, readonly string[]][] = [
    [{ ports: { first: 80, last: 80 } }, [...tcp, 'payload 2 2 2', 'cmp 0 0.80', ...butBoth]],
    [{ protocol: 'udp', network: range('203.0.113.7'), ports: { first: 256, last: 513 } },
      [...udp, 'payload 1 16 4', 'cmp 0 203.0.113.7', 'payload 2 2 2', 'cmp 5 1.0', 'cmp 3 2.1', ...butBoth]],
    [{ protocol: 'icmp', network: range('203.0.113.1-203.0.113.9'), icmpType: 8, icmpCode: 0, log: true },
      [...icmp, 'payload 1 16 4', 'cmp 5 203.0.113.1', 'cmp 3 203.0.113.9', 'payload 2 0 1', 'cmp 0 8', 'payload 2 1 1', 'cmp 0 0', ...noteFor('logged_but_closed_and_denied')]],
    [{ protocol: 'all', network: range('203.0.113.7') }, ['payload 1 16 4', 'cmp 0 203.0.113.7', ...butBoth]],
  ];
  for (const [rule, expected] of forms) assert.deepEqual(words(rule), expected);
});

test('closed and denied addresses are opened only by what lies within them', () => {
  const endOf = (network: string, log = false): string[] => words({ network: range(network), log }).slice(-3);
  assert.deepEqual(endOf('0.0.0.0/0'), butBoth);
  assert.deepEqual(endOf('169.254.169.254'), noteFor('but_denied'), 'metadata, by its exact address');
  assert.deepEqual(endOf('169.0.0.0/8'), butBoth, 'what is around it does not open it');
  assert.deepEqual(endOf('127.0.0.0/8', true), noteFor('logged_but_denied'));
  assert.deepEqual(endOf('192.0.2.0/24'), noteFor('but_closed'), 'a denied network by its name');
  assert.deepEqual(endOf('192.0.2.0/23'), butBoth);
  assert.deepEqual(endOf('10.254.0.0/22'), noteFor('but_denied'), 'the whole pool, without the part of it that is denied');
  assert.deepEqual(endOf('10.254.1.4'), noteFor('but_nothing'), 'one that is both');
  assert.deepEqual(endOf('10.254.1.4', true), noteFor('logged_but_nothing'));
  assert.deepEqual(endOf('169.253.255.255-169.254.0.0'), butBoth, 'one address beyond');
});

test('what rules have noted is opened but for what it is named by, is taken out of the packet first, and each outcome has a bit of its own', () => {
  const chains = new Map([...netOutChains.matchAll(/chain (\w+) \{([^}]*)\}/g)].map(([, name, text = '']) => [name, text.trim().split(/\n\s*/)]));
  const [closed, denied] = [['ip daddr @closed return', 'oifname @interfaces return'], ['ip daddr @denied return']];
  const clean = 'ip frag-off set ip frag-off & 0x4000';
  const [accept, log] = [`${clean} accept`, `${clean} goto logged`];
  const noted = chains.get('noted') ?? [];
  chains.delete('noted');
  assert.deepEqual(Object.fromEntries(chains), {
    but_closed: [...closed, accept], logged_but_closed: [...closed, log],
    but_denied: [...denied, accept], logged_but_denied: [...denied, log],
    but_closed_and_denied: [...closed, ...denied, accept], logged_but_closed_and_denied: [...closed, ...denied, log],
    but_nothing: [accept], logged_but_nothing: [log],
  });
  assert.equal(noted.at(-1), clean, 'what none opens goes on as it came');
  const bits = noted.slice(0, -1).map((line) => /^ip frag-off & 0x(\w+) != 0 jump (\w+)$/.exec(line) ?? []);
  assert.deepEqual(bits.map(([, , name]) => name).sort(), [...chains.keys()].sort());
  assert.equal(bits.reduce((sum, [, bit = '']) => sum | Number.parseInt(bit, 16), 0), 0xff);
  assert.ok(bits.slice(0, 4).every(([, , name = '']) => name.startsWith('logged')), 'a rule that logs is asked first');
});

test('a rule has only expressions that are added without a look at all others', () => {
  const forms: Partial<NetOutRule>[] = [{ protocol: 'icmp', network: range('1.0.0.0/8'), icmpType: 1, icmpCode: 1, log: true }, { protocol: 'all', network: range('1.2.3.4') }, { ports: { first: 1, last: 2 } }];
  for (const form of forms) assert.ok(words(form).every((word) => /^(payload|cmp|bits|store) /.test(word)), String(words(form)));
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
