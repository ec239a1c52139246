/* More output than 32 bits can count: live, and read again after the daemon was killed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { growsAtMost } from '../harness/memory-growth.js';
import { hashOfNumbers, lastNumberFor, lengthOfNumbers } from '../harness/numbers.js';
import { readStream } from '../harness/stream-hash.js';

const GIB = 1024 ** 3;
const server = useServer({ server: { job_output_limit: 5 * GIB } });

test('4.1 GiB are streamed as they come, and again after a kill of the daemon', async () => {
  const { client, handle } = await server.container();
  const last = lastNumberFor(4.1 * GIB);
  const whole = { bytes: lengthOfNumbers(last), hash: await hashOfNumbers(last), status: 0 };
  assert.ok(whole.bytes > 2 ** 32);
  const jobId = await client.spawn(handle, `mkfifo gate; seq 1 ${last}; read x < gate`);
  const first = await server.connect();
  await growsAtMost([server.daemon.pid], GIB / 16, async () => {
    let bytes = 0;
    for await (const { data } of first.stream(handle, jobId)) {
      bytes += data.length;
      if (bytes === whole.bytes) break;
    }
    assert.equal(bytes, whole.bytes);
  });
  await server.restart(undefined, 'SIGKILL');
  const again = await server.connect();
  await again.run(handle, 'echo > gate');
  await growsAtMost([server.daemon.pid], GIB / 16, async () => assert.deepEqual(await readStream(again, handle, jobId), whole));
});
