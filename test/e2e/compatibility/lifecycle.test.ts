/* States, stop, destroy, info. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, mkdirSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused, testWith, useAnyServer } from '../../harness/any-server.js';
import { output, streamUntil } from '../../harness/expect.js';
import { mustRun } from '../../harness/run-program.js';
import { withDeadline } from '../../harness/wait.js';

const server = useAnyServer();
const IGNORE_TERM = 'trap "" TERM; echo ready; while :; do sleep 100 & wait $!; done';

test('a container that does not exist is an unknown handle to every request', async () => {
  const client = await server.connect();
  const handle = 'nobody';
  const job = { handle, script: 'true' };
  for (const request of [
    client.info(handle), client.stop(handle), client.destroy(handle), client.request('spawn', job), client.request('run', job),
    client.request('link', { handle, job_id: 1 }), client.request('stream', { handle, job_id: 1 }),
  ]) await refused(request, 'not_found', /^unknown handle$/);
});

test('a stopped container runs nothing more, and says so', async () => {
  const { client, handle } = await server.container();
  await client.stop(handle);
  const text = /^Container state must be one of 'active', current state is 'stopped'$/;
  await refused(client.run(handle, 'true'), 'wrong_state', text);
  await refused(client.spawn(handle, 'true'), 'wrong_state', text);
  assert.equal((await client.info(handle)).state, 'stopped');
});

test('stop ends jobs by TERM, and answers when all have ended', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 100 & wait $!; done');
  const other = await server.connect();
  await streamUntil(other.stream(handle, jobId), 'ready');
  other.close();
  await client.stop(handle);
  assert.deepEqual((await client.info(handle)).job_ids, []);
  const { status, stdout } = await client.link(handle, jobId);
  assert.deepEqual([status, stdout], [3, 'ready\nbye\n']);
});

test('a job that ends by TERM answers 255', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'exec sleep 1000');
  await client.stop(handle);
  assert.equal((await client.link(handle, jobId)).status, 255);
});

test('stop kills what ignores TERM after ten seconds', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, IGNORE_TERM);
  const other = await server.connect();
  await streamUntil(other.stream(handle, jobId), 'ready');
  other.close();
  const start = Date.now();
  await client.stop(handle);
  const took = Date.now() - start;
  assert.ok(took > 9_500 && took < 13_000, `took ${took} ms`);
  assert.equal((await client.link(handle, jobId)).status, 255);
});

test('stop with kill does not wait', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, IGNORE_TERM);
  const other = await server.connect();
  await streamUntil(other.stream(handle, jobId), 'ready');
  other.close();
  const start = Date.now();
  await client.stop(handle, { kill: true });
  assert.ok(Date.now() - start < 2_000);
  assert.equal((await client.link(handle, jobId)).status, 255);
});

test('stop in the background answers before the jobs have ended', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'trap "sleep 1; exit 4" TERM; echo ready; while :; do sleep 100 & wait $!; done');
  const other = await server.connect();
  await streamUntil(other.stream(handle, jobId), 'ready');
  other.close();
  const ended = (await server.connect()).link(handle, jobId);
  assert.equal(await Promise.race([client.stop(handle, { background: true }).then(() => 'the stop'), ended.then(() => 'the job')]), 'the stop');
  assert.equal((await ended).status, 4);
});

testWith(['processes', 'mounts'], 'stop ends processes that left their job, too', async () => {
  const directory = join(server.directory, 'left-their-job');
  mkdirSync(directory);
  await mustRun('mkfifo', ['-m', '666', join(directory, 'one'), join(directory, 'two')]);
  const { client, handle } = await server.container({ bind_mounts: [{ src_path: directory, dst_path: '/tmp/shared', mode: 1 }] });
  output(await client.run(handle, 'cd /tmp/shared; exec 3<>one 4<>two; setsid sleep 4711 >/dev/null 2>&1 4>&- & setsid bash -c "trap : TERM; sleep 4712; sleep 4713" >/dev/null 2>&1 3>&- &'));
  // Whoever reads a FIFO gets its end when the last process that has it open for writing is gone.
  const held = ['one', 'two'].map((name) => once(new Socket({ fd: openSync(join(directory, name), constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false }).resume(), 'end'));
  await client.stop(handle, { kill: true });
  await withDeadline(Promise.all(held), 5_000, 'the end of both processes');
});

test('stop twice is no error', async () => {
  const { client, handle } = await server.container();
  await client.stop(handle);
  await client.stop(handle);
  await client.stop(handle, { kill: true });
  await client.stop(handle, { background: true });
});

test('destroy works from active and stopped, with and without jobs', async () => {
  const client = await server.connect();
  for (const prepare of [
    async () => {},
    async (handle: string) => { await client.stop(handle); },
    async (handle: string) => { await client.spawn(handle, 'sleep 1000'); },
    async (handle: string) => { await client.run(handle, 'setsid sleep 1000 >/dev/null 2>&1 &'); },
    async (handle: string) => { await client.stop(handle, { background: true }); },
  ]) {
    const handle = await client.create();
    await prepare(handle);
    await client.destroy(handle);
    await refused(client.info(handle), 'not_found', /^unknown handle$/);
    await refused(client.destroy(handle), 'not_found', /^unknown handle$/);
  }
});

testWith(['better'], 'of two destroys at once one does it, the other is refused or finds nothing', async () => {
  const { client, handle } = await server.container();
  await client.spawn(handle, 'sleep 1000');
  const others = await Promise.all([server.connect(), server.connect()]);
  const results = await Promise.allSettled([client, ...others].map((each) => each.destroy(handle)));
  assert.ok(results.some(({ status }) => status === 'fulfilled'));
  assert.deepEqual(await client.list(), []);
});

test('a job being linked when its container is destroyed gets a failed status and the last info', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo started; sleep 1000');
  const [linker, streamer] = [await server.connect(), await server.connect()];
  const stream = streamer.stream(handle, jobId);
  await streamUntil(stream, 'started');
  const linked = linker.link(handle, jobId);
  const destroyed = client.destroy(handle);
  const { status, info } = await linked;
  assert.notEqual(status, 0);
  assert.equal(typeof info.state, 'string');
  const last = await stream.next();
  assert.notEqual(last.done === true ? 0 : last.value.status, 0);
  await destroyed;
});

test('a run under way when its container is destroyed is answered', async () => {
  const { client, handle } = await server.container();
  const running = client.run(handle, 'echo up > up; sleep 1000');
  const other = await server.connect();
  await other.run(handle, 'until [ -e up ]; do :; done');
  await other.destroy(handle);
  const outcome = await running.then(({ status }) => status, () => 'error');
  assert.notEqual(outcome, 0);
});
