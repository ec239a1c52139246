/* A container that uses more memory than it may: its event, its stop, its neighbours, and that no end of the daemon hides it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { commandLine } from '../harness/processes.js';
import { untilSeen, withDeadline } from '../harness/wait.js';

/** A job that is deaf to TERM may go on for as long as the killer takes in a slow machine. */
const server = useServer({ server: { stop_deadline: 120 } });
const LIMIT = 32n << 20n;
/** Keeps twice the limit on its heap, in one process. */
const BOMB = 'head -c 67108864 /dev/zero | tail -c 67108864 | wc -c';

async function limited(): Promise<{ client: Client; handle: string }> {
  const made = await server.container();
  await made.client.request('limit_memory', { handle: made.handle, limit_in_bytes: LIMIT });
  return made;
}

/** Waits for the container's stop: that is when its job has ended. */
async function untilStopped(client: Client, handle: string, jobId: number): Promise<void> {
  await withDeadline(client.link(handle, jobId), 60_000, `the end of job ${jobId} in container ${handle}`).catch((error: unknown) => {
    throw new Error(`the container was not stopped; the daemon's log:\n${server.daemon.log}`, { cause: error });
  });
  assert.equal((await client.info(handle)).state, 'stopped');
}

test('the reply of the job that was too large has the event; the container is stopped, and can be read and destroyed', async () => {
  const { client, handle } = await limited();
  const waiting = await client.spawn(handle, 'exec sleep 3000');
  const { status, info } = await client.run(handle, `set -o pipefail; ${BOMB}`);
  assert.notEqual(status, 0);
  assert.deepEqual(info.events, ['out of memory']);
  await untilStopped(client, handle, waiting);
  assert.deepEqual((await client.info(handle)).events, ['out of memory']);
  await client.destroy(handle);
});

test('within the limit nothing happens, and an unlimited neighbour of the same size is left alone', async () => {
  const { client, handle } = await limited();
  const neighbour = await server.container();
  assert.equal(output(await client.run(handle, 'head -c 8388608 /dev/zero | tail -c 8388608 | wc -c')), '8388608\n');
  assert.equal(output(await neighbour.client.run(neighbour.handle, BOMB)), '67108864\n');
  await client.run(handle, BOMB);
  for (const [connection, name, events] of [[client, handle, ['out of memory']], [neighbour.client, neighbour.handle, []]] as const) assert.deepEqual((await connection.info(name)).events, events);
  assert.equal((await neighbour.client.info(neighbour.handle)).state, 'active');
});

test('the event comes once, however often the killer strikes', async () => {
  const { client, handle } = await limited();
  const { status, info } = await client.run(handle, `trap "" TERM; for n in 1 2 3; do ${BOMB}; done; exit 7`);
  assert.equal(status, 7);
  assert.deepEqual(info.events, ['out of memory']);
});

test('a background process that is killed stops the container although no job ends by it', async () => {
  const { client, handle } = await limited();
  const jobId = await client.spawn(handle, `mkfifo gate; { read x < gate; ${BOMB}; } & echo ready; exec sleep 3000`);
  await streamUntil((await server.connect()).stream(handle, jobId), 'ready');
  await (await server.connect()).run(handle, 'echo > gate');
  await untilStopped(client, handle, jobId);
  assert.deepEqual((await client.info(handle)).events, ['out of memory']);
});

test('files of /dev/shm count', async () => {
  const { client, handle } = await limited();
  const { info, status } = await client.run(handle, 'exec head -c 60000000 /dev/zero > /dev/shm/full');
  assert.equal(status, 255);
  assert.deepEqual(info.events, ['out of memory']);
});

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`what happened while no daemon was there (${signal}) is told by the next one, which stops the container`, async () => {
    const { client, handle } = await limited();
    // The signal is not lost when it comes before the job waits: then there is nothing to wait for any more.
    const jobId = await client.spawn(handle, `sleep 3000 & waiting=$!; trap "kill $waiting" USR1; echo ready; wait $waiting; ${BOMB}; exec sleep 3001`);
    const stream = (await server.connect()).stream(handle, jobId);
    await streamUntil(stream, 'ready');
    const pids = await server.pidsOf(handle);
    const job = pids.find((pid) => commandLine(pid) === '/bin/bash');
    assert.ok(job !== undefined, pids.map(commandLine).join());
    await server.stop(signal);
    process.kill(job, 'SIGUSR1');
    await untilSeen('the job becomes its last sleep when the killer has struck', () => commandLine(job) === 'sleep 3001', () => pids.map((pid) => `${pid} ${commandLine(pid)}`).join());
    await server.start();
    const again = await server.connect();
    assert.deepEqual((await again.info(handle)).events, ['out of memory']);
    await untilStopped(again, handle, jobId);
  });

  test(`an OOM after a restart (${signal}) is noticed as ever`, async () => {
    const { handle } = await limited();
    await server.restart({}, signal);
    const again = await server.connect();
    const { info } = await again.run(handle, BOMB);
    assert.deepEqual(info.events, ['out of memory']);
  });
}
