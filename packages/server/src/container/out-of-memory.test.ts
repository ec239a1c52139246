import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { adoptContainers } from './adopt.js';
import { CollectedOutput } from './collected-output.js';
import { runJob } from './jobs.js';
import { stopContainer } from './stop.js';
import { makeTestContainers } from './test-containers.js';
import type { RecordingHost } from './recording-host.js';

const { SIGTERM } = constants.signals;

function monitorOf(host: RecordingHost, id: string) {
  const monitor = host.living.get(id);
  assert.ok(monitor !== undefined);
  return monitor;
}

test('a container that is out of memory has the event once, and is stopped once', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  await container.watching;
  const monitor = monitorOf(host, container.id);
  monitor.emit({ kind: 'out_of_memory' });
  monitor.emit({ kind: 'out_of_memory' });
  await containers.idle();
  assert.deepEqual([container.state, container.events, monitor.signals], ['stopped', ['out of memory'], [SIGTERM]]);
  assert.match(host.snapshots.get(container.id) ?? '', /"state":"stopped".*"events":\["out of memory"\]/);
});

test('one that is stopped already only gets the event', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  await container.watching;
  await stopContainer(containers, container, { kill: true });
  const monitor = monitorOf(host, container.id);
  monitor.emit({ kind: 'out_of_memory' });
  await containers.idle();
  assert.deepEqual([container.events, monitor.signals.length], [['out of memory'], 1]);
});

test('the end of a job tells of it before the event comes', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  const following = await runJob(containers, container, { script: 'true', args: [], env: [] } as never, new CollectedOutput(1000), 1000);
  monitorOf(host, container.id).end(following.job.id, { kind: 'signalled', signal: 9, outOfMemory: true });
  assert.equal(await following.exitStatus, 255);
  assert.deepEqual(container.events, ['out of memory']);
  await containers.idle();
  assert.equal(container.state, 'stopped');
});

test('what happened while no server was there is told to the next one, which stops the container when it has taken it over', async () => {
  const first = makeTestContainers();
  const { id } = await first.create({ handle: 'demo' });
  monitorOf(first.host, id).emit({ kind: 'out_of_memory' });
  first.host.snapshots.set(id, (first.host.snapshots.get(id) ?? '').replace('out of memory', ''));
  const { host } = first;
  const { containers } = makeTestContainers(host);
  await adoptContainers(containers);
  await containers.idle();
  const container = containers.get('demo');
  assert.deepEqual([container.state, container.events], ['stopped', ['out of memory']]);
});

test('a server that was killed between the event and the stop: the next one stops the container', async () => {
  const { host, containers: before, create } = makeTestContainers();
  const container = await create({ handle: 'demo' });
  await container.watching;
  host.failCall(3, 'before');
  const monitor = monitorOf(host, container.id);
  monitor.emit({ kind: 'out_of_memory' });
  await before.idle();
  host.repair();
  monitor.signals.length = 0;
  const { containers } = makeTestContainers(host);
  await adoptContainers(containers);
  await containers.idle();
  assert.deepEqual([containers.get('demo').state, monitor.signals], ['stopped', [SIGTERM]]);
});
