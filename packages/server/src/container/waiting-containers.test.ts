import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address } from '../lib/ipv4.js';
import { adoptContainers } from './adopt.js';
import { destroyContainer } from './destroy.js';
import { infoOf, infoWithUse } from './info.js';
import { runJob } from './jobs.js';
import { CollectedOutput } from './collected-output.js';
import { listContainers } from './listing.js';
import { RecordingHost, type FailureMoment } from './recording-host.js';
import { makeTestContainers, roomyConfiguration, testConfiguration, type TestContainers } from './test-containers.js';

async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

function withPool(size: number, host = new RecordingHost(), rootfs?: string): TestContainers {
  return makeTestContainers(host, { ...testConfiguration, pools: size === 0 ? [] : [{ size, rootfs }] });
}

/** With a full pool. */
async function filled(size: number, host?: RecordingHost, rootfs?: string): Promise<TestContainers> {
  const made = withPool(size, host, rootfs);
  made.containers.waiting.begin();
  await turns();
  assert.equal(made.containers.waiting.count, size);
  return made;
}

function idsOf({ containers }: TestContainers): string[] {
  return containers.waiting.all().map(({ id }) => id);
}

test('a create is served from the pool with a snapshot as its only call, and nobody sees what waits', async () => {
  const test = await filled(2);
  const { host, containers, create } = test;
  const [first] = idsOf(test);
  assert.deepEqual([containers.handles(), listContainers(containers, { labels: [], details: true }).next().value], [[], { handles: [], containers: [] }]);
  assert.throws(() => containers.get(first!), { code: 'not_found', message: 'unknown handle' });
  host.calls.length = 0;
  const happened: string[] = [];
  containers.happenings.listen((handle, { kind }) => happened.push(`${handle} ${kind}`));
  const before = BigInt(Date.now());
  const container = await create({ graceTime: 7, labels: [{ key: 'a', value: 'b' }], ttl: 60 });
  assert.deepEqual(host.calls, ['rootFileSystems.open', 'depot.writeSnapshot']);
  assert.deepEqual([container.id, container.handle, container.state, container.graceTimeMs, container.expiresAtMs, [...container.labels]], [first, first, 'active', 7000, 60_000, [['a', 'b']]]);
  assert.deepEqual([containers.handles(), happened], [[first], [`${first} created`]]);
  const { createdMs, ttlLeftMs, events, jobIds } = await infoWithUse(containers, container);
  assert.ok(createdMs !== undefined && createdMs >= before);
  assert.deepEqual([ttlLeftMs, events, jobIds], [60_000n, [], []]);
  assert.match(host.snapshots.get(container.id) ?? '', /"version":4.*"createdMs":\d+/);
  assert.doesNotMatch(host.snapshots.get(container.id) ?? '', /waiting/);
  assert.equal(containers.waiting.count, 1);
  host.clock.advance(20);
  await turns();
  assert.deepEqual([containers.waiting.count, containers.waiting.figures()], [2, [{ rootfs: '/rootfs', size: 2, waiting: 2, claims: 1, misses: 0 }]]);
});

test('its jobs, events and end are as of any other', async () => {
  const { host, containers, create } = await filled(1);
  const container = await create();
  const following = await runJob(containers, container, { handle: container.handle, script: 'true' }, new CollectedOutput(10), 10);
  const monitor = host.living.get(container.id)!;
  monitor.end(following.job.id, { kind: 'exited', status: 3 });
  assert.equal(await following.exitStatus, 3);
  monitor.emit({ kind: 'output_limit', jobId: following.job.id });
  assert.deepEqual(container.events, ['command exceeded maximum output']);
  monitor.die();
  assert.deepEqual([container.state, container.events.at(-1)], ['stopped', 'the container\'s monitor died']);
  await destroyContainer(containers, container);
  await containers.waiting.stop();
  assert.deepEqual(containers.handles(), []);
});

test('what a request wants for itself is made for it', async () => {
  const { containers, create, host } = await filled(1);
  host.interfaces.length = 0;
  await create({ bindMounts: [{ srcPath: '/a', dstPath: '/b', mode: 0 }] });
  await create({ rootfs: '/other' });
  const own = await create({ handle: 'own' });
  assert.deepEqual([own.link.hostName, containers.waiting.figures()[0]], ['w-own-0', { rootfs: '/rootfs', size: 1, waiting: 1, claims: 0, misses: 0 }]);
  await destroyContainer(containers, own);
  await create({ hooks: [{ point: 1, program: 'x', args: [], timeoutMs: undefined }] }).catch(() => undefined);
  assert.equal(containers.waiting.count, 1);
});

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
    host.clock.advance(20);
    await turns();
    const [waiting] = idsOf(test);
    host.calls.length = 0;
    const container = await create({ handle });
    assert.deepEqual(host.calls, ['rootFileSystems.open', 'depot.writeSnapshot', 'monitor.rename', 'depot.writeSnapshot']);
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
      host.failCall(number, moment);
      const failed = await create({ handle: own }).then(() => false, () => true);
      host.repair();
      await turns();
      // What could not be told its name is replaced by one that is made with it.
      if (failed) await create({ handle: own });
      const container = containers.get(own);
      assert.deepEqual([...host.living.keys()].filter((id) => id !== container.id && !idsOf(test).includes(id)), [], `call ${number}`);
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
  host.failCall(2, 'before');
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

test('one that is not as it would be made now is replaced', async () => {
  const change: ((host: RecordingHost) => void)[] = [
    (host) => Object.assign(host.nameServers, { list: () => ['192.0.2.54'] }),
    (host) => Object.assign(host.rootFileSystems, { open: () => ({ lowers: ['/rootfs'], mounts: [], identity: 'another' }) }),
  ];
  for (const alter of change) {
    const test = await filled(1);
    const { host, create } = test;
    const [old] = idsOf(test);
    alter(host);
    const container = await create();
    assert.notEqual(container.id, old);
    await turns();
    host.clock.advance(1000);
    await turns();
    assert.ok(!host.living.has(old!), 'the old one is gone');
    assert.equal((await create()).id > container.id, true);
  }
});

test('what is exhausted is taken from those that wait: networks, a certain network, uids', async () => {
  const { host, containers, create } = await filled(2);
  const [, second] = containers.waiting.all();
  const picked = await create({ network: formatIpv4Address(second!.network.containerAddress) });
  assert.equal(picked.network.network, second!.network.network);
  assert.ok(!host.living.has(second!.id));
  // Four networks and uids: one waits, one is picked.
  for (let number = 0; number < 3; number++) await create({ rootfs: '/other' });
  assert.deepEqual([containers.waiting.count, containers.handles().length], [0, 4]);
  await assert.rejects(create({ rootfs: '/other' }), { code: 'exhausted' });
  const uids = makeTestContainers(new RecordingHost(), { ...testConfiguration, user: { ...testConfiguration.user, size: 2 }, pools: [{ size: 2, rootfs: undefined }] });
  uids.containers.waiting.begin();
  await turns();
  await uids.create({ rootfs: '/other' });
  await uids.create({ rootfs: '/other' });
  assert.deepEqual([uids.containers.waiting.count, uids.containers.handles().length], [0, 2]);
});

test('two clients that need what waits at the same time take two of them, and nothing is given to both', async () => {
  const { containers, create } = await filled(2);
  for (let number = 0; number < 2; number++) await create({ rootfs: '/other' });
  const made = await Promise.all([create({ rootfs: '/other' }), create({ rootfs: '/other' })]);
  assert.equal(new Set(containers.all().map(({ network }) => network.network)).size, 4);
  assert.equal(new Set(containers.all().map(({ identity }) => identity.uid)).size, 4);
  assert.deepEqual([made.length, containers.waiting.count], [2, 0]);

  const uids = makeTestContainers(new RecordingHost(), { ...testConfiguration, user: { ...testConfiguration.user, size: 2 }, pools: [{ size: 2, rootfs: undefined }] });
  uids.containers.waiting.begin();
  await turns();
  await Promise.all([uids.create({ rootfs: '/other' }), uids.create({ rootfs: '/other' })]);
  assert.deepEqual([uids.containers.uids.taken, new Set(uids.containers.all().map(({ identity }) => identity.uid)).size], [2, 2]);
});

test('a create that finds nothing left, while one in advance is to be made after it, is told so', async () => {
  const { host, containers, create } = await filled(1);
  const claimed = await create();
  for (let number = 0; number < 3; number++) await create({ rootfs: '/other' });
  // It takes the kernel a moment to forget connections: the next one in advance has its turn meanwhile, and lets the create go first.
  let forgotten = (): void => undefined;
  host.launcher.forgetConnections = () => new Promise<void>((resolve) => (forgotten = resolve));
  containers.stale.addAddress(claimed.network.containerAddress, () => undefined);
  const refused = create({ rootfs: '/other' }).then(() => undefined, ({ code }: { code: string }) => code);
  await turns();
  host.clock.advance(20);
  await turns();
  forgotten();
  await turns();
  assert.equal(await Promise.race([refused, new Promise((resolve) => setImmediate(resolve, 'it waits'))]), 'exhausted');
});

test('one whose link stays behind gives its network back all the same', async () => {
  const { host, containers, create } = await filled(1);
  const [{ link, network } = assert.fail()] = containers.waiting.all();
  for (let number = 0; number < 3; number++) await create({ rootfs: '/other' });
  host.interfaces.push(link);
  const { removeLink } = host.launcher;
  host.launcher.removeLink = async () => Promise.reject(new Error('another removal is under way'));
  await assert.rejects(create({ rootfs: '/other' }), { code: 'exhausted' });
  host.launcher.removeLink = removeLink;
  await containers.stale.forget();
  assert.equal((await create({ rootfs: '/other' })).network.network, network.network);
});

test('one that dies while it waits is replaced; one whose first job does not end is not offered', async () => {
  const test = await filled(1);
  const { host, containers } = test;
  const [id] = idsOf(test);
  host.living.get(id!)?.die();
  host.clock.advance(20);
  await turns();
  assert.equal(containers.waiting.count, 1);
  assert.notDeepEqual(idsOf(test), [id]);
  assert.ok(!host.directories.has(id!));

  const stuck = withPool(1);
  stuck.host.warmUpEnd = { kind: 'signalled', signal: 9, timedOut: true };
  stuck.containers.waiting.begin();
  await turns();
  assert.deepEqual([stuck.containers.waiting.count, stuck.host.leftovers()], [0, []]);
  stuck.host.warmUpEnd = { kind: 'exited', status: 127 };
  stuck.host.clock.advance(1000);
  await turns();
  assert.equal(stuck.containers.waiting.count, 1);
});

for (const moment of ['before', 'after'] as FailureMoment[]) {
  test(`making one in advance whose call N fails ${moment} its effect leaves nothing, for every N, and the next try makes it`, async () => {
    const complete = withPool(1);
    complete.containers.waiting.begin();
    await turns();
    const total = complete.host.calls.length;
    assert.ok(total >= 6, `only ${total} calls`);
    for (let number = 1; number <= total; number++) {
      const { host, containers } = withPool(1);
      host.failCall(number, moment);
      containers.waiting.begin();
      await turns();
      assert.deepEqual([containers.waiting.count, host.leftovers()], [0, []], `left by a failure of call ${number} (${host.calls[number - 1] ?? ''})`);
      host.repair();
      host.clock.advance(1000);
      await turns();
      assert.equal(containers.waiting.count, 1);
    }
  });

  test(`a claim whose call N fails ${moment} its effect takes no container away`, async () => {
    for (let number = 1; number <= 2; number++) {
      const test = await filled(1);
      const { host, containers, create } = test;
      const [id] = idsOf(test);
      host.failCall(number, moment);
      const failed = await create().then(() => false, () => true);
      host.repair();
      await turns();
      if (failed) {
        // A snapshot that was written all the same is a client's that got an error: as of any create.
        assert.deepEqual([containers.handles(), idsOf(test)], [[], [id]]);
        assert.equal((await create()).id, id);
      }
    }
  });
}

test('a restarted server offers them again when it would make the same, and removes the others', async () => {
  const before = await filled(2);
  const claimed = await before.create();
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

test('of a large pool that is given up a few go at a time, and those whose turn does not come before the end of the server, with the next one', async () => {
  const host = new RecordingHost();
  const test = makeTestContainers(host, { ...roomyConfiguration, pools: [{ size: 20, rootfs: undefined }] });
  const { containers } = test;
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
  const stopped = containers.waiting.stop();
  for (const leave of leaving.splice(0)) leave();
  await stopped;
  assert.deepEqual([leaving.length, containers.waiting.count], [0, 15]);
  host.disks.release = async () => undefined;
  const after = makeTestContainers(host, { ...roomyConfiguration, pools: [{ size: 20, rootfs: undefined }] });
  await adoptContainers(after.containers);
  Object.assign(after.containers.configuration, { pools: [] });
  after.containers.waiting.begin();
  await turns(200);
  assert.deepEqual([after.containers.waiting.count, host.leftovers()], [0, []]);
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

test('a claim that could not be recorded leaves its image to nobody', async () => {
  const { host, create } = await filled(1, undefined, 'image:x');
  host.calls.length = 0;
  host.failCall(2, 'before');
  await assert.rejects(create({ rootfs: 'image:x' }), { message: /depot\.writeSnapshot/ });
  assert.deepEqual(host.calls, ['rootFileSystems.open', 'depot.writeSnapshot']);
});
