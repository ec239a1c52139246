/* Grace time: containers that nobody refers to any more are destroyed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, testWith, useAnyServer } from '../../harness/any-server.js';
import type { Client, CreateOptions } from '../../harness/client.js';
import { untilSeen } from '../../harness/wait.js';

const server = useAnyServer();

/** A container that only the connection which made it refers to, and a connection from before it, which may ask without referring to it. */
async function createAlone(options: CreateOptions): Promise<{ client: Client; handle: string; bystander: Client; isThere: () => Promise<boolean> }> {
  const bystander = await server.connect();
  await bystander.ping();
  const { client, handle } = await server.container(options);
  return { client, handle, bystander, isThere: async () => (await bystander.list()).includes(handle) };
}

/** Asks until the container is gone; each answer of the server is the turn for the next question. */
async function gone(isThere: () => Promise<boolean>): Promise<number> {
  const start = Date.now();
  let there = true;
  const ask = async (): Promise<void> => {
    while (there) there = await isThere();
  };
  const asking = ask();
  await untilSeen('the end of the grace time', () => !there, () => 'the container is there', 10_000);
  await asking;
  return Date.now() - start;
}

test('0: it is destroyed as soon as the last connection that refers to it closes', async () => {
  const { client, handle, bystander, isThere } = await createAlone({ grace_time: 0 });
  assert.ok(await isThere());
  client.close();
  await gone(isThere);
  await refused(bystander.info(handle), 'not_found', /^unknown handle$/);
});

test('a time in seconds, which begins with the close', async () => {
  const { client, isThere } = await createAlone({ grace_time: 1 });
  client.close();
  const took = await gone(isThere);
  assert.ok(took > 700, `destroyed after ${took} ms`);
});

test('a connection that names the container keeps it, and so does one that was made while it was there', async () => {
  const { client, handle, bystander } = await createAlone({ grace_time: 0 });
  await bystander.info(handle);
  client.close();
  const later = await server.connect();
  await later.ping();
  assert.equal((await bystander.info(handle)).state, 'active');
  bystander.close();
  await (await server.connect()).ping();
  assert.equal((await later.info(handle)).state, 'active');
});

test('a request that names the container cancels the timer', async () => {
  const { client, handle, bystander, isThere } = await createAlone({ grace_time: 2 });
  client.close();
  assert.ok(await isThere());
  // Longer than the grace time: the request came while it ran.
  assert.equal((await bystander.run(handle, 'sleep 2.3')).status, 0);
  assert.equal((await bystander.info(handle)).state, 'active');
});

testWith(['better'], 'the largest number is a long time, not an instant', async () => {
  const { client, isThere } = await createAlone({ grace_time: 4_294_967_295 });
  client.close();
  for (let round = 0; round < 20; round++) assert.ok(await isThere());
});

testWith(['defaults'], 'without one it lives on', async () => {
  const { client, isThere } = await createAlone({});
  client.close();
  for (let round = 0; round < 20; round++) assert.ok(await isThere());
});
