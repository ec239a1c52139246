import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNameServers, replaceStubs } from './resolv-conf.js';

test('nameserver lines, in order, and nothing else', () => {
  const text = '# nameserver 1.1.1.1\nsearch example.org\nnameserver 192.0.2.1\n nameserver 9.9.9.9\nnameserver\t::1 # loopback\nnameserver 192.0.2.2\noptions edns0\n';
  assert.deepEqual(parseNameServers(text), ['192.0.2.1', '::1', '192.0.2.2']);
  assert.deepEqual(parseNameServers(''), []);
});

test('a stub on loopback is replaced by the servers behind it, in its place and each once', () => {
  assert.deepEqual(replaceStubs(['127.0.0.53'], ['192.0.2.1', '192.0.2.2']), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(replaceStubs(['192.0.2.9', '127.0.0.53', '127.0.0.54', '192.0.2.3'], ['192.0.2.1', '192.0.2.9']), ['192.0.2.9', '192.0.2.1', '192.0.2.3']);
  assert.deepEqual(replaceStubs(['::1'], ['2001:db8::1']), ['2001:db8::1']);
});

test('without servers behind it, or with none but itself, a stub stays', () => {
  assert.deepEqual(replaceStubs(['127.0.0.53'], []), ['127.0.0.53']);
  assert.deepEqual(replaceStubs(['127.0.0.53'], ['127.0.0.1', '::1']), ['127.0.0.53']);
  assert.deepEqual(replaceStubs([], ['192.0.2.1']), []);
});
