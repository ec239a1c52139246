import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacksNameServers, reachableNameServers } from './name-servers.js';

test('a container reaches the host\'s nameservers but those on loopback and of IPv6', () => {
  assert.deepEqual(reachableNameServers(['127.0.0.53', '192.0.2.1', '::1', '2001:db8::1', '0.0.0.0', '192.0.2.2']), ['192.0.2.1', '192.0.2.2']);
});

test('without a configured nameserver and with none of the host\'s there is no DNS', () => {
  assert.equal(lacksNameServers([], ['127.0.0.53', '::1']), true);
  assert.equal(lacksNameServers([], []), true);
  assert.equal(lacksNameServers([], ['127.0.0.53', '192.0.2.1']), false);
  assert.equal(lacksNameServers(['192.0.2.9'], ['127.0.0.53']), false);
});
