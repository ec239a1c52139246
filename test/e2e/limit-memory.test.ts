/* limit_memory as a client sees it: what is answered is what is in force, and it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import type { Client } from '../harness/client.js';

const server = useServer();
const UNLIMITED = 9223372036854771712n;
const MIB = 1n << 20n;

async function limit(client: Client, handle: string, bytes?: bigint): Promise<unknown> {
  return (await client.request('limit_memory', { handle, limit_in_bytes: bytes }))['limit_in_bytes'];
}

test('a new container is not limited; a limit is answered, read, raised, lowered and taken away', async () => {
  const { client, handle } = await server.container();
  assert.equal(await limit(client, handle), UNLIMITED);
  for (const bytes of [64n * MIB, 256n * MIB, 32n * MIB, 1n << 40n, 128n * MIB]) {
    assert.equal(await limit(client, handle, bytes), bytes);
    assert.equal(await limit(client, handle), bytes);
  }
  assert.equal(await limit(client, handle, (1n << 63n)), UNLIMITED);
  assert.equal(await limit(client, handle), UNLIMITED);
});

test('limits are whole pages, rounded down', async () => {
  const { client, handle } = await server.container();
  assert.equal(await limit(client, handle, 64n * MIB + 4095n), 64n * MIB);
  assert.equal(await limit(client, handle, 64n * MIB - 1n), 64n * MIB - 4096n);
});

test('from 2^63 up there is no limit; less than a page is none either, but an error', async () => {
  const { client, handle } = await server.container();
  for (const bytes of [1n << 63n, (1n << 64n) - 1n, UNLIMITED]) {
    assert.equal(await limit(client, handle, 64n * MIB), 64n * MIB);
    assert.equal(await limit(client, handle, bytes), UNLIMITED, String(bytes));
  }
  await limit(client, handle, 64n * MIB);
  for (const bytes of [0n, 1n, 4095n]) await refused(limit(client, handle, bytes), 'invalid_argument', /page/);
  assert.equal(await limit(client, handle), 64n * MIB);
});

test('a limit below what cannot be reclaimed is an error, and the old one stays', async () => {
  const { client, handle } = await server.container();
  await limit(client, handle, 256n * MIB);
  assert.equal(output(await client.run(handle, 'head -c 50000000 /dev/zero > /dev/shm/kept')), '');
  await refused(limit(client, handle, 16n * MIB), 'wrong_state', /cannot be 16777216 bytes: \d+ bytes are in use .* stays at 268435456 bytes/);
  assert.equal(await limit(client, handle), 256n * MIB);
  assert.equal(output(await client.run(handle, 'rm /dev/shm/kept; echo removed')), 'removed\n');
  assert.equal(await limit(client, handle, 16n * MIB), 16n * MIB);
});

test('what is only cached is given up for a lower limit', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'head -c 50000000 /dev/zero > cached; sync cached; echo written')), 'written\n');
  assert.equal(await limit(client, handle, 16n * MIB), 16n * MIB);
  assert.equal(output(await client.run(handle, 'cmp cached <(head -c 50000000 /dev/zero) && echo whole')), 'whole\n');
});

test('limits of a stopped container, and of one that is gone', async () => {
  const { client, handle } = await server.container();
  await client.stop(handle, { kill: true });
  assert.equal(await limit(client, handle, 64n * MIB), 64n * MIB);
  await client.destroy(handle);
  await refused(limit(client, handle), 'not_found', /^unknown handle$/);
  await refused(limit(client, handle, 64n * MIB), 'not_found', /^unknown handle$/);
});
