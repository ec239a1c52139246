import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address } from '../lib/ipv4.js';
import { spawnJob } from './jobs.js';
import { listContainers } from './listing.js';
import { stopContainer } from './stop.js';
import { makeTestContainers } from './test-containers.js';

test('list tells handles, of all or of those with labels', async () => {
  const { containers, create } = makeTestContainers();
  await create({ handle: 'plain' });
  await create({ handle: 'red', labels: [{ key: 'team', value: 'red' }] });
  await create({ handle: 'blue', labels: [{ key: 'team', value: 'blue' }, { key: 'ci', value: '' }] });
  assert.deepEqual(listContainers(containers, { labels: [] }), { handles: ['plain', 'red', 'blue'] });
  assert.deepEqual(listContainers(containers, { labels: [{ key: 'team' }] }), { handles: ['red', 'blue'] });
  assert.deepEqual(listContainers(containers, { labels: [{ key: 'team', value: 'blue' }, { key: 'ci' }], details: false }), { handles: ['blue'] });
  assert.deepEqual(listContainers(containers, { labels: [{ key: 'none' }], details: true }), { handles: [], containers: [] });
});

test('with details it tells what a table shows, and asks nobody for it', async () => {
  const { containers, create, host } = makeTestContainers();
  const before = Date.now();
  const container = await create({ handle: 'demo', ttl: 60, labels: [{ key: 'team', value: 'red' }] });
  await spawnJob(containers, container, { handle: 'demo', script: '' });
  const stopped = await create({ handle: 'stopped', rootfs: '/other' });
  await stopContainer(containers, stopped, { kill: true });
  host.clock.advance(1500);
  host.calls.length = 0;
  const { handles, containers: [demo, other] = [] } = listContainers(containers, { labels: [], details: true });
  assert.deepEqual(host.calls, []);
  assert.deepEqual(handles, ['demo', 'stopped']);
  const { createdMs = 0n, ...rest } = demo ?? { handle: '', state: '' };
  assert.ok(createdMs >= BigInt(before) && createdMs <= BigInt(Date.now()));
  assert.deepEqual(rest, {
    handle: 'demo', state: 'active', containerIp: formatIpv4Address(container.network.containerAddress), labels: [{ key: 'team', value: 'red' }], ttlLeftMs: 58_500n, rootfs: '/rootfs', netIn: [], jobs: 1,
  });
  assert.deepEqual([other?.state, other?.rootfs, other?.ttlLeftMs, other?.labels, other?.jobs], ['stopped', '/other', undefined, [], 0]);
});
