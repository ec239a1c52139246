/* What docs/operations.md says survives what, as far as no other file shows it. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { isAlive, parentOf } from '../harness/processes.js';
import { runProgram } from '../harness/run-program.js';
import { cgroupLeaks } from '../harness/leaks.js';

const server = useServer();
const WAITING = 'mkfifo gate; echo before; read x < gate; echo after; exit 8';

async function mustRun(program: string, args: readonly string[]): Promise<void> {
  const { status, stderr } = await runProgram(program, [...args]);
  assert.equal(status, 0, stderr);
}

test('a depot that was moved while wardend was down: containers, jobs and output are found there', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, WAITING);
  await streamUntil((await server.connect()).stream(handle, jobId), 'before');
  const before = await client.info(handle);
  const pids = await server.pidsOf(handle);
  await server.stop('SIGKILL');
  const moved = `${server.slot.directory}/moved`;
  renameSync(server.paths.depot, moved);
  try {
    await server.start({ server: { container_depot_path: moved } });
    const again = await server.connect();
    assert.deepEqual(await again.list(), [handle]);
    assert.deepEqual(pids.filter(isAlive), pids);
    const info = await again.info(handle);
    assert.deepEqual([info.state, info.host_ip, info.container_path], ['active', before.host_ip, before.container_path.replace(server.paths.depot, moved)]);
    await again.run(handle, 'echo > gate');
    const { status, stdout } = await again.link(handle, jobId);
    assert.deepEqual([status, stdout], [8, 'before\nafter\n']);
    await again.destroy(handle);
    assert.deepEqual(readdirSync(`${moved}/containers`), []);
  } finally {
    await server.destroyAll();
    await server.stop();
    renameSync(moved, server.paths.depot);
    await server.start({});
  }
});

test('after a reboot what was left of containers is removed, and handles, networks and uids are free', async () => {
  const { client, handle } = await server.container();
  const { host_ip } = await client.info(handle);
  const [init = 0] = await server.pidsOf(handle);
  const monitor = parentOf(init);
  await server.stop();
  // What a reboot takes away: processes, cgroups, interfaces; and the boot id is another.
  process.kill(monitor, 'SIGKILL');
  const [id = ''] = readdirSync(`${server.paths.depot}/containers`);
  const path = `${server.paths.depot}/containers/${id}/snapshot.json`;
  const [document = ''] = readFileSync(path, 'utf8').split('\n');
  const rebooted = JSON.stringify({ ...JSON.parse(document) as object, bootId: '00000000-0000-4000-8000-000000000000' });
  writeFileSync(path, `${rebooted}\ncrc32 ${crc32(rebooted).toString(16).padStart(8, '0')}\n`);
  await server.start({});
  const again = await server.connect();
  assert.deepEqual(await again.list(), []);
  assert.match(server.daemon.log, /the machine was started again since/);
  assert.deepEqual(cgroupLeaks(server.slot), []);
  server.handles.add(await again.create({ handle, network: host_ip }));
  assert.equal(output(await again.run(handle, 'echo new')), 'new\n');
});

test('a full disk cuts a job\'s output off as its limit does, and other containers go on', async () => {
  await server.stop();
  mkdirSync(server.paths.depot, { recursive: true });
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'warden-test', server.paths.depot]);
  try {
    await server.start({ server: { job_output_limit: 64 * 1024 * 1024 } });
    const { client, handle } = await server.container();
    const other = await server.container();
    const waiting = await other.client.spawn(other.handle, WAITING);
    const watcher = await server.connect();
    await streamUntil(watcher.stream(other.handle, waiting), 'before');
    watcher.close();
    const { status, out } = await client.run(handle, 'exec yes');
    assert.equal(status, 255);
    assert.ok(out.length > 1_000_000 && out.length < 8 * 1024 * 1024, `${out.length} bytes`);
    assert.ok(out.equals(Buffer.alloc(out.length, 'y\n')));
    assert.deepEqual((await client.info(handle)).events, ['command exceeded maximum output']);
    assert.equal(output(await client.run(handle, 'echo room again')), 'room again\n');
    await other.client.run(other.handle, 'echo > gate');
    assert.equal((await other.client.link(other.handle, waiting)).stdout, 'before\nafter\n');
    await refused(client.link(handle, waiting), 'not_found', /no such job/);
    await server.afterEach();
  } finally {
    await server.destroyAll().catch(() => undefined);
    await server.stop();
    await mustRun('umount', [server.paths.depot]);
    await server.start({});
  }
});
