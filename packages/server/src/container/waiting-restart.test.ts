import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptContainers } from './adopt.js';
import { destroyContainer } from './destroy.js';
import { infoOf } from './info.js';
import { RecordingHost } from './recording-host.js';
import { makeTestContainers, roomyConfiguration } from './test-containers.js';
import { filled, idsOf, turns, withPool } from './test-pool.js';

test('a restarted server offers them again when it would make the same, and removes the others', async () => {
  const before = await filled(2);
  const claimed = await before.create();
  await turns();
  before.host.clock.advance(20);
  await turns();
  const waiting = idsOf(before);
  const { host } = before;
  const expectations: readonly (readonly [name: string, size: number, count: number, alter: (host: RecordingHost) => void])[] = [
    ['the same', 2, 2, () => undefined],
    ['fewer', 1, 1, () => undefined],
    ['other name servers', 0, 0, () => undefined],
  ];
  for (const [name, size, count, alter] of expectations) {
    alter(host);
    const after = withPool(size, host);
    await adoptContainers(after.containers);
    assert.deepEqual(after.containers.handles(), [claimed.handle], name);
    assert.deepEqual(infoOf(after.containers.get(claimed.handle)), infoOf(claimed));
    assert.equal(after.containers.waiting.all().length >= count, true);
    after.containers.waiting.begin();
    await turns();
    assert.deepEqual(idsOf(after), waiting.slice(0, count), name);
    assert.deepEqual([...host.living.keys()].sort(), [claimed.id, ...waiting.slice(0, count)].sort());
    assert.deepEqual([...host.directories].sort(), [...host.living.keys()].sort());
    if (count === 2) assert.equal((await after.create()).id, waiting.shift());
    if (count === 2) await destroyContainer(after.containers, after.containers.get(after.containers.handles().at(-1)!));
    after.containers.waiting.close();
  }
});

test('a claim that was recorded is no other client\'s after a restart, at whatever moment the server died', async () => {
  const before = await filled(1);
  const container = await before.create({ ttl: 5 });
  // The server dies before anything else.
  const after = withPool(1, before.host);
  await adoptContainers(after.containers);
  after.containers.waiting.begin();
  await turns();
  assert.deepEqual([after.containers.handles(), idsOf(after).includes(container.id)], [[container.handle], false]);
  assert.equal((await after.create()).id > container.id, true);
});

test('after a restart the first claim tells where handles go on: nothing that waits is given up for another', async () => {
  const before = await filled(2);
  const after = withPool(2, before.host);
  await adoptContainers(after.containers);
  after.containers.waiting.begin();
  const [first, second] = idsOf(after);
  const handles = [(await after.create()).handle, (await after.create({ rootfs: '/other' })).handle];
  assert.deepEqual([handles[0], idsOf(after), handles[1]! > first! && handles[1]! < second!], [first, [second], true]);
});

test('what has died or begun to end while no server was there is not offered', async () => {
  const harm: ((host: RecordingHost, id: string) => void)[] = [
    (host, id) => host.living.delete(id),
    (host, id) => host.living.get(id)?.destroy(),
    (host, id) => {
      host.living.get(id)!.destroying = true;
    },
    (host, id) => host.living.get(id)?.emit({ kind: 'init_died', status: 9 }),
    (host, id) => host.snapshots.delete(id),
  ];
  for (const [index, damage] of harm.entries()) {
    const before = await filled(1);
    const [id] = idsOf(before);
    damage(before.host, id!);
    const after = withPool(1, before.host);
    await adoptContainers(after.containers);
    after.containers.waiting.begin();
    await turns();
    assert.equal(idsOf(after).length, 1, `harm ${index}`);
    assert.ok(!idsOf(after).includes(id!), `harm ${index}`);
    assert.ok(!before.host.directories.has(id!), `harm ${index}`);
  }
});

test('a reload changes their number, and a stop lets those that wait be', async () => {
  const test = await filled(2);
  const { host, containers } = test;
  Object.assign(containers.configuration, { pools: [{ size: 1, rootfs: undefined }] });
  containers.waiting.reconcile();
  await turns();
  assert.equal(containers.waiting.count, 1);
  Object.assign(containers.configuration, { pools: [{ size: 1, rootfs: undefined }, { size: 1, rootfs: 'image:x' }] });
  containers.waiting.reconcile();
  await turns();
  assert.deepEqual(containers.waiting.figures().map(({ rootfs, waiting }) => [rootfs, waiting]), [['/rootfs', 1], ['image:x', 1]]);
  const image = await test.create({ rootfs: 'image:x' });
  assert.deepEqual([image.image?.id, containers.waiting.figures()[1]?.claims], [host.image.id, 1]);
  await containers.waiting.stop();
  // Nor does a reload make any from then on.
  Object.assign(containers.configuration, { pools: [{ size: 1, rootfs: undefined }, { size: 1, rootfs: 'image:y' }] });
  containers.waiting.reconcile();
  await turns();
  containers.waiting.close();
  assert.equal(containers.waiting.count, 1);
});

test('of a large pool that is given up a few go at a time, and the end of the server waits for all of them', async () => {
  const { host, containers } = makeTestContainers(new RecordingHost(), { ...roomyConfiguration, pools: [{ size: 20, rootfs: undefined }] });
  containers.waiting.begin();
  await turns(200);
  assert.equal(containers.waiting.count, 20);
  const leaving: (() => void)[] = [];
  host.disks.release = () => new Promise((resolve) => void leaving.push(resolve));
  Object.assign(containers.configuration, { pools: [] });
  containers.waiting.reconcile();
  await turns();
  assert.equal(leaving.length, 4);
  leaving.shift()?.();
  await turns();
  assert.deepEqual([leaving.length, containers.waiting.count], [4, 19]);
  let isStopped = false;
  const stopped = containers.waiting.stop().then(() => (isStopped = true));
  while (leaving.length > 0) {
    await turns();
    assert.deepEqual([isStopped, leaving.length <= 4], [false, true]);
    leaving.shift()?.();
    await turns();
  }
  await stopped;
  assert.deepEqual([containers.waiting.count, host.leftovers()], [0, []]);
});

test('one that waits for the end of a create is not made any more when the server ends meanwhile', async () => {
  const { host, containers, create } = withPool(1);
  const launch = host.launcher.create;
  let go = (): void => undefined;
  host.launcher.create = async (description) => {
    await new Promise<void>((resolve) => (go = resolve));
    return launch(description);
  };
  const creating = create({ rootfs: '/other' });
  await turns();
  containers.waiting.begin();
  await turns();
  const stopped = containers.waiting.stop();
  go();
  await creating;
  await stopped;
  assert.deepEqual([containers.waiting.count, host.living.size], [0, 1]);
});
