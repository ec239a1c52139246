/* Output: complete, exact, in order. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { testWith, useAnyServer } from '../../harness/any-server.js';
import { output, streamUntil } from '../../harness/expect.js';

const server = useAnyServer();

test('stdout and stderr arrive apart', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, 'echo out; echo err >&2; printf "no newline"; exit 5');
  assert.deepEqual([result.status, result.stdout, result.stderr], [5, 'out\nno newline', 'err\n']);
});

test('a job without output has empty output', async () => {
  const { client, handle } = await server.container();
  const { status, stdout, stderr } = await client.run(handle, 'true');
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});

test('the info of a result is that of its container', async () => {
  const { client, handle } = await server.container();
  const { info } = await client.run(handle, 'true');
  const own = await client.info(handle);
  assert.deepEqual([info.state, info.container_ip, info.container_path, info.job_ids], ['active', own.container_ip, own.container_path, []]);
});

test('every byte value survives', async () => {
  const { client, handle } = await server.container();
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const printf = [...all].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const { out } = await client.run(handle, `printf '${printf}'`);
  assert.deepEqual(out, all);
});

testWith(['better'], 'stdout and stderr of a stream keep their order of writing', async () => {
  const { client, handle } = await server.container();
  const script = 'for i in $(seq 500); do echo "o$i"; echo "e$i" >&2; done';
  const jobId = await client.spawn(handle, script);
  const { pieces, status } = await client.streamAll(handle, jobId);
  const expected = Array.from({ length: 500 }, (_, index) => [`stdout:o${index + 1}\n`, `stderr:e${index + 1}\n`]).flat();
  assert.deepEqual(pieces, expected);
  assert.equal(status, 0);
});

testWith(['better'], 'order holds between processes of one job', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'for i in $(seq 60); do bash -c "echo o$i"; bash -c "echo e$i >&2"; done');
  const { pieces } = await client.streamAll(handle, jobId);
  assert.deepEqual(pieces, Array.from({ length: 60 }, (_, index) => [`stdout:o${index + 1}\n`, `stderr:e${index + 1}\n`]).flat());
});

/** Numbers written one by one, the even ones to stdout, the odd ones to stderr. */
const ALTERNATING = 'for ($i = 0; $i < 3000; $i++) { syswrite($i % 2 ? STDERR : STDOUT, "$i\n") }';

testWith(['better'], 'order holds again after much output on one stream: nothing but what was written at once behind it may change places', async () => {
  const { client, handle } = await server.container();
  const burst = 'syswrite(STDOUT, "x" x 1000) for 1..300; syswrite(STDOUT, "\n");';
  const jobId = await client.spawn(handle, `exec perl -e 'for (1..3) { ${burst} ${ALTERNATING} }'`);
  const { pieces, status } = await client.streamAll(handle, jobId);
  assert.equal(status, 0);
  const rounds = pieces.map((piece) => piece.slice('stdout:'.length)).join('').split(/x+\n/).slice(1);
  assert.equal(rounds.length, 3);
  const late = Array.from({ length: 2990 }, (_, index) => `${index + 10}`);
  for (const round of rounds) assert.deepEqual(round.trimEnd().split('\n').slice(10), late);
});

testWith(['better'], '100 kB to 9 MB of output is complete, run after run', async () => {
  const { client, handle } = await server.container();
  for (const size of [100_000, 65_536, 65_537, 1_000_000, 9_000_000]) {
    const expected = createHash('sha256').update(Buffer.alloc(size, '0123456789abcdef')).digest('hex');
    for (let round = 0; round < (size > 5_000_000 ? 2 : 10); round++) {
      const { status, out, stderr } = await client.run(handle, `head -c ${size} < <(exec yes 0123456789abcdef | exec tr -d '\\n')`);
      assert.equal(status, 0, stderr);
      assert.equal(out.length, size);
      assert.equal(createHash('sha256').update(out).digest('hex'), expected);
    }
  }
});

testWith(['better'], 'output written at the very end is not lost, 200 times', async () => {
  const { client, handle } = await server.container();
  const text = 'x'.repeat(4000);
  for (let round = 0; round < 200; round++) {
    const { stdout } = await client.run(handle, `echo ${text}; echo last >&2`);
    assert.equal(stdout.length, 4001);
  }
});

test('output comes while the job runs', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo first; mkfifo p; read x < p; echo "$x"');
  const stream = client.stream(handle, jobId);
  await streamUntil(stream, 'first\n');
  const other = await server.connect();
  await other.run(handle, 'until [ -p p ]; do :; done; echo second > p');
  await streamUntil(stream, 'second\n');
  const last = await stream.next();
  assert.equal(last.done === true ? undefined : last.value.status, 0);
});

test('a background process that keeps stdout does not hold the reply, and lives on', async () => {
  const { client, handle } = await server.container();
  const start = Date.now();
  const pid = output(await client.run(handle, 'sleep 1000 & echo $!')).trim();
  assert.ok(Date.now() - start < 5_000);
  assert.equal(output(await client.run(handle, `kill -0 ${pid} && echo alive`)), 'alive\n');
  await client.stop(handle, { kill: true });
});

test('what a background process writes after the end harms nobody', async () => {
  const { client, handle } = await server.container();
  const { stdout } = await client.run(handle, '(until [ -e go ]; do sleep 0.01; done; for i in $(seq 5000); do echo late; done; touch done) & echo early');
  assert.equal(stdout, 'early\n');
  assert.equal(output(await client.run(handle, 'touch go; until [ -e done ]; do sleep 0.01; done; echo seen')), 'seen\n');
});

test('/dev/stdout, /dev/stderr and /dev/fd can be opened again', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, 'echo a > /dev/stdout; echo b > /dev/stderr; echo c > /dev/fd/1; cat <(echo d)');
  assert.deepEqual([result.status, result.stdout, result.stderr], [0, 'a\nc\nd\n', 'b\n']);
});

test('a chunk of a stream carries one name and some data; the last carries status and info', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'echo a; echo b >&2; exit 9');
  const chunks = [];
  for await (const chunk of client.stream(handle, jobId)) chunks.push(chunk);
  const last = chunks.pop();
  assert.equal(last?.status, 9);
  assert.equal(last?.info?.state, 'active');
  for (const { name, data, status } of chunks) {
    assert.match(name, /^stdout$|^stderr$/);
    assert.ok(data.length > 0);
    assert.equal(status, undefined);
  }
});

test('jobs of one container run side by side', async () => {
  const { client, handle } = await server.container();
  const ids: number[] = [];
  for (let index = 0; index < 10; index++) ids.push(await client.spawn(handle, `mkfifo p${index}; read x < p${index}; echo ${index}`));
  assert.deepEqual((await client.info(handle)).job_ids.map(Number).sort((a, b) => a - b), ids);
  await client.run(handle, 'for i in $(seq 0 9); do until [ -p p$i ]; do :; done; echo > p$i; done');
  for (const [index, id] of ids.entries()) assert.equal((await client.link(handle, id)).stdout, `${index}\n`);
});
