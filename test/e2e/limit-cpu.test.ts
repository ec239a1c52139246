/* limit_cpu as a client sees it. On cgroup v2 shares are kept as a weight, so what is answered there is the nearest that can be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { PATIENCE } from '../harness/patience.js';
import { controllerVersion } from '../harness/cgroup-files.js';
import type { Fields } from '../harness/wire.js';

const server = useServer();

async function limit(client: Client, handle: string, fields: Fields = {}): Promise<Fields> {
  return await client.request('limit_cpu', { handle, ...fields });
}

/** What is in force when so many shares are asked for. */
function inForce(shares: bigint): bigint {
  if (controllerVersion('cpu') === 1) return shares;
  const weight = Math.min(10_000, Math.max(1, Math.round(Number(shares) * 100 / 1024)));
  return BigInt(Math.round(weight * 1024 / 100));
}

test('shares: 1024 at first, what is set is read, with bounds', async () => {
  const { client, handle } = await server.container();
  assert.deepEqual(await limit(client, handle), { limit_in_shares: 1024n });
  for (const shares of [2n, 512n, 2048n, 300n, 262_144n]) {
    assert.deepEqual(await limit(client, handle, { limit_in_shares: shares }), { limit_in_shares: inForce(shares) });
    assert.deepEqual(await limit(client, handle), { limit_in_shares: inForce(shares) });
  }
  for (const [asked, shares] of [[0n, 2n], [1n, 2n], [262_145n, 262_144n], [1n << 63n, 262_144n], [(1n << 64n) - 1n, 262_144n]] as const) {
    assert.deepEqual(await limit(client, handle, { limit_in_shares: asked }), { limit_in_shares: inForce(shares) }, String(asked));
  }
});

test('a quota is set, read and taken away, and holds', async () => {
  const { client, handle } = await server.container();
  assert.deepEqual(await limit(client, handle, { quota_in_us: 20_000n }), { limit_in_shares: 1024n, quota_in_us: 20_000n, period_in_us: 100_000n });
  assert.deepEqual(await limit(client, handle, { quota_in_us: 5_000n, period_in_us: 50_000n }), { limit_in_shares: 1024n, quota_in_us: 5_000n, period_in_us: 50_000n });
  // A tenth of a processor: 100 ms of work take ten times as long, however busy the machine is.
  const { stdout } = await client.run(handle, `TIMEFORMAT="%R %U %S"; { time { for ((i = 0; i < ${60_000 / PATIENCE}; i++)); do :; done; }; } 2>&1`);
  const [real = 0, user = 0, system = 0] = stdout.trim().split(' ').map(Number);
  assert.ok(real >= 4 * (user + system) - 0.1, `${real} s for ${user + system} s of work`);
  assert.deepEqual(await limit(client, handle, { quota_in_us: 0n }), { limit_in_shares: 1024n });
});

test('bad quotas, periods and processors are refused and change nothing', async () => {
  const { client, handle } = await server.container();
  await limit(client, handle, { limit_in_shares: 512n, quota_in_us: 20_000n });
  const before = await limit(client, handle);
  const requests: Fields[] = [
    { quota_in_us: 1n }, { quota_in_us: 1n << 63n }, { quota_in_us: (1n << 64n) - 1n }, { period_in_us: 0n }, { period_in_us: 999n }, { period_in_us: 1_000_001n },
    { limit_in_shares: 2n, cpus: 'all' }, { limit_in_shares: 2n, quota_in_us: 0n, cpus: '8191' }, { cpus: '$(id)' }, { cpus: '0-'.repeat(3000) },
  ];
  for (const fields of requests) await refused(limit(client, handle, fields), 'invalid_argument', /./);
  assert.deepEqual(await limit(client, handle), before);
});

test('processors: a container sees and uses those that it was given', async () => {
  const { client, handle } = await server.container();
  const all = output(await client.run(handle, 'nproc'));
  assert.equal((await limit(client, handle, { cpus: '0' }))['cpus'], all === '1\n' ? undefined : '0');
  assert.equal(output(await client.run(handle, 'nproc')), '1\n');
  assert.deepEqual(await limit(client, handle, { cpus: '' }), { limit_in_shares: 1024n });
  assert.equal(output(await client.run(handle, 'nproc')), all);
});

test('a job that waits seconds for a processor before it has begun is not taken for one that hangs', async () => {
  const { client, handle } = await server.container();
  const spinners = await Promise.all(Array.from({ length: 4 }, () => client.spawn(handle, 'while :; do :; done', { timeout_ms: 120_000n })));
  // Three milliseconds in a second for all of them: whoever comes last waits for several seconds. A slow machine does less in them.
  await limit(client, handle, { quota_in_us: BigInt(3_000 * PATIENCE), period_in_us: 1_000_000n });
  const jobId = await client.spawn(handle, 'exit 7');
  await limit(client, handle, { quota_in_us: 0n });
  for (const spinner of spinners) await client.signal(handle, spinner, 9);
  assert.equal((await client.link(handle, jobId)).status, 7);
});
