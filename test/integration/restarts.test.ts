/* What a start finds when more has happened than an end of the daemon: another place, another boot, half of a destroy. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, unlinkSync, watch, writeFileSync } from 'node:fs';
import net from 'node:net';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { isAlive } from '../harness/processes.js';
import { residueBeside } from '../harness/residue.js';
import { runProgram } from '../harness/run-program.js';
import { cgroupParents } from '../harness/slot.js';
import { nextEvent, untilClean, untilSeen } from '../harness/wait.js';
import { Wardend } from '../harness/wardend.js';

const server = useServer();

/** Changes the document of a snapshot, and seals it again. */
function alterSnapshot(path: string, alter: (document: string) => string): void {
  const document = alter(readFileSync(path, 'utf8').split('\n')[0] ?? '');
  writeFileSync(path, `${document}\ncrc32 ${crc32(document).toString(16).padStart(8, '0')}\n`);
}

/** A running daemon would be in the way. Ends a container's monitor, and with it every process. */
async function endMonitor(directory: string, pids: readonly number[]): Promise<void> {
  process.kill(Number.parseInt(readFileSync(`${directory}/run/monitor.pid`, 'utf8'), 10), 'SIGKILL');
  await untilSeen('the end of what was killed', () => !pids.some(isAlive), () => pids.filter(isAlive).join());
}

test('containers and jobs are found again when the depot was moved, and what they write then is kept', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'mkfifo gate; echo before; read x < gate; seq 1 50000; exit 5');
  await streamUntil((await server.connect()).stream(handle, jobId), 'before');
  const before = await client.info(handle);
  const pids = await server.pidsOf(handle);
  await server.stop('SIGKILL');
  const moved = `${server.slot.directory}/elsewhere/moved`;
  mkdirSync(`${server.slot.directory}/elsewhere`);
  renameSync(server.paths.depot, moved);
  await server.start({ server: { container_depot_path: moved } });
  const again = await server.connect();
  const after = await again.info(handle);
  assert.deepEqual([after.state, after.events, after.job_ids], ['active', [], [BigInt(jobId)]]);
  assert.equal(after.container_path, join(moved, 'containers', basename(before.container_path)));
  assert.deepEqual(pids.filter(isAlive), pids);
  assert.equal(output(await again.run(handle, 'echo > gate; echo opened')), 'opened\n');
  const { status, stdout } = await again.link(handle, jobId);
  assert.deepEqual([status, stdout.length, stdout.slice(0, 9)], [5, 288_901, 'before\n1\n']);
  const other = await server.container();
  assert.equal(output(await other.client.run(other.handle, 'echo made here')), 'made here\n');
  await again.destroy(other.handle);
  await again.destroy(handle);
  await server.stop();
  assert.deepEqual(readdirSync(join(moved, 'containers')), []);
  renameSync(moved, server.paths.depot);
  await server.start({});
});

test('after another boot of the machine the leftovers are removed, and everything can be used again', async () => {
  await server.restart({ user: { pool_size: 2 } });
  const { client, handle } = await server.container({ network: `${server.slot.network.replace(/0$/, '40')}` });
  const { container_path: directory, container_ip: address } = await client.info(handle);
  const jobId = await client.spawn(handle, 'true');
  const pids = await server.pidsOf(handle);
  await server.stop('SIGKILL');
  await endMonitor(directory, pids);
  for (const parent of cgroupParents(server.slot)) removeGroups(parent);
  alterSnapshot(`${directory}/snapshot.json`, (document) => document.replace(/"bootId":"[^"]*"/, '"bootId":"another"'));
  await server.start();
  const again = await server.connect();
  assert.deepEqual(await again.list(), []);
  assert.match(server.daemon.log, /"reason":"the machine was started again since"/);
  assert.deepEqual(await residueBeside(server, []), []);
  const next = await server.container({ handle, network: `${server.slot.network.replace(/0$/, '40')}` });
  assert.equal((await next.client.info(handle)).container_ip, address);
  await server.container();
  await refused(again.create(), 'exhausted', /uid/);
  assert.ok(await again.spawn(handle, 'true') > jobId);
  await server.destroyAll();
  await server.restart({});
});

function removeGroups(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    removeGroups(join(path, entry.name));
    rmdirSync(join(path, entry.name));
  }
}

test('a destroy that the monitor has begun is finished by the next start, whole', async () => {
  const { client, handle } = await server.container();
  const { container_path: directory } = await client.info(handle);
  await server.stop('SIGKILL');
  // What wardend had asked of it when it was killed: DESTROY, whose answer nobody reads.
  const monitor = net.connect(`${directory}/run/monitor.sock`);
  monitor.write(Buffer.from([0, 0, 0, 0, 16, 0, 0, 0]));
  monitor.on('error', () => {});
  await untilClean(() => (existsSync(`${directory}/run/monitor.sock`) ? ['still there'] : []), () => {
    const watcher = watch(`${directory}/run`);
    return nextEvent(watcher, 'change', () => watcher.close());
  }, 10_000);
  monitor.destroy();
  await server.start();
  assert.deepEqual(await (await server.connect()).list(), []);
  assert.match(server.daemon.log, /"reason":"its destroy had begun"/);
  assert.deepEqual(await residueBeside(server, []), []);
});

test('a container whose socket somebody removed is not taken for dead', async () => {
  const { client, handle } = await server.container();
  const { container_path: directory } = await client.info(handle);
  const pids = await server.pidsOf(handle);
  await server.stop('SIGKILL');
  renameSync(`${directory}/run/monitor.sock`, `${directory}/run/aside`);
  await server.start({});
  const again = await server.connect();
  assert.deepEqual(await again.list(), [handle]);
  assert.deepEqual(pids.filter(isAlive), pids);
  renameSync(`${directory}/run/aside`, `${directory}/run/monitor.sock`);
  await server.restart({}, 'SIGKILL');
  assert.equal(output(await (await server.connect()).run(handle, 'echo here')), 'here\n');
});

test('a container whose directory is in another depot is left alone, stays filtered, and is found where it is', async () => {
  const { client, handle } = await server.container({ handle: 'stranger' });
  const { container_path: directory, container_ip: address } = await client.info(handle);
  const pids = await server.pidsOf(handle);
  const other = `${server.slot.directory}/other`;
  await server.stop();
  mkdirSync(`${other}/containers`, { recursive: true });
  renameSync(directory, join(other, 'containers', basename(directory)));
  await server.start({});
  const control = await server.connect();
  assert.deepEqual(await control.list(), []);
  assert.match(server.daemon.log, /"event":"quarantine".*not in this depot/);
  assert.deepEqual(pids.filter(isAlive), pids);
  assert.match((await runProgram('nft', ['list', 'table', 'inet', server.slot.table])).stdout, /w-stranger-0/);
  const next = await control.create();
  assert.notEqual((await control.info(next)).container_ip, address);
  await control.destroy(next);
  await server.restart({ server: { container_depot_path: other } });
  const there = await server.connect();
  assert.equal(output(await there.run(handle, 'echo here')), 'here\n');
  await there.destroy(handle);
  await server.restart({});
});

test('networks rest after a restart and after a kill, for as long as they would have', async () => {
  await server.restart({ network: { release_delay: 600, pool_network: `${server.slot.network}/28` } });
  // The warm-up of each start has one of the four.
  const { client, handle } = await server.container();
  const { container_ip: address } = await client.info(handle);
  const network = address.replace(/\d+$/, (end) => String(Number(end) - 2));
  await client.destroy(handle);
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await server.daemon.stop(signal);
    await server.revive();
    await refused((await server.connect()).create({ network }), 'invalid_argument', /^Could not acquire network: /);
  }
  await server.daemon.stop('SIGKILL');
  unlinkSync(`${server.paths.depot}/releases`);
  await server.revive();
  const again = await server.connect();
  await again.create({ handle, network });
  await again.destroy(handle);
  await server.restart({});
});

test('the grace time begins anew at a restart, also for a container that nobody connects to', async () => {
  const { client } = await server.container({ grace_time: 1 });
  await client.create({ grace_time: 0xffff_ffff, handle: 'stays' });
  server.handles.add('stays');
  const { container_path: stays } = await client.info('stays');
  await server.stop('SIGKILL');
  const directory = `${server.paths.depot}/containers`;
  assert.equal(readdirSync(directory).length, 2);
  const watcher = watch(directory);
  const daemon = Wardend.spawn(server.slot);
  try {
    const left = await untilClean(() => readdirSync(directory).filter((id) => id !== basename(stays)), () => nextEvent(watcher, 'change'), 10_000);
    assert.deepEqual(left, []);
  } finally {
    watcher.close();
    await daemon.stop('SIGKILL');
  }
  await server.start({});
  assert.deepEqual(await (await server.connect()).list(), ['stays']);
});
