import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address } from '../lib/ipv4.js';
import { adoptContainers } from './adopt.js';
import { destroyContainer } from './destroy.js';
import { RecordingHost, type FailureMoment } from './recording-host.js';
import { filled, idsOf, turns, withPool } from './test-pool.js';

test('the handle that is what a waiting one is called inside is that one\'s; taken for another, that one is nobody\'s', async () => {
  const test = await filled(1);
  const { containers, create } = test;
  const [id] = idsOf(test);
  const container = await create({ handle: id! });
  assert.deepEqual([container.id, container.handle, containers.waiting.figures()[0]?.claims], [id, id, 1]);
  await assert.rejects(create({ handle: id! }), { code: 'exists' });

  const other = await filled(1);
  const [wanted] = idsOf(other);
  const own = await other.create({ handle: wanted!, bindMounts: [{ srcPath: '/a', dstPath: '/b', mode: 0 }] });
  assert.notEqual(own.id, wanted);
  const next = await other.create();
  assert.notEqual(next.handle, wanted);
  await turns();
  assert.deepEqual(other.containers.handles().sort(), [own.handle, next.handle].sort());
  assert.ok(!idsOf(other).includes(wanted!));
});

const own = 'a handle of the client\'s own';

test('a handle of the client\'s own is told to the container, which is recorded after that', async () => {
  const test = await filled(1);
  const { host, containers, create } = test;
  const [id] = idsOf(test);
  for (const [handle, hostname] of [['0123456789ab', '0123456789ab'], [own, undefined]] as const) {
    await turns();
    host.clock.advance(20);
    await turns();
    const [waiting] = idsOf(test);
    host.calls.length = 0;
    const container = await create({ handle });
    assert.deepEqual(host.calls, ['depot.writeSnapshot', 'monitor.rename', 'depot.writeSnapshot']);
    assert.deepEqual([container.id, container.handle, containers.get(handle)], [waiting, handle, container]);
    const address = formatIpv4Address(container.network.containerAddress);
    assert.deepEqual(host.living.get(container.id)?.names, [{
      handle,
      hostname: hostname ?? container.id,
      files: [{ path: '/etc/hosts', content: `127.0.0.1 localhost\n${address} ${hostname ?? container.id}\n` }, { path: '/etc/hostname', content: `${hostname ?? container.id}\n` }],
    }]);
    assert.match(host.snapshots.get(container.id) ?? '', /"version":4.*"createdMs":\d+/);
    assert.equal(containers.waiting.count, 0);
    await assert.rejects(create({ handle }), { code: 'exists' });
  }
  assert.ok(id !== undefined);
});

test('of several creates of one handle at once one gets a container, and the others wait on', async () => {
  const { containers, create } = await filled(2);
  const results = await Promise.allSettled([create({ handle: own }), create({ handle: own }), create({ handle: own })]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected']);
  assert.deepEqual([containers.handles(), containers.waiting.count], [[own], 1]);
});

for (const moment of ['before', 'after'] as FailureMoment[]) {
  test(`a claim with a handle whose call N fails ${moment} its effect leaves no half of a container, for every N`, async () => {
    for (let number = 1; number <= 4; number++) {
      const test = await filled(1);
      const { host, containers, create } = test;
      host.changes++;
      host.failCall(number, moment);
      const failed = await create({ handle: own }).then(() => false, () => true);
      host.repair();
      await turns();
      // What could not be told its name is replaced by one that is made with it.
      if (failed) await create({ handle: own });
      const container = containers.get(own);
      assert.deepEqual([...host.living.keys()].filter((id) => id !== container.id && !idsOf(test).includes(id)), [], `call ${number}`);
      await turns();
      host.clock.advance(1000);
      await turns();
      assert.deepEqual([...host.directories].sort(), [...containers.all(), ...containers.waiting.all()].map(({ id }) => id).sort());
      assert.equal(containers.waiting.count, 1);
    }
  });
}

test('a server that dies while a container is told its name leaves one that the next removes', async () => {
  const before = await filled(1);
  const { host } = before;
  const [id = ''] = idsOf(before);
  let snapshotThen = '';
  host.living.get(id)!.names.push = () => {
    snapshotThen = host.snapshots.get(id) ?? '';
    return 1;
  };
  await before.create({ handle: own });
  host.snapshots.set(id, snapshotThen);
  const after = withPool(1, host);
  await adoptContainers(after.containers);
  after.containers.waiting.begin();
  await turns();
  assert.deepEqual([after.containers.handles(), idsOf(after).includes(id), host.directories.has(id)], [[], false, false]);
});

test('one that cannot be marked as nobody\'s is not told another name, and waits on', async () => {
  const test = await filled(1);
  const { host, containers, create } = test;
  const [id = ''] = idsOf(test);
  host.failCall(1, 'before');
  await assert.rejects(create({ handle: own }), { message: /depot\.writeSnapshot/ });
  host.repair();
  assert.deepEqual([host.living.get(id)?.names, idsOf(test), containers.handles()], [[], [id], []]);
  const container = await create({ handle: own });
  assert.deepEqual([container.id, container.handle], [id, own]);
});

test('handles increase whatever creates are made with', async () => {
  const { host, create, containers } = withPool(1, new RecordingHost());
  containers.waiting.begin();
  await turns();
  const handles: string[] = [];
  for (let round = 0; round < 4; round++) {
    const container = await create(round % 2 === 0 ? { rootfs: '/other' } : {});
    handles.push(container.handle);
    await destroyContainer(containers, container);
    await containers.stale.forget();
    host.clock.advance(1000);
    await turns();
  }
  assert.deepEqual([...handles].sort(), handles);
  assert.equal(containers.waiting.figures()[0]?.claims, 2);
});
