import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacksNameServers, nameServersFor } from './name-servers.js';

test('a container reaches the host\'s nameservers but those on loopback and of IPv6; configured ones take their place', () => {
  const host = ['127.0.0.53', '192.0.2.1', '::1', '2001:db8::1', '0.0.0.0', '192.0.2.2'];
  assert.deepEqual(nameServersFor([], () => host), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(nameServersFor(['192.0.2.9'], () => assert.fail('the host\'s are not looked at')), ['192.0.2.9']);
  assert.deepEqual(nameServersFor([], () => ['127.0.0.53', '2001:db8::1']), []);
});

test('the host can ask a stub on loopback for a container; with none at all there is no DNS', () => {
  assert.equal(lacksNameServers([], ['127.0.0.53']), false);
  assert.equal(lacksNameServers([], []), true);
  assert.equal(lacksNameServers(['192.0.2.9'], []), false);
});
