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

test('0 destroys at once when the last connection closes', async () => {
  const handle = await createAndLeave({ grace_time: 0 });
  await depotEmpty(4_000);
  await assertGone(handle);
});

test('the configured time counts for a request without one', async () => {
  const handle = await createAndLeave({});
  const took = await depotEmpty(5_000);
  assert.ok(took > 700, `destroyed after ${took} ms`);
  await assertGone(handle);
});

test('a request that names the container cancels the timer', async () => {
  const handle = await createAndLeave({ grace_time: 1 });
  const client = await server.connect();
  await client.run(handle, 'sleep 1.5');
  assert.equal((await client.info(handle)).state, 'active');
});

test('a connection made while the container exists keeps it', async () => {
  const { client, handle } = await server.container({ grace_time: 0 });
  const bystander = await server.connect();
  await bystander.ping();
  client.close();
  const third = await server.connect();
  await third.ping();
  assert.equal((await bystander.info(handle)).state, 'active');
});
