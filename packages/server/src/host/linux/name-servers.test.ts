import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LinuxNameServers } from './name-servers.js';

const directory = mkdtempSync(join(tmpdir(), 'warden-name-servers-'));
after(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

test('no file is the same as an empty one', () => {
  assert.deepEqual(new LinuxNameServers('/nonexistent/resolv.conf').list(), []);
});

test('a stub is replaced by what systemd-resolved asks', () => {
  const stub = write('stub', 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n');
  const real = write('real', 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch .\n');
  assert.deepEqual(new LinuxNameServers(stub, real).list(), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(new LinuxNameServers(stub, '/nonexistent/resolv.conf').list(), ['127.0.0.53']);
  const direct = write('direct', 'nameserver 192.0.2.7\n');
  assert.deepEqual(new LinuxNameServers(direct, real).list(), ['192.0.2.7']);
});

test('whether they still are is known without reading them again', (t) => {
  const path = join(directory, 'later');
  const unknown = new LinuxNameServers(path).look();
  assert.deepEqual([unknown.servers, unknown.isStill()], [[], true]);
  write('later', 'nameserver 127.0.0.53\n');
  assert.equal(unknown.isStill(), false);
  const { ctimeMs } = statSync(path);
  t.mock.method(Date, 'now', () => ctimeMs + 50);
  // Written just now, it may be written once more without a trace.
  const stub = new LinuxNameServers(path, '/nonexistent/resolv.conf').look();
  assert.deepEqual([stub.servers, stub.isStill()], [['127.0.0.53'], false]);
});
