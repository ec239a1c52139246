/* The statistics of info: every number that clients know, and that they follow what a container does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, Info } from '../harness/client.js';
import { streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

const COUNTERS = ['cache', 'rss', 'mapped_file', 'pgpgin', 'pgpgout', 'swap', 'pgfault', 'pgmajfault', 'inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable'];
const MEMORY = [...COUNTERS, 'hierarchical_memory_limit', 'hierarchical_memsw_limit', ...COUNTERS.map((name) => `total_${name}`)];
const MIB = 1024n * 1024n;

function memoryOf({ memory_stat: memory }: Info, name: string): bigint {
  const value = memory?.[name];
  assert.ok(value !== undefined, name);
  return value;
}

function processorOf({ cpu_stat: processor }: Info): { usage: bigint; user: bigint; system: bigint } {
  const { usage, user, system } = processor ?? {};
  assert.ok(usage !== undefined && user !== undefined && system !== undefined);
  return { usage, user, system };
}

test('info has every number that clients know, and replies of link, run and stream have the same', async () => {
  const { client, handle } = await server.container();
  const jobs = [await client.spawn(handle, 'true'), await client.spawn(handle, 'true')] as const;
  const { info: streamed } = await client.streamAll(handle, jobs[1]);
  const infos = { info: await client.info(handle), run: (await client.run(handle, 'true')).info, link: (await client.link(handle, jobs[0])).info, stream: streamed };
  for (const [what, info] of Object.entries(infos)) {
    assert.ok(info !== undefined, what);
    assert.deepEqual(Object.keys(info.memory_stat ?? {}).sort(), [...MEMORY].sort(), what);
    assert.deepEqual(Object.keys(info.cpu_stat ?? {}).sort(), ['system', 'usage', 'user'], what);
    assert.deepEqual(Object.keys(info.bandwidth_stat ?? {}).sort(), ['in_burst', 'in_rate', 'out_burst', 'out_rate'], what);
    assert.equal(info.disk_stat?.['bytes_used'] !== undefined, info.disk_backend !== 'none', what);
    assert.deepEqual([info.state, info.job_ids.length < 3], ['active', true], what);
  }
});

test('the link: every byte and packet both ways, of one container alone, in info and not in replies of jobs', async () => {
  const { client, handle } = await server.container();
  const idle = await server.container();
  const counted = async (of: { client: Client; handle: string }) => {
    const { network_stat: stat } = await of.client.info(of.handle);
    assert.ok(stat !== undefined);
    return stat;
  };
  const { host_ip } = await client.info(handle);
  const [before, beforeIdle] = [await counted({ client, handle }), await counted(idle)];
  assert.deepEqual(Object.keys(before).sort(), ['in_bytes', 'in_packets', 'out_bytes', 'out_packets']);
  // The host refuses each datagram: it has come over the link nevertheless, and so does the refusal.
  const { info } = await client.run(handle, `perl -MSocket -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0) or die; send($s, "x" x 100, 0, pack_sockaddr_in(9, inet_aton("${host_ip}"))) for 1..20'`);
  assert.equal(info.network_stat, undefined);
  const after = await counted({ client, handle });
  const [packets, bytes] = [after.out_packets - before.out_packets, after.out_bytes - before.out_bytes];
  assert.ok(packets >= 20n && packets < 40n, `${packets} packets from the container`);
  assert.ok(bytes >= 20n * 142n && bytes < 20n * 142n + 4000n, `${bytes} bytes from the container`);
  assert.ok(after.in_packets > before.in_packets && after.in_bytes > before.in_bytes, 'refusals are packets to the container');
  const afterIdle = await counted(idle);
  assert.ok(afterIdle.out_packets - beforeIdle.out_packets < 5n, 'another container has sent nothing');
});

test('memory: what a job holds is in rss, what it has written in cache, and goes with it', async () => {
  const { client, handle } = await server.container();
  const before = await client.info(handle);
  const jobId = await client.spawn(handle, 'head -c 32M /dev/zero > /dev/shm/file; exec perl -e \'$| = 1; my $n = 64 << 20; my $x = "x" x $n; print "held\\n"; sleep 1000\'');
  await streamUntil((await server.connect()).stream(handle, jobId), 'held');
  const during = await client.info(handle);
  const growth = (name: string): bigint => memoryOf(during, name) - memoryOf(before, name);
  assert.ok(growth('rss') >= 64n * MIB && growth('rss') < 160n * MIB, `rss grew by ${growth('rss')}`);
  assert.ok(growth('cache') >= 32n * MIB && growth('cache') < 96n * MIB, `cache grew by ${growth('cache')}`);
  assert.ok(growth('pgfault') >= 64n * MIB / 4096n / 512n, 'page faults are counted');
  for (const name of COUNTERS) assert.ok(memoryOf(during, `total_${name}`) >= memoryOf(during, name), name);
  await client.stop(handle, { kill: true });
  const after = await client.info(handle);
  assert.equal(after.state, 'stopped');
  assert.ok(memoryOf(after, 'rss') < memoryOf(during, 'rss') - 48n * MIB, 'what a job held is free when it has ended');
});

test('memory: the limits are those in force', async () => {
  const { client, handle } = await server.container();
  await client.request('limit_memory', { handle, limit_in_bytes: 256n * MIB });
  const info = await client.info(handle);
  assert.equal(memoryOf(info, 'hierarchical_memory_limit'), 256n * MIB);
  assert.ok(memoryOf(info, 'hierarchical_memsw_limit') >= 256n * MIB);
});

test('processors: nanoseconds and ticks tell the same, and of one container alone', async () => {
  const { client, handle } = await server.container();
  const idle = await server.container();
  const before = processorOf(await client.info(handle));
  const beforeIdle = processorOf(await client.info(idle.handle));
  // Processor time, not time: as much of it, however busy the machine is.
  const { info } = await client.run(handle, 'perl -e \'1 while (times)[0] < 0.5\'');
  const after = processorOf(info);
  const usage = after.usage - before.usage;
  assert.ok(usage >= 450_000_000n && usage < 5_000_000_000n, `${usage} ns`);
  const ticks = after.user + after.system;
  assert.ok(after.user - before.user >= 30n, `${after.user - before.user} ticks as a user`);
  assert.ok(ticks * 10_000_000n <= after.usage + 40_000_000n && ticks * 10_000_000n >= after.usage - 100_000_000n, `${ticks} ticks, ${after.usage} ns`);
  assert.ok(processorOf(await idle.client.info(idle.handle)).usage - beforeIdle.usage < 100_000_000n, 'another container has not worked');
});

test('a stopped container has its statistics, too', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  await client.stop(handle);
  const info = await client.info(handle);
  assert.ok(processorOf(info).usage > 0n && memoryOf(info, 'total_pgfault') > 0n);
});

test('a job that its container\'s destroy ends gets the last info', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo begun; sleep 1000');
  const watcher = await server.connect();
  const linked = watcher.link(handle, jobId);
  await streamUntil((await server.connect()).stream(handle, jobId), 'begun');
  await client.destroy(handle);
  const { status, info } = await linked;
  assert.notEqual(status, 0);
  assert.deepEqual(Object.keys(info.cpu_stat ?? {}).sort(), ['system', 'usage', 'user']);
});
