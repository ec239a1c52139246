/* What runs out is named in an error reply, and the next request works. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, watch, writeFileSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { Client } from '../harness/client.js';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { CGROUP_ROOT, cgroupParents } from '../harness/slot.js';
import { mustRun } from '../harness/run-program.js';
import { nextEvent, untilClean, withDeadline } from '../harness/wait.js';

const server = useServer();

test('addresses', async () => {
  await server.restart({ network: { pool_network: `${server.slot.network}/29` } });
  const { client, handle } = await server.container();
  await server.container();
  await refused(client.create(), 'exhausted', /network|address/i);
  await client.destroy(handle);
  const next = await client.create();
  assert.equal(output(await client.run(next, 'echo works')), 'works\n');
});

test('uids', async () => {
  await server.restart({ user: { pool_size: 2 } });
  const { client, handle } = await server.container();
  await server.container();
  await refused(client.create(), 'exhausted', /\buid|user/i);
  await client.destroy(handle);
  await client.create();
});

/** Restarts the daemon with its depot on a small tmpfs, for the time of `work`. */
async function withSmallDepot(options: string, work: () => Promise<void>): Promise<void> {
  await server.stop();
  const { depot } = server.paths;
  mkdirSync(depot, { recursive: true });
  await mustRun('mount', ['-t', 'tmpfs', '-o', options, 'warden-test', depot]);
  try {
    await server.start({});
    await work();
    await server.afterEach();
  } finally {
    // After a failure, too, nothing may go on living on a depot that is taken away.
    await server.destroyAll().catch(() => undefined);
    await server.stop();
    await mustRun('umount', [depot]);
    await server.start({});
  }
}

test('a depot on a full disk', async () => {
  await withSmallDepot('size=4m,nr_inodes=4000', async () => {
    const { depot } = server.paths;
    const filler = `${depot}/filler`;
    const fill = (): void => {
      const { bavail, bsize } = statfsSync(depot);
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
    };
    const client = await server.connect();
    fill();
    await refused(client.create(), 'exhausted', /no space left/);
    await client.ping();
    assert.deepEqual(await client.list(), []);
    rmSync(filler);
    const handle = await client.create();
    fill();
    // A job whose output finds no room does not pass for one that had none, and a destroy needs no room.
    const outcome = await client.run(handle, 'head -c 100000 /dev/zero').then(({ status }) => status, (error: Error) => error.message);
    assert.notEqual(outcome, 0);
    await client.destroy(handle);
    rmSync(filler);
    const next = await client.create();
    assert.equal(output(await client.run(next, 'echo works')), 'works\n');
  });
});

test('a full disk cuts a job\'s output off as its limit does, and other containers go on', async () => {
  await withSmallDepot('size=6m', async () => {
    const { client, handle } = await server.container();
    const other = await server.container();
    const waiting = await other.client.spawn(other.handle, 'mkfifo gate; echo before; read x < gate; echo after; exit 8');
    const { status, out } = await client.run(handle, 'exec yes');
    assert.equal(status, 255);
    assert.ok(out.length > 1_000_000 && out.length < 6 * 1024 * 1024, `${out.length} bytes`);
    assert.ok(out.equals(Buffer.alloc(out.length, 'y\n')));
    assert.deepEqual((await client.info(handle)).events, ['command exceeded maximum output']);
    assert.equal(output(await client.run(handle, 'echo room again')), 'room again\n');
    await other.client.run(other.handle, 'until [ -p gate ]; do :; done; echo > gate');
    const result = await other.client.link(other.handle, waiting);
    assert.deepEqual([result.status, result.stdout], [8, 'before\nafter\n']);
  });
});

test('inodes of the depot\'s file system', async () => {
  await withSmallDepot('size=64m,nr_inodes=300', async () => {
    const client = await server.connect();
    const handles: string[] = [];
    let failure: unknown;
    while (failure === undefined && handles.length < 50) await client.create().then((handle) => handles.push(handle), (error: unknown) => { failure = error; });
    assert.match(String(failure), /no space left/);
    const last = handles.pop();
    assert.ok(last !== undefined, 'one container fits');
    await client.destroy(last);
    const trash = `${server.paths.depot}/trash`;
    // A destroyed container's files are removed in the background: its inodes are free when the trash is empty.
    assert.deepEqual(await untilClean(() => readdirSync(trash), () => { const watcher = watch(trash); return nextEvent(watcher, 'change', () => watcher.close()); }, 5_000), []);
    await client.create();
  });
});

test('processes of all containers together: a job that cannot be started says so, the next one works', async () => {
  const parent = cgroupParents(server.slot).find((path) => existsSync(`${path}/pids.max`));
  assert.ok(parent, `no pids controller below ${CGROUP_ROOT}`);
  const { client, handle } = await server.container();
  const before = readFileSync(`${parent}/pids.max`, 'utf8').trim();
  writeFileSync(`${parent}/pids.max`, readFileSync(`${parent}/pids.current`, 'utf8').trim());
  try {
    await refused(client.run(handle, 'true'), 'exhausted', /out of processes/);
  } finally {
    writeFileSync(`${parent}/pids.max`, before);
  }
  assert.equal(output(await client.run(handle, 'echo works')), 'works\n');
});

test('processes of one container: a fork beyond the limit fails inside, others live', async () => {
  await server.restart({ server: { container_pids_max: 30 } });
  const [one, two] = [await server.container(), await server.container()];
  const bomb = await one.client.run(one.handle, 'exec perl -e \'for (1..60) { my $p = fork; if (!defined $p) { print "$_: $!\n"; last } if (!$p) { sleep 1000; exit } }\'');
  assert.equal(bomb.stdout, '29: Resource temporarily unavailable\n', 'PID 1, perl and 28 more are the thirty');
  assert.equal(output(await two.client.run(two.handle, 'for i in $(seq 20); do true & done; wait; echo fine')), 'fine\n');
  await one.client.stop(one.handle, { kill: true });
  await one.client.destroy(one.handle);
});

test('processes of one container: a job that cannot be started is an error, and the container lives', async () => {
  await server.restart({ server: { container_pids_max: 8 } });
  const { client, handle } = await server.container();
  // PID 1, the shell, and six of these are the eight.
  const jobId = await client.spawn(handle, 'for i in 1 2 3 4 5 6; do sleep 1000 >/dev/null 2>&1 & done; echo full; wait');
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'full');
  watcher.close();
  await refused(client.run(handle, 'true'), 'exhausted', /out of processes/);
  assert.equal((await client.info(handle)).state, 'active');
  await client.stop(handle, { kill: true });
});

test('descriptors of the daemon', async () => {
  // Node opens the daemon's own modules side by side: less would not let it start.
  await server.restart({ prefix: ['prlimit', '--nofile=160:160'] });
  const control = await server.connect();
  await control.ping();
  const sockets: net.Socket[] = [];
  for (let index = 0; index < 200; index++) {
    const socket = net.connect(server.paths.socket);
    socket.on('error', () => socket.destroy());
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    sockets.push(socket);
  }
  // Those who are in are served; a create has no descriptor left and says so, or had just enough.
  await withDeadline(control.ping(), 3_000, 'ping of a connection that is in');
  const outcome = await withDeadline(control.create().then(() => '', (error: Error) => error.message), 10_000, 'an answer to create');
  if (outcome !== '') assert.match(outcome, /descriptor|EMFILE|open files|connection/i);
  await Promise.all(sockets.map(async (socket) => {
    if (socket.closed) return;
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
  }));
  const late = await withDeadline(Client.connect(server.paths.socket), 3_000, 'a connection after the others left');
  await withDeadline(late.ping(), 3_000, 'its answer');
  const handle = await late.create();
  assert.equal(output(await late.run(handle, 'echo works')), 'works\n');
  late.close();
});
