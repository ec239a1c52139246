import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetOutProtocol as Protocol } from 'warden-protocol';
import { checkNetOut, netOutFieldsOf, type NetOutFields } from './net-out-rule.js';

const text = (fields: NetOutFields): string => checkNetOut(fields).text;

test('every form of a rule', () => {
  const forms: [NetOutFields, string][] = [
    [{ network: '1.2.3.4' }, 'tcp 1.2.3.4'],
    [{ network: '1.2.3.4/32', port: 80 }, 'tcp 1.2.3.4 80'],
    [{ network: '10.1.2.3/8', protocol: Protocol.UDP, portRange: '53:54' }, 'udp 10.0.0.0/8 53:54'],
    [{ network: '10.0.0.1-10.0.0.9', log: true }, 'tcp 10.0.0.1-10.0.0.9 log'],
    [{ network: '10.0.0.0-10.0.0.255', log: false }, 'tcp 10.0.0.0/24'],
    [{ network: '0.0.0.0/0', protocol: Protocol.ALL }, 'all 0.0.0.0/0'],
    [{ port: 1 }, 'tcp * 1'],
    [{ network: '', port: 65_535 }, 'tcp * 65535'],
    [{ portRange: '1:65535', port: undefined }, 'tcp * 1:65535'],
    [{ port: 53, portRange: '', protocol: Protocol.UDP, icmpType: -1, icmpCode: -1 }, 'udp * 53'],
    [{ network: '1.2.3.4', protocol: Protocol.ICMP }, 'icmp 1.2.3.4'],
    [{ network: '1.2.3.4', protocol: Protocol.ICMP, icmpType: -1, icmpCode: -1 }, 'icmp 1.2.3.4'],
    [{ network: '1.2.3.4', protocol: Protocol.ICMP, icmpType: 8, icmpCode: 0 }, 'icmp 1.2.3.4 type 8 code 0'],
    [{ network: '1.2.3.4', protocol: Protocol.ICMP, icmpCode: 255, log: true }, 'icmp 1.2.3.4 code 255 log'],
    [{ domain: 'API.Example.com.', network: '' }, 'tcp api.example.com'],
    [{ domain: '*.example.com', port: 443, log: true }, 'tcp *.example.com 443 log'],
    [{ domain: 'example.com', protocol: Protocol.UDP, portRange: '1:9' }, 'udp example.com 1:9'],
    [{ domain: 'example.com', protocol: Protocol.ALL }, 'all example.com'],
    [{ domain: 'example.com', protocol: Protocol.ICMP, icmpType: -1 }, 'icmp example.com'],
  ];
  for (const [fields, expected] of forms) {
    const rule = checkNetOut(fields);
    assert.equal(rule.text, expected);
    assert.deepEqual(checkNetOut(netOutFieldsOf(rule)), rule, `${expected} by its own fields`);
  }
});

test('one port is not a range of one, and other rules have other texts', () => {
  const rules: NetOutFields[] = [
    { port: 80 }, { portRange: '80:81' }, { port: 80, log: true }, { port: 80, protocol: Protocol.UDP }, { port: 80, network: '0.0.0.0/0' }, { port: 80, network: '10.0.0.0/8' }, { network: '10.0.0.0/8' },
    { network: '10.0.0.0/9' }, { network: '10.0.0.0/8', protocol: Protocol.ICMP, icmpType: 1 }, { network: '10.0.0.0/8', protocol: Protocol.ICMP, icmpCode: 1 },
    { network: '10.0.0.0/8', protocol: Protocol.ICMP }, { network: '10.0.0.0/8', protocol: Protocol.ALL },
  ];
  assert.equal(new Set(rules.map(text)).size, rules.length);
});

test('what is refused, and how', () => {
  const nothing = 'Please specify network, port, and/or port_range.';
  const order = 'Port range maximum must be greater than minimum';
  const refusals: [NetOutFields, string | RegExp][] = [
    [{}, nothing], [{ log: true, protocol: Protocol.UDP }, nothing], [{ protocol: Protocol.ICMP, icmpType: 8 }, nothing], [{ protocol: Protocol.ALL }, nothing], [{ network: '', portRange: '' }, nothing],
    [{ portRange: '80:80' }, order], [{ portRange: '81:80' }, order], [{ portRange: '0:0' }, order], [{ portRange: '0:80' }, /between 1 and 65535/], [{ portRange: '1:65536' }, /between 1 and 65535/],
    ...['1:2 -m x', '1:2:3', ':', '1:', ':2', '80', 'a:b', ' 1:2', '01:2', '1:2\n', '-1:2', '1-2', '1:99999999999'].map((portRange): [NetOutFields, RegExp] => [{ portRange }, /^port_range .*: must be two ports, as in 8080:8090$/]),
    [{ port: 0 }, /^port 0: must be between 1 and 65535$/], [{ port: 65_536 }, /^port 65536: /],
    [{ port: 80, portRange: '80:90' }, /exclude one another/],
    ...['1.2.3', '1.2.3.4/33', '1.2.3.4-', '1.2.3.4-1.2.3.3', '::1', 'localhost', '1.2.3.4 -j ACCEPT', '!1.2.3.4', '01.2.3.4', ' 1.2.3.4', '@closed', '10.0.0.0/8, 11.0.0.0/8'].map((network): [NetOutFields, RegExp] => [{ network }, /^network .*: must be an IPv4 address/]),
    [{ network: '1.2.3.4', port: 80, protocol: Protocol.ALL }, /only TCP and UDP have ports, not ALL/], [{ network: '1.2.3.4', portRange: '1:2', protocol: Protocol.ICMP }, /not ICMP/], [{ port: 1, protocol: Protocol.ICMP }, /not ICMP/],
    [{ network: '1.2.3.4', icmpType: 8 }, /^icmp_type: only with protocol ICMP$/], [{ network: '1.2.3.4', protocol: Protocol.ALL, icmpCode: 0 }, /^icmp_code: only/],
    [{ domain: 'a.test', network: '1.2.3.4' }, /^network and domain exclude one another/], [{ domain: 'a.test', port: 1, protocol: Protocol.ALL }, /only TCP and UDP have ports/],
    [{ domain: 'a.test', protocol: Protocol.ICMP, icmpType: 8 }, /^icmp_type, icmp_code: not together with domain/], [{ domain: '', log: true }, nothing],
    ...['*', '*.', '1.2.3.4', '10.0.0.0/8', 'a b', 'a..b', '-a', 'bücher.example', '$(id)', 'a.test; flush ruleset', '*.*.test', 'a.test:443', 'http://a.test', 'a\0.test'].map((domain): [NetOutFields, RegExp] => [{ domain }, /^domain .*: must be a name such as api\.example\.com/]),
    [{ network: '1.2.3.4', protocol: Protocol.ICMP, icmpType: 256 }, /^icmp_type 256: must be between 0 and 255, or -1 for any$/], [{ network: '1.2.3.4', protocol: Protocol.ICMP, icmpCode: -2 }, /^icmp_code -2: /],
  ];
  for (const [fields, message] of refusals) assert.throws(() => checkNetOut(fields), { code: 'invalid_argument', message }, JSON.stringify(fields));
});

test('an error repeats no more of a text than a line', () => {
  assert.throws(() => checkNetOut({ network: `\u001b[2J\n${'x'.repeat(70_000)}` }), ({ message }: Error) => message.length < 250 && !/\p{Cc}/u.test(message) && message.includes('…'));
});
