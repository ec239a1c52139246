import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { formatIpv4Address } from '../lib/ipv4.js';
import { CollectedOutput } from './collected-output.js';
import type { Containers } from './containers.js';
import { destroyContainer } from './destroy.js';
import { infoWithUse } from './info.js';
import { runJob } from './jobs.js';
import { listContainers } from './listing.js';
import { RecordingHost, type FailureMoment } from './recording-host.js';
import { parseSnapshot, snapshotOf } from './snapshot.js';
import { makeTestContainers, roomyConfiguration, testConfiguration } from './test-containers.js';
import { filled, idsOf, turns, withPool } from './test-pool.js';

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
  assert.deepEqual(host.calls, ['depot.writeSnapshot']);
  assert.deepEqual([container.id, container.handle, container.state, container.graceTimeMs, container.expiresAtMs, [...container.labels]], [first, first, 'active', 7000, 60_000, [['a', 'b']]]);
  assert.deepEqual([containers.handles(), happened], [[first], [`${first} created`]]);
  const { createdMs, ttlLeftMs, events, jobIds } = await infoWithUse(containers, container);
  assert.ok(createdMs !== undefined && createdMs >= before);
  assert.deepEqual([ttlLeftMs, events, jobIds], [60_000n, [], []]);
  assert.match(host.snapshots.get(container.id) ?? '', /"version":4.*"createdMs":\d+/);
  assert.doesNotMatch(host.snapshots.get(container.id) ?? '', /waiting/);
  assert.deepEqual(parseSnapshot(host.snapshots.get(container.id) ?? ''), parseSnapshot(snapshotOf(container, host.bootId)));
  assert.equal(containers.waiting.count, 1);
  await turns();
  host.clock.advance(20);
  await turns();
  assert.deepEqual([containers.waiting.count, containers.waiting.figures()], [2, [{ rootfs: '/rootfs', size: 2, waiting: 2, claims: 1, misses: 0 }]]);
});

test('those that wait go on waiting when their root file system could not be looked at for a moment', async () => {
  for (const [error, left] of [[new Error('EMFILE'), 1], [new WardenError('not_found', 'no such root file system'), 0]] as const) {
    const test = await filled(1);
    const { host, containers, create } = test;
    const [id] = idsOf(test);
    const { open } = host.rootFileSystems;
    let asked = 0;
    host.changes++;
    host.rootFileSystems.open = (path) => {
      if (asked++ === 0) throw error;
      return open(path);
    };
    assert.notEqual((await create()).id, id);
    assert.deepEqual([containers.waiting.figures()[0]?.waiting, containers.waiting.figures()[0]?.misses], [left, 1]);
  }
});

test('what was learnt when it was made is known of it as a client\'s', async () => {
  const { containers, create } = await filled(1);
  const [waiting = assert.fail()] = containers.waiting.all();
  waiting.linkIndex = 7;
  waiting.usesForwarder = true;
  const { id, linkIndex, usesForwarder } = await create();
  assert.deepEqual({ id, linkIndex, usesForwarder }, { id: waiting.id, linkIndex: 7, usesForwarder: true });
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

test('one that is not as it would be made now is replaced', async () => {
  const change: ((host: RecordingHost, containers: Containers) => void)[] = [
    (host) => Object.assign(host.nameServers, { list: () => ['192.0.2.54'] }),
    (host) => Object.assign(host.rootFileSystems, { open: () => ({ lowers: ['/rootfs'], mounts: [], identity: 'another' }) }),
    (host) => Object.assign(host.syslog, { socketPath: () => '/run/other/log' }),
    (_host, containers) => Object.assign(containers.configuration, { network: { ...testConfiguration.network, mtu: 1400 } }),
  ];
  for (const [index, alter] of change.entries()) {
    const test = await filled(1);
    const { host, containers, create } = test;
    const [old] = idsOf(test);
    alter(host, containers);
    // What is found in files is looked at there.
    if (index < 2) host.changes++;
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

test('a uid that another client was faster to get is no reason to refuse one while more of them wait', async () => {
  const { containers, create } = makeTestContainers(new RecordingHost(), { ...testConfiguration, user: { ...testConfiguration.user, size: 2 }, pools: [{ size: 2, rootfs: undefined }] });
  containers.waiting.begin();
  await turns();
  const release = containers.uids.release.bind(containers.uids);
  containers.uids.release = (identity) => {
    release(identity);
    containers.uids.release = release;
    containers.uids.acquire();
  };
  await create({ rootfs: '/other' });
  assert.deepEqual([containers.handles().length, containers.waiting.count], [1, 0]);
  await assert.rejects(create({ rootfs: '/other' }), { code: 'exhausted', message: /no uid is left/ });
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

test('creates that it does not serve, and that follow each other without a pause, keep it waiting for a while, not for ever', async () => {
  const { host, containers, create } = makeTestContainers(new RecordingHost(), { ...roomyConfiguration, pools: [{ size: 2, rootfs: undefined }] });
  containers.waiting.begin();
  await turns();
  const ends: (() => void)[] = [];
  const { create: make } = host.launcher;
  host.launcher.create = async (description) => {
    if (description.lowers.includes('/other')) await new Promise<void>((resolve) => void ends.push(resolve));
    return make(description);
  };
  const underWay = [create({ rootfs: '/other' })];
  for (let claim = 0; claim < 2; claim++) await create();
  const fillings: number[] = [];
  let waiting = 0;
  for (const began = host.clock.now(); fillings.length < 2 && underWay.length < 100; host.clock.advance(10)) {
    underWay.push(create({ rootfs: '/other' }));
    await turns();
    ends.shift()?.();
    await turns();
    if (containers.waiting.count > waiting) fillings.push(host.clock.now() - began);
    waiting = containers.waiting.count;
  }
  // A moment after the claims it is to be made.
  assert.deepEqual(fillings, [220, 420]);
  for (const end of ends) end();
  await Promise.all(underWay);
  await turns();
  // Nothing of the waiting is left.
  assert.equal(host.clock.pending, 0);
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
    for (const [number, changes] of [[1, 0], [1, 1], [2, 1]] as const) {
      const test = await filled(1);
      const { host, containers, create } = test;
      const [id] = idsOf(test);
      host.changes += changes;
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

test('a claim that could not be recorded leaves its image to nobody', async () => {
  const { host, create } = await filled(1, undefined, 'image:x');
  host.calls.length = 0;
  host.failCall(1, 'before');
  await assert.rejects(create({ rootfs: 'image:x' }), { message: /depot\.writeSnapshot/ });
  assert.deepEqual(host.calls, ['depot.writeSnapshot']);
});
