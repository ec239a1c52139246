import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { collectModules, dependenciesOf } from './modules.mjs';

/** @param {string} depends */
const moduleFile = (depends) => Buffer.from(`\x7fELF…\0license=GPL\0depends=${depends}\0name=x\0`);

test('what a module needs stands in its .modinfo', () => {
  assert.deepEqual(dependenciesOf(moduleFile('')), []);
  assert.deepEqual(dependenciesOf(moduleFile('libcrc32c,nf-tables')), ['libcrc32c', 'nf_tables']);
  assert.deepEqual(dependenciesOf(Buffer.from('no such section')), []);
});

test('modules come after what they need, once each; what is built in needs none; what is missing is named', () => {
  const directory = mkdtempSync(join(tmpdir(), 'modules-'));
  try {
    mkdirSync(join(directory, 'kernel/net'), { recursive: true });
    for (const [name, depends] of [['nft_ct', 'nf_tables,nf_conntrack'], ['nf_tables', 'nfnetlink'], ['nfnetlink', ''], ['nf_conntrack', 'nfnetlink']]) {
      writeFileSync(join(directory, `kernel/net/${name}.ko`), moduleFile(depends ?? ''));
    }
    writeFileSync(join(directory, 'kernel/net/act-mirred.ko'), moduleFile('ext4'));
    writeFileSync(join(directory, 'modules.builtin'), 'kernel/fs/ext4/ext4.ko\n');
    assert.deepEqual(collectModules(directory, ['ext4', 'nft_ct', 'nf_tables', 'act_mirred']).map(({ name }) => name), ['nfnetlink', 'nf_tables', 'nf_conntrack', 'nft_ct', 'act_mirred']);
    assert.throws(() => collectModules(directory, ['nft_ct', 'xfs', 'quota-v2']), /has no xfs, quota_v2,/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
