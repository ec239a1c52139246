import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpv4Address } from '../../lib/ipv4.js';
import type { NameOpening } from '../name-firewall.js';
import { LinuxNameFirewall, nameSets } from './name-firewall.js';

const firewall = new LinuxNameFirewall('t');
const container = parseIpv4Address('10.254.0.2')!;
const address = parseIpv4Address('198.51.100.1')!;
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const opening = (changes: Partial<NameOpening>): NameOpening => ({ address, protocol: 6, ports: { first: 443, last: 443 }, logged: false, ...changes });

test('an opening is an element of the map for what it opens, with a time', () => {
  const element = firewall.opening(container, opening({}), 1500.2);
  assert.deepEqual([element.operation, element.set, element.jump, element.timeoutMs], ['add', 'opened_ports', 'unlogged', 1501]);
  assert.equal(hex(element.key), '0afe0002c63364010600000001bb0000');
  assert.equal(element.keyEnd, undefined);
  const range = firewall.opening(container, opening({ protocol: 17, ports: { first: 8000, last: 8999 }, logged: true }), 1000);
  assert.deepEqual([range.set, range.jump, hex(range.key), hex(range.keyEnd)], ['opened_ranges', 'logged', '0afe0002c6336401110000001f400000', '0afe0002c63364011100000023270000']);
  const protocol = firewall.opening(container, opening({ protocol: 1, ports: undefined }), 1000);
  assert.deepEqual([protocol.set, hex(protocol.key)], ['opened_protocols', '0afe0002c633640101000000']);
  const all = firewall.opening(container, opening({ protocol: undefined, ports: undefined }), 1000);
  assert.deepEqual([all.set, hex(all.key)], ['opened_addresses', '0afe0002c6336401']);
});

test('what is over is deleted by its key alone', () => {
  const element = firewall.opening(container, opening({}), undefined);
  assert.deepEqual([element.operation, element.jump, element.timeoutMs], ['delete', undefined, undefined]);
});

test('questions: all of a container, or those to its host end by a protocol', () => {
  const elements = firewall.questions(container, { restricted: true, forwarded: ['udp', 'tcp'] }, 'ensure');
  assert.deepEqual(elements.map(({ set, key }) => `${set} ${hex(key)}`), ['restricted_names 0afe0002', 'forwarded_names 0afe000211000000', 'forwarded_names 0afe000206000000']);
  for (const operation of ['ensure', 'delete'] as const) assert.deepEqual(firewall.questions(container, { restricted: false, forwarded: [] }, operation), []);
});

test('the resolver\'s port replaces the one before', () => {
  const show = (port: number, before: number): string[] => firewall.resolver(port, before).map(({ operation, set, key, data }) => `${operation} ${set} ${hex(key)} ${hex(data)}`);
  assert.deepEqual(show(40_000, 0), ['delete resolver 0035 ', 'ensure resolver 0035 9c40', 'ensure resolver_ports 9c40 ']);
  assert.deepEqual(show(40_001, 40_000), ['delete resolver 0035 ', 'delete resolver_ports 9c40 ', 'ensure resolver 0035 9c41', 'ensure resolver_ports 9c41 ']);
});

test('the tables\' text has what containers have, with the time that is left', () => {
  const text = nameSets({
    resolverPort: 40_000,
    containers: [
      { container, restricted: true, forwarded: [], openings: [{ opening: opening({}), timeoutMs: 1500 }, { opening: opening({ ports: { first: 1, last: 9 }, logged: true }), timeoutMs: 9 }, { opening: opening({ protocol: undefined, ports: undefined }), timeoutMs: 60_000 }] },
      { container: container + 4, restricted: false, forwarded: ['udp'], openings: [] },
    ],
  });
  for (const part of [
    'set restricted_names { type ipv4_addr; elements = { 10.254.0.2 }; }', 'elements = { 10.254.0.6 . udp }', 'elements = { 53 : 40000 }', 'elements = { 40000 }',
    '10.254.0.2 . 198.51.100.1 . 6 . 443 timeout 2s : jump unlogged', '10.254.0.2 . 198.51.100.1 . 6 . 1-9 timeout 1s : jump logged', '10.254.0.2 . 198.51.100.1 timeout 60s : jump unlogged',
  ]) assert.ok(text.includes(part), part);
});
