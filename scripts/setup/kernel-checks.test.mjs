import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkCgroups, checkDepot, checkForwarding, checkIdmappedMounts, checkKernelVersion, checkPids, checkRights, checkSeccomp, checkUserNamespaces } from './kernel-checks.mjs';

/** @param {Record<string, string>} files */
const machine = (files) => (/** @type {string} */ path) => files[path];
const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw';
const v1 = (/** @type {string[]} */ ...names) => names.map((name) => `31 23 0:27 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}`).join('\n');

test('kernels before idmapped overlay layers are refused', () => {
  assert.equal(checkKernelVersion('5.19.0-42-generic').level, 'ok');
  assert.equal(checkKernelVersion('6.1.0-37-amd64').level, 'ok');
  assert.equal(checkKernelVersion('5.15.0-105-generic').level, 'fail');
  assert.equal(checkKernelVersion('4.19.0').level, 'fail');
});

test('cgroups: v1, v2 and hybrid are told apart', () => {
  const all = v1('cpu', 'memory', 'pids', 'devices', 'freezer');
  assert.match(checkCgroups(V2, machine({ '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n' })).text, /^cgroups: v2, cpu memory pids$/);
  assert.match(checkCgroups(all, machine({})).text, /^cgroups: v1, /);
  assert.match(checkCgroups(`${all}\n${V2}`, machine({ '/sys/fs/cgroup/cgroup.controllers': 'hugetlb' })).text, /^cgroups: hybrid/);
});

test('cgroups: missing controllers and missing hierarchies are named', () => {
  const noMemory = checkCgroups(V2, machine({ '/sys/fs/cgroup/cgroup.controllers': 'cpu pids' }));
  assert.deepEqual([noMemory.level, /without memory\./.test(noMemory.text)], ['fail', true]);
  assert.match(checkCgroups(v1('cpu', 'memory'), machine({})).text, /without pids, devices, freezer/);
  assert.match(checkCgroups('', machine({})).text, /no hierarchy is mounted/);
});

test('user namespaces that are switched off are a failure', () => {
  assert.equal(checkUserNamespaces(machine({ '/proc/sys/user/max_user_namespaces': '0' })).level, 'fail');
  assert.equal(checkUserNamespaces(machine({})).level, 'fail');
  assert.equal(checkUserNamespaces(machine({ '/proc/sys/user/max_user_namespaces': '100' })).level, 'ok');
});

test('seccomp needs its actions', () => {
  const status = { '/proc/self/status': 'Name:\tnode\nSeccomp:\t0\n' };
  assert.equal(checkSeccomp(machine({ ...status, '/proc/sys/kernel/seccomp/actions_avail': 'kill_process kill_thread trap errno trace log allow' })).level, 'ok');
  assert.equal(checkSeccomp(machine(status)).level, 'fail');
});

test('a missing CAP_SYS_RESOURCE is a warning, not a failure', () => {
  assert.deepEqual(checkRights(machine({ '/proc/self/status': 'CapEff:\t000001ffffffffff\n' })), []);
  assert.deepEqual(checkRights(machine({ '/proc/self/status': 'CapEff:\t000001fffeffffff\n' })).map(({ level }) => level), ['warn']);
});

test('forwarding and pid_max', () => {
  assert.equal(checkForwarding(machine({ '/proc/sys/net/ipv4/ip_forward': '1' })).text, 'IPv4 forwarding is on');
  assert.match(checkPids(machine({ '/proc/sys/kernel/pid_max': '32768' })).text, /lets 24 containers/);
  assert.equal(checkPids(machine({ '/proc/sys/kernel/pid_max': '4194304' })).level, 'ok');
});

test('a depot that does not exist yet is judged by its nearest parent', () => {
  assert.deepEqual(checkDepot('/dev/shm/not/there/yet').map(({ level }) => level).includes('fail'), false);
});

/** @param {import('node:test').TestContext} t @param {string} script what native/mount-check does */
function program(t, script) {
  const directory = mkdtempSync(join(tmpdir(), 'warden-checks-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'mount-check'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return join(directory, 'mount-check');
}

test('idmapped mounts are tried where the directories will be', async (t) => {
  const fine = program(t, 'test "$*" = "/tmp /usr" || { echo "asked for $*"; exit 1; }');
  assert.deepEqual(await checkIdmappedMounts(fine, ['/tmp/not/there', '/usr']), { level: 'ok', text: 'idmapped mounts of /tmp/not/there, /usr' });
  const refused = await checkIdmappedMounts(program(t, 'echo "map ids of mount: /x: Invalid argument"; exit 1'), ['/x']);
  assert.deepEqual([refused.level, /: Invalid argument\. Put container_depot_path/.test(refused.text)], ['fail', true]);
  const chroot = await checkIdmappedMounts(program(t, 'echo "make user namespace: unshare: Operation not permitted"; exit 1'), ['/x']);
  assert.match(chroot.text, /^user namespaces: make user namespace: .* must not run in a chroot$/);
  const missing = await checkIdmappedMounts('/nonexistent/mount-check', ['/']);
  assert.deepEqual([missing.level, /could not tell .*make -C native/.test(missing.text)], ['fail', true]);
});
