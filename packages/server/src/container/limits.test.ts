import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedMemory } from '../host/limits.js';
import { destroyContainer } from './destroy.js';
import { limitCpu } from './limit-cpu.js';
import { limitMemory } from './limit-memory.js';
import { limitPids } from './limit-pids.js';
import { stopContainer } from './stop.js';
import { makeTestContainers } from './test-containers.js';

const unlimited = { shares: 1024n, quota: undefined, cpus: undefined };

test('limit_memory sets and answers what is in force; without a value it only reads', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  assert.equal(await limitMemory(containers, container, undefined), unlimitedMemory);
  assert.equal(await limitMemory(containers, container, 10_000n), 8192n);
  assert.equal(await limitMemory(containers, container, undefined), 8192n);
  assert.equal(await limitMemory(containers, container, (1n << 64n) - 1n), unlimitedMemory);
  host.calls.length = 0;
  await limitMemory(containers, container, undefined);
  assert.deepEqual(host.calls, ['memory.read']);
});

test('a memory limit below one page is refused', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  for (const limit of [0n, 1n, 4095n]) await assert.rejects(limitMemory(containers, container, limit), { code: 'invalid_argument', message: /less than a page/ });
  assert.equal(host.memoryLimits.size, 0);
});

test('limits of a stopped container can be read and set, those of one that is gone cannot', async () => {
  const { containers, create } = makeTestContainers();
  const container = await create();
  await stopContainer(containers, container, { kill: true });
  assert.equal(await limitMemory(containers, container, 8192n), 8192n);
  assert.equal((await limitCpu(containers, container, { limitInShares: 7n })).shares, 7n);
  await destroyContainer(containers, container);
  await assert.rejects(limitMemory(containers, container, 8192n), { code: 'not_found' });
  await assert.rejects(limitMemory(containers, container, undefined), { code: 'not_found' });
  await assert.rejects(limitCpu(containers, container, {}), { code: 'not_found' });
});

test('a limit that is asked for while its container is being removed is one of an unknown handle', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  let goOn!: () => void;
  const removed = containers.changes.run(container.id, () => new Promise<void>((resolve) => { goOn = resolve; }));
  host.memory.read = host.cpu.read = () => { throw new Error('the group is gone'); };
  const asked = [limitMemory(containers, container, undefined), limitCpu(containers, container, {})].map((answer) => assert.rejects(answer, { code: 'not_found', message: 'unknown handle' }));
  container.moveTo('destroyed');
  goOn();
  await Promise.all([removed, ...asked]);
});

test('shares are brought within their bounds', async () => {
  const { containers, create } = makeTestContainers();
  const container = await create();
  assert.deepEqual(await limitCpu(containers, container, {}), unlimited);
  for (const [asked, inForce] of [[0n, 2n], [1n, 2n], [2n, 2n], [262_144n, 262_144n], [262_145n, 262_144n], [(1n << 64n) - 1n, 262_144n]] as const) {
    assert.equal((await limitCpu(containers, container, { limitInShares: asked })).shares, inForce);
  }
});

test('limit_pids: what is set is in force, and more than a machine can have is no limit', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  assert.equal(await limitPids(containers, container, undefined), 1024n);
  for (const [asked, inForce] of [[1n, 1n], [64n, 64n], [4_194_304n, 4_194_304n], [4_194_305n, undefined], [(1n << 64n) - 1n, undefined]] as const) {
    assert.equal(await limitPids(containers, container, asked), inForce);
    assert.equal(await limitPids(containers, container, undefined), inForce);
  }
  await assert.rejects(limitPids(containers, container, 0n), { code: 'invalid_argument', message: /at least one process/ });
  assert.equal(host.pidsLimits.size, 1);
});

test('a quota keeps its period, a period its quota, and 0 is none', async () => {
  const { containers, create } = makeTestContainers();
  const container = await create();
  assert.deepEqual((await limitCpu(containers, container, { quotaInUs: 50_000n })).quota, { quotaInUs: 50_000n, periodInUs: 100_000n });
  assert.deepEqual((await limitCpu(containers, container, { periodInUs: 200_000n })).quota, { quotaInUs: 50_000n, periodInUs: 200_000n });
  assert.deepEqual((await limitCpu(containers, container, { quotaInUs: 1000n })).quota, { quotaInUs: 1000n, periodInUs: 200_000n });
  assert.deepEqual((await limitCpu(containers, container, { limitInShares: 5n })).quota, { quotaInUs: 1000n, periodInUs: 200_000n });
  assert.deepEqual(await limitCpu(containers, container, { quotaInUs: 0n }), { ...unlimited, shares: 5n });
  await assert.rejects(limitCpu(containers, container, { periodInUs: 100_000n }), { code: 'invalid_argument', message: /give quota_in_us as well/ });
});

test('bad quotas, periods and lists are refused before anything is written', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  const requests = [
    { quotaInUs: 999n }, { quotaInUs: 1n << 63n }, { quotaInUs: (1n << 64n) - 1n }, { quotaInUs: 1000n, periodInUs: 999n }, { quotaInUs: 1000n, periodInUs: 0n },
    { quotaInUs: 1000n, periodInUs: 1_000_001n }, { limitInShares: 7n, quotaInUs: 1n }, { cpus: '0,'.repeat(2049) },
  ];
  for (const request of requests) await assert.rejects(limitCpu(containers, container, request), { code: 'invalid_argument' });
  assert.equal(host.cpuLimits.size, 0);
});

test('changes of one container wait for one another', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  const answers = await Promise.all([8192n, 16_384n, 4096n].map((limit) => limitMemory(containers, container, limit)));
  assert.deepEqual(answers, [8192n, 16_384n, 4096n]);
  assert.deepEqual(host.calls.slice(-6), ['memory.write', 'memory.read', 'memory.write', 'memory.read', 'memory.write', 'memory.read']);
});
