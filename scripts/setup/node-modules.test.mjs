import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findNodeModulesDifference } from './node-modules.mjs';

const LOCK = {
  '': { version: '0.1.0' },
  'packages/server': { version: '0.1.0' },
  'node_modules/zod': { version: '4.0.0', integrity: 'sha512-a' },
  'node_modules/for-another-system': { version: '1.0.0', optional: true },
  'node_modules/warden-server': { resolved: 'packages/server', link: true },
};
const INSTALLED = { 'node_modules/zod': LOCK['node_modules/zod'], 'node_modules/warden-server': LOCK['node_modules/warden-server'] };

/** @param {import('node:test').TestContext} t @param {object} installed @param {string[]} directories */
function checkout(t, installed, directories) {
  const root = mkdtempSync(join(tmpdir(), 'warden-setup-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'node_modules'));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: LOCK }));
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
  for (const directory of directories) mkdirSync(join(root, directory));
  return root;
}

const BOTH = ['node_modules/zod', 'node_modules/warden-server'];

test('node_modules that match the lock need nothing', (t) => {
  assert.equal(findNodeModulesDifference(checkout(t, INSTALLED, BOTH)), undefined);
});

test('an installation that never finished is seen', (t) => {
  const root = checkout(t, INSTALLED, BOTH);
  rmSync(join(root, 'node_modules/.package-lock.json'));
  assert.equal(findNodeModulesDifference(root), 'not installed yet');
});

test('another version, a missing package, a left-over one and a deleted directory are seen', (t) => {
  const other = { ...INSTALLED, 'node_modules/zod': { version: '3.0.0', integrity: 'sha512-b' } };
  assert.equal(findNodeModulesDifference(checkout(t, other, BOTH)), 'node_modules/zod has another version');
  assert.equal(findNodeModulesDifference(checkout(t, { 'node_modules/zod': LOCK['node_modules/zod'] }, BOTH)), 'node_modules/warden-server is missing');
  assert.equal(findNodeModulesDifference(checkout(t, { ...INSTALLED, 'node_modules/old': {} }, BOTH)), 'node_modules/old is left over');
  assert.equal(findNodeModulesDifference(checkout(t, INSTALLED, ['node_modules/warden-server'])), 'node_modules/zod is missing');
});
