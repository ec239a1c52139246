import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeResponse, EncodedMessage, encodeInfo, encodeResponse, Type, FrameDecoder } from 'warden-protocol';
import { encodedInfoOf } from './encoded-info.js';
import { infoAtOnce, type ContainerInfo } from './info.js';
import { RecordingHost } from './recording-host.js';
import { makeTestContainers } from './test-containers.js';

const memoryStat = new EncodedMessage(encodeInfo({ memoryStat: { cache: 5n, rss: 6n } as never }).subarray(3));

/** As a client finds it in the reply of a run. */
function decoded(info: ContainerInfo | EncodedMessage): unknown {
  const decoder = new FrameDecoder();
  decoder.push(encodeResponse(Type.Run, { exitStatus: 0, info } as never));
  const { response } = decodeResponse(decoder.next() ?? assert.fail('no frame'));
  return (response as { info?: unknown }).info;
}

async function scene() {
  const host = new RecordingHost();
  host.disks.usage = () => ({ bytes: 8192n, inodes: 12n });
  host.statistics.encodedMemory = () => memoryStat;
  const { containers, create } = makeTestContainers(host);
  const container = await create({ handle: 'demo' });
  const check = (change: Partial<ContainerInfo> = {}): unknown => {
    const info = { ...infoAtOnce(containers, container), ...change };
    const encoded = encodedInfoOf(container, info);
    assert.ok(encoded instanceof EncodedMessage);
    assert.deepEqual(decoded(encoded), decoded(info));
    return decoded(encoded);
  };
  return { container, containers, check };
}

test('it is the same on the wire as the object', async () => {
  const { check } = await scene();
  const info = check() as Record<string, unknown>;
  assert.deepEqual([info['state'], info['diskStat'], info['cpuStat']], ['active', { bytesUsed: 8192n, inodesUsed: 12n }, { usage: 1n, user: 2n, system: 3n }]);
  check({ cpuStat: { usage: 9_007_199_254_740_991n, user: 0n, system: 1n << 40n } });
  check({ pidsStat: { current: 3n, max: undefined }, diskStat: { bytesUsed: 1n, inodesUsed: undefined } });
  check({ cpuStat: undefined, diskStat: undefined, pidsStat: undefined });
  check({ jobIds: [1n, 200n, 1n << 30n] });
});

test('what has changed since the last time is in it', async () => {
  const { container, check } = await scene();
  check();
  container.netIn = [{ protocol: 'tcp', hostPort: 61001, containerPort: 80 }];
  assert.deepEqual((check() as { netIn: unknown[] }).netIn.length, 1);
  container.addEvent('out of memory');
  assert.deepEqual((check() as { events: unknown[] }).events, ['out of memory']);
  container.bandwidth = { wanted: {}, inForce: { inbound: { rate: 1000n, burst: 2000n }, outbound: undefined } } as never;
  assert.deepEqual((check() as { bandwidthStat: { inRate: bigint } }).bandwidthStat.inRate, 1000n);
  container.moveTo('stopped');
  assert.equal((check() as { state: string }).state, 'stopped');
});

test('what changes while the use of the disk is asked for is in the next one', async () => {
  const { container, containers, check } = await scene();
  const before = infoAtOnce(containers, container);
  container.netIn = [{ protocol: 'tcp', hostPort: 61001, containerPort: 80 }];
  container.bandwidth = { wanted: {}, inForce: { inbound: { rate: 1000n, burst: 2000n }, outbound: undefined } } as never;
  encodedInfoOf(container, before);
  const { netIn, bandwidthStat } = check() as { netIn: unknown[]; bandwidthStat: { inRate: bigint } };
  assert.deepEqual([netIn.length, bandwidthStat.inRate], [1, 1000n]);
});

test('what is not of the common kind stays an object', async () => {
  const { container, containers } = await scene();
  const info = infoAtOnce(containers, container);
  const { memoryStat: _encoded, ...rest } = info;
  for (const other of [rest, { ...info, jobIds: Array.from({ length: 9 }, (_, index) => BigInt(index)) }, { ...info, cpuStat: { usage: 1n << 60n, user: 1n, system: 1n } }]) {
    assert.equal(encodedInfoOf(container, other as ContainerInfo), other);
  }
  container.lastInfo = info;
  assert.equal(encodedInfoOf(container, info), info);
});
