/* Jobs on a terminal of their own: what they see, what they are sent, and what its size is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import type { Client } from '../harness/client.js';
import { refused, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();
const tty = { rows: 24, columns: 80 };
const CTRL_C = '\x03';

/** Runs a script on a terminal to its end; a terminal's lines end in CR LF. */
async function onTerminal(client: Client, handle: string, script: string, options: object = {}): Promise<{ status: number; stdout: string; stderr: string }> {
  const jobId = await client.spawn(handle, script, { tty, ...options });
  return await client.link(handle, jobId);
}

test('a terminal is standard input, output and error, and the controlling one', async () => {
  const { client, handle } = await server.container();
  const { status, stdout, stderr } = await onTerminal(client, handle, 'for fd in 0 1 2; do test -t $fd && echo "tty $fd"; done; tty; echo error >&2; echo "$TERM"; ps -o tty= -p $$; echo x > /dev/tty; exit 4');
  assert.deepEqual([status, stderr], [4, '']);
  assert.match(stdout, /^tty 0\r\ntty 1\r\ntty 2\r\n\/dev\/pts\/\d+\r\nerror\r\nxterm\r\npts\/\d+ *\r\nx\r\n$/);
  assert.equal((await onTerminal(client, handle, 'echo "$TERM"', { tty: { ...tty, term: 'vt100' } })).stdout, 'vt100\r\n');
  assert.equal((await client.run(handle, 'test -t 0 || test -t 1 || test -t 2')).status, 1, 'without it there is none');
});

test('its size is that of the request, and changes when it is told to', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'stty size; while read -r line; do stty size; done', { tty });
  const stream = client.stream(handle, jobId);
  await streamUntil(stream, '24 80\r\n');
  const other = await server.connect();
  for (const [rows, columns] of [[50, 132], [4096, 1], [1, 4096]] as const) {
    await other.request('resize', { handle, job_id: jobId, rows, columns });
    await other.input(handle, jobId, '\n');
    await streamUntil(stream, `${rows} ${columns}\r\n`);
  }
  for (const [rows, columns] of [[0, 80], [24, 4097], [65_536, 80]] as const) {
    await refused(other.request('resize', { handle, job_id: jobId, rows, columns }), 'invalid_argument', /^(rows|columns) is a number from 1 to 4096, not \d+$/);
  }
  await other.input(handle, jobId, '', true);
  let status: number | undefined;
  for await (const chunk of stream) ({ status } = chunk);
  assert.equal(status, 0);
});

test('a program is told of a new size, and not of one that is the same', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, '', { args: ['perl', '-e', '$| = 1; $SIG{WINCH} = sub { print "changed\n" }; print "ready\n"; sleep 1 while 1'], tty });
  const stream = client.stream(handle, jobId);
  await streamUntil(stream, 'ready\r\n');
  const other = await server.connect();
  await other.request('resize', { handle, job_id: jobId, ...tty });
  await other.request('resize', { handle, job_id: jobId, rows: 25, columns: 80 });
  await streamUntil(stream, 'changed\r\n');
  await other.signal(handle, jobId, 9);
  let rest = '';
  for await (const chunk of stream) rest += chunk.data.toString();
  assert.equal(rest, '');
});

test('what is typed arrives, Ctrl-C interrupts, and an end of input is one', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'trap "echo interrupted" INT; echo ready; read line; echo "first $line"; cat; echo "cat ended $?"', { tty });
  const stream = client.stream(handle, jobId);
  const typist = await server.connect();
  await streamUntil(stream, 'ready\r\n');
  await typist.input(handle, jobId, CTRL_C);
  await streamUntil(stream, 'interrupted\r\n');
  await typist.input(handle, jobId, 'second $(id)\n');
  await streamUntil(stream, 'second $(id)\r\nfirst second $(id)\r\n');
  await typist.input(handle, jobId, 'third\n');
  await streamUntil(stream, 'third\r\nthird\r\n');
  await typist.input(handle, jobId, '', true);
  let rest = '';
  let status: number | undefined;
  for await (const chunk of stream) {
    rest += chunk.data.toString();
    ({ status } = chunk);
  }
  assert.deepEqual([rest, status], ['cat ended 0\r\n', 0]);
});

test('Ctrl-C ends a job that does not catch it', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, '', { args: ['cat'], tty });
  const stream = client.stream(handle, jobId);
  const typist = await server.connect();
  await typist.input(handle, jobId, 'echo\n');
  await streamUntil(stream, 'echo\r\necho\r\n');
  await typist.input(handle, jobId, CTRL_C);
  for await (const _ of stream);
  await refused(client.link(handle, jobId), 'not_found', /^no such job$/);
  const again = await client.spawn(handle, '', { args: ['cat'], tty });
  await typist.input(handle, again, CTRL_C);
  const { status, signal } = await client.link(handle, again);
  assert.deepEqual([status, signal], [255, 2]);
});

test('without a script it is an interactive bash', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, '', { tty, env: ['PS1=prompt> '] });
  const stream = client.stream(handle, jobId);
  const typist = await server.connect();
  await streamUntil(stream, 'prompt> ');
  await typist.input(handle, jobId, 'echo $((40 + 2)); exit 9\n');
  await streamUntil(stream, '42\r\n');
  let status: number | undefined;
  for await (const chunk of stream) ({ status } = chunk);
  assert.equal(status, 9);
});

test('a terminal job lives across a restart, with its output, its size and its input', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo before; read line; echo "got $line"; stty size; exit 3', { tty });
  await streamUntil(client.logs(handle, jobId, { follow: true }), 'before\r\n');
  await server.restart(undefined, 'SIGKILL');
  const again = await server.connect();
  await again.request('resize', { handle, job_id: jobId, rows: 10, columns: 20 });
  await again.input(handle, jobId, 'x\n');
  const { status, stdout } = await again.link(handle, jobId);
  assert.deepEqual([status, stdout], [3, 'before\r\nx\r\ngot x\r\n10 20\r\n']);
});

test('many terminals at once are kept apart, and leave nothing', async () => {
  const { client, handle } = await server.container();
  const ids: number[] = [];
  for (let index = 0; index < 20; index++) ids.push(await client.spawn(handle, 'read line; echo "$line"', { tty }));
  for (const [index, id] of ids.entries()) await client.input(handle, id, `${index}\n`);
  for (const [index, id] of ids.entries()) assert.equal((await client.link(handle, id)).stdout, `${index}\r\n${index}\r\n`);
});

test('output of a terminal is whole to the last byte, and logs leave it', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'stty -opost; seq 100000', { tty });
  const expected = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join('');
  const { text, end } = await client.logsAll(handle, jobId, { follow: true });
  assert.ok(text === expected, `${text.length} of ${expected.length} bytes`);
  assert.equal(end.status, 0);
  assert.ok((await client.link(handle, jobId)).stdout === expected);
});

test('a job without a terminal has no size', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'cat', { stdin: true });
  await refused(client.request('resize', { handle, job_id: jobId, rows: 1, columns: 1 }), 'wrong_state', /^job \d+ has no terminal: it was started without tty$/);
  await refused(client.request('resize', { handle, job_id: jobId + 1, rows: 1, columns: 1 }), 'not_found', /^no such job$/);
});

test('a time-out ends a terminal job', async () => {
  const { client, handle } = await server.container();
  const { status, timedOut } = await client.run(handle, '', { args: ['cat'], tty, timeout_ms: 200 });
  assert.deepEqual([status, timedOut], [255, true]);
});

test('the same by the client package', async () => {
  const { handle } = await server.container();
  await using client = await WardenClient.connect({ path: server.paths.socket });
  const { jobId } = await client.spawn({ handle, args: ['sh', '-c', 'read x; stty size; echo "$x"'], tty });
  await client.resize({ handle, jobId, rows: 33, columns: 44 });
  await client.writeInput({ handle, jobId, data: 'typed\n' });
  const { stdout } = await client.link({ handle, jobId });
  assert.equal(Buffer.from(stdout).toString(), 'typed\r\n33 44\r\ntyped\r\n');
});
