/* Signals to one job, and time-outs: what they reach, what they leave alone, and what is told of them. */
import assert from 'node:assert/strict';
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import type { Client, JobOptions } from '../harness/client.js';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { nextEvent, untilClean } from '../harness/wait.js';
import type { Trigger } from '../harness/wait.js';

const server = useServer();
const [SIGINT, SIGUSR1, SIGKILL, SIGTERM] = [2, 10, 9, 15];
/** Waits for ever, by itself and in a background process of a session of its own. */
const FAMILY = 'setsid bash -c "echo child; read x < /tmp/never" & echo parent; wait';

async function spawnUntil(client: Client, handle: string, script: string, texts: string[], options: JobOptions = {}): Promise<number> {
  const jobId = await client.spawn(handle, script, options);
  for (const text of texts) {
    const reader = await server.connect();
    await streamUntil(reader.logs(handle, jobId, { follow: true }), text);
    reader.close();
  }
  return jobId;
}

/** A container in which reading /tmp/never takes for ever. */
async function container(): Promise<{ client: Client; handle: string }> {
  const made = await server.container();
  output(await made.client.run(made.handle, 'mkfifo /tmp/never'));
  return made;
}

/** How many processes of the container wait for /tmp/never. */
async function waiting(client: Client, handle: string): Promise<number> {
  const processes = await server.processesOf(handle);
  await client.ping();
  return processes.filter((command) => command.includes('/tmp/never')).length;
}

/** Settles when a directory has a file of that name. */
async function fileAppears(directory: string, name: string): Promise<void> {
  const look = (): string[] => (existsSync(join(directory, name)) ? [] : [`${directory} has no ${name}`]);
  const arm = (): Trigger => {
    const watcher = watch(directory);
    return nextEvent(watcher, 'change', () => watcher.close());
  };
  assert.deepEqual(await untilClean(look, arm, 10_000), []);
}

test('a signal reaches every process of its job, and none of its neighbour', async () => {
  const { client, handle } = await container();
  const [one, other] = [await spawnUntil(client, handle, FAMILY, ['parent', 'child']), await spawnUntil(client, handle, FAMILY, ['parent', 'child'])];
  assert.equal(await waiting(client, handle), 2);
  await client.signal(handle, one, SIGKILL);
  const { status, signal, timedOut } = await client.link(handle, one);
  assert.deepEqual([status, signal, timedOut], [255, SIGKILL, false]);
  assert.equal(await waiting(client, handle), 1);
  assert.deepEqual((await client.jobs(handle)).map(({ id, state }) => [id, state]), [[other, 'running']]);
  await client.signal(handle, other, SIGTERM);
  assert.deepEqual((({ status: exit, signal: by }) => [exit, by])(await client.link(handle, other)), [255, SIGTERM]);
});

test('a job may catch its signal, and goes on', async () => {
  const { client, handle } = await container();
  const jobId = await spawnUntil(client, handle, 'trap "echo caught" USR1; trap "echo bye; exit 7" INT; echo ready; until false; do read x <> /tmp/never; done', ['ready']);
  await client.signal(handle, jobId, SIGUSR1);
  const reader = await server.connect();
  await streamUntil(reader.logs(handle, jobId, { follow: true }), 'caught');
  reader.close();
  await client.signal(handle, jobId, SIGINT);
  const { status, stdout, signal } = await client.link(handle, jobId);
  assert.deepEqual([status, stdout, signal], [7, 'ready\ncaught\nbye\n', undefined]);
});

test('signals that are none, and jobs that are none, are refused', async () => {
  const { client, handle } = await container();
  const jobId = await spawnUntil(client, handle, FAMILY, ['child']);
  for (const signal of [0, 65, 4_294_967_295]) await refused(client.signal(handle, jobId, signal), 'invalid_argument', /^signal is a number from 1 to 64, not /);
  await refused(client.signal(handle, jobId + 1, SIGTERM), 'not_found', /^no such job$/);
  await refused(client.signal('nobody', jobId, SIGTERM), 'not_found', /^unknown handle$/);
  assert.equal((await client.jobs(handle))[0]?.state, 'running');
  await client.stop(handle, { kill: true });
  await refused(client.signal(handle, jobId, SIGTERM), 'wrong_state', /^Container state must be one of 'active'/);
});

test('a time-out kills the whole job, and says so: in the reply, the events, and the list', async () => {
  const { client, handle } = await container();
  const neighbour = await spawnUntil(client, handle, FAMILY, ['child']);
  const began = performance.now();
  const jobId = await client.spawn(handle, FAMILY, { timeout_ms: 300 });
  const { end } = await client.logsAll(handle, jobId, { follow: true });
  assert.ok(performance.now() - began >= 290);
  assert.deepEqual([end.status, end.signal, end.timedOut, end.lost], [255, SIGKILL, true, false]);
  const [first, second] = await client.jobs(handle);
  assert.deepEqual([first?.id, first?.state, second?.id, second?.state, second?.status, second?.signal, second?.timedOut], [neighbour, 'running', jobId, 'ended', 255, SIGKILL, true]);
  const { status, signal, timedOut, info } = await client.link(handle, jobId);
  assert.deepEqual([status, signal, timedOut, info.events], [255, SIGKILL, true, ['job timed out']]);
  assert.equal(await waiting(client, handle), 1, 'the neighbour\'s');
  assert.equal((await client.run(handle, 'read x < /tmp/never', { timeout_ms: 100 })).timedOut, true);
  assert.deepEqual((await client.info(handle)).events, ['job timed out'], 'once');
});

test('a job that is done in time is none the worse for it', async () => {
  const { client, handle } = await container();
  const { status, timedOut, signal, info } = await client.run(handle, 'exit 3', { timeout_ms: 60_000 });
  assert.deepEqual([status, timedOut, signal, info.events], [3, false, undefined, []]);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) test(`a time-out fires whether the daemon lives or not, and the next one knows of it (${signal})`, async () => {
  const { client, handle } = await container();
  const late = await client.spawn(handle, FAMILY, { timeout_ms: 2500 });
  const soon = await client.spawn(handle, `${FAMILY} # soon`, { timeout_ms: 200 });
  const jobs = join((await client.info(handle)).container_path, 'jobs');
  await server.stop(signal);
  // No daemon is there: that the job has ended is seen by its exit record.
  await fileAppears(jobs, `${soon}.exit`);
  await server.start();
  const again = await server.connect();
  const { end } = await again.logsAll(handle, soon, { follow: true });
  assert.deepEqual([end.status, end.signal, end.timedOut], [255, SIGKILL, true]);
  assert.deepEqual((await again.info(handle)).events, ['job timed out']);
  await server.restart(undefined, signal);
  const third = await server.connect();
  assert.deepEqual((await third.info(handle)).events, ['job timed out']);
  const { status, timedOut } = await third.link(handle, soon);
  assert.deepEqual([status, timedOut], [255, true]);
  assert.equal((await third.link(handle, late)).timedOut, true);
});

test('the same by the client package', async () => {
  const { handle } = await container();
  await using client = await WardenClient.connect({ path: server.paths.socket });
  const timed = await client.run({ handle, args: ['cat', '/tmp/never'], timeoutMs: 100 });
  assert.deepEqual([timed.exitStatus, timed.signal, timed.timedOut], [255, SIGKILL, true]);
  const { jobId } = await client.spawn({ handle, args: ['cat', '/tmp/never'] });
  await client.signal({ handle, jobId, signal: SIGTERM });
  const { exitStatus, signal, timedOut, lost } = await client.stream({ handle, jobId }).result();
  assert.deepEqual([exitStatus, signal, timedOut, lost], [255, SIGTERM, undefined, undefined]);
});
