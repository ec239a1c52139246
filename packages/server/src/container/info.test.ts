import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destroyContainer } from './destroy.js';
import { infoAtOnce, infoForJob, infoWithUse } from './info.js';
import { runJob, spawnJob } from './jobs.js';
import { RecordingHost } from './recording-host.js';
import { makeTestContainers } from './test-containers.js';

async function scene(disk: 'btrfs' | 'none') {
  const host = new RecordingHost();
  const made = makeTestContainers(host);
  const container = await made.create({ handle: 'demo' });
  Object.assign(container, { disk: { ...container.disk, backend: disk } });
  return { host, container, containers: made.containers };
}

test('what the files take is told at once where that can be', async () => {
  const { host, container, containers } = await scene('btrfs');
  host.disks.limit = () => assert.fail('asked in vain');
  host.disks.usage = () => ({ bytes: 8192n, inodes: undefined });
  for (const info of [await infoWithUse(containers, container), await infoForJob(containers, container)]) assert.deepEqual(info.diskStat, { bytesUsed: 8192n, inodesUsed: undefined });
});

test('else what the files take comes from the launcher, and only where something counts it', async () => {
  const counted = await scene('btrfs');
  counted.host.disks.usage = () => undefined;
  counted.host.disks.limit = () => Promise.resolve({ limits: { bytes: 0n, inodes: 0n }, usage: { bytes: 4096n, inodes: undefined } });
  for (const info of [await infoWithUse(counted.containers, counted.container), await infoForJob(counted.containers, counted.container)]) {
    assert.deepEqual(info.diskStat, { bytesUsed: 4096n, inodesUsed: undefined });
    assert.deepEqual(info.cpuStat, { usage: 1n, user: 2n, system: 3n });
  }
  const uncounted = await scene('none');
  uncounted.host.disks.usage = () => undefined;
  uncounted.host.disks.limit = () => assert.fail('asked in vain');
  assert.equal((await infoWithUse(uncounted.containers, uncounted.container)).diskStat, undefined);
});

test('what the link has carried comes from the launcher, and costs a reply nothing else when it does not', async () => {
  const { host, container, containers } = await scene('btrfs');
  const asked: string[] = [];
  host.launcher.readLinkStatistics = (hostName) => {
    asked.push(hostName);
    return Promise.resolve({ inBytes: 1n, inPackets: 2n, outBytes: 1n << 63n, outPackets: 4n });
  };
  const info = await infoWithUse(containers, container);
  assert.deepEqual([asked, info.networkStat], [[container.link.hostName], { inBytes: 1n, inPackets: 2n, outBytes: 1n << 63n, outPackets: 4n }]);
  assert.equal((await infoForJob(containers, container)).networkStat, undefined, 'replies of jobs do without it');
  host.launcher.readLinkStatistics = () => Promise.reject(new Error('no such link'));
  const without = await infoWithUse(containers, container);
  assert.deepEqual([without.networkStat, without.diskStat?.bytesUsed], [undefined, 4096n]);
  host.launcher.readLinkStatistics = () => new Promise(() => undefined);
  const late = infoWithUse(containers, container);
  host.clock.advance(500);
  assert.deepEqual([(await late).networkStat, (await late).diskStat?.bytesUsed], [undefined, 4096n]);
});

test('an answer that is an error, or does not come, costs a reply that number alone', async () => {
  const { host, container, containers } = await scene('btrfs');
  host.disks.usage = () => undefined;
  host.disks.limit = () => Promise.reject(new Error('gone'));
  const { networkStat, netOut, bindMounts, labels, ttlLeftMs, createdMs, ...rest } = await infoWithUse(containers, container);
  assert.deepEqual([rest, networkStat?.inPackets, netOut, bindMounts, labels, ttlLeftMs], [infoAtOnce(containers, container), 1n, [], [], [], undefined]);
  assert.ok(createdMs !== undefined);
  host.disks.limit = () => new Promise(() => undefined);
  const late = infoWithUse(containers, container);
  host.clock.advance(500);
  assert.equal((await late).diskStat, undefined);
});

test('the last info of a container has statistics for those who follow a job of it, and is made of nothing for nobody', async () => {
  for (const followed of [true, false]) {
    const { host, container, containers } = await scene('none');
    let reads = 0;
    host.statistics.cpu = () => ({ usage: BigInt(++reads), user: 0n, system: 0n });
    const request = { handle: 'demo', script: '' };
    if (followed) await runJob(containers, container, request, { output: () => true }, 1000);
    else await spawnJob(containers, container, request);
    await destroyContainer(containers, container);
    assert.deepEqual([reads, container.lastInfo?.cpuStat !== undefined, container.lastInfo?.jobIds], [followed ? 1 : 0, followed, []]);
  }
});
