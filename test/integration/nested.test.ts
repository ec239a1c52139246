/* server.allow_nested_warden: a wardend in a container, with containers of its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { Client } from '../harness/client.js';
import type { CreateOptions } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { nativePrograms, repository, wardendProgram } from '../harness/paths.js';
import { statusField } from '../harness/processes.js';
import { buildRootfs } from '../harness/rootfs.js';
import { withDeadline } from '../harness/wait.js';

const READY_MS = 30_000;
const ALLOWED = { server: { allow_nested_warden: true } };
const server = useServer(ALLOWED, async () => {
  await buildRootfs(inner('rootfs'));
  for (const name of ['run', 'depot']) mkdirSync(inner(name), { mode: 0o755 });
  writeFileSync(inner('warden.yml'), JSON.stringify({
    server: { unix_domain_path: '/inner/run/warden.sock', container_depot_path: '/inner/depot', container_rootfs_path: '/inner/rootfs', programs_path: nativePrograms, quota: { disk_quota_enabled: false } },
    health_check_server: { port: 0 },
    network: { pool_network: '10.253.0.0/24', release_delay: 0 },
    user: { pool_start_uid: server.slot.startUid + 200, pool_size: 8, pool_start_subuid: server.slot.startSubuid + 0x100_0000 },
  }));
});

/** On the host; /inner in the container. An overlay is no place for the upper layer of another, and cannot map ids, so it is a bind mount. */
const inner = (name = ''): string => join(server.slot.directory, 'inner', name);
const withMounts = (): CreateOptions => ({ bind_mounts: [{ src_path: repository, dst_path: repository, mode: 0 }, { src_path: inner(), dst_path: '/inner', mode: 1 }] });
const startInside = `exec ${wardendProgram} --config /inner/warden.yml`;

function version2Root(): string {
  const mount = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2');
  assert.ok(mount?.[1] !== undefined, 'this machine has cgroup v2');
  return mount[1];
}

/** The inner daemon's socket is on a file system that we have, too. */
async function connectInside(): Promise<Client> {
  const watcher = watch(inner('run'));
  try {
    for (;;) {
      const changed = once(watcher, 'change');
      try {
        const client = await Client.connect(inner('run/warden.sock'));
        await client.ping();
        return client;
      } catch {
        await changed;
      }
    }
  } finally {
    watcher.close();
  }
}

/** A container in which a wardend is ready: connections to both, and the end of the job that the inner one is. */
async function nest(start = startInside): Promise<{ client: Client; handle: string; inside: Client; ended: Promise<number> }> {
  const { client, handle } = await server.container(withMounts());
  const job = await client.spawn(handle, start, { privileged: true });
  const linked = (await server.connect()).link(handle, job);
  const failed = linked.then(({ stdout, stderr }) => assert.fail(`the inner wardend ended:\n${stdout}${stderr}`));
  const inside = await withDeadline(Promise.race([connectInside(), failed]), READY_MS, 'the inner wardend is ready');
  failed.catch(() => undefined);
  return { client, handle, inside, ended: linked.then(({ status }) => status, () => 255) };
}

test('a wardend in a container makes a container, runs a job in it, destroys it and ends, and nothing is left', async () => {
  const { client, handle, inside, ended } = await nest();
  await inside.create({ handle: 'within' });
  const { container_ip: address, host_ip: gateway, network_stat: traffic } = await inside.info('within');
  assert.match(`${gateway} ${address}`, /^10\.253\.0\.\d+ 10\.253\.0\.\d+$/);
  assert.ok(traffic !== undefined);
  const { container_ip: outside } = await client.info(handle);
  assert.equal(output(await inside.run('within', `echo "hello from $(hostname) at ${address}"; id -un; grep -c . /proc/self/uid_map; grep Seccomp: /proc/self/status`)),
    `hello from within at ${address}\nvcap\n4\nSeccomp:\t2\n`, 'the inner container is confined like any other');
  assert.equal(output(await client.run(handle, `ping -c 1 -W 5 ${address} > /dev/null; ls -d /sys/class/net/w-within-0; hostname -I`, { privileged: true })), `/sys/class/net/w-within-0\n${outside} ${gateway} \n`);
  await inside.destroy('within');
  assert.deepEqual(await inside.list(), []);
  inside.close();
  output(await client.run(handle, 'pkill -TERM -o -f /bin/wardend', { privileged: true }));
  assert.equal(await ended, 0);
  const left = 'ls /inner/depot/containers; ls /sys/class/net | grep -v "^w-.*-1$"; find /sys/fs/cgroup -mindepth 2 -type d -not -name "job-*" -not -name next-job -not -name init; pgrep -x "monitor|launcher|wshd" | grep -vx 1; true';
  assert.equal(output(await client.run(handle, left, { privileged: true })), 'lo\n');
});

test('an outer container goes with everything that is in it, whatever the inner containers do', async () => {
  // A depot in memory, as on a machine whose disk must not be written to.
  const { client, handle, inside, ended } = await nest(`mount -t tmpfs none /mnt && ${startInside} --set server.container_depot_path=/mnt`);
  await inside.create({ handle: 'alive' });
  await inside.spawn('alive', 'trap "" TERM; while :; do read -t 1000 < /dev/zero; done');
  inside.close();
  await client.destroy(handle);
  await ended;
});

test('root of such a container is the host\'s, with all rights that the daemon has, in namespaces and cgroups of its own', async () => {
  const { client, handle } = await server.container();
  const status = new Map(output(await client.run(handle, 'cat /proc/self/status', { privileged: true })).split('\n').map((line) => line.split(':\t') as [string, string]));
  assert.deepEqual(['CapEff', 'CapPrm', 'CapBnd'].map((name) => status.get(name)), ['CapEff', 'CapPrm', 'CapBnd'].map((name) => statusField(server.daemon.pid, name)));
  assert.deepEqual(['Seccomp', 'NoNewPrivs'].map((name) => status.get(name)), ['0', '0']);
  const names = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'];
  const own = output(await client.run(handle, `readlink ${names.map((name) => `/proc/self/ns/${name}`).join(' ')}`, { privileged: true })).trim().split('\n');
  const hosts = names.map((name) => readlinkSync(`/proc/${server.daemon.pid}/ns/${name}`));
  assert.deepEqual(names.filter((_, index) => own[index] === hosts[index]), ['user']);
  assert.equal(output(await client.run(handle, 'mknod /dev/one b 7 77 && mknod /two c 1 3 && echo x > /two && test -e /dev/full && stat -c %t:%T /dev/one', { privileged: true })), '7:4d\n');
  assert.equal(output(await client.run(handle, 'echo 1 > /proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward && test -w /sys/kernel && echo writable', { privileged: true })), '1\nwritable\n');
  const groups = output(await client.run(handle, `find /sys/fs/cgroup -name '${server.slot.cgroupParent}*' -o -name 'warden*' -type d; find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | wc -l`, { privileged: true }));
  assert.ok(Number(groups) > 0, groups);
});

test('a job of vcap is vcap there, whose set-user-id programs work; files go in and out', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'id -un; grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status; echo x 2>/dev/null > /proc/sys/kernel/hostname || echo refused')), 'vcap\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\nrefused\n');
  output(await client.run(handle, 'cp /usr/bin/id /tmp/id && chmod 4755 /tmp/id', { privileged: true }));
  assert.equal(output(await client.run(handle, '/tmp/id -u')), '0\n');
  writeFileSync(inner('given'), 'by copy\n');
  await client.request('copy_in', { handle, src_path: inner('given'), dst_path: '/tmp/copied' });
  assert.equal(output(await client.run(handle, 'cat /tmp/copied; stat -c %U /tmp/copied')), 'by copy\nvcap\n');
  await client.request('copy_out', { handle, src_path: '/tmp/copied', dst_path: inner('taken') });
  assert.equal(readFileSync(inner('taken'), 'utf8'), 'by copy\n');
  const other = await WardenClient.connect({ path: server.paths.socket });
  try {
    await other.files.write({ handle, path: 'given' }, 'given\n');
    assert.equal(output(await client.run(handle, 'cat given; stat -c %U given')), 'given\nvcap\n');
    await other.files.write({ handle, path: '/root/given', user: 'root' }, 'to root\n');
    assert.equal(await other.files.read({ handle, path: '/root/given', user: 'root' }).text(), 'to root\n');
  } finally {
    await other.close();
  }
});

test('a nested container outlives a restart of the outer daemon, whose start says what its key means', async () => {
  const { handle, inside, ended } = await nest();
  await server.restart(ALLOWED);
  await inside.create({ handle: 'later' });
  assert.equal(output(await inside.run('later', 'echo still here')), 'still here\n');
  await inside.destroy('later');
  inside.close();
  await (await server.connect()).destroy(handle);
  await ended;
  assert.match(server.daemon.log, /"level":40.*server\.allow_nested_warden: root of a container is as good as root of this machine/);
});

test('on cgroup v2 alone its processes are in groups below its own, so that it can give those controllers', async () => {
  const options = { server: { ...ALLOWED.server, cgroup_version: 'v2', cgroup_root: version2Root() } };
  await server.restart(options);
  const { client, handle, inside, ended } = await nest();
  assert.equal(output(await client.run(handle, 'cat /sys/fs/cgroup/cgroup.procs; cat /sys/fs/cgroup/init/cgroup.procs; cat /proc/self/cgroup | grep -c "^0::/job-"', { privileged: true })), '1\n1\n');
  await inside.create({ handle: 'second' });
  assert.equal(output(await inside.run('second', 'echo on version 2')), 'on version 2\n');
  inside.close();
  await client.destroy(handle);
  await ended;
  await server.restart(ALLOWED);
});

test('without the key nothing of it is there: the inner wardend is refused what it needs', async () => {
  await server.restart({});
  const from = server.daemon.log.length;
  const { client, handle } = await server.container(withMounts());
  const { status, stdout, stderr } = await client.run(handle, startInside, { privileged: true });
  assert.notEqual(status, 0);
  assert.match(stdout + stderr, /EPERM|EROFS|EACCES|no cgroup/);
  for (const attempt of ['unshare -m true', 'mknod /tmp/null c 1 3', 'echo 1 > /proc/sys/net/ipv4/ip_forward', 'mount -t tmpfs none /tmp', 'ls /sys/fs/cgroup/*/tasks']) {
    assert.notEqual((await client.run(handle, attempt, { privileged: true })).status, 0, attempt);
  }
  assert.doesNotMatch(server.daemon.log.slice(from), /allow_nested_warden/);
});
