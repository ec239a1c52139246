import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerDisk } from '../disk.js';
import { ProjectDisks, UserDisks } from './disk-quota.js';
import type { Quota, QuotaOrder } from './quota-messages.js';

const disk: ContainerDisk = { backend: 'project', directory: undefined, upper: '/depot/containers/a/upper', uid: 10_000, rootUid: 0x2000_0000 };
const unused: Quota = { bytesUsed: 0n, blockLimit: 0n, inodesUsed: 0n, inodeLimit: 0n, enforced: true };

/** A file system whose quotas answer with `quotas`, in the order of the ids that it is asked for. */
function fileSystem(answer: (order: QuotaOrder) => Quota = () => unused): { orders: QuotaOrder[]; launcher: { quota: (order: QuotaOrder) => Promise<Quota> } } {
  const orders: QuotaOrder[] = [];
  const quota = async (order: QuotaOrder): Promise<Quota> => {
    orders.push(order);
    return answer(order);
  };
  return { orders, launcher: { quota } };
}

test('a project: the directory says which; bytes become blocks, rounded up, and the answer is what is in force', async () => {
  const { orders, launcher } = fileSystem(() => ({ bytesUsed: 5000n, blockLimit: 2n ** 53n, inodesUsed: 3n, inodeLimit: 10n, enforced: true }));
  const state = await new ProjectDisks('/depot', launcher).limit(disk, { bytes: 1025n, inodes: 9n });
  assert.deepEqual(orders, [{ path: disk.upper, kind: 'project', blockLimit: 2n, inodeLimit: 9n }]);
  assert.deepEqual(state, { limits: { bytes: 2n ** 63n, inodes: 10n }, usage: { bytes: 5000n, inodes: 3n } });
});

test('a limit that is not given is not sent, one of 0 is', async () => {
  const { orders, launcher } = fileSystem();
  const disks = new ProjectDisks('/depot', launcher);
  await disks.limit(disk, {});
  await disks.limit(disk, { bytes: 0n });
  await disks.release(disk);
  assert.deepEqual(orders.map(({ blockLimit, inodeLimit }) => [blockLimit, inodeLimit]), [[undefined, undefined], [0n, undefined], [0n, 0n]]);
});

test('users: vcap and the container\'s root have the same limit, and their use is added up', async () => {
  const { orders, launcher } = fileSystem(({ id }) => ({ ...unused, blockLimit: 4n, bytesUsed: id === disk.uid ? 1000n : 2000n, inodesUsed: 1n }));
  const state = await new UserDisks('/depot', launcher).limit(disk, { bytes: 4096n });
  assert.deepEqual(orders.map(({ kind, id, blockLimit }) => [kind, id, blockLimit]), [['user', disk.uid, 4n], ['user', disk.rootUid, 4n]]);
  assert.deepEqual(state, { limits: { bytes: 4096n, inodes: 0n }, usage: { bytes: 3000n, inodes: 2n } });
});

test('users: a root that is not known is not asked for', async () => {
  const { orders, launcher } = fileSystem();
  await new UserDisks('/depot', launcher).release({ ...disk, rootUid: undefined });
  assert.deepEqual(orders.map(({ id, blockLimit, inodeLimit }) => [id, blockLimit, inodeLimit]), [[disk.uid, 0n, 0n]]);
});

test('quotas that only count are refused at the start, with the mount option that they need', async () => {
  const counting = fileSystem(() => ({ ...unused, enforced: false })).launcher;
  await assert.rejects(new ProjectDisks('/depot', counting).prepare(), { code: 'unsupported', message: /project quotas of \/depot are only counted, not enforced: .*prjquota/ });
  await assert.rejects(new UserDisks('/depot', counting).prepare(), { code: 'unsupported', message: /user quotas .*usrquota/ });
  const { orders, launcher } = fileSystem();
  await new ProjectDisks('/depot', launcher).prepare();
  assert.deepEqual(orders, [{ path: '/depot', kind: 'project', id: 0xffff_fffe }]);
});
