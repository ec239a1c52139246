/* native/test/random_test.py for a minute: what can be done to jobs, at random, with the seed that it prints. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '../harness/paths.js';
import { runProgram } from '../harness/run-program.js';
import { SOAK } from '../harness/soak.js';
import { parseTap } from '../native/tap.js';

const DEADLINE_MS = 5 * 60_000;

test('a monitor keeps nothing of jobs, whatever its clients do', async () => {
  const { status, stdout, stderr } = await runProgram('python3', ['-B', join(repository, 'native/test/random_test.py')], {
    timeoutMs: DEADLINE_MS,
    env: { ...process.env, WARDEN_SOAK: SOAK ? '1' : '0' },
  });
  const { checks, mistakes } = parseTap(stdout);
  assert.ok(status === 0 && checks.length > 0, `${stdout}${stderr}`);
  assert.deepEqual(mistakes, []);
});
