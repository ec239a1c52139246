/* What runs in a container: told as the container itself knows it, whatever its processes call themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestError } from '../harness/client.js';
import type { Client } from '../harness/client.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

interface Listed {
  readonly pid: number; readonly parent_pid: number; readonly uid: number; readonly state: string; readonly threads: number;
  readonly cpu_time_ms: bigint; readonly resident_bytes: bigint; readonly started_ms: bigint; readonly name: Buffer; readonly command_line?: Buffer;
}

async function processes(client: Client, handle: string): Promise<Listed[]> {
  return (await client.request('processes', { handle }))['processes'] as unknown as Listed[];
}

/** Starts a job that says when it is so far, and answers with its id. */
async function begun(client: Client, handle: string, script: string): Promise<number> {
  const jobId = await client.spawn(handle, script);
  for await (const { data } of client.logs(handle, jobId, { follow: true })) if (data.includes('ready')) break;
  return jobId;
}

/** Says that it is so far, and then waits for what never comes. */
const wait = 'mkfifo fifo; exec 3<>fifo; echo "$PPID $$ ready"; read -u 3';

test('jobs and what they have started are listed as they are numbered inside', async () => {
  const { client, handle } = await server.container();
  const before = Date.now();
  const reader = await server.connect();
  const jobId = await begun(reader, handle, `bash -c '${wait}' & wait`);
  reader.close();
  const { text } = await client.logsAll(handle, jobId);
  const [bash, child] = (/(\d+) (\d+) ready/.exec(text) ?? []).slice(1).map(Number);
  const listed = await processes(client, handle);
  assert.deepEqual(listed.map(({ pid }) => pid), [1, bash, child]);
  const [init, shell, started] = listed;
  assert.equal(String(init?.command_line).split('\0')[0], `wshd: ${handle}`);
  assert.deepEqual([init?.parent_pid, init?.uid], [0, 0]);
  const uid = Number((await client.run(handle, 'id -u')).stdout);
  assert.deepEqual([shell?.parent_pid, shell?.uid, String(shell?.name), String(shell?.command_line)], [1, uid, 'bash', '/bin/bash']);
  assert.deepEqual([started?.parent_pid, started?.threads, String(started?.command_line)], [bash, 1, `bash\0-c\0${wait}`]);
  assert.match(started?.state ?? '', /^[RSD]$/);
  assert.ok((started?.resident_bytes ?? 0n) > 0n);
  // The kernel counts from its start in hundredths of a second.
  const startedMs = Number(started?.started_ms);
  assert.ok(startedMs > before - 1000 && startedMs < Date.now() + 1000, `${startedMs} is now`);
});

test('a process that calls itself something else is told as it is, byte for byte', async () => {
  const { client, handle } = await server.container();
  const reader = await server.connect();
  await begun(reader, handle, `exec -a $'\\xff\\x9b\\e]0;x\\a' bash -c $'printf %s "a) R 1 (b\\t\\e[2J" > /proc/$$/comm; ${wait}'`);
  reader.close();
  const [, job, ...rest] = await processes(client, handle);
  assert.deepEqual(rest, []);
  assert.equal(String(job?.name), 'a) R 1 (b\t\x1b[2J');
  assert.deepEqual(job?.command_line?.subarray(0, 9), Buffer.from('\xff\x9b\x1b]0;x\x07\0', 'latin1'));
  assert.equal(job?.parent_pid, 1);
});

test('a long command line is cut, and what has ended is not listed', async () => {
  const { client, handle } = await server.container();
  const reader = await server.connect();
  await begun(reader, handle, `exec bash -c '${wait}' $(printf %05000d 0)`);
  reader.close();
  const [, job] = await processes(client, handle);
  assert.equal(job?.command_line?.length, 1024);
  assert.ok(String(job?.command_line).startsWith('bash\0-c\0mkfifo'));
  await client.stop(handle, { kill: true });
  assert.deepEqual((await processes(client, handle)).map(({ pid }) => pid), [1]);
});

test('a container that is not there is an error', async () => {
  const client = await server.connect();
  await assert.rejects(client.request('processes', { handle: 'nobody' }), (error: unknown) => error instanceof RequestError && error.message === 'unknown handle');
});
