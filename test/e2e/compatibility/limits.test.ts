/* limit_memory, limit_cpu, limit_disk, limit_bandwidth: what is asked for, read and in force. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { happened, refused, says, testWith, useAnyServer } from '../../harness/any-server.js';
import type { Client } from '../../harness/client.js';
import type { Fields, OperationName } from '../../harness/wire.js';

const server = useAnyServer();
const MIB = 1n << 20n;
const UNLIMITED = 9223372036854771712n;

const ask = async (client: Client, name: OperationName, handle: string, fields: Fields = {}): Promise<Fields> => client.request(name, { handle, ...fields });

testWith(['memory'], 'memory: unlimited at first; a limit is answered in whole pages, read, and taken away by 2^63', async () => {
  const { client, handle } = await server.container();
  const limit = async (bytes?: bigint): Promise<unknown> => (await ask(client, 'limit_memory', handle, { limit_in_bytes: bytes }))['limit_in_bytes'];
  assert.equal(await limit(), UNLIMITED);
  assert.equal(await limit(64n * MIB + 4095n), 64n * MIB);
  assert.equal(await limit(), 64n * MIB);
  for (const bytes of [1n << 63n, (1n << 64n) - 1n]) assert.equal(await limit(bytes), UNLIMITED);
  assert.equal(await limit(32n * MIB), 32n * MIB);
});

testWith(['memory'], 'memory: less than what cannot be given back is an error and leaves the old limit', async () => {
  const { client, handle } = await server.container();
  await ask(client, 'limit_memory', handle, { limit_in_bytes: 128n * MIB });
  assert.equal((await client.run(handle, 'head -c 50000000 /dev/zero > /dev/shm/kept')).status, 0);
  await says(ask(client, 'limit_memory', handle, { limit_in_bytes: 16n * MIB }), /./);
  assert.deepEqual(await ask(client, 'limit_memory', handle), { limit_in_bytes: 128n * MIB });
});

testWith(['memory'], 'memory: who takes more is killed, with the event, and the container is stopped', async () => {
  const { client, handle } = await server.container();
  await ask(client, 'limit_memory', handle, { limit_in_bytes: 32n * MIB });
  const jobId = await client.spawn(handle, 'exec head -c 100M /dev/zero > /dev/shm/big');
  const { status, info } = await client.link(handle, jobId);
  assert.notEqual(status, 0);
  assert.equal(typeof info.state, 'string');
  // The stop follows the event: a job that can be begun meanwhile ends with it.
  let state = (await client.info(handle)).state;
  while (state === 'active') {
    await client.run(handle, 'true').catch(() => undefined);
    ({ state } = await client.info(handle));
  }
  assert.equal(state, 'stopped');
  assert.deepEqual(happened(await client.info(handle)), ['out of memory']);
});

testWith(['cpu'], 'processors: shares are at least 2, and are read', async () => {
  const { client, handle } = await server.container();
  assert.equal((await ask(client, 'limit_cpu', handle))['limit_in_shares'], 1024n);
  for (const [asked, inForce] of [[2048n, 2048n], [2n, 2n], [0n, 2n], [1n, 2n], [262_144n, 262_144n], [262_145n, 262_144n], [1024n, 1024n]] as const) {
    const answer = (await ask(client, 'limit_cpu', handle, { limit_in_shares: asked }))['limit_in_shares'] as bigint;
    // On cgroup v2 shares are kept as a weight from 1 to 10,000: the nearest that can be.
    const tolerance = inForce / 50n + 10n;
    assert.ok(answer >= inForce - tolerance && answer <= inForce + tolerance, `${asked}: ${answer}`);
    assert.equal((await ask(client, 'limit_cpu', handle))['limit_in_shares'], answer);
  }
});

testWith(['disk'], 'disk: none at first; blocks win over bytes, the more specific name wins, bytes are rounded up to blocks', async () => {
  const { client, handle } = await server.container();
  const byteLimit = async (fields: Fields = {}): Promise<unknown> => (await ask(client, 'limit_disk', handle, fields))['byte_limit'];
  assert.equal(await byteLimit(), 0n);
  for (const [fields, bytes] of [
    [{ byte: 9_000_001n }, 9_000_960n], [{ byte_limit: 9_000_001n }, 9_000_960n], [{ byte_hard: 9_000_001n, byte_limit: 1n, byte: 1n }, 9_000_960n],
    [{ block: 9_000n, byte_hard: 1n }, 9_216_000n], [{ block_hard: 9_002n, block_limit: 1n, block: 1n }, 9_218_048n],
  ] as const) {
    assert.equal(await byteLimit({ ...fields }), bytes, JSON.stringify(Object.keys(fields)));
    assert.equal(await byteLimit(), bytes);
  }
  assert.equal(await byteLimit({ block_limit: 0n }), 0n);
});

testWith(['disk'], 'disk: a write beyond the limit fails, and what was removed is free again', async () => {
  const { client, handle } = await server.container();
  await ask(client, 'limit_disk', handle, { byte_limit: 8n * MIB });
  const { stdout, stderr } = await client.run(handle, 'head -c 32M /dev/zero > big; stat -c %s big');
  assert.match(stderr, /quota exceeded|No space left on device/i);
  assert.ok(Number(stdout) <= 8 * 1024 * 1024, stdout);
  assert.equal((await client.run(handle, 'rm big && head -c 2M /dev/zero > small')).status, 0);
});

testWith(['bandwidth'], 'bandwidth: rate and burst in both directions, in info; a rate of 0 is refused', async () => {
  const { client, handle } = await server.container();
  assert.deepEqual((await client.info(handle)).bandwidth_stat, { in_rate: 4294967295n, in_burst: 4294967295n, out_rate: 4294967295n, out_burst: 4294967295n });
  const [rate, burst] = [1_000_000n, 100_000n];
  const answer = await ask(client, 'limit_bandwidth', handle, { rate, burst });
  assert.equal(answer['rate'], rate);
  const stat = (await client.info(handle)).bandwidth_stat;
  assert.ok(stat !== undefined);
  for (const direction of ['in', 'out']) {
    assert.equal(stat[`${direction}_rate`], rate);
    const inForce = stat[`${direction}_burst`] ?? 0n;
    assert.ok(inForce <= burst && inForce >= burst - 100n, `${direction}: ${inForce}`);
  }
  await says(ask(client, 'limit_bandwidth', handle, { rate: 0n, burst }), /./);
  assert.equal((await client.info(handle)).bandwidth_stat?.['in_rate'], rate);
});

test('a limit of nobody is an unknown handle', async () => {
  const client = await server.connect();
  for (const name of ['limit_memory', 'limit_cpu', 'limit_disk'] as const) await refused(ask(client, name, server.name('nobody')), 'not_found', /^unknown handle$/);
  await refused(ask(client, 'limit_bandwidth', server.name('nobody'), { rate: 1000n, burst: 1000n }), 'not_found', /^unknown handle$/);
});
