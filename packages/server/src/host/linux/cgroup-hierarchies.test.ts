import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findHierarchies } from './cgroup-hierarchies.js';

const hybrid = `tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0
cgroup /mnt/elsewhere/memory cgroup rw,memory 0 0
`;
const controllers = (): string => 'hugetlb\n';

test('a hybrid machine has both, without the hierarchy of systemd and without what lies elsewhere', () => {
  assert.deepEqual(findHierarchies(hybrid, '/sys/fs/cgroup', 'auto', controllers), [
    { version: 1, mountPoint: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'] },
    { version: 1, mountPoint: '/sys/fs/cgroup/pids', controllers: ['pids'] },
    { version: 2, mountPoint: '/sys/fs/cgroup/unified', controllers: ['hugetlb'] },
  ]);
});

test('one version can be asked for', () => {
  assert.deepEqual(findHierarchies(hybrid, '/sys/fs/cgroup', 'v1', controllers).map(({ version }) => version), [1, 1]);
  assert.deepEqual(findHierarchies(hybrid, '/sys/fs/cgroup/unified', 'v2', controllers).map(({ mountPoint }) => mountPoint), ['/sys/fs/cgroup/unified']);
});

test('a machine with version 2 alone', () => {
  const found = findHierarchies('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n', '/sys/fs/cgroup', 'auto', () => 'cpuset cpu io memory pids\n');
  assert.deepEqual(found, [{ version: 2, mountPoint: '/sys/fs/cgroup', controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'] }]);
});

test('a hierarchy that is mounted twice counts once', () => {
  const twice = 'cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\ncgroup /sys/fs/cgroup/again cgroup rw,pids 0 0\n';
  assert.equal(findHierarchies(twice, '/sys/fs/cgroup', 'auto', controllers).length, 1);
});

test('none is an error that names the keys', () => {
  assert.throws(() => findHierarchies(hybrid, '/nowhere', 'auto', controllers), { code: 'unsupported', message: /\/nowhere \(server\.cgroup_version, server\.cgroup_root\)/ });
  assert.throws(() => findHierarchies('cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n', '/sys/fs/cgroup', 'v2', controllers), { message: /no cgroup v2/ });
});
