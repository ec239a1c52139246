/* info: what every client reads, and that replies of jobs carry the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { happened, refused, testWith, useAnyServer } from '../../harness/any-server.js';
import { streamUntil } from '../../harness/expect.js';

const server = useAnyServer();

test('state, events, path and jobs; also of a stopped container; not of one that is gone', async () => {
  const { client, handle } = await server.container();
  const fresh = await client.info(handle);
  assert.deepEqual([fresh.state, happened(fresh), fresh.job_ids], ['active', [], []]);
  assert.match(fresh.container_path, /^\//);
  const jobId = await client.spawn(handle, 'echo begun; exec sleep 1000');
  await streamUntil((await server.connect()).stream(handle, jobId), 'begun');
  assert.deepEqual((await client.info(handle)).job_ids, [BigInt(jobId)]);
  await client.stop(handle, { kill: true });
  const stopped = await client.info(handle);
  assert.deepEqual([stopped.state, stopped.job_ids, stopped.container_path], ['stopped', [], fresh.container_path]);
  await client.destroy(handle);
  await refused(client.info(handle), 'not_found', /^unknown handle$/);
});

testWith(['network'], 'addresses: the first and second of a /30 that nobody else has', async () => {
  const { client, handle } = await server.container();
  const other = await server.container();
  const number = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const [mine, its] = [await client.info(handle), await client.info(other.handle)];
  for (const { host_ip: host, container_ip: container } of [mine, its]) assert.deepEqual([number(host) % 4, number(container) - number(host)], [1, 1]);
  assert.notEqual(mine.container_ip, its.container_ip);
});

testWith(['statistics'], 'memory and processor figures, in info and in the replies of run, link and stream', async () => {
  const { client, handle } = await server.container();
  const jobs = [await client.spawn(handle, 'true'), await client.spawn(handle, 'true')] as const;
  const { info: streamed } = await client.streamAll(handle, jobs[1]);
  for (const [what, info] of Object.entries({ info: await client.info(handle), run: (await client.run(handle, 'true')).info, link: (await client.link(handle, jobs[0])).info, stream: streamed })) {
    assert.ok(info !== undefined, what);
    assert.equal(info.state, 'active', what);
    for (const name of ['rss', 'cache', 'pgfault', 'hierarchical_memory_limit', 'total_rss']) assert.equal(typeof info.memory_stat?.[name], 'bigint', `${what}: ${name}`);
    for (const name of ['usage', 'user', 'system']) assert.equal(typeof info.cpu_stat?.[name], 'bigint', `${what}: ${name}`);
  }
  const before = (await client.info(handle)).cpu_stat?.['usage'] ?? 0n;
  const { info } = await client.run(handle, 'for ((i = 0; i < 100000; i++)); do :; done');
  assert.ok((info.cpu_stat?.['usage'] ?? 0n) > before + 10_000_000n, 'work takes time');
});

test('the replies of jobs have the state and path of their container', async () => {
  const { client, handle } = await server.container();
  const { container_path: path } = await client.info(handle);
  const { info } = await client.run(handle, 'true');
  assert.deepEqual([info.state, info.container_path], ['active', path]);
});
