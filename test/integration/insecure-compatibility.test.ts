/* The contract of Warden servers, kept by plain processes: the compatibility suite, run by the user without rights whose server it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsOf, runCompatibility } from '../harness/compatibility-run.js';
import { usePlainServer } from '../harness/plain-server.js';

const server = usePlainServer([]);

test('everything but what plain processes cannot have', async () => {
  const done = await runCompatibility(server.socket, ['--as', 'insecure'], { asPlainUser: true });
  const { passed, failed, skipped } = countsOf(done);
  assert.deepEqual([done.status, failed, skipped], [0, 0, 0], done.stdout);
  assert.ok(passed > 80, done.stdout);
});
