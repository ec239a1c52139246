/* jobs and logs: what runs and what has run, and output that is read without taking the job. Over the socket and by `warden`. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import type { Client } from '../harness/client.js';
import { output, refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { repository } from '../harness/paths.js';

const server = useServer();
/** A job that writes to both streams and waits to be told to end. */
const WAITING = 'echo begin; echo err >&2; mkfifo gate; read x < gate; echo end; exit 6';

async function openGate(client: Client, handle: string): Promise<void> {
  output(await client.run(handle, 'until [ -p gate ]; do :; done; echo > gate'));
}

/** Spawns a job and waits until logs have shown the text. */
async function spawnUntil(client: Client, handle: string, script: string, text: string): Promise<number> {
  const jobId = await client.spawn(handle, script);
  const reader = await server.connect();
  await streamUntil(reader.logs(handle, jobId, { follow: true }), text);
  reader.close();
  return jobId;
}

interface Outcome { status: number | NodeJS.Signals | null; stdout: string; stderr: string }

function start(argv: string[]): { child: ChildProcessWithoutNullStreams; outcome: Outcome; ended: Promise<Outcome> } {
  const child = spawn(process.execPath, [join(repository, 'bin/warden'), '--socket', server.paths.socket, ...argv]);
  const outcome: Outcome = { status: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('latin1').on('data', (text: string) => { outcome.stdout += text; });
  child.stderr.setEncoding('latin1').on('data', (text: string) => { outcome.stderr += text; });
  const ended = once(child, 'close').then(([status, signal]) => ({ ...outcome, status: (status ?? signal) as number | NodeJS.Signals }));
  return { child, outcome, ended };
}

/** Runs a command with that on its standard input. */
async function wardenWith(input: string, ...argv: string[]): Promise<Outcome> {
  const { child, ended } = start(argv);
  child.stdin.on('error', () => undefined).end(input);
  return ended;
}

function warden(...argv: string[]): { ended: Promise<Outcome>; kill: (signal: NodeJS.Signals) => void; seen: (text: string) => Promise<void> } {
  const { child, outcome, ended } = start(argv);
  child.stdin.end();
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    async seen(text) {
      while (!outcome.stdout.includes(text)) await Promise.race([once(child.stdout, 'data'), ended.then(() => assert.fail(`ended before it showed ${text}`))]);
    },
  };
}

test('jobs lists what runs and what nobody has taken, with all that is known of it', async () => {
  const { client, handle } = await server.container();
  assert.deepEqual(await client.jobs(handle), []);
  const before = BigInt(Date.now());
  const running = await spawnUntil(client, handle, WAITING, 'begin\nerr\n');
  const ended = await client.spawn(handle, '', { args: ['sh', '-c', 'echo "1 2"; exit 3'] });
  const killed = await client.spawn(handle, 'kill -9 $$');
  const taken = await client.spawn(handle, 'true');
  for (const id of [ended, killed]) await client.logsAll(handle, id, { follow: true });
  await client.link(handle, taken);
  const [first, second, third, ...rest] = await client.jobs(handle);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.deepEqual(rest, []);
  const after = BigInt(Date.now());
  assert.deepEqual([first.id, first.state, first.command, first.outputBytes, first.status, first.endedMs, first.signal], [running, 'running', WAITING, 10n, undefined, undefined, undefined]);
  assert.deepEqual([second.id, second.state, second.command, second.outputBytes, second.status, second.signal], [ended, 'ended', 'sh -c \'echo "1 2"; exit 3\'', 4n, 3, undefined]);
  assert.deepEqual([third.id, third.state, third.command, third.outputBytes, third.status, third.signal, third.timedOut, third.lost], [killed, 'ended', 'kill -9 $$', 0n, 255, 9, false, false]);
  for (const { startedMs = 0n, endedMs = after } of [first, second, third]) assert.ok(startedMs >= before - 1n && startedMs <= endedMs && endedMs <= after + 1n, `${before} ${startedMs} ${endedMs} ${after}`);
  assert.equal(output(await client.run(handle, `cat /proc/${first.pid}/comm`)), 'bash\n', 'the pid is the container\'s');
  await openGate(client, handle);
  assert.equal((await client.link(handle, running)).status, 6);
});

test('history is still there after a restart', async () => {
  const { client, handle } = await server.container();
  const running = await spawnUntil(client, handle, WAITING, 'err\n');
  const ended = await client.spawn(handle, 'echo x; exit 4');
  await client.logsAll(handle, ended, { follow: true });
  const before = await client.jobs(handle);
  await server.restart(undefined, 'SIGKILL');
  const again = await server.connect();
  assert.deepEqual(await again.jobs(handle), before);
  assert.equal((await again.logsAll(handle, ended)).text, 'x\n');
  await openGate(again, handle);
  assert.equal((await again.link(handle, running)).stdout, 'begin\nend\n');
});

test('logs show what there is, from any byte, and leave the job', async () => {
  const { client, handle } = await server.container();
  const jobId = await spawnUntil(client, handle, WAITING, 'begin\nerr\n');
  for (const [since_byte, text] of [[0, 'begin\nerr\n'], [4, 'n\nerr\n'], [6, 'err\n'], [9, '\n'], [10, '']] as const) {
    const logs = await client.logsAll(handle, jobId, { since_byte });
    assert.deepEqual([logs.text, logs.end.position, logs.end.status], [text, 10n, undefined]);
  }
  await refused(client.logsAll(handle, jobId, { since_byte: 11 }), 'invalid_argument', /^byte 11 is beyond the end of the output of job \d+$/);
  await refused(client.logsAll(handle, jobId, { since_byte: (1n << 64n) - 1n }), 'invalid_argument', /is beyond the end/);
  await refused(client.logsAll(handle, jobId + 1), 'not_found', /^no such job$/);
  await openGate(client, handle);
  for (let times = 0; times < 3; times++) {
    const { text, end } = await client.logsAll(handle, jobId, { follow: true });
    assert.deepEqual([text, end.status, end.position], ['begin\nerr\nend\n', 6, 14n]);
  }
  assert.deepEqual((await client.streamAll(handle, jobId)).pieces, ['stdout:begin\n', 'stderr:err\n', 'stdout:end\n']);
  await refused(client.logsAll(handle, jobId), 'not_found', /^no such job$/);
});

test('logs of a running job follow it, across the end of what was there, with streams and positions', async () => {
  const { client, handle } = await server.container();
  const jobId = await spawnUntil(client, handle, WAITING, 'begin\nerr\n');
  const readers = await Promise.all([0, 8, 10].map(async (since_byte) => ({ since_byte, reader: await server.connect() })));
  const followed = readers.map(async ({ since_byte, reader }) => {
    const seen: string[] = [];
    for await (const { name, data, position, last, status } of reader.logs(handle, jobId, { since_byte, follow: true })) seen.push(last ? `last ${position} ${status}` : `${name} ${position} ${data.toString()}`);
    return seen;
  });
  await openGate(client, handle);
  assert.deepEqual(await Promise.all(followed), [
    ['stdout 0 begin\n', 'stderr 6 err\n', 'stdout 10 end\n', 'last 14 6'], ['stderr 8 r\n', 'stdout 10 end\n', 'last 14 6'], ['stdout 10 end\n', 'last 14 6'],
  ]);
});

test('a reader of logs that stops, or goes, holds up neither the job nor others', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'head -c 8000000 /dev/zero; touch done');
  const slow = await server.connect();
  const stream = slow.logs(handle, jobId, { follow: true });
  await stream.next();
  slow.socket.pause();
  await client.run(handle, 'until [ -e done ]; do :; done');
  assert.equal((await client.link(handle, jobId)).out.length, 8_000_000);
  slow.close();
  await refused(client.link(handle, jobId), 'not_found', /^no such job$/);
});

test('logs of megabytes are exact, also from the middle', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'for i in $(seq 20); do head -c 200000 /dev/zero | tr "\\0" "$((i % 10))"; echo $i >&2; done');
  const whole = (await client.logsAll(handle, jobId, { follow: true })).text;
  assert.equal(whole.length, 20 * 200_000 + 51);
  for (const at of [1, 199_999, 200_001, 2_345_678, 4_000_050]) {
    let text = '';
    let expected = BigInt(at);
    for await (const { data, position } of client.logs(handle, jobId, { since_byte: at })) {
      assert.equal(position, expected);
      expected += BigInt(data.length);
      text += data.toString();
    }
    assert.ok(text === whole.slice(at), `from ${at}`);
  }
});

test('logs of a job that keeps none are empty', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo x; exit 2', { discard_output: true });
  const { text, end } = await client.logsAll(handle, jobId, { follow: true });
  assert.deepEqual([text, end.position, end.status], ['', 0n, 2]);
});

test('a container that is destroyed ends logs that are followed', async () => {
  const { client, handle } = await server.container();
  const jobId = await spawnUntil(client, handle, WAITING, 'err\n');
  let text = '';
  let destroyed: Promise<unknown> | undefined;
  for await (const { data, last, status } of (await server.connect()).logs(handle, jobId, { follow: true })) {
    text += data.toString();
    // Not before the logs are being followed: another connection's request may come first.
    if (text.endsWith('err\n')) destroyed ??= client.destroy(handle);
    if (last) assert.equal(status, 255);
  }
  await destroyed;
  assert.equal(text, 'begin\nerr\n');
});

test('warden jobs is a table', async () => {
  const { client, handle } = await server.container();
  const jobId = await spawnUntil(client, handle, WAITING, 'err\n');
  for (const argv of [['jobs', handle], ['--', 'jobs', handle]]) {
    const { status, stdout, stderr } = await warden(...argv).ended;
    assert.deepEqual([status, stderr], [0, '']);
    const [headings, row] = stdout.split('\n');
    assert.match(headings ?? '', /^ *ID +STATE +STARTED +DURATION +EXIT +OUTPUT +COMMAND$/);
    assert.match(row ?? '', new RegExp(`^ *${jobId} +running +\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ +[\\dms.]+ +- +10 +echo begin; .*exit 6$`));
  }
  const nobody = await warden('jobs', 'nobody').ended;
  assert.deepEqual([nobody.status, nobody.stderr], [1, 'unknown handle\n']);
});

test('warden logs gives the bytes as they are, waits with -f, and Ctrl-C ends it, never the job', async () => {
  const { client, handle } = await server.container();
  const jobId = await spawnUntil(client, handle, `printf 'a\\377\\0'; ${WAITING}`, 'err\n');
  const now = await warden('logs', handle, String(jobId)).ended;
  assert.deepEqual(now, { status: 0, stdout: 'a\xff\0begin\n', stderr: 'err\n' });
  assert.deepEqual(await warden('--', 'logs', handle, String(jobId), '--since-byte', '8').ended, { status: 0, stdout: '\n', stderr: 'err\n' });
  const interrupted = warden('logs', '-f', handle, String(jobId));
  await interrupted.seen('begin\n');
  interrupted.kill('SIGINT');
  assert.equal((await interrupted.ended).status, 'SIGINT');
  const followed = warden('logs', handle, String(jobId), '-f', '--since-byte', '1');
  await followed.seen('begin\n');
  assert.equal((await client.jobs(handle))[0]?.state, 'running');
  await openGate(client, handle);
  assert.deepEqual(await followed.ended, { status: 0, stdout: '\xff\0begin\nend\n', stderr: 'err\n' });
  assert.equal((await client.link(handle, jobId)).status, 6);
});

test('warden run passes its own input on to a job that wants it', async () => {
  const { handle } = await server.container();
  assert.deepEqual(await wardenWith('3\n1\n2\n', '--', 'run', '--handle', handle, '--stdin', '--args', 'sort'), { status: 0, stdout: '1\n2\n3\n', stderr: '' });
  assert.deepEqual(await wardenWith('y\n'.repeat(2_000_000), '--', 'run', '--handle', handle, '--stdin', '--script', 'head -n 1; exit 3'), { status: 3, stdout: 'y\n', stderr: '' });
});

test('the same by the client package', async () => {
  const { handle } = await server.container();
  await using client = await WardenClient.connect({ path: server.paths.socket });
  const { jobId } = await client.spawn({ handle, script: 'echo out; echo err >&2; exit 3' });
  const seen: unknown[] = [];
  const logs = client.logs({ handle, jobId, follow: true });
  for await (const { name, data, position } of logs) seen.push(`${name} ${position} ${Buffer.from(data).toString()}`);
  assert.deepEqual(seen, ['stdout 0 out\n', 'stderr 4 err\n']);
  assert.deepEqual(await logs.result(), { position: 8n, exitStatus: 3 });
  const { jobs: [job] } = await client.jobs({ handle });
  assert.deepEqual([job?.id, job?.state, job?.exitStatus, job?.outputBytes, job?.command], [jobId, 'ended', 3, 8n, 'echo out; echo err >&2; exit 3']);
});
