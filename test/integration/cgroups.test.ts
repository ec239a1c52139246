/* cgroup hierarchies: v1 and v2 alike hold a container's processes and are gone with it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { CGROUP_ROOT, cgroupParents } from '../harness/slot.js';
import { readProc } from '../harness/processes.js';

const server = useServer();
const CGROUP2_MAGIC = 0x63677270;
const unified = [CGROUP_ROOT, join(CGROUP_ROOT, 'unified')].find((path) => existsSync(path) && statfsSync(path).type === CGROUP2_MAGIC);

test('v2 alone: jobs run, an over-limit job dies with all its processes, nothing is left', async () => {
  assert.ok(unified, 'no cgroup v2 hierarchy is mounted');
  await server.restart({ server: { cgroup_version: 'v2', cgroup_root: unified, job_output_limit: 10_000 } });
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'echo on v2')), 'on v2\n');
  const [pid] = await server.pidsOf(handle);
  const groups = readProc(pid ?? 0, 'cgroup').split('\n').filter((line) => line.includes(server.slot.cgroupParent));
  assert.equal(groups.length, 1);
  assert.match(groups[0] ?? '', /^0::/);
  const over = await client.run(handle, 'setsid sleep 3001 & exec yes');
  assert.equal(over.status, 255);
  assert.deepEqual((await server.processesOf(handle)).filter((command) => command.includes('sleep')), []);
  await client.stop(handle, { kill: true });
  await client.destroy(handle);
});

test('v2 alone: device nodes are still refused', async () => {
  await server.restart({ server: { cgroup_version: 'v2', cgroup_root: unified ?? '' } });
  const { client, handle } = await server.container();
  assert.equal((await client.run(handle, 'mknod /tmp/d b 254 0 2>/dev/null && echo made; true', { privileged: true })).stdout, '');
  assert.equal(output(await client.run(handle, 'echo x > /dev/null; head -c 2 /dev/zero | wc -c')), '2\n');
});

test('the usual choice of this machine joins every controller it has', async () => {
  await server.restart({});
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  const [pid] = await server.pidsOf(handle);
  const joined = readProc(pid ?? 0, 'cgroup').split('\n').filter((line) => line.includes(server.slot.cgroupParent));
  assert.ok(joined.length >= 1, joined.join(' '));
  const pidsGroup = joined.map((line) => line.split(':')).find(([, controllers]) => controllers?.split(',').includes('pids'));
  if (pidsGroup) assert.equal(readFileSync(join(CGROUP_ROOT, 'pids', pidsGroup[2] ?? '', 'pids.max'), 'utf8').trim(), '1024');
});

test('all containers together have fixed shares and three quarters of the processes, also after a kill and whatever was written there', async () => {
  await server.restart({});
  const kernel = Math.min(...['pid_max', 'threads-max'].map((name) => Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'))));
  const settings = [['pids.max', String(Math.floor(kernel * 0.75))], ['cpu.shares', '1024'], ['cpu.weight', '100']] as const;
  const places = cgroupParents(server.slot).flatMap((parent) => settings.map(([name, wanted]) => ({ path: join(parent, name), wanted }))).filter(({ path }) => existsSync(path));
  assert.equal(places.length, 2, 'a limit of processes, and shares');
  const inForce = (): string[] => places.map(({ path }) => readFileSync(path, 'utf8').trim());
  assert.deepEqual(inForce(), places.map(({ wanted }) => wanted));
  for (const { path } of places) writeFileSync(path, '500');
  await server.restart({}, 'SIGKILL');
  assert.deepEqual(inForce(), places.map(({ wanted }) => wanted));
  await server.restart({ server: { containers_pids_max: 700 } });
  assert.ok(inForce().includes('700'), inForce().join(' '));
  await server.restart({});
});

test('info tells processes and threads, also in the reply of a run, and no more when they have ended', async () => {
  const { client, handle } = await server.container();
  assert.deepEqual((await client.info(handle)).pids_stat, { current: 1n, max: 1024n });
  const jobId = await client.spawn(handle, 'for i in 1 2 3 4; do sleep 1000 & done; echo up; wait');
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'up');
  watcher.close();
  assert.deepEqual((await client.info(handle)).pids_stat, { current: 6n, max: 1024n });
  assert.equal((await client.run(handle, 'true')).info.pids_stat?.max, 1024n);
  await client.stop(handle, { kill: true });
  assert.equal((await client.info(handle)).pids_stat?.current, 1n);
});

test('a job\'s processes stay in their container\'s groups', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'setsid sleep 3002 & echo up; exec sleep 3003');
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'up');
  watcher.close();
  const pids = await server.pidsOf(handle);
  assert.ok(pids.length >= 2);
  await client.stop(handle, { kill: true });
  assert.equal((await client.link(handle, jobId)).status, 255);
});
