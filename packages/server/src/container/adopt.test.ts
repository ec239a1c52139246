import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import type { Host } from '../host/host.js';
import { adoptContainers } from './adopt.js';
import { CollectedOutput } from './collected-output.js';
import { destroyContainer } from './destroy.js';
import { infoOf } from './info.js';
import { followJob, spawnJob } from './jobs.js';
import { reserveUnknownLinks } from './quarantine.js';
import { RecordingHost } from './recording-host.js';
import { sealSnapshot } from './snapshot.js';
import { stopContainer } from './stop.js';
import { makeTestContainers, testConfiguration } from './test-containers.js';

/** A snapshot with another document in it, well sealed. */
function altered(text: string, alter: (document: string) => string): string {
  return sealSnapshot(alter(text.split('\n')[0] ?? ''));
}

test('a living container is taken over with its jobs, events, state, network and uid', async () => {
  const before = makeTestContainers();
  const container = await before.create({ handle: 'demo', graceTime: 5 });
  const stopped = await before.create({ handle: 'stopped' });
  await stopContainer(before.containers, stopped, { kill: false });
  const ended = await spawnJob(before.containers, container, { handle: 'demo', script: '' });
  const running = await spawnJob(before.containers, container, { handle: 'demo', script: '' });
  const monitor = before.host.living.get(container.id)!;
  monitor.write(ended, 'stdout', 'before the restart');
  monitor.end(ended, { kind: 'exited', status: 4 });
  monitor.emit({ kind: 'output_limit', jobId: 99 });

  const after = makeTestContainers(before.host);
  await adoptContainers(after.containers);
  assert.deepEqual(after.containers.handles().sort(), ['demo', 'stopped']);
  const again = after.containers.get('demo');
  assert.deepEqual(infoOf(again), infoOf(container));
  assert.deepEqual(infoOf(again).jobIds, [BigInt(running)]);
  assert.equal(after.containers.get('stopped').state, 'stopped');
  assert.equal(again.graceTimeMs, 5000);
  assert.deepEqual(again.link, container.link);
  assert.deepEqual(again.disk, { backend: 'project', directory: `/depot/disks/${container.id}`, upper: `/depot/disks/${container.id}/upper`, uid: container.identity.uid, rootUid: container.identity.firstSubuid });
  const output = new CollectedOutput(1000);
  assert.equal(await (await followJob(after.containers, again, ended, output)).exitStatus, 4);
  assert.equal(output.get('stdout').toString(), 'before the restart');
  // What it holds is taken: two of four networks are left.
  await after.create();
  await after.create();
  await assert.rejects(after.create(), { code: 'exhausted' });
});

test('a stop that was under way is finished, and one that was done is not done again', async () => {
  const before = makeTestContainers();
  const container = await before.create({ handle: 'demo' });
  const monitor = before.host.living.get(container.id)!;
  monitor.stubborn = true;
  const jobId = await spawnJob(before.containers, container, { handle: 'demo', script: '' });
  void stopContainer(before.containers, container, { kill: false }).catch(() => undefined);
  while (monitor.signals.length === 0) await new Promise(setImmediate);

  const after = makeTestContainers(before.host);
  await adoptContainers(after.containers);
  while (monitor.signals.length === 1) await new Promise(setImmediate);
  monitor.end(jobId, { kind: 'exited', status: 0 });
  await after.containers.idle();
  const signals = monitor.signals.length;
  await adoptContainers(makeTestContainers(before.host).containers);
  await new Promise(setImmediate);
  assert.equal(monitor.signals.length, signals);
});

test('what has no snapshot, another boot, or a destroy that had begun is removed, and nothing else', async () => {
  const damage: ((host: RecordingHost, id: string) => void)[] = [
    (host, id) => host.living.get(id)?.destroy(),
    (host, id) => {
      host.living.get(id)!.destroying = true;
    },
    (host, id) => host.snapshots.delete(id),
    (host, id) => {
      host.living.delete(id);
      host.snapshots.set(id, '{"version":1');
    },
    (host, id) => host.snapshots.set(id, altered(host.snapshots.get(id) ?? '', (document) => document.replace('boot-1', 'boot-0'))),
  ];
  for (const harm of damage) {
    const before = makeTestContainers();
    const healthy = await before.create({ handle: 'healthy' });
    const harmed = await before.create({ handle: 'harmed' });
    harm(before.host, harmed.id);
    const after = makeTestContainers(before.host);
    await adoptContainers(after.containers);
    assert.deepEqual(after.containers.handles(), ['healthy']);
    assert.deepEqual([...before.host.directories], [healthy.id]);
    assert.deepEqual([...before.host.living.keys()], [healthy.id]);
    assert.deepEqual([...before.host.groups], [healthy.id]);
    await after.create({ handle: 'harmed' });
  }
});

test('a container whose monitor died while no server was there is stopped, tells so, and its jobs are lost', async () => {
  const before = makeTestContainers();
  const container = await before.create({ handle: 'demo' });
  const { host } = before;
  host.living.delete(container.id);
  host.jobGroups.set(container.id, [4, 5]);
  host.remains.set(container.id, [
    { jobId: 1, exit: { kind: 'exited', status: 3 }, outputInBytes: 0 },
    { jobId: 2, exit: { kind: 'exited', status: 0 }, outputInBytes: 7 },
    { jobId: 3, exit: undefined, outputInBytes: 0 },
    { jobId: 5, exit: { kind: 'signalled', signal: 9 }, outputInBytes: 0 },
  ]);
  for (let time = 1; time <= 2; time++) {
    const { containers } = makeTestContainers(host);
    await adoptContainers(containers);
    const again = containers.get('demo');
    assert.deepEqual([again.state, again.events, infoOf(again).jobIds], ['stopped', ['the container\'s monitor died'], []]);
    assert.match(host.snapshots.get(container.id) ?? '', /"state":"stopped","events":\["the container's monitor died"\]/);
    for (const [jobId, status] of [[1, 3], [2, 255], [3, 255], [4, 255], [5, 255]] as const) {
      const following = await followJob(containers, again, jobId, new CollectedOutput(10));
      assert.equal(await following.exitStatus, status, `job ${jobId}`);
      following.delivered();
      await assert.rejects(followJob(containers, again, jobId, new CollectedOutput(10)), { code: 'not_found', message: 'no such job' });
    }
    assert.equal(again.jobs.size, 0);
  }
  const { containers } = makeTestContainers(host);
  await adoptContainers(containers);
  await destroyContainer(containers, containers.get('demo'));
  assert.deepEqual(host.leftovers(), []);
});

test('a container that is found may have the programs of an earlier server, and is asked as those understand it', async () => {
  const before = makeTestContainers();
  const opened: (boolean | undefined)[] = [];
  const { host } = before;
  const { open } = host.monitors;
  const monitors: Host['monitors'] = {
    open: (id, isFound) => {
      opened.push(isFound);
      return open(id, isFound);
    },
  };
  Object.assign(host, { monitors });
  await before.create({ handle: 'found' });
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  await after.create({ handle: 'own' });
  assert.deepEqual(opened, [undefined, true, undefined]);
});

test('a monitor that was late and turns out to be dead, or to have destroyed its container, is settled then', async () => {
  for (const destroyed of [false, true]) {
    const before = makeTestContainers();
    const { host } = before;
    const container = await before.create({ handle: 'late' });
    await container.watching;
    let failures = 1;
    const open = host.monitors.open;
    const monitors: Host['monitors'] = {
      open: (id) => ({ ...open(id), watch: async (receive, lost) => (failures-- > 0 ? Promise.reject(new WardenError('timeout', 'no answer')) : open(id).watch(receive, lost)) }),
    };
    const { containers } = makeTestContainers(Object.assign(host, { monitors }));
    await adoptContainers(containers);
    if (destroyed) host.living.get(container.id)?.destroy();
    else host.living.delete(container.id);
    host.clock.advance(5000);
    await new Promise((resolve) => setImmediate(resolve));
    await containers.idle();
    assert.deepEqual(containers.handles(), destroyed ? [] : ['late']);
    if (destroyed) assert.deepEqual(host.leftovers(), []);
    else assert.deepEqual(containers.get('late').events, ['the container\'s monitor died']);
  }
});

test('networks go on resting after a restart, also that of a container whose destroy is finished then', async () => {
  const configuration = { ...testConfiguration, network: { ...testConfiguration.network, releaseDelayMs: 5000 } };
  const before = makeTestContainers(undefined, configuration);
  const { host } = before;
  const [kept, gone, half] = [await before.create({ handle: 'kept' }), await before.create({ handle: 'gone' }), await before.create({ handle: 'half' })];
  await destroyContainer(before.containers, gone);
  host.living.get(half.id)?.destroy();
  host.clock.advance(1000);
  const after = makeTestContainers(host, configuration);
  await adoptContainers(after.containers);
  assert.deepEqual(after.containers.handles(), ['kept']);
  const last = await after.create();
  assert.ok(![kept, gone, half].some(({ network }) => network.network === last.network.network));
  await assert.rejects(after.create(), { code: 'exhausted' });
  host.clock.advance(4000);
  assert.equal((await after.create()).network.network, gone.network.network);
  await assert.rejects(after.create(), { code: 'exhausted' });
  host.clock.advance(1000);
  assert.equal((await after.create()).network.network, half.network.network);
});

test('job ids go on behind those in use, also when the record of them is gone', async () => {
  const before = makeTestContainers();
  const container = await before.create({ handle: 'demo' });
  before.containers.jobIds.follow(4000);
  assert.equal(await spawnJob(before.containers, container, { handle: 'demo', script: '' }), 4001);
  const { containers } = makeTestContainers(before.host);
  await adoptContainers(containers);
  assert.equal(await spawnJob(containers, containers.get('demo'), { handle: 'demo', script: '' }), 4002);
});

test('ids go on behind those of the depot', async () => {
  const before = makeTestContainers();
  const { id } = await before.create();
  const after = makeTestContainers(before.host);
  await adoptContainers(after.containers);
  assert.ok((await after.create()).id > id);
});

test('a snapshot of a newer version is refused before anything is touched', async () => {
  const before = makeTestContainers();
  const dead = await before.create();
  const newer = await before.create();
  const { host } = before;
  host.living.get(dead.id)?.destroy();
  host.snapshots.set(newer.id, altered(host.snapshots.get(newer.id) ?? '', (document) => document.replace('"version":2', '"version":5')));
  const left = host.leftovers();
  await assert.rejects(adoptContainers(makeTestContainers(host).containers), { code: 'unsupported', message: new RegExp(`container ${newer.id} .* version 5`) });
  assert.deepEqual(host.leftovers(), left);
});

test('a living container whose snapshot cannot be used is left alone, and nobody gets what it holds', async () => {
  const damage: ((text: string) => string)[] = [
    () => 'garbage',
    (text) => text.slice(0, text.indexOf('"network"')),
    (text) => altered(text, (document) => document.replace(/"id":"[^"]*"/, '"id":"../../../..."')),
    (text) => altered(text, (document) => document.replace('"state":"active"', '"state":"tired"')),
    // Whoever reads it would take it for another boot's, another uid's, or a newer server's.
    (text) => text.replace('boot-1', 'boot-0'),
    (text) => text.replace(/"uid":(\d+)/, (_match, uid: string) => `"uid":${Number(uid) ^ 1}`),
    (text) => text.replace('"version":2', '"version":4'),
  ];
  for (const harm of damage) {
    const before = makeTestContainers();
    const { host } = before;
    const healthy = await before.create({ handle: 'healthy' });
    const harmed = await before.create({ handle: 'harmed' });
    const harmedText = harm(host.snapshots.get(harmed.id) ?? '');
    host.snapshots.set(harmed.id, harmedText);
    host.interfaces.push(...[healthy, harmed].map(({ link: { hostName, hostAddress } }) => ({ hostName, hostAddress })), { hostName: 'w-stranger-0', hostAddress: 1 });
    const after = makeTestContainers(host);
    await adoptContainers(after.containers);
    assert.deepEqual(after.containers.handles(), ['healthy']);
    assert.deepEqual([...host.living.keys()].sort(), [healthy.id, harmed.id].sort());
    assert.equal(host.snapshots.get(harmed.id), harmedText);
    assert.deepEqual(reserveUnknownLinks(after.containers).map(({ hostName, containerAddress }) => [hostName, containerAddress]), [['w-harmed-0', harmed.link.containerAddress]]);
    const others = [await after.create(), await after.create()];
    await assert.rejects(after.create(), { code: 'exhausted' });
    assert.ok(others.every(({ network }) => network.network !== harmed.network.network));
    if (harmedText.includes('"handle"')) {
      await assert.rejects(after.create({ handle: 'harmed' }), { code: 'exists', message: /^container with handle: harmed already exists \(it is in quarantine: / });
      assert.throws(() => after.containers.get('harmed'), { code: 'unavailable', message: /^container with handle: harmed is in quarantine: .*log/ });
    }
    assert.ok(others.every(({ identity }) => identity.uid !== harmed.identity.uid), 'its monitor knows its uid');
  }
});

test('a job that ends while its container is taken over is not running for ever', async () => {
  for (const moment of ['before the list', 'before the list is read']) {
    const before = makeTestContainers();
    const container = await before.create({ handle: 'demo' });
    const jobId = await spawnJob(before.containers, container, { handle: 'demo', script: '' });
    const monitor = before.host.living.get(container.id)!;
    const list = monitor.list.bind(monitor);
    monitor.list = () => {
      const early = list();
      monitor.end(jobId, { kind: 'exited', status: 3 });
      return moment === 'before the list' ? list() : early;
    };
    const after = makeTestContainers(before.host);
    await adoptContainers(after.containers);
    assert.deepEqual(infoOf(after.containers.get('demo')).jobIds, [], moment);
  }
});

test('what happened while no server was there is told to the next one', async () => {
  const before = makeTestContainers();
  const container = await before.create({ handle: 'demo' });
  const jobId = await spawnJob(before.containers, container, { handle: 'demo', script: '' });
  const { host } = before;
  const snapshot = host.snapshots.get(container.id) ?? '';
  const monitor = host.living.get(container.id)!;
  monitor.emit({ kind: 'rlimit_clamped', jobId, resource: 7, hard: 5n });
  monitor.emit({ kind: 'output_limit', jobId });
  monitor.end(jobId, { kind: 'lost' });
  monitor.emit({ kind: 'init_died', status: 9 });
  // The server that saw it was killed before it had written anything down.
  host.snapshots.set(container.id, snapshot);
  for (let time = 1; time <= 2; time++) {
    const after = makeTestContainers(host);
    await adoptContainers(after.containers);
    const { state, events, jobIds } = infoOf(after.containers.get('demo'));
    assert.deepEqual([state, events, jobIds], ['stopped', ['rlimit nofile clamped to 5', 'command exceeded maximum output', 'the container\'s init process died'], []]);
    assert.match(host.snapshots.get(container.id) ?? '', /"state":"stopped"/);
  }
});

test('a container whose monitor is late is kept, and taken over when it answers', async () => {
  const before = makeTestContainers();
  const container = await before.create({ handle: 'late' });
  const jobId = await spawnJob(before.containers, container, { handle: 'late', script: '' });
  const { host } = before;
  const open = host.monitors.open;
  let failures = 1;
  const monitors: Host['monitors'] = {
    open: (id) => {
      const monitor = open(id);
      return { ...monitor, list: async () => (failures-- > 0 ? Promise.reject(new WardenError('timeout', 'no answer')) : monitor.list()) };
    },
  };
  const after = makeTestContainers(Object.assign(host, { monitors }));
  await adoptContainers(after.containers);
  assert.deepEqual(after.containers.handles(), ['late']);
  assert.deepEqual([...host.living.keys()], [container.id]);
  const again = after.containers.get('late');
  assert.deepEqual([...again.jobs.keys()], []);
  host.clock.advance(5000);
  await again.watching;
  assert.deepEqual([...again.jobs.keys()], [jobId]);
});

test('a monitor that hangs does not hold up the others, and no more than 16 are asked at once', async () => {
  const configuration = { ...testConfiguration, network: { ...testConfiguration.network, pool: { first: 0x0afe_0000, last: 0x0afe_03ff } }, user: { ...testConfiguration.user, size: 64 } };
  const before = makeTestContainers(undefined, configuration);
  for (let number = 0; number < 40; number++) await before.create();
  const { host } = before;
  const open = host.monitors.open;
  let asked = 0;
  let most = 0;
  const answers: (() => void)[] = [];
  const monitors: Host['monitors'] = {
    open: (id) => {
      const monitor = open(id);
      return {
        ...monitor,
        list: async () => {
          most = Math.max(most, ++asked);
          await new Promise<void>((resolve) => answers.push(resolve));
          asked--;
          return monitor.list();
        },
      };
    },
  };
  const after = makeTestContainers(Object.assign(host, { monitors }), configuration);
  let done = false;
  const adopted = adoptContainers(after.containers).then(() => {
    done = true;
  });
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    for (const answer of answers.splice(0)) answer();
  }
  await adopted;
  assert.equal(most, 16);
  assert.equal(after.containers.handles().length, 40);
});

test('a container that lives and is not in this depot is left alone, its packets stay filtered, and nobody gets its network', async () => {
  const before = makeTestContainers();
  const { host } = before;
  const [lost, undone] = [await before.create({ handle: 'lost' }), await before.create({ handle: 'undone' })];
  for (const { id } of [lost, undone]) {
    host.directories.delete(id);
    host.snapshots.delete(id);
  }
  host.interfaces.push({ hostName: lost.link.hostName, hostAddress: lost.link.hostAddress });
  const { containers, create } = makeTestContainers(host);
  const adopted = adoptContainers(containers);
  await new Promise(setImmediate);
  // It was a create that undid itself.
  host.living.delete(undone.id);
  for (let times = 0; times < 30; times++) {
    host.clock.advance(50);
    await new Promise(setImmediate);
  }
  await adopted;
  assert.deepEqual([containers.handles(), containers.hasQuarantined, containers.isQuarantined(lost.id), containers.isQuarantined(undone.id)], [[], true, true, false]);
  assert.deepEqual([...host.living.keys()], [lost.id]);
  assert.deepEqual(reserveUnknownLinks(containers).map(({ hostName }) => hostName), [lost.link.hostName]);
  const others = [await create(), await create(), await create()];
  await assert.rejects(create(), { code: 'exhausted' });
  assert.ok(others.every(({ network }) => network.network !== lost.network.network));
});
