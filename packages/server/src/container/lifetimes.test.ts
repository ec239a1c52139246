import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptContainers } from './adopt.js';
import { checkCreateRequest } from './create-request.js';
import { destroyContainer } from './destroy.js';
import type { Happening } from './happenings.js';
import { infoWithUse } from './info.js';
import { lifetimeOver } from './lifetimes.js';
import { RecordingHost } from './recording-host.js';
import { makeTestContainers } from './test-containers.js';

test('a container is destroyed when its time is over, whoever uses it, with an event', async () => {
  const { containers, create, host } = makeTestContainers();
  const client = {};
  containers.references.connect(client);
  const container = await create({ handle: 'x', ttl: 60, graceTime: 3600 });
  containers.references.name(client, container);
  const told: Happening[] = [];
  containers.happenings.listen((_handle, happening) => told.push(happening));
  host.clock.advance(59_000);
  containers.references.name(client, container);
  assert.equal((await infoWithUse(containers, container)).ttlLeftMs, 1000n);
  host.clock.advance(999);
  assert.deepEqual(containers.handles(), ['x']);
  host.clock.advance(1);
  await containers.idle();
  assert.deepEqual(containers.handles(), []);
  assert.deepEqual(host.leftovers(), []);
  assert.deepEqual(told.filter(({ kind }) => kind !== 'stopped'), [{ kind: 'event', event: lifetimeOver }, { kind: 'destroyed' }]);
  assert.equal(containers.lifetimes.count, 0);
});

test('one without a ttl, and one that is destroyed before, leave no timer', async () => {
  const { containers, create, host } = makeTestContainers();
  const without = await create();
  assert.equal(containers.lifetimes.count, 0);
  assert.equal((await infoWithUse(containers, without)).ttlLeftMs, undefined);
  await destroyContainer(containers, await create({ ttl: 1 }));
  assert.equal(containers.lifetimes.count, 0);
  // uint32 seconds are more than a timer of Node's keeps.
  await create({ handle: 'largest', ttl: 0xffff_ffff });
  host.clock.advance(2 ** 31 + 10);
  assert.deepEqual(containers.handles(), [without.handle, 'largest']);
  host.clock.advance(0xffff_ffff * 1000);
  await containers.idle();
  assert.deepEqual(containers.handles(), [without.handle]);
});

test('0 seconds are refused', () => {
  assert.throws(() => checkCreateRequest({ bindMounts: [], hooks: [], labels: [], ttl: 0 }), { code: 'invalid_argument', message: /^ttl: / });
});

test('the time goes on over a restart: what is left then is left, and what passed meanwhile is over', async () => {
  const host = new RecordingHost();
  const before = makeTestContainers(host);
  await before.create({ handle: 'later', ttl: 100, labels: [{ key: 'team', value: 'red' }] });
  await before.create({ handle: 'meanwhile', ttl: 10 });
  before.containers.stopTimers();
  assert.equal(before.containers.lifetimes.count, 0, 'a server that ends destroys nothing any more');
  host.clock.advance(30_000);

  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  assert.deepEqual([...after.containers.get('later').labels], [['team', 'red']]);
  host.clock.advance(0);
  assert.deepEqual(after.containers.handles().sort(), ['later', 'meanwhile'], 'nothing is destroyed before the start is done');
  after.containers.startTimers();
  host.clock.advance(0);
  await after.containers.idle();
  assert.deepEqual(after.containers.handles(), ['later']);
  assert.equal((await infoWithUse(after.containers, after.containers.get('later'))).ttlLeftMs, 70_000n);
  host.clock.advance(70_000);
  await after.containers.idle();
  assert.deepEqual(host.leftovers(), []);
});

test('one whose monitor died meanwhile is destroyed in time, too', async () => {
  const host = new RecordingHost();
  const before = makeTestContainers(host);
  const { id } = await before.create({ handle: 'dead', ttl: 10 });
  before.containers.stopTimers();
  host.living.delete(id);
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  after.containers.startTimers();
  assert.equal(after.containers.get('dead').state, 'stopped');
  host.clock.advance(10_000);
  await after.containers.idle();
  assert.deepEqual(after.containers.handles(), []);
});

test('a destroy that fails is tried again until it is done', async () => {
  const { containers, create, host } = makeTestContainers();
  const container = await create({ handle: 'x', ttl: 1 });
  await container.watching;
  const { destroy } = container.monitor;
  let tries = 0;
  container.monitor.destroy = () => Promise.reject(new Error(`try ${++tries}`));
  const { removeLeftovers } = host.cgroups;
  host.cgroups.removeLeftovers = () => Promise.reject(new Error('busy'));
  host.clock.advance(1000);
  await containers.idle();
  assert.deepEqual(containers.handles(), ['x']);
  container.monitor.destroy = destroy;
  host.cgroups.removeLeftovers = removeLeftovers;
  host.clock.advance(5000);
  await containers.idle();
  assert.equal(tries, 1);
  assert.deepEqual(containers.handles(), []);
  assert.equal(containers.lifetimes.count, 0);
});

test('a destroy of a client\'s that is under way is enough', async () => {
  const { containers, create, host } = makeTestContainers();
  const container = await create({ handle: 'x', ttl: 1 });
  const destroyed = destroyContainer(containers, container);
  host.clock.advance(1000);
  await Promise.all([destroyed, containers.idle()]);
  assert.deepEqual(containers.handles(), []);
  assert.equal(containers.lifetimes.count, 0);
});
