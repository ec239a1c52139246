import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { prepareRootFileSystem } from './root-file-system.mjs';

/**
 * A small host, and a place for the root file system made from it.
 * @param {import('node:test').TestContext} t
 */
function world(t) {
  const base = mkdtempSync(join(tmpdir(), 'warden-rootfs-'));
  chmodSync(base, 0o755);
  t.after(() => rmSync(base, { recursive: true }));
  const host = join(base, 'host');
  const write = (/** @type {string} */ path, /** @type {string} */ content, mode = 0o644) => {
    mkdirSync(dirname(join(host, path)), { recursive: true });
    writeFileSync(join(host, path), content);
    chmodSync(join(host, path), mode);
  };
  write('etc/ld.so.cache', 'cache');
  write('etc/passwd', 'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n');
  write('etc/shadow', 'root:secret', 0o640);
  write('etc/machine-id', '0123');
  write('etc/ssl/certs/ca.pem', 'certificate');
  write('etc/ssl/certs/private.pem', 'key', 0o640);
  write('usr/share/zoneinfo/Europe/Berlin', 'tz');
  write('usr/bin/true', 'program', 0o755);
  mkdirSync(join(host, 'etc/alternatives'));
  symlinkSync('/usr/bin/mawk', join(host, 'etc/alternatives/awk'));
  symlinkSync('/usr/share/zoneinfo/Europe/Berlin', join(host, 'etc/localtime'));
  symlinkSync('usr/bin', join(host, 'bin'));
  mkdirSync(join(host, 'lib64'));
  return { host, write, directory: join(base, 'rootfs', 'default') };
}

test('what is needed is there, what is secret is not', (t) => {
  const { host, directory } = world(t);
  assert.equal(prepareRootFileSystem(directory, host), true);
  const read = (/** @type {string} */ path) => readFileSync(join(directory, path), 'utf8');
  assert.equal(read('etc/ld.so.cache'), 'cache');
  assert.equal(read('etc/ssl/certs/ca.pem'), 'certificate');
  assert.equal(readlinkSync(join(directory, 'etc/alternatives/awk')), '/usr/bin/mawk');
  assert.equal(readlinkSync(join(directory, 'bin')), 'usr/bin');
  assert.match(read('etc/passwd'), /^root:\*:0:0:/);
  assert.doesNotMatch(read('etc/passwd'), /alice/);
  for (const secret of ['etc/shadow', 'etc/machine-id', 'etc/ssl/certs/private.pem', 'usr/bin']) assert.equal(existsSync(join(directory, secret)), false, secret);
  assert.equal(statSync(join(directory, 'tmp')).mode & 0o7777, 0o1777);
  assert.deepEqual(readdirSync(join(directory, 'home')), []);
  assert.equal(readlinkSync(join(directory, 'var/run')), '/run');
});

test('the mounts beside it name /usr, and every top-level directory that is not merged into it', (t) => {
  const { host, directory } = world(t);
  prepareRootFileSystem(directory, host);
  const path = `${directory}.mounts.json`;
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
    version: 1,
    mounts: [{ source: join(host, 'usr'), destination: '/usr' }, { source: join(host, 'lib64'), destination: '/lib64' }],
  });
  assert.equal(lstatSync(path).mode & 0o777, 0o644);
});

test('it is built again only when the host changed, and the old one is kept for the containers on it', (t) => {
  const { host, write, directory } = world(t);
  prepareRootFileSystem(directory, host);
  assert.equal(prepareRootFileSystem(directory, host), false);
  write('etc/ld.so.cache', 'another cache');
  assert.equal(prepareRootFileSystem(directory, host), true);
  assert.equal(readFileSync(join(directory, 'etc/ld.so.cache'), 'utf8'), 'another cache');
  const retired = readdirSync(dirname(directory)).filter((name) => name.includes('.retired-'));
  assert.equal(retired.length, 1);
  assert.equal(readFileSync(join(dirname(directory), retired[0] ?? '', 'etc/ld.so.cache'), 'utf8'), 'cache');
});

test('what earlier boots and killed builds left is removed by the next build', (t) => {
  const { host, directory } = world(t);
  for (const left of ['default.retired-000000000000-1-1', 'default.partial-4194305', 'other.retired-000000000000-1-1']) mkdirSync(join(dirname(directory), left, 'etc'), { recursive: true });
  prepareRootFileSystem(directory, host);
  assert.deepEqual(readdirSync(dirname(directory)).sort(), ['default', 'default.mounts.json', 'default.stamp', 'other.retired-000000000000-1-1']);
});

test('a place that others may write to is refused', (t) => {
  const { host, directory } = world(t);
  mkdirSync(dirname(directory));
  chmodSync(dirname(directory), 0o777);
  assert.throws(() => prepareRootFileSystem(directory, host), /must belong to root and be writable by root only/);
});

test('a time zone outside of /usr becomes UTC', (t) => {
  const { host, directory } = world(t);
  rmSync(join(host, 'etc/localtime'));
  symlinkSync('/home/somebody/zone', join(host, 'etc/localtime'));
  prepareRootFileSystem(directory, host);
  assert.equal(readlinkSync(join(directory, 'etc/localtime')), '/usr/share/zoneinfo/Etc/UTC');
});
