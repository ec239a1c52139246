import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupHierarchy } from './cgroup-hierarchies.js';
import { numberAt, numberOf, usageFilesIn, usageHierarchies } from './usage-files.js';

const version1 = (...controllers: string[]): CgroupHierarchy => ({ version: 1, mountPoint: `/cgroup/${controllers.join()}`, controllers });

function filesOf(hierarchies: readonly CgroupHierarchy[]): string[][] {
  const chosen = usageHierarchies(hierarchies);
  return hierarchies.map((hierarchy) => usageFilesIn(hierarchy, chosen));
}

test('each hierarchy of version 1 tells what its controllers count, and version 2 beside them nothing', () => {
  assert.deepEqual(filesOf([version1('memory'), version1('cpu', 'cpuacct'), version1('pids'), version1('freezer'), { version: 2, mountPoint: '/cgroup/unified', controllers: ['hugetlb'] }]), [
    ['memory.stat'], ['cpuacct.usage', 'cpuacct.stat'], ['pids.current', 'pids.max'], [], [],
  ]);
});

test('version 2 alone tells all of it', () => {
  assert.deepEqual(filesOf([{ version: 2, mountPoint: '/cgroup', controllers: ['cpu', 'memory', 'pids'] }]), [
    ['memory.stat', 'memory.swap.current', 'memory.max', 'memory.swap.max', 'cpu.stat', 'pids.current', 'pids.max'],
  ]);
  assert.deepEqual(filesOf([{ version: 2, mountPoint: '/cgroup', controllers: [] }]), [['cpu.stat']]);
});

test('numbers of texts, exact at any length', () => {
  for (const value of [0n, 7n, 999_999_999_999_999n, 1_000_000_000_000_000n, 18_446_744_073_709_551_615n]) {
    assert.equal(numberAt(Buffer.from(`${value}\n`)), value);
    assert.equal(numberOf(Buffer.from(`system 3\nuser ${value}\n`), 'user'), value);
  }
});

test('a name counts at the beginning of a line only', () => {
  const text = Buffer.from('nice_user_usec 1\nuser_usec 2\nusage_usec 3');
  assert.deepEqual([numberOf(text, 'user_usec'), numberOf(text, 'usage_usec'), numberOf(text, 'usec')], [2n, 3n, 0n]);
});
