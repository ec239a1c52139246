import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { MountsLeft } from '../host/monitor.js';
import { destroyContainer } from './destroy.js';
import { spawnJob } from './jobs.js';
import { makeTestContainers } from './test-containers.js';

async function scene() {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle: 'demo' });
  await container.watching;
  const monitor = host.living.get(container.id);
  assert.ok(monitor !== undefined);
  host.calls.length = 0;
  return { host, containers, container, monitor };
}

test('where only PID 1 is there, one request to the monitor does it, and the firewall changes when it is dead', async () => {
  const { host, containers, container, monitor } = await scene();
  await destroyContainer(containers, container);
  assert.deepEqual(monitor.signals, []);
  assert.equal(host.calls.filter((call) => call.startsWith('monitor.')).join(), 'monitor.destroy');
  assert.ok(host.calls.indexOf('launcher.changeFirewall') > host.calls.indexOf('monitor.destroy'), host.calls.join(' '));
  assert.deepEqual([host.leftovers(), containers.handles(), container.state], [[], [], 'destroyed']);
});

test('processes are asked to end first, be they of a job or of none', async () => {
  for (const ofJob of [true, false]) {
    const { host, containers, container, monitor } = await scene();
    if (ofJob) await spawnJob(containers, container, { handle: 'demo', script: '' });
    else monitor.hasLeftovers = true;
    await destroyContainer(containers, container);
    assert.deepEqual(monitor.signals, [constants.signals.SIGTERM]);
    assert.deepEqual([host.leftovers(), containers.handles()], [[], []]);
  }
});

test('no job starts in a container that has refused to go at once', async () => {
  const { containers, container, monitor } = await scene();
  monitor.hasLeftovers = true;
  const destroyed = destroyContainer(containers, container);
  const late = spawnJob(containers, container, { handle: 'demo', script: '' });
  await assert.rejects(late, { code: 'wrong_state' });
  await destroyed;
  assert.deepEqual(containers.handles(), []);
});

test('two at once: the second is told that there is none any more', async () => {
  const { containers, container } = await scene();
  const [one, other] = await Promise.allSettled([destroyContainer(containers, container), destroyContainer(containers, container)]);
  assert.deepEqual([one.status, other.status], ['fulfilled', 'rejected']);
  assert.equal(other.status === 'rejected' && (other.reason as { code?: string }).code, 'not_found');
});

test('where only the monitor\'s part was done, whoever waits for the monitor does not wait for the next try', async () => {
  const { host, containers, container } = await scene();
  let closed = 0;
  container.monitor.close = () => void closed++;
  host.failCall(2, 'before');
  await assert.rejects(destroyContainer(containers, container), /made to fail before: launcher.changeFirewall/);
  assert.deepEqual([host.calls[0], closed], ['monitor.destroy', 1]);
  host.repair();
  await destroyContainer(containers, container);
  assert.deepEqual([host.leftovers(), containers.handles()], [[], []]);
});

test('a container whose mounts are left is not destroyed, and that can be tried again', async () => {
  const { host, containers, container, monitor } = await scene();
  monitor.destroy = () => {
    throw new MountsLeft(new WardenError('timeout', 'unmount: too late'));
  };
  await assert.rejects(destroyContainer(containers, container), { code: 'timeout', message: 'unmount: too late' });
  assert.deepEqual([containers.handles(), host.calls.filter((call) => /leftovers/i.test(call))], [['demo'], []]);
  Reflect.deleteProperty(monitor, 'destroy');
  await destroyContainer(containers, container);
  assert.deepEqual([host.leftovers(), containers.handles()], [[], []]);
});
