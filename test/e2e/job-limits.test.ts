/* job_output_limit, discard_output and resource limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const LIMIT = 200_000;
const server = useServer({ server: { job_output_limit: LIMIT, container_rlimits: { nofile: 512, core: 0 } } });
const EVENT = 'command exceeded maximum output';

test('exactly the limit is fine, of one stream and of both together', async () => {
  const { client, handle } = await server.container();
  const one = await client.run(handle, `head -c ${LIMIT} /dev/zero`);
  assert.deepEqual([one.status, one.out.length], [0, LIMIT]);
  const both = await client.run(handle, `head -c ${LIMIT / 2} /dev/zero; head -c ${LIMIT / 2} /dev/zero >&2`);
  assert.deepEqual([both.status, both.stdout.length + both.stderr.length], [0, LIMIT]);
  assert.deepEqual((await client.info(handle)).events, []);
});

test('one byte more kills the job, with the event, and the container stays active', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, `head -c ${LIMIT} /dev/zero; printf x; sleep 1000`);
  assert.equal(result.status, 255);
  assert.ok(result.out.length <= LIMIT);
  const { state, events, job_ids } = await client.info(handle);
  assert.deepEqual([state, events, job_ids], ['active', [EVENT], []]);
  assert.equal(output(await client.run(handle, 'echo still here')), 'still here\n');
});

test('the limit counts both streams together', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, `head -c ${LIMIT / 2} /dev/zero; head -c ${LIMIT / 2 + 1} /dev/zero >&2; sleep 1000`);
  assert.equal(result.status, 255);
  assert.deepEqual((await client.info(handle)).events, [EVENT]);
});

test('every process of a job over the limit dies, also one with a session of its own; other jobs live', async () => {
  const { client, handle } = await server.container();
  const bystander = await client.spawn(handle, 'echo up; exec sleep 2001');
  const other = await server.connect();
  await streamUntil(other.stream(handle, bystander), 'up');
  other.close();
  const result = await client.run(handle, 'setsid sleep 2002 & (sleep 2003 &) ; sleep 2004 & exec yes');
  assert.equal(result.status, 255);
  assert.deepEqual((await server.processesOf(handle)).filter((command) => command.includes('sleep')), ['sleep 2001']);
  await client.stop(handle, { kill: true });
});

test('the event is there once per job, in order, and a stream ends with 255 too', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'exec yes');
  const { status, bytes } = await client.streamAll(handle, jobId);
  assert.equal(status, 255);
  assert.ok(bytes <= LIMIT);
  await client.run(handle, 'exec yes');
  const { events } = await client.info(handle);
  assert.ok(events.length >= 1 && events.every((event) => event === EVENT), JSON.stringify(events));
});

test('with discard_output nothing is kept and nothing is killed', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, `head -c ${LIMIT * 20} /dev/zero; echo err >&2; exit 3`, { discard_output: true });
  assert.deepEqual([result.status, result.stdout.length, result.stderr], [3, 0, '']);
  const jobId = await client.spawn(handle, 'echo something; exit 4', { discard_output: true });
  const { bytes, status } = await client.streamAll(handle, jobId);
  assert.deepEqual([bytes, status], [0, 4]);
  assert.deepEqual((await client.info(handle)).events, []);
});

test('configured limits hold for every job, a request\'s for its job alone', async () => {
  const { client, handle } = await server.container();
  const limits = 'ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -f';
  const usual = output(await client.run(handle, limits));
  assert.deepEqual(usual.split('\n').slice(0, 3), ['512', '512', '0']);
  const special = output(await client.run(handle, limits, { rlimits: { nofile: 100n, fsize: 4096n } }));
  assert.deepEqual(special.split('\n').slice(0, 4), ['100', '100', '0', '4']);
  assert.equal(output(await client.run(handle, limits)), usual);
  const neighbour = await server.container();
  assert.equal(output(await neighbour.client.run(neighbour.handle, limits)), usual);
});

test('a limit is in force', async () => {
  const { client, handle } = await server.container();
  const { status } = await client.run(handle, 'trap "" XFSZ; head -c 10000 /dev/zero > big', { rlimits: { fsize: 4096n } });
  assert.notEqual(status, 0);
  assert.equal(output(await client.run(handle, 'stat -c %s big')), '4096\n');
});

test('every resource can be set', async () => {
  const { client, handle } = await server.container();
  const rlimits = {
    as: 1n << 32n, core: 0n, cpu: 100n, data: 1n << 31n, fsize: 1n << 30n, locks: 10n, memlock: 4096n, msgqueue: 8192n, nice: 0n,
    nofile: 64n, nproc: 50n, rss: 1n << 30n, rtprio: 0n, sigpending: 100n, stack: 4_194_304n,
  };
  const text = output(await client.run(handle, 'cat /proc/self/limits', { rlimits }));
  for (const [name, value] of [
    ['Max address space', 4_294_967_296], ['Max cpu time', 100], ['Max open files', 64], ['Max processes', 50], ['Max stack size', 4_194_304],
    ['Max locked memory', 4096], ['Max pending signals', 100], ['Max file locks', 10], ['Max msgqueue size', 8192],
    // 0 would let a program that core_pattern names see the memory: docs/limits.md.
    ['Max core file size', 1], ['Max data size', 2_147_483_648], ['Max file size', 1_073_741_824], ['Max resident set', 1_073_741_824],
    ['Max nice priority', 0], ['Max realtime priority', 0],
  ] as const) assert.match(text, new RegExp(`^${name}\\s+${value}\\s+${value}\\s`, 'm'), name);
});

test('a limit above what the daemon may give is clamped, with an event, and the job runs', async () => {
  const { client, handle } = await server.container();
  const { status, stdout, stderr } = await client.run(handle, 'ulimit -Hn', { rlimits: { nofile: 1_000_000_000n } });
  assert.deepEqual([status, stderr], [0, '']);
  assert.ok(Number(stdout) > 512 && Number(stdout) < 1_000_000_000, stdout);
  const { events } = await client.info(handle);
  assert.equal(events.length, 1);
  assert.match(events[0] ?? '', /nofile/i);
});

test('a limit of 2^64-1 is no limit or the most there is', async () => {
  const { client, handle } = await server.container();
  const { status, stdout } = await client.run(handle, 'ulimit -f; ulimit -Hn', { rlimits: { fsize: 18_446_744_073_709_551_615n, nofile: 18_446_744_073_709_551_615n } });
  assert.equal(status, 0);
  assert.match(stdout, /^unlimited\n\d+\n$/);
});
