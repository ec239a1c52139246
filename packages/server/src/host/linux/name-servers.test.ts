import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinuxNameServers, parseNameServers } from './name-servers.js';

test('nameserver lines, in order, and nothing else', () => {
  const text = '# nameserver 1.1.1.1\nsearch example.org\nnameserver 192.0.2.1\n nameserver 9.9.9.9\nnameserver\t::1 # loopback\nnameserver 192.0.2.2\noptions edns0\n';
  assert.deepEqual(parseNameServers(text), ['192.0.2.1', '::1', '192.0.2.2']);
  assert.deepEqual(parseNameServers(''), []);
});

test('no file is the same as an empty one', () => {
  assert.deepEqual(new LinuxNameServers('/nonexistent/resolv.conf').list(), []);
});
