/* link and stream: several at once, late ones, broken ones, and when a job is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, useAnyServer } from '../../harness/any-server.js';
import type { Client } from '../../harness/client.js';
import { streamUntil } from '../../harness/expect.js';

const server = useAnyServer();
/** A job that writes a line and waits to be told to end. */
const WAITING = 'echo begin; mkfifo gate; read x < gate; echo end; exit 6';

async function openGate(client: Client, handle: string): Promise<void> {
  await client.run(handle, 'until [ -p gate ]; do :; done; echo > gate');
}

test('several links and streams of one job each get everything', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, WAITING);
  const others = await Promise.all(Array.from({ length: 6 }, () => server.connect()));
  const links = others.slice(0, 3).map((other) => other.link(handle, jobId));
  const streams = others.slice(3).map((other) => other.streamAll(handle, jobId));
  await Promise.all(others.map(async () => (await server.connect()).ping()));
  await openGate(client, handle);
  for (const result of await Promise.all(links)) assert.deepEqual([result.status, result.stdout, result.stderr], [6, 'begin\nend\n', '']);
  for (const { pieces, status } of await Promise.all(streams)) assert.deepEqual([status, pieces], [6, ['stdout:begin\nend\n']]);
});

test('after a link was answered the job is gone', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo x');
  assert.equal((await client.link(handle, jobId)).stdout, 'x\n');
  await refused(client.link(handle, jobId), 'not_found', /^no such job$/);
  await refused(client.request('stream', { handle, job_id: jobId }), 'not_found', /^no such job$/);
});

test('after a stream was answered to its end the job is gone', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo x');
  await client.streamAll(handle, jobId);
  await refused(client.link(handle, jobId), 'not_found', /^no such job$/);
});

test('a job that never was, or is another container\'s, is no such job', async () => {
  const { client, handle } = await server.container();
  const other = await server.container();
  const jobId = await other.client.spawn(other.handle, 'true');
  for (const id of [0, 1_000_000, 4_294_967_295, jobId]) {
    await refused(client.link(handle, id), 'not_found', /^no such job$/);
    await refused(client.request('stream', { handle, job_id: id }), 'not_found', /^no such job$/);
  }
  assert.equal((await other.client.link(other.handle, jobId)).status, 0);
});

test('run leaves no job behind', async () => {
  const { client, handle } = await server.container();
  const before = await client.spawn(handle, 'true');
  await client.run(handle, 'true');
  await refused(client.link(handle, before + 1), 'not_found', /^no such job$/);
  assert.equal((await client.link(handle, before)).status, 0);
});

test('a late stream replays from the first byte, also after the end', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, `${WAITING.replace('begin', 'begin; echo err >&2')}`);
  const early = await server.connect();
  await streamUntil(early.stream(handle, jobId), 'err');
  early.close();
  await openGate(client, handle);
  const { pieces, status } = await client.streamAll(handle, jobId);
  assert.deepEqual([status, pieces], [6, ['stdout:begin\n', 'stderr:err\n', 'stdout:end\n']]);
});

test('a job that ended long ago can still be linked with all of its output', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'head -c 500000 /dev/zero; touch done');
  await client.run(handle, 'until [ -e done ]; do :; done');
  assert.deepEqual((await client.info(handle)).state, 'active');
  const { status, out } = await client.link(handle, jobId);
  assert.deepEqual([status, out.length], [0, 500_000]);
});

test('a stream that broke off leaves the job with all of its output', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, WAITING);
  for (let round = 0; round < 3; round++) {
    const broken = await server.connect();
    await streamUntil(broken.stream(handle, jobId), 'begin');
    broken.close();
  }
  await openGate(client, handle);
  const { status, stdout } = await client.link(handle, jobId);
  assert.deepEqual([status, stdout], [6, 'begin\nend\n']);
});

test('a link that broke off leaves the job running and linkable', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, WAITING);
  const broken = await server.connect();
  const lost = broken.link(handle, jobId).catch((error: Error) => error.message);
  await (await server.connect()).ping();
  broken.close();
  assert.match(String(await lost), /closed/);
  await openGate(client, handle);
  assert.equal((await client.link(handle, jobId)).stdout, 'begin\nend\n');
});

for (const round of [1, 2, 3]) test(`a slow reader of a stream holds neither the job nor other readers (${round})`, async () => {
  const { client, handle } = await server.container();
  const size = 8_000_000;
  const jobId = await client.spawn(handle, `head -c ${size} /dev/zero; touch done`);
  const slow = await server.connect();
  const stream = slow.stream(handle, jobId);
  const first = await stream.next();
  slow.socket.pause();
  assert.ok(first.done !== true && first.value.data.length > 0);
  const quick = await server.connect();
  await quick.run(handle, 'until [ -e done ]; do :; done');
  assert.equal((await quick.streamAll(handle, jobId)).bytes, size);
  slow.socket.resume();
  let rest = first.value.data.length;
  for await (const chunk of stream) rest += chunk.data.length;
  assert.equal(rest, size);
  // The connection that the slow reader held back serves others again: nothing waits for a deadline.
  const start = Date.now();
  await client.destroy(handle);
  assert.ok(Date.now() - start < 5_000);
});

test('a client that goes away leaves its spawned job running', async () => {
  const { client, handle } = await server.container();
  const leaving = await server.connect();
  const jobId = await leaving.spawn(handle, WAITING);
  leaving.close();
  await openGate(client, handle);
  assert.equal((await client.link(handle, jobId)).status, 6);
});

test('an interrupted run consumes its job', async () => {
  const { client, handle } = await server.container();
  const before = await client.spawn(handle, 'true');
  const leaving = await server.connect();
  const lost = leaving.run(handle, WAITING).catch(() => undefined);
  await client.run(handle, 'until [ -p gate ]; do :; done');
  leaving.close();
  await lost;
  await openGate(client, handle);
  await client.link(handle, before);
  await refused(client.link(handle, before + 1), 'not_found', /^no such job$/);
});
