import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destroyContainer } from './destroy.js';
import { diskLimitsOf, limitDisk } from './limit-disk.js';
import { makeTestContainers } from './test-containers.js';

const handle = 'demo';

test('what a request asks for, in each of its names', () => {
  const cases: [Omit<Parameters<typeof diskLimitsOf>[0], 'handle'>, { bytes?: bigint; inodes?: bigint }][] = [
    [{}, {}],
    [{ byte: 1n }, { bytes: 1024n }],
    [{ byte: 1024n }, { bytes: 1024n }],
    [{ byte: 0n }, { bytes: 0n }],
    [{ byteLimit: 5000n, byte: 1n }, { bytes: 5120n }],
    [{ byteHard: 5000n, byteLimit: 1n, byte: 1n }, { bytes: 5120n }],
    [{ block: 3n, byteHard: 9n }, { bytes: 3072n }],
    [{ block: 0n, byteHard: 9n }, { bytes: 0n }],
    [{ blockLimit: 3n, block: 1n }, { bytes: 3072n }],
    [{ blockHard: 3n, blockLimit: 1n }, { bytes: 3072n }],
    [{ blockSoft: 3n }, { bytes: 3072n }],
    [{ blockSoft: 3n, blockHard: 0n }, { bytes: 3072n }],
    [{ blockSoft: 0n, blockHard: 3n }, { bytes: 3072n }],
    [{ byteSoft: 3n, byteHard: 3n }, { bytes: 1024n }],
    [{ inode: 7n, inodeLimit: 8n }, { inodes: 8n }],
    [{ inodeHard: 9n, inodeLimit: 8n, inodeSoft: 2n, byte: 1n }, { inodes: 9n, bytes: 1024n }],
    [{ byte: 2n ** 63n - 1024n }, { bytes: 2n ** 63n - 1024n }],
    [{ inode: 2n ** 63n - 1n }, { inodes: 2n ** 63n - 1n }],
  ];
  for (const [fields, limits] of cases) assert.deepEqual(diskLimitsOf({ handle, ...fields }), limits, JSON.stringify(Object.keys(fields)));
});

test('numbers that no disk can have, and soft limits above hard ones, are refused', () => {
  for (const fields of [{ byte: 2n ** 63n - 1n }, { byteHard: 2n ** 64n - 1n }, { block: 2n ** 53n }, { blockSoft: 2n ** 64n - 1n }, { inode: 2n ** 63n }, { byteSoft: 2n, byte: 1n }, { inodeSoft: 9n, inodeHard: 8n }]) {
    assert.throws(() => diskLimitsOf({ handle, ...fields }), { code: 'invalid_argument' }, Object.keys(fields).join());
  }
});

test('the reply is what is in force, in every name; a request without a limit only reads', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle });
  const none = Object.fromEntries(['block', 'inode', 'byte'].flatMap((kind) => ['', 'Limit', 'Soft', 'Hard'].map((name) => [`${kind}${name}`, 0n])));
  assert.deepEqual(await limitDisk(containers, container, { handle }), none);
  const answer = await limitDisk(containers, container, { handle, byte: 5000n, inode: 9n });
  assert.deepEqual([answer.byteLimit, answer.byteSoft, answer.block, answer.blockHard, answer.inodeSoft, answer.inode], [5120n, 5120n, 5n, 5n, 9n, 9n]);
  assert.deepEqual(host.diskLimits.get(`/depot/disks/${container.id}`), { bytes: 5120n, inodes: 9n });
  assert.equal((await limitDisk(containers, container, { handle, inode: 0n })).byte, 5120n, 'a limit that is not named stays');
});

test('a destroy that comes meanwhile is what the error tells', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle });
  host.disks.limit = async () => {
    await destroyContainer(containers, container);
    throw new Error('no such file or directory');
  };
  await assert.rejects(limitDisk(containers, container, { handle, byte: 1n }), { code: 'not_found', message: 'unknown handle' });
  host.disks.limit = () => Promise.reject(new Error('broken'));
  await assert.rejects(limitDisk(containers, await create(), { handle, byte: 1n }), { message: 'broken' });
});

test('with the container its limits go, while its files are still there; one that cannot be taken away holds nothing up', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle });
  await limitDisk(containers, container, { handle, byte: 1n });
  assert.equal(host.diskLimits.size, 1);
  host.calls.length = 0;
  await destroyContainer(containers, container);
  assert.equal(host.diskLimits.size, 0);
  const order = host.calls.filter((name) => /^(monitor\.destroy|disks\.release|depot\.discardDirectory)$/.test(name));
  assert.deepEqual(order, ['monitor.destroy', 'disks.release', 'depot.discardDirectory']);

  const other = await create({ handle: 'other' });
  host.disks.release = () => Promise.reject(new Error('quotas are off'));
  await destroyContainer(containers, other);
  assert.deepEqual(host.leftovers(), []);
});
