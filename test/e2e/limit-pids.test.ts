/* limit_pids as a client sees it: set, read, in force, and for root of the container too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();
/** Prints how many children there were when a fork was refused. */
const FORKS = '$| = 1; my $made = 0; for (1..200) { my $p = fork; last if !defined $p; if (!$p) { sleep 1000; exit } $made++ } print "$made\\n"; kill "KILL", -$$';

test('the limit is the configured one at first, what is set is read, and info tells it', async () => {
  const { client, handle } = await server.container();
  const limit = async (value?: bigint): Promise<unknown> => (await client.request('limit_pids', { handle, ...(value === undefined ? {} : { limit: value }) }))['limit'];
  assert.equal(await limit(), 1024n);
  for (const value of [64n, 2000n, 4_194_304n, 100n]) {
    assert.equal(await limit(value), value);
    assert.equal(await limit(), value);
    assert.equal((await client.info(handle)).pids_stat?.max, value);
  }
  for (const value of [4_194_305n, 2n ** 64n - 1n]) assert.equal(await limit(value), undefined);
  assert.equal((await client.info(handle)).pids_stat?.max, undefined);
  await refused(client.request('limit_pids', { handle, limit: 0n }), 'invalid_argument', /^limit: a container has at least one process$/);
  await refused(client.request('limit_pids', { handle: 'nobody' }), 'not_found', /^unknown handle$/);
});

test('no more can be forked, whoever forks, and what was there stays', async () => {
  const { client, handle } = await server.container();
  await client.request('limit_pids', { handle, limit: 30n });
  for (const privileged of [false, true]) {
    const made = Number((await client.run(handle, '', { args: ['setsid', '--wait', 'perl', '-e', FORKS], privileged })).stdout);
    assert.ok(made > 20 && made < 30, `${made} children`);
  }
  const waiting = await client.spawn(handle, 'exec sleep 1000');
  await client.request('limit_pids', { handle, limit: 1n });
  await refused(client.run(handle, 'true'), 'exhausted', /out of processes/);
  await client.request('limit_pids', { handle, limit: 100n });
  assert.equal(output(await client.run(handle, 'echo again')), 'again\n');
  assert.deepEqual((await client.info(handle)).job_ids, [BigInt(waiting)]);
});

test('a stopped container keeps its limit', async () => {
  const { client, handle } = await server.container();
  await client.request('limit_pids', { handle, limit: 77n });
  await client.stop(handle);
  assert.deepEqual(await client.request('limit_pids', { handle }), { limit: 77n });
});
