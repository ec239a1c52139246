/* Grace time: containers that nobody refers to any more are destroyed. */
import assert from 'node:assert/strict';
import { readdirSync, watch } from 'node:fs';
import { test } from 'node:test';
import type { CreateOptions } from '../harness/client.js';
import { refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { nextEvent, untilClean } from '../harness/wait.js';

const server = useServer({ server: { container_grace_time: 1 } });

/** Waits for the depot to be empty. A connection that asks would refer to every container, so the directory is watched. */
async function depotEmpty(milliseconds: number): Promise<number> {
  const directory = `${server.paths.depot}/containers`;
  const watcher = watch(directory);
  const start = Date.now();
  try {
    const left = await untilClean(() => readdirSync(directory), () => nextEvent(watcher, 'change'), milliseconds);
    assert.deepEqual(left, [], 'the container was not destroyed');
    return Date.now() - start;
  } finally {
    watcher.close();
  }
}

async function createAndLeave(options: CreateOptions): Promise<string> {
  const { client, handle } = await server.container(options);
  await client.run(handle, 'true');
  client.close();
  return handle;
}

async function assertGone(handle: string): Promise<void> {
  await refused((await server.connect()).info(handle), 'not_found', /^unknown handle$/);
}

test('the configured time counts for a request without one', async () => {
  const handle = await createAndLeave({});
  const took = await depotEmpty(5_000);
  assert.ok(took > 700, `destroyed after ${took} ms`);
  await assertGone(handle);
});

