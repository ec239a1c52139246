import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetOutProtocol } from 'warden-protocol';
import { parseIpv4Range } from '../lib/ipv4.js';
import { linkOf } from './link.js';
import { namePolicyOf } from './name-policy.js';
import { checkNetOut, type NetOutFields } from './net-out-rule.js';
import { testConfiguration } from './test-containers.js';

const link = linkOf('demo', { network: 0x0afe_0000, hostAddress: 0x0afe_0001, containerAddress: 0x0afe_0002 }, 1500);
const { TCP, UDP, ICMP, ALL } = NetOutProtocol;

function forwarded(fields: readonly NetOutFields[], network: Partial<typeof testConfiguration.network> = {}, usesForwarder = true): readonly string[] {
  return namePolicyOf({ ...testConfiguration.network, ...network }, { usesForwarder, link, netOut: fields.map(checkNetOut) }).forwarded;
}

test('a container that reaches nothing is not answered', () => {
  assert.deepEqual(forwarded([]), []);
});

test('who may ask any name server is answered by the same protocol', () => {
  assert.deepEqual(forwarded([{ network: '0.0.0.0/0', protocol: UDP }]), ['udp']);
  assert.deepEqual(forwarded([{ port: 53, protocol: TCP }]), ['tcp']);
  assert.deepEqual(forwarded([{ portRange: '1:1024', protocol: UDP }, { network: '0.0.0.0-255.255.255.255', protocol: TCP }]), ['udp', 'tcp']);
  assert.deepEqual(forwarded([{ network: '0.0.0.0/0', protocol: ALL }]), ['udp', 'tcp']);
});

test('nothing narrower will do, but the host end itself', () => {
  const narrow: NetOutFields[] = [{ port: 443 }, { network: '0.0.0.0/1', protocol: UDP }, { network: '8.8.8.8', port: 53, protocol: UDP }, { network: '0.0.0.0/0', protocol: ICMP }, { network: '10.254.0.0/30', protocol: UDP }, { network: '10.254.0.5', protocol: UDP }];
  for (const fields of narrow) assert.deepEqual(forwarded([fields]), [], JSON.stringify(fields));
  assert.deepEqual(forwarded([{ network: '10.254.0.1', port: 53, protocol: UDP }]), ['udp']);
});

test('what is open to all containers, or the host, is open to the forwarder', () => {
  assert.deepEqual(forwarded([], { allowed: [parseIpv4Range('0.0.0.0/0')!] }), ['udp', 'tcp']);
  assert.deepEqual(forwarded([], { allowHostAccess: true }), ['udp', 'tcp']);
  assert.deepEqual(forwarded([], { allowed: [parseIpv4Range('10.0.0.0/8')!] }), []);
});

test('a container whose resolv.conf names other servers is not answered', () => {
  assert.deepEqual(forwarded([{ network: '0.0.0.0/0', protocol: ALL }], { allowHostAccess: true }, false), []);
});

test('domain rules: what they open, and no name but theirs is answered', () => {
  const policy = namePolicyOf(testConfiguration.network, {
    usesForwarder: true,
    link,
    netOut: [{ domain: 'api.example.com', port: 443 }, { domain: '*.Example.com.', portRange: '1:9', protocol: UDP, log: true }, { domain: 'a.test', protocol: ALL }, { domain: 'b.test', protocol: ICMP }, { network: '0.0.0.0/0', protocol: ALL }].map(checkNetOut),
  });
  assert.deepEqual(policy, {
    rules: [
      { pattern: 'api.example.com', protocol: 6, ports: { first: 443, last: 443 }, logged: false },
      { pattern: '*.example.com', protocol: 17, ports: { first: 1, last: 9 }, logged: true },
      { pattern: 'a.test', protocol: undefined, ports: undefined, logged: false },
      { pattern: 'b.test', protocol: 1, ports: undefined, logged: false },
    ],
    forwarded: [],
  });
});
