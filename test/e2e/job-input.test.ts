/* Standard input of jobs: written at the job's pace, whole, ended when it is said to, and open across restarts. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import type { Client } from '../harness/client.js';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer({ server: { job_output_limit: 200_000_000 } });
const MEBIBYTE = 1 << 20;
/** A job that reads nothing before it is told to, and then all. */
const WAITING = 'mkfifo gate; echo ready; read x < gate; cat';

const sha256 = (): ReturnType<typeof createHash> => createHash('sha256');

async function openGate(client: Client, handle: string): Promise<void> {
  output(await client.run(handle, 'until [ -p gate ]; do :; done; echo > gate'));
}

/** Settles when the job has written the text. */
async function written(handle: string, jobId: number, text: string): Promise<void> {
  const reader = await server.connect();
  await streamUntil(reader.logs(handle, jobId, { follow: true }), text);
  reader.close();
}

async function waitingJob(): Promise<{ client: Client; handle: string; jobId: number }> {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, WAITING, { stdin: true });
  await written(handle, jobId, 'ready\n');
  return { client, handle, jobId };
}

/** Whether a promise is still open after others have had their turn with the server. */
async function isWaiting(promise: Promise<unknown>, client: Client, handle: string): Promise<boolean> {
  let settled = false;
  const done = (): void => { settled = true; };
  promise.then(done, done);
  for (let times = 0; times < 3; times++) output(await client.run(handle, 'true'));
  return !settled;
}

test('50 MB through cat come back as they were, and at its end the job ends', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, '', { args: ['cat'], stdin: true });
  const writer = await server.connect();
  const [written, read] = [sha256(), sha256()];
  const writing = (async () => {
    const piece = Buffer.alloc(MEBIBYTE);
    for (let count = 0; count < 50; count++) {
      for (let at = 0; at < piece.length; at += 4) piece.writeUInt32LE((count * 7919 + at * 31) >>> 0, at);
      written.update(piece);
      await writer.input(handle, jobId, piece, count === 49);
    }
  })();
  let status: number | undefined;
  for await (const chunk of client.stream(handle, jobId)) {
    read.update(chunk.data);
    ({ status } = chunk);
  }
  await writing;
  assert.equal(status, 0);
  assert.equal(read.digest('hex'), written.digest('hex'));
});

test('the same by the client package', async () => {
  const { handle } = await server.container();
  await using client = await WardenClient.connect({ path: server.paths.socket });
  const { jobId } = await client.spawn({ handle, args: ['sha256sum'], stdin: true });
  const data = Buffer.alloc(3_333_333, 'warden\0\xff', 'latin1');
  await client.writeInput({ handle, jobId, data });
  await client.writeInput({ handle, jobId, data: 'the end' });
  await client.closeInput({ handle, jobId });
  const { exitStatus, stdout } = await client.link({ handle, jobId });
  assert.deepEqual([exitStatus, Buffer.from(stdout).toString()], [0, `${sha256().update(data).update('the end').digest('hex')}  -\n`]);
});

test('a job that does not read makes its writer wait, and nobody else', async () => {
  const { client, handle, jobId } = await waitingJob();
  const writer = await server.connect();
  const writing = writer.input(handle, jobId, Buffer.alloc(3 * MEBIBYTE, 'x'), true);
  assert.ok(await isWaiting(writing, client, handle), 'three mebibytes fit no pipe');
  await openGate(client, handle);
  await writing;
  assert.equal((await client.link(handle, jobId)).out.length, 'ready\n'.length + 3 * MEBIBYTE);
});

test('what several write at once arrives one after the other, each whole', async () => {
  const { client, handle, jobId } = await waitingJob();
  const writers = await Promise.all(['a', 'b', 'c', 'd'].map(async (letter) => ({ letter, writer: await server.connect() })));
  const writing = writers.map(({ letter, writer }) => writer.input(handle, jobId, Buffer.alloc(MEBIBYTE, letter)));
  assert.ok(await isWaiting(Promise.any(writing.slice(1)), client, handle));
  await openGate(client, handle);
  await Promise.all(writing);
  await client.input(handle, jobId, 'end', true);
  const text = (await client.link(handle, jobId)).stdout.slice('ready\n'.length);
  assert.deepEqual(text.match(/(.)\1*/gs)?.map((run) => run.length), [MEBIBYTE, MEBIBYTE, MEBIBYTE, MEBIBYTE, 1, 1, 1]);
  assert.ok(text.endsWith('end'));
});

test('the rest of what a vanished client was writing is dropped, and the next writer is served', async () => {
  const { client, handle, jobId } = await waitingJob();
  const leaving = await server.connect();
  const lost = leaving.input(handle, jobId, Buffer.alloc(MEBIBYTE, 'a')).catch(() => undefined);
  assert.ok(await isWaiting(lost, client, handle));
  const writing = client.input(handle, jobId, 'the next', true);
  leaving.close();
  await lost;
  const other = await server.connect();
  await openGate(other, handle);
  await writing;
  const { status, stdout } = await other.link(handle, jobId);
  assert.equal(status, 0);
  const [, taken] = /^ready\n(a*)the next$/.exec(stdout) ?? assert.fail(stdout.slice(-100));
  assert.ok((taken?.length ?? 0) < MEBIBYTE, 'not all of it fitted the pipe');
});

test('input stays open across a restart of the daemon, and who was writing is let go', async () => {
  const { handle, jobId, client } = await waitingJob();
  const cut = client.input(handle, jobId, Buffer.alloc(MEBIBYTE, 'a')).catch(() => 'closed');
  assert.ok(await isWaiting(cut, await server.connect(), handle));
  await server.restart();
  assert.equal(await cut, 'closed');
  const again = await server.connect();
  await openGate(again, handle);
  await again.input(handle, jobId, 'after the restart', true);
  assert.match((await again.link(handle, jobId)).stdout, /^ready\na*after the restart$/);
});

test('a script has its own input: read waits for it', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'read line; echo "got $line"; exit 5', { stdin: true });
  await client.input(handle, jobId, '$(id) `id`\n');
  const { status, stdout } = await client.link(handle, jobId);
  assert.deepEqual([status, stdout], [5, 'got $(id) `id`\n']);
});

test('without a script bash takes its commands from the input', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, '', { stdin: true });
  const stream = client.stream(handle, jobId);
  const writer = await server.connect();
  await writer.input(handle, jobId, 'echo $((40 + 2))\n');
  await streamUntil(stream, '42\n');
  await writer.input(handle, jobId, 'exit 9\n');
  let status: number | undefined;
  for await (const chunk of stream) ({ status } = chunk);
  assert.equal(status, 9);
});

test('an end of input alone, and an empty piece, are no data', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, '', { args: ['wc', '-c'], stdin: true });
  await client.input(handle, jobId, '');
  await client.request('input', { handle, job_id: jobId, close: true });
  assert.equal(output(await client.link(handle, jobId)), '0\n');
});

test('what cannot take input says why', async () => {
  const { client, handle } = await server.container();
  const without = await client.spawn(handle, 'read x < /dev/zero');
  await refused(client.input(handle, without, 'x'), 'wrong_state', /^job \d+ has no open input: it was started without stdin and tty$/);
  const deaf = await client.spawn(handle, 'exec 0<&-; echo deaf; read x < /dev/zero', { stdin: true });
  await written(handle, deaf, 'deaf');
  await refused(client.input(handle, deaf, 'x'), 'wrong_state', /^job \d+ reads no input any more$/);
  const closed = await client.spawn(handle, 'read x < /dev/zero', { stdin: true });
  await client.input(handle, closed, 'x', true);
  await refused(client.input(handle, closed, 'more'), 'wrong_state', /^job \d+ reads no input any more$/);
  const ended = await client.spawn(handle, 'echo done', { stdin: true });
  await client.logsAll(handle, ended, { follow: true });
  await refused(client.input(handle, ended, 'x'), 'wrong_state', /reads no input any more/);
  await refused(client.input(handle, 4_294_967_295, 'x'), 'not_found', /^no such job$/);
  await refused(client.request('input', { handle, job_id: deaf, data: Buffer.alloc(MEBIBYTE + 1) }), 'invalid_argument', /^data has 1048577 bytes, the limit is 1048576/);
});

test('without open input a job finds what it always has: nothing behind its script', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'cat\nthe rest of the script\n')), 'the rest of the script\n');
  assert.equal(output(await client.run(handle, '', { args: ['cat'] })), '');
});
