/* SIGUSR2 and SIGTERM, in every state that a connection can be in: what is under way is finished, all others are closed, and containers and jobs live on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { hashOfNumbers } from '../harness/numbers.js';
import { isAlive, parentOf } from '../harness/processes.js';

const LIMIT = 64 * 1024 * 1024;
const ENDLESS = 1_000_000_000;
/** Some 30 MiB. */
const FIRST_FLOOD = 4_000_000;
/** From the signal to the end of the process, whatever its clients do. */
const DEADLINE_MS = 10_000;
const server = useServer({ server: { job_output_limit: LIMIT } });

/** A job that writes, waits to be told, and writes again. */
const WAITING = 'mkfifo gate; echo before; read x < gate; echo after; exit 8';
/** A job that ends by TERM, but not before it is told. */
const RELUCTANT = 'mkfifo gate; trap "echo term; read x < gate; exit 7" TERM; echo ready; while :; do sleep 1000 & wait; done';

/** Tells a waiting job to go on, while there is no daemon that could. */
function openGate(pid: number): void {
  writeFileSync(`/proc/${pid}/root/home/vcap/gate`, 'go\n');
}

/** What the daemon has been sent on another connection was read when it has answered some requests on this one. */
async function letItRead(client: Client): Promise<void> {
  for (let round = 0; round < 5; round++) await client.ping();
}

/** Resolves with what became of a request: its answer, or why there was none. */
function fate(request: Promise<unknown>): Promise<unknown> {
  return request.catch((error: Error) => error.message);
}

const CLOSED = 'the server closed the connection';

async function reluctant(): Promise<{ readonly handle: string; readonly init: number; readonly client: Client; begun(): Promise<string> }> {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, RELUCTANT);
  const stream = (await server.connect()).stream(handle, jobId);
  await streamUntil(stream, 'ready');
  const [init = 0] = await server.pidsOf(handle);
  return { handle, init, client, begun: () => streamUntil(stream, 'term') };
}

for (const signals of [['SIGUSR2'], ['SIGTERM'], ['SIGUSR2', 'SIGUSR2', 'SIGTERM'], ['SIGTERM', 'SIGINT', 'SIGTERM']] as const) {
  test(`${signals.join(', ')}: every connection ends as its state demands`, async () => {
    const { client: idle, handle } = await server.container();
    const { handle: doomed } = await server.container();
    const { handle: flooded, client: flooding } = await server.container();
    const [stopped, queueing] = [await reluctant(), await reluctant()];
    const watcher = await server.connect();

    // Waiting for a job, by each of the three requests.
    const jobId = await idle.spawn(handle, WAITING);
    const stream = watcher.stream(handle, jobId);
    await streamUntil(stream, 'before');
    const linking = fate((await server.connect()).link(handle, jobId));
    const running = fate((await server.connect()).run(handle, 'read x < never; mkfifo never; read x < never'));
    const streaming = fate(stream.next());
    // Input that its job does not take, and logs that are followed.
    const deaf = await idle.spawn(handle, 'mkfifo never-read; read x < never-read', { stdin: true });
    const writing = fate((await server.connect()).input(handle, deaf, Buffer.alloc(1024 * 1024)));
    const logs = (await server.connect()).logs(handle, jobId, { follow: true });
    await logs.next();
    const logging = fate(logs.next());
    // Half a frame.
    const half = net.connect(server.paths.socket);
    await once(half, 'connect');
    half.write('100\r\nabc');
    const halfClosed = once(half.resume(), 'close');
    // In the middle of stop, of create and of destroy, and with a request behind one that is under way.
    const launcher = server.daemon.launcherPid;
    const monitor = parentOf((await server.pidsOf(doomed))[0] ?? 0);
    const stopping = fate(stopped.client.stop(stopped.handle));
    await stopped.begun();
    const creating = fate((await server.connect()).create({ handle: 'in-the-middle' }));
    const first = fate(queueing.client.stop(queueing.handle));
    const second = fate(queueing.client.create({ handle: 'behind' }));
    await queueing.begun();
    // In the middle of much output, of which the job keeps half back: it would be over when the rest took long.
    const flood = await flooding.spawn(flooded, `mkfifo gate; seq 1 ${FIRST_FLOOD}; read x < gate; exec seq ${FIRST_FLOOD + 1} ${ENDLESS}`);
    const [floodInit = 0] = await server.pidsOf(flooded);
    const floodStream = (await server.connect()).stream(flooded, flood);
    await floodStream.next();
    const streamedBytes = fate((async () => { for await (const chunk of floodStream) assert.equal(chunk.status, undefined); })());
    process.kill(launcher, 'SIGSTOP');
    process.kill(monitor, 'SIGSTOP');
    const destroying = fate((await server.connect()).destroy(doomed));
    const lateCreate = fate((await server.connect()).create({ handle: 'late' }));
    await letItRead(idle);
    const pids = await server.pidsOf(handle);

    const began = performance.now();
    for (const signal of signals) server.daemon.child.kill(signal);
    const ended = server.endOf(DEADLINE_MS);
    await Promise.all([idle.closed(), halfClosed]);
    assert.deepEqual(await Promise.all([linking, running, streaming, streamedBytes, writing, logging]), Array.from({ length: 6 }, () => CLOSED));
    await assert.rejects(server.connect(), /ENOENT|ECONNREFUSED/);
    // Nothing else is let go before it is done.
    process.kill(launcher, 'SIGCONT');
    process.kill(monitor, 'SIGCONT');
    openGate(stopped.init);
    openGate(queueing.init);
    assert.deepEqual(await Promise.all([creating, lateCreate]), ['in-the-middle', 'late']);
    assert.deepEqual(await Promise.all([stopping, destroying, first, second]), [undefined, undefined, undefined, CLOSED]);
    assert.equal(await ended, 0);
    assert.ok(performance.now() - began < DEADLINE_MS);
    assert.deepEqual(pids.filter(isAlive), pids);
    openGate(pids[0] ?? 0);
    openGate(floodInit);

    await server.start();
    const again = await server.connect();
    assert.deepEqual((await again.list()).sort(), [handle, flooded, stopped.handle, queueing.handle, 'in-the-middle', 'late'].sort());
    assert.deepEqual((await again.info(stopped.handle)).state, 'stopped');
    const { status, stdout } = await again.link(handle, jobId);
    assert.deepEqual([status, stdout], [8, 'before\nafter\n']);
    const hash = createHash('sha256');
    let bytes = 0;
    let floodStatus: number | undefined;
    for await (const chunk of again.stream(flooded, flood)) {
      hash.update(chunk.data);
      bytes += chunk.data.length;
      floodStatus = chunk.status;
    }
    assert.deepEqual([bytes, hash.digest('hex'), floodStatus], [LIMIT, await hashOfNumbers(ENDLESS, LIMIT), 255]);
    assert.deepEqual((await again.info(flooded)).events, ['command exceeded maximum output']);
    for (const name of ['in-the-middle', 'late']) assert.equal((await again.run(name, 'echo works')).stdout, 'works\n');
  });
}

test('a client that does not read its replies does not hold the end up', async () => {
  const { client, handle } = await server.container();
  const [deaf, pipelining] = [await server.connect(), await server.connect()];
  for (const each of [deaf, pipelining]) {
    each.socket.pause();
    for (let index = 0; index < 40; index++) each.echo('x'.repeat(100_000)).catch(() => undefined);
  }
  pipelining.create({ handle: 'never-begun' }).catch(() => undefined);
  await letItRead(client);
  const began = performance.now();
  server.daemon.child.kill('SIGUSR2');
  assert.equal(await server.endOf(DEADLINE_MS), 0);
  assert.ok(performance.now() - began < DEADLINE_MS / 2, `took ${performance.now() - began} ms`);
  await server.start();
  assert.deepEqual(await (await server.connect()).list(), [handle]);
});

test('replies that were sent before the signal arrive, also at a client that reads late', async () => {
  const client = await server.connect();
  client.socket.pause();
  const echoes = Array.from({ length: 10 }, (_, index) => client.echo(`${index}`.repeat(10_000)));
  await letItRead(await server.connect());
  server.daemon.child.kill('SIGTERM');
  const ended = server.endOf(DEADLINE_MS);
  await assert.rejects(async () => { for (;;) await server.connect(); });
  client.socket.resume();
  assert.deepEqual((await Promise.all(echoes)).map((text) => text[0]), [...'0123456789']);
  assert.equal(await ended, 0);
  await server.start();
});

test('what does not end in time is cut off, and the next start finishes it', async () => {
  await server.restart({ server: { stop_deadline: 60, drain_deadline: 2 } });
  const { client, handle } = await server.container();
  const other = await server.container();
  const ignoring = 'trap "" TERM; echo ready; while :; do sleep 1000 & wait; done';
  const jobs = await Promise.all([client.spawn(handle, ignoring), other.client.spawn(other.handle, ignoring)]);
  for (const [index, name] of [handle, other.handle].entries()) await streamUntil((await server.connect()).stream(name, jobs[index] ?? 0), 'ready');
  const cut = fate(client.stop(handle));
  await other.client.stop(other.handle, { background: true });
  await letItRead(other.client);
  server.daemon.child.kill('SIGUSR2');
  assert.equal(await server.endOf(DEADLINE_MS), 0);
  assert.equal(await cut, CLOSED);
  await server.start({ server: { stop_deadline: 0.2 } });
  const again = await server.connect();
  for (const [index, name] of [handle, other.handle].entries()) {
    assert.equal((await again.info(name)).state, 'stopped');
    assert.equal((await again.link(name, jobs[index] ?? 0)).status, 255);
    await refused(again.spawn(name, 'true'), 'wrong_state', /current state is 'stopped'/);
  }
  await server.restart({});
});

for (const what of ['monitor', 'launcher'] as const) {
  test(`a ${what} that hangs does not hold the end up`, async () => {
    await server.restart({ server: { drain_deadline: 2 } });
    const { client, handle } = await server.container();
    const [init = 0] = await server.pidsOf(handle);
    const hanging = what === 'monitor' ? parentOf(init) : server.daemon.launcherPid;
    process.kill(hanging, 'SIGSTOP');
    try {
      const waiting = [fate((await server.connect()).destroy(handle)), fate((await server.connect()).create({ handle: 'hung' }))];
      await letItRead(client);
      server.daemon.child.kill('SIGTERM');
      assert.equal(await server.endOf(DEADLINE_MS), 0);
      if (what === 'launcher') assert.deepEqual(await Promise.all(waiting), [CLOSED, CLOSED]);
    } finally {
      // The launcher was killed.
      if (isAlive(hanging)) process.kill(hanging, 'SIGCONT');
    }
    await server.start({});
  });
}
