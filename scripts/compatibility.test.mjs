import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from './compatibility.mjs';

const known = { capabilities: { disk: 'limit_disk', files: 'copies', better: 'more' }, profiles: { original: ['better'], insecure: ['disk'] } };

test('the socket is the option, the variable, or the usual one', () => {
  assert.equal(readOptions(['--socket', '/a'], { WARDEN_SOCKET: '/b' }, known).socket, '/a');
  assert.equal(readOptions([], { WARDEN_SOCKET: '/b' }, known).socket, '/b');
  assert.equal(readOptions([], { WARDEN_SOCKET: '' }, known).socket, '/run/warden/warden.sock');
});

test('what is left out: a kind of server, and names, each once', () => {
  assert.deepEqual(readOptions(['--as', 'original', '--without', 'disk,files', '--without', 'better', 'jobs'], {}, known), {
    socket: '/run/warden/warden.sock', without: ['better', 'disk', 'files'], list: false, help: false, patterns: ['jobs'],
  });
});

test('what there is not is refused with what there is', () => {
  assert.throws(() => readOptions(['--as', 'docker'], {}, known), /--as docker: there is no such kind of server/);
  assert.throws(() => readOptions(['--without', 'disc'], {}, known), /--without disc: there is no such capability/);
  assert.throws(() => readOptions(['--without', 'toString'], {}, known), /no such capability/);
  assert.throws(() => readOptions(['--sockets', 'x'], {}, known), /--sockets/);
});
