import assert from 'node:assert/strict';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findBuildUser, readOperatingSystem, requireNodeVersion, requireRoot } from './machine.mjs';

test('Node before 20.19 is refused', () => {
  for (const version of ['18.20.0', '20.9.0', '20.18.3']) assert.throws(() => requireNodeVersion(version), /too old: warden needs 20\.19/, version);
  for (const version of ['20.19.0', '20.20.2', '22.0.0', '24.1.0']) requireNodeVersion(version);
});

test('without root rights the command to type is named', () => {
  assert.throws(() => requireRoot('npm start', 1000), (error) => error instanceof Error && /root rights/.test(error.message) && 'remedy' in error && /sudo npm start/.test(String(error.remedy)));
  requireRoot('npm start', 0);
});

test('the system\'s name and code name are read, with and without quotes', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-machine-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'os-release'), 'PRETTY_NAME="Debian 13"\nID=debian\nVERSION_CODENAME=trixie\n');
  assert.deepEqual(readOperatingSystem(join(directory, 'os-release')), { name: 'Debian 13', id: 'debian', codename: 'trixie' });
  assert.deepEqual(readOperatingSystem('/nonexistent'), { name: 'an unknown system', id: '', codename: '' });
});

test('the owner of the checkout builds, unless root has built there already', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'warden-machine-'));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'package.json'), '{}');
  writeFileSync(join(root, 'passwd'), `root:x:0:0::/root:/bin/sh\nalice:x:4000:4001::${root}:/bin/sh\n`);
  const found = () => findBuildUser(root, join(root, 'passwd'));
  assert.equal(found(), undefined, 'root owns it');
  for (const path of [root, join(root, 'package.json')]) chownSync(path, 4000, 4001);
  assert.deepEqual(found(), { uid: 4000, gid: 4001, home: root });
  mkdirSync(join(root, 'node_modules'));
  assert.equal(found(), undefined, 'root has installed node_modules');
  chownSync(join(root, 'node_modules'), 4000, 4001);
  writeFileSync(join(root, 'passwd'), 'root:x:0:0::/root:/bin/sh\n');
  assert.equal(found(), undefined, 'the owner is unknown here');
});
