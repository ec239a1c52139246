import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../setup/prepare.mjs';
import { DEPOTS } from './depots.mjs';
import { probesOf } from './probes.mjs';
import { chooseSuite, SUITE } from './suite.mjs';

const sourceOf = (/** @type {string} */ file) => readFileSync(join(root, file.replace('/dist/', '/').replace(/\.js$/, '.ts')), 'utf8');

test('every file of the suite exists, and each pattern of names finds a test in it', () => {
  for (const [depot, entries] of Object.entries(SUITE)) {
    assert.ok(DEPOTS.some(({ name }) => name === depot), depot);
    for (const { file, only = [] } of entries) {
      const names = [...sourceOf(file).matchAll(/^\s*test\((['"`])(.*?)\1,/gm)].map((match) => (match[2] ?? '').replace('${signal}', 'SIGKILL'));
      assert.ok(names.length > 0, file);
      for (const pattern of only) assert.ok(names.some((name) => new RegExp(pattern).test(name)), `${file}: no test is called ${pattern}`);
    }
  }
});

test('limits, lifecycle and network are tested, disks on both kinds of file systems', () => {
  const files = (/** @type {string} */ depot) => (SUITE[depot] ?? []).map(({ file }) => file.replace(/^.*\//, ''));
  for (const depot of ['ext4', 'xfs']) assert.ok(files(depot).includes('limit-disk.test.js'), depot);
  const all = [...files('ext4'), ...files('xfs')];
  for (const name of ['limit-memory', 'out-of-memory', 'limit-cpu', 'bandwidth', 'lifecycle', 'network']) assert.ok(all.includes(`${name}.test.js`), name);
});

test('patterns and --on choose of the suite; a built file outside of it can be named', () => {
  assert.equal(chooseSuite([]).length, Object.values(SUITE).flat().length);
  assert.deepEqual(chooseSuite(['limit-disk']).map(({ depot }) => depot), ['ext4', 'xfs']);
  assert.deepEqual(chooseSuite(['limit-disk'], 'xfs').map(({ depot }) => depot), ['xfs']);
  assert.deepEqual(chooseSuite(['test/dist/e2e/handles.test.js'], 'ext4-user'), [{ depot: 'ext4-user', file: 'test/dist/e2e/handles.test.js' }]);
  assert.throws(() => chooseSuite(['no-such-test']), /no test .* contains no-such-test/);
  assert.throws(() => chooseSuite([], 'zfs'), /no depot zfs .* ext4, xfs/);
});

test('the programs that a test wants in its root file system are found in its text', () => {
  assert.deepEqual(probesOf("useServer({ rootfs: { probes: ['core-limit', \"bomb\"] } })"), ['core-limit', 'bomb']);
  assert.deepEqual(probesOf('useServer()'), []);
});
