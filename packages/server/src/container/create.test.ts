import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LauncherGone } from '../host/launcher.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import { destroyContainer } from './destroy.js';
import type { FailureMoment } from './recording-host.js';
import { makeTestContainers } from './test-containers.js';

/** How many calls a create makes of the host. */
async function callsOfCreate(): Promise<number> {
  const { host, create } = makeTestContainers();
  await create();
  return host.calls.length;
}

for (const moment of ['before', 'after'] as FailureMoment[]) {
  test(`a create whose call N fails ${moment} its effect leaves nothing, for every N`, async () => {
    const total = await callsOfCreate();
    assert.ok(total >= 4, `only ${total} calls`);
    for (let number = 1; number <= total; number++) {
      const { host, containers, create } = makeTestContainers();
      host.failCall(number, moment);
      const failed = await create({ handle: 'demo', network: '10.254.0.2' }).then(
        () => false,
        () => true,
      );
      const call = host.calls[number - 1] ?? '';
      // Watching begins after the container is acknowledged; a container that cannot be watched is stopped, not unmade.
      if (call === 'monitor.watch') continue;
      // What is only written in advance is written again when it counts.
      if (call === 'depot.prepareSnapshot') {
        assert.deepEqual([failed, containers.handles(), host.snapshots.size], [false, ['demo'], 1]);
        continue;
      }
      assert.ok(failed, `call ${number} (${call}) failed and the create did not`);
      host.repair();
      assert.deepEqual(host.leftovers(), [], `left by a failure of call ${number} (${call})`);
      assert.deepEqual(containers.handles(), []);
      // Handle, network, uid and link name are free again: the pools have room for exactly four.
      const container = await create({ handle: 'demo', network: '10.254.0.2' });
      assert.equal(container.link.hostName, 'w-demo-0');
      await Promise.all([create(), create(), create()]);
      await assert.rejects(create(), { code: 'exhausted' });
    }
  });

  for (const hasLeftovers of [false, true]) test(`a destroy of a container with ${hasLeftovers ? 'processes' : 'none but PID 1'} whose call N fails ${moment} its effect can be repeated, for every N`, async () => {
    const complete = makeTestContainers();
    const first = await complete.create();
    await first.watching;
    complete.host.calls.length = 0;
    complete.host.living.get(first.id)!.hasLeftovers = hasLeftovers;
    await destroyContainer(complete.containers, first);
    const total = complete.host.calls.length;
    assert.ok(total >= (hasLeftovers ? 6 : 4), `only ${total} calls`);
    assert.deepEqual(complete.host.leftovers(), []);
    for (let number = 1; number <= total + 1; number++) {
      const { host, containers, create } = makeTestContainers();
      const container = await create({ handle: 'demo' });
      await container.watching;
      host.living.get(container.id)!.hasLeftovers = hasLeftovers;
      host.failCall(number, moment);
      await destroyContainer(containers, container).catch(() => undefined);
      host.repair();
      if (containers.handles().length > 0) await destroyContainer(containers, container);
      assert.deepEqual(host.leftovers(), [], `left by a failure of call ${number} (${host.calls[number - 1] ?? ''})`);
      assert.deepEqual(containers.handles(), []);
      await Promise.all([create({ handle: 'demo' }), create(), create(), create()]);
    }
  });
}

test('what runs out is named, and the next request works', async () => {
  const networks = makeTestContainers();
  for (let number = 0; number < 4; number++) await networks.create();
  await assert.rejects(networks.create(), { code: 'exhausted', message: /no network is left in the pool/ });
  const [handle] = networks.containers.handles();
  await destroyContainer(networks.containers, networks.containers.get(handle!));
  await networks.create();
});

test('a create whose launcher dies is made again, once, when it could be undone', async () => {
  for (const { deaths, undoFails, attempts } of [{ deaths: 1, undoFails: false, attempts: 2 }, { deaths: 2, undoFails: false, attempts: 2 }, { deaths: 1, undoFails: true, attempts: 1 }]) {
    const { host, containers, create } = makeTestContainers();
    const { create: make } = host.launcher;
    let made = 0;
    host.launcher.create = async (description) => {
      if (made++ >= deaths) return make(description);
      await make(description);
      throw new LauncherGone('the launcher ended with SIGKILL');
    };
    if (undoFails) host.launcher.changeFirewall = () => Promise.reject(new Error('no'));
    const result = await create({ handle: 'demo', network: '10.254.0.2' }).then(
      () => 'made',
      (error: unknown) => error instanceof LauncherGone,
    );
    assert.equal(result, deaths === 1 && !undoFails ? 'made' : true);
    assert.equal(made, attempts);
    assert.deepEqual(containers.handles(), result === 'made' ? ['demo'] : []);
    if (!undoFails) assert.equal(host.directories.size, containers.handles().length);
  }
});

test('a create that is refused because of its handle is refused when that can be named, also when both were begun at once', async () => {
  const { host, containers, create } = makeTestContainers();
  const { create: make } = host.launcher;
  let launch = (): void => assert.fail('nothing was launched');
  host.launcher.create = async (description) => {
    await new Promise<void>((resolve) => void (launch = resolve));
    return make(description);
  };
  const [first, second] = [create({ handle: 'x' }), create({ handle: 'x' })];
  let isRefused = false;
  second.catch(() => void (isRefused = true));
  await new Promise(setImmediate);
  assert.deepEqual([isRefused, containers.handles()], [false, []]);
  launch();
  await first;
  await assert.rejects(second, { code: 'exists' });
});

test('two creates with one handle at once: one wins', async () => {
  const { containers, create } = makeTestContainers();
  const results = await Promise.allSettled([create({ handle: 'x' }), create({ handle: 'x' }), create({ handle: 'x' })]);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results) {
    if (result.status === 'rejected') assert.match(String(result.reason), /container with handle: x already exists/);
  }
  assert.deepEqual(containers.handles(), ['x']);
});

test('a create waits for one of the same handle that is under way, and gets it when that fails', async () => {
  const { host, containers, create } = makeTestContainers();
  let fail = (): void => undefined;
  const { create: make } = host.launcher;
  host.launcher.create = () => new Promise((_resolve, reject) => {
    fail = () => reject(new Error('no'));
  });
  const first = create({ handle: 'x' });
  first.catch(() => undefined);
  await new Promise(setImmediate);
  host.launcher.create = make;
  let settled = 0;
  const others = [create({ handle: 'x' }), create({ handle: 'x' })].map((request) => request.finally(() => settled++));
  const outcomes = Promise.allSettled(others);
  await new Promise(setImmediate);
  assert.deepEqual([settled, containers.handles()], [0, []]);
  fail();
  await assert.rejects(first, { message: 'no' });
  assert.deepEqual((await outcomes).map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.deepEqual(containers.handles(), ['x']);
});

test('a network is picked by any of its addresses, or refused', async () => {
  const { create } = makeTestContainers();
  const container = await create({ network: '10.254.0.5' });
  assert.equal(formatIpv4Address(container.network.containerAddress), '10.254.0.6');
  for (const network of ['10.254.0.6', '10.255.0.1', 'example.com', '', '10.254.0.0/30']) {
    await assert.rejects(create({ network }), { message: `Could not acquire network: ${network}` });
  }
});

test('another root file system, or none', async () => {
  const { create } = makeTestContainers();
  assert.equal((await create({ rootfs: '/other' })).rootfsPath, '/other');
  for (const rootfs of ['/missing', 'relative/path', '', '/a\0b']) await assert.rejects(create({ rootfs }), { code: 'not_found', message: `rootfs ${rootfs} not found` });
});

test('any text is just a handle; empty, long and control characters are refused', async () => {
  for (const handle of ['__proto__', 'constructor', '../../x', '$(id)', 'a/b c', 'ü'.repeat(128), 'x'.repeat(256), '-rf', "'; rm -rf /", '😀']) {
    const { containers, create, host } = makeTestContainers();
    const container = await create({ handle });
    assert.equal(containers.get(handle), container);
    assert.deepEqual(containers.handles(), [handle]);
    assert.match(container.directory, /^\/depot\/containers\/[0-9a-v]{11}$/);
    assert.match(container.link.hostName, /^w-[0-9A-Za-z_.-]{1,11}-0$/);
    assert.ok(container.link.hostName.length <= 15);
    await destroyContainer(containers, container);
    assert.deepEqual(host.leftovers(), []);
  }
  const { create } = makeTestContainers();
  for (const handle of ['', 'x'.repeat(257), 'ü'.repeat(129), 'a\nb', 'a\0b', '\u007f', 'a\u0085b', '\t']) {
    await assert.rejects(create({ handle }), { code: 'invalid_argument', message: /^handle: / });
  }
});

test('interfaces are named by the handle when it fits, else by the id', async () => {
  const { create } = makeTestContainers();
  assert.equal((await create({ handle: 'elevenchars' })).link.hostName, 'w-elevenchars-0');
  const long = await create({ handle: 'twelve-chars' });
  assert.equal(long.link.hostName, `w-${long.id}-0`);
  assert.equal(long.link.containerName, `w-${long.id}-1`);
  // A handle that is another container's id cannot have that container's interfaces.
  const thief = await create({ handle: long.id });
  assert.equal(thief.link.hostName, `w-${thief.id}-0`);
});

test('an id whose interface a client\'s handle has taken is passed over', async () => {
  const { containers, create } = makeTestContainers();
  const { id } = await create();
  const next = (Number.parseInt(id, 32) + 1_000_000_000_000).toString(32).padStart(11, '0');
  const following = (number: number): string => (Number.parseInt(next, 32) + number).toString(32).padStart(11, '0');
  containers.ids.follow(next);
  // Made under id next + 1, it has the interface that next + 2 would be named by.
  const thief = await create({ handle: following(2) });
  assert.equal(thief.link.hostName, `w-${following(2)}-0`);
  const long = await create({ handle: 'a handle too long for an interface' });
  assert.equal(long.id, following(3));
  assert.equal(long.link.hostName, `w-${following(3)}-0`);
});

test('a generated handle avoids what a client has chosen', async () => {
  const { containers, create } = makeTestContainers();
  containers.ids.follow('7000000000');
  const { id } = await create();
  const next = (Number.parseInt(id, 32) + 1_000_000_000_000).toString(32);
  containers.ids.follow(next);
  const afterNext = (Number.parseInt(next, 32) + 1).toString(32);
  const chosen = await create({ handle: (Number.parseInt(afterNext, 32) + 1).toString(32) });
  assert.equal(chosen.id, afterNext);
  const generated = await create();
  assert.ok(generated.id > chosen.handle);
  assert.notEqual(generated.handle, chosen.handle);
  assert.equal(new Set(containers.handles()).size, 3);
});

test('a destroy whose launcher died goes on with the next one', async () => {
  const { host, containers, create } = makeTestContainers();
  for (const deaths of [1, 4, 5]) {
    const container = await create({ handle: 'demo' });
    const change = host.launcher.changeFirewall;
    let left = deaths;
    Object.assign(host.launcher, {
      changeFirewall: (elements: Parameters<typeof change>[0]) => (left-- > 0 ? Promise.reject(new LauncherGone('the launcher ended with SIGKILL')) : change(elements)),
    });
    if (deaths === 5) await assert.rejects(destroyContainer(containers, container), { name: 'LauncherGone' });
    await destroyContainer(containers, containers.get('demo'));
    assert.deepEqual([containers.handles(), host.leftovers()], [[], []]);
    Object.assign(host.launcher, { changeFirewall: change });
  }
});
