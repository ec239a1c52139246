/* The daemon's own life: what it refuses at start, how it ends, what a new one finds. */
import assert from 'node:assert/strict';
import { copyFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationText } from '../harness/configuration.js';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { nativePrograms, wardendProgram } from '../harness/paths.js';
import { isAlive } from '../harness/processes.js';
import { runProgram } from '../harness/run-program.js';
import { fileAppears } from '../harness/wait.js';
import type { Finished } from '../harness/run-program.js';
import type { Overrides } from '../harness/configuration.js';

const server = useServer();

async function startSecond(overrides: Overrides = {}, prefix: string[] = []): Promise<Finished> {
  const file = `${server.slot.directory}/second.yml`;
  writeFileSync(file, configurationText(server.slot, { ...overrides, server: { unix_domain_path: `${server.slot.directory}/run/second.sock`, ...overrides.server } }));
  const [program = wardendProgram, ...args] = [...prefix, wardendProgram, '--config', file];
  return await runProgram(program, args, { timeoutMs: 15_000 });
}

/** Refused at start: a status that is not 0, and one line for a person to read. */
function assertRefused({ status, stderr, stdout }: Finished, text: RegExp): void {
  assert.ok(status !== 0 && status !== null, `status ${status}`);
  const lines = `${stderr}${stdout}`.trim().split('\n');
  assert.match(lines.at(-1) ?? '', text);
  assert.equal(lines.length, 1, lines.join('\n'));
}

test('a second daemon on the same depot is refused and the first goes on', async () => {
  const { client, handle } = await server.container();
  assertRefused(await startSecond(), new RegExp(`${server.slot.directory}/depot.*${server.daemon.pid}|${server.daemon.pid}.*${server.slot.directory}/depot`));
  assert.equal(output(await client.run(handle, 'echo here')), 'here\n');
});

test('a second daemon on the same socket is refused and the first keeps it', async () => {
  const depot = `${server.slot.directory}/other-depot`;
  assertRefused(await startSecond({ server: { unix_domain_path: server.paths.socket, container_depot_path: depot } }), /warden\.sock/);
  await (await server.connect()).ping();
});

test('missing helper programs are named', async () => {
  const depot = `${server.slot.directory}/other-depot`;
  for (const missing of ['launcher', 'monitor', 'wshd', 'files', 'seccomp.bpf']) {
    const directory = `${server.slot.directory}/programs-without-${missing}`;
    mkdirSync(directory);
    for (const name of ['launcher', 'monitor', 'wshd', 'wsh', 'files', 'seccomp.bpf'].filter((each) => each !== missing)) {
      copyFileSync(`${nativePrograms}/${name}`, `${directory}/${name}`);
    }
    assertRefused(await startSecond({ server: { programs_path: directory, container_depot_path: depot } }), new RegExp(missing.replace('.', '\\.')));
  }
});

test('a daemon has one thread for V8 beside the first, which need not wait until several have got a processor', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  // And Node's four for files, and two for late tasks and for signals of the inspector.
  assert.equal(readdirSync(`/proc/${server.daemon.pid}/task`).length, 8);
});

test('a group for the socket that the machine does not have is named', async () => {
  const depot = `${server.slot.directory}/other-depot`;
  assertRefused(await startSecond({ server: { container_depot_path: depot, unix_domain_group: 'nobody-is-in-it' } }), /server\.unix_domain_group: there is no group nobody-is-in-it/);
});

test('a helper program that cannot be executed is named', async () => {
  const directory = `${server.slot.directory}/programs-without-mode`;
  mkdirSync(directory);
  for (const name of ['launcher', 'monitor', 'wshd', 'wsh', 'files', 'seccomp.bpf']) copyFileSync(`${nativePrograms}/${name}`, `${directory}/${name}`);
  chmodSync(`${directory}/launcher`, 0o644);
  assertRefused(await startSecond({ server: { programs_path: directory, container_depot_path: `${server.slot.directory}/other-depot` } }), /launcher/);
});

test('without root rights it says so', async () => {
  chmodSync(server.slot.directory, 0o755);
  assertRefused(await startSecond({}, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']), /root/);
});

test('a configuration that is wrong is refused in one line', async () => {
  assertRefused(await startSecond({ server: { colour: 'red' } }), /server\.colour/);
  assertRefused(await startSecond({ server: { job_output_limit: 'lots' } }), /server\.job_output_limit/);
  assertRefused(await runProgram(wardendProgram, ['--config', '/nonexistent.yml']), /\/nonexistent\.yml/);
});

test('a root file system that is missing is named by create', async () => {
  await server.restart({ server: { container_rootfs_path: '/nonexistent/rootfs' } });
  await refused((await server.connect()).create(), 'not_found', /^rootfs \/nonexistent\/rootfs not found/);
  await server.restart({});
});

test('SIGTERM ends it with status 0 and its socket is gone; the launcher ends too', async () => {
  const launcher = server.daemon.launcherPid;
  assert.equal(await server.stop('SIGTERM'), 0);
  assert.ok(!existsSync(server.paths.socket));
  assert.ok(!isAlive(launcher));
  await server.start({});
});

test('SIGINT ends it with status 0', async () => {
  assert.equal(await server.stop('SIGINT'), 0);
  await server.start({});
});

test('the socket is never open to others', async () => {
  const { mode } = statSync(server.paths.socket);
  assert.equal(mode & 0o777, 0o660);
  await server.restart({ server: { unix_domain_permissions: '0600' } });
  assert.equal(statSync(server.paths.socket).mode & 0o777, 0o600);
  await server.restart({});
});

test('a pidfile is written and removed', async () => {
  const pidfile = `${server.slot.directory}/wardend.pid`;
  await server.restart({ server: { pidfile } });
  assert.equal(Number(readFileSync(pidfile, 'utf8')), server.daemon.pid);
  await server.restart({});
  assert.ok(!existsSync(pidfile));
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a daemon started after ${signal} finds its containers and their jobs`, async () => {
    const { client, handle } = await server.container({ handle: `survivor-${signal}` });
    const running = await client.spawn(handle, 'mkfifo gate; echo before; read x < gate; echo after; exit 8');
    const watcher = await server.connect();
    await streamUntil(watcher.stream(handle, running), 'before');
    const before = await client.info(handle);
    const pids = await server.pidsOf(handle);
    const ended = await client.spawn(handle, 'echo done; exit 3');
    await server.restart({}, signal);
    const again = await server.connect();
    assert.deepEqual(await again.list(), [handle]);
    assert.deepEqual(pids.filter(isAlive), pids, 'no process was signalled');
    const after = await again.info(handle);
    assert.deepEqual([after.state, after.container_ip, after.container_path], [before.state, before.container_ip, before.container_path]);
    assert.equal(output(await again.run(handle, 'until [ -p gate ]; do :; done; echo > gate; echo new')), 'new\n');
    const first = await again.link(handle, running);
    assert.deepEqual([first.status, first.stdout], [8, 'before\nafter\n']);
    const second = await again.link(handle, ended);
    assert.deepEqual([second.status, second.stdout], [3, 'done\n']);
    const next = await server.container();
    assert.notEqual((await next.client.info(next.handle)).container_ip, after.container_ip);
    await refused(again.create({ handle }), 'exists', /already exists/);
  });
}

test('a job that ends while the daemon is away is not lost', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo begin; mkfifo gate; read x < gate; head -c 300000 /dev/zero; echo end >&2; exit 9');
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'begin');
  await client.run(handle, 'until [ -p gate ]; do :; done');
  const pids = await server.pidsOf(handle);
  const [gatekeeper] = pids;
  await server.stop('SIGKILL');
  writeFileSync(`/proc/${gatekeeper}/root/home/vcap/gate`, 'go\n');
  await server.start({});
  const again = await server.connect();
  const { status, out, stderr } = await again.link(handle, jobId);
  assert.deepEqual([status, out.length, stderr], [9, 300_006, 'end\n']);
});

test('what happened to a container while the daemon was away is among its events', async () => {
  await server.restart({ server: { job_output_limit: 1000 } });
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'mkfifo gate; read x < gate; exec yes');
  await client.run(handle, 'until [ -p gate ]; do :; done');
  const [gatekeeper] = await server.pidsOf(handle);
  await server.stop('SIGKILL');
  writeFileSync(`/proc/${gatekeeper}/root/home/vcap/gate`, 'go\n');
  // Its exit record is the last thing that happens to it.
  await fileAppears(`${server.paths.depot}/containers/${handle}/jobs`, `${jobId}.exit`);
  await server.start();
  const again = await server.connect();
  assert.deepEqual((await again.info(handle)).events, ['command exceeded maximum output']);
  const { status, out } = await again.link(handle, jobId);
  assert.deepEqual([status, out.length], [255, 1000]);
  await server.restart({});
});

test('state survives a restart: stopped stays stopped, events stay', async () => {
  await server.restart({ server: { job_output_limit: 1000 } });
  const { client, handle } = await server.container();
  await client.run(handle, 'exec yes');
  await client.stop(handle);
  const before = await client.info(handle);
  assert.equal(before.events.length, 1);
  await server.restart({}, 'SIGKILL');
  const after = await (await server.connect()).info(handle);
  assert.deepEqual([after.state, after.events], ['stopped', before.events]);
});

test('destroy gives jobs the configured time to end, and then kills them', async () => {
  await server.restart({ server: { stop_deadline: 0.5 } });
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'trap "" TERM; echo ready; while :; do sleep 100 & wait $!; done');
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'ready');
  const start = Date.now();
  await client.destroy(handle);
  const took = Date.now() - start;
  assert.ok(took >= 450 && took < 5_000, `took ${took} ms`);
  await server.restart({});
});

test('a container whose processes were killed from outside is not left half-alive', async () => {
  const { handle } = await server.container();
  const pids = await server.pidsOf(handle);
  for (const pid of pids.reverse()) {
    try { process.kill(pid, 'SIGKILL'); } catch { /* died with its PID 1 */ }
  }
  const client = await server.connect();
  const result = await client.run(handle, 'true').then(({ status }) => status, (error: Error) => error.message);
  assert.notEqual(result, 0);
  await client.destroy(handle);
  assert.deepEqual(readdirSync(`${server.paths.depot}/containers`), []);
});
