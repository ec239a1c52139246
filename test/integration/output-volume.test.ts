/* Much output, and readers that do not keep up: exact for whoever reads, and no memory of the daemon. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { growsAtMost } from '../harness/memory-growth.js';
import { hashOfNumbers, lastNumberFor, lengthOfNumbers } from '../harness/numbers.js';
import { parentOf } from '../harness/processes.js';
import { shortOrLong } from '../harness/soak.js';
import { readStream } from '../harness/stream-hash.js';

const MIB = 1024 * 1024;
const server = useServer({ server: { job_output_limit: 6 * 1024 * MIB } });

async function monitorOf(handle: string): Promise<number> {
  const [init = 0] = await server.pidsOf(handle);
  return parentOf(init);
}

test(`${shortOrLong('1 GiB', '4 GiB')} of output is exact, while wardend and monitor stay small`, async () => {
  const { client, handle } = await server.container();
  const last = lastNumberFor(shortOrLong(1024, 4096) * MIB);
  const expected = hashOfNumbers(last);
  await growsAtMost([server.daemon.pid, await monitorOf(handle)], 64 * MIB, async () => {
    const jobId = await client.spawn(handle, `exec seq 1 ${last}`);
    const [reader, other] = [await server.connect(), await server.connect()];
    const whole = { bytes: lengthOfNumbers(last), hash: await expected, status: 0 };
    assert.deepEqual(await Promise.all([readStream(reader, handle, jobId), readStream(other, handle, jobId)]), [whole, whole]);
  });
});

test('a reply of link as large as a frame can be costs the daemon nothing', async () => {
  const { client, handle } = await server.container();
  const last = lastNumberFor(90 * MIB);
  const expected = hashOfNumbers(last);
  await growsAtMost([server.daemon.pid], 64 * MIB, async () => {
    const jobId = await client.spawn(handle, `exec seq 1 ${last}`);
    const { status, out } = await client.link(handle, jobId);
    assert.deepEqual([status, out.length, createHash('sha256').update(out).digest('hex')], [0, lengthOfNumbers(last), await expected]);
  });
});

test('output that fits no reply is refused with advice, and the job stays for a stream', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'exec head -c 100000000 /dev/zero');
  await refused(client.link(handle, jobId), 'exhausted', /100000000 bytes of output do not fit one reply.*stream the job instead/);
  assert.equal((await client.streamAll(handle, jobId)).bytes, 100_000_000);
  await refused(client.link(handle, jobId), 'not_found', /^no such job$/);
});

test(`${shortOrLong('10^6', '10^7')} writes of one byte, to stdout and stderr in turn, come exactly and in order`, async () => {
  const { client, handle } = await server.container();
  const count = shortOrLong(1_000_000, 10_000_000);
  const jobId = await client.spawn(handle, `exec perl -e 'for ($i = 0; $i < ${count}; $i++) { syswrite($i % 2 ? STDERR : STDOUT, chr($i % 251)) }'`);
  let position = 0;
  let status: number | undefined;
  for await (const chunk of client.stream(handle, jobId)) {
    status = chunk.status;
    for (const byte of chunk.data) {
      if (byte !== position % 251 || chunk.name !== (position % 2 === 0 ? 'stdout' : 'stderr')) assert.fail(`write ${position} came as ${byte} on ${chunk.name}`);
      position++;
    }
  }
  assert.deepEqual([position, status], [count, 0]);
});

test('a reader that stops for a minute holds nobody but itself, and gets the rest when it goes on', async () => {
  const { client, handle } = await server.container();
  const other = await server.container();
  const last = lastNumberFor(shortOrLong(128, 1024) * MIB);
  const whole = { bytes: lengthOfNumbers(last), hash: await hashOfNumbers(last), status: 0 };
  await growsAtMost([server.daemon.pid, await monitorOf(handle)], 64 * MIB, async () => {
    const stopped = await server.connect();
    const jobId = await client.spawn(handle, `seq 1 ${last}; touch done`);
    const stream = stopped.stream(handle, jobId);
    const begin = await stream.next();
    assert.ok(begin.done !== true);
    stopped.socket.pause();
    const hash = createHash('sha256').update(begin.value.data);
    let bytes = begin.value.data.length;
    const began = performance.now();
    // The job runs to its end, and others do not notice. Half a second of the minute is one run of the other container, and a ping is answered before that ends.
    await client.run(handle, 'until [ -e done ]; do sleep 0.01; done');
    do {
      const served = other.client.run(other.handle, 'sleep 0.5; echo served');
      assert.equal(await Promise.race([client.ping().then(() => 'the ping'), served.then(() => 'the run')]), 'the ping');
      assert.equal(output(await served), 'served\n');
    } while (performance.now() - began < 60_000);
    assert.deepEqual(await readStream(await server.connect(), handle, jobId), whole);
    stopped.socket.resume();
    for await (const { data, status } of stream) {
      hash.update(data);
      bytes += data.length;
      if (status !== undefined) assert.deepEqual({ bytes, hash: hash.digest('hex'), status }, whole);
    }
  });
});

for (const [what, options, readers] of [
  ['no reader', {}, 'none'], ['readers that stop', {}, 'stopped'], ['their output discarded', { discard_output: true }, 'none'],
] as const) {
  test(`twenty jobs of yes with ${what}: the daemon does not grow`, async () => {
    await server.restart({ server: { job_output_limit: 10 * MIB } });
    const { client, handle } = await server.container();
    await growsAtMost([server.daemon.pid, await monitorOf(handle)], 64 * MIB, async () => {
      const jobs = await Promise.all(Array.from({ length: 20 }, () => client.spawn(handle, 'exec yes', options)));
      const streams = readers === 'none' ? [] : await Promise.all(jobs.map(async (jobId) => {
        const reader = await server.connect();
        const stream = reader.stream(handle, jobId);
        await stream.next();
        reader.socket.pause();
        return reader;
      }));
      if ('discard_output' in options) {
        // Nothing limits these: they have written for a while when thirty other jobs have come and gone.
        for (let round = 0; round < 30; round++) output(await client.run(handle, 'true'));
        assert.deepEqual((await client.info(handle)).job_ids.length, 20);
        assert.deepEqual((await client.info(handle)).events, []);
        await client.stop(handle, { kill: true });
      }
      const results = [];
      for (const jobId of jobs) results.push(await client.link(handle, jobId));
      assert.ok(results.every(({ status }) => status === 255));
      if (!('discard_output' in options)) {
        assert.deepEqual(results.map(({ out }) => out.length), jobs.map(() => 10 * MIB));
        assert.deepEqual((await client.info(handle)).events, ['command exceeded maximum output']);
        for (const reader of streams) reader.close();
      }
    });
  });
}
