import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptContainers } from './adopt.js';
import { CollectedOutput } from './collected-output.js';
import { infoOf } from './info.js';
import { followJob, spawnJob } from './jobs.js';
import { RecordingHost } from './recording-host.js';
import { stopContainer } from './stop.js';
import { makeTestContainers } from './test-containers.js';

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
  const output = new CollectedOutput(1000);
  assert.equal(await (await followJob(after.containers, again, ended, output)).exitStatus, 4);
  assert.equal(output.get('stdout').toString(), 'before the restart');
  // What it holds is taken: two of four networks are left.
  await after.create();
  await after.create();
  await assert.rejects(after.create(), { code: 'exhausted' });
});

test('what has no living monitor, no usable snapshot or another boot is removed, and nothing else', async () => {
  const damage: ((host: RecordingHost, id: string) => void)[] = [
    (host, id) => host.living.delete(id),
    (host, id) => host.snapshots.delete(id),
    (host, id) => host.snapshots.set(id, '{"version":1'),
    (host, id) => host.snapshots.set(id, (host.snapshots.get(id) ?? '').replace('boot-1', 'boot-0')),
    (host, id) => host.snapshots.set(id, (host.snapshots.get(id) ?? '').replace('"version":1', '"version":2')),
    (host, id) => host.snapshots.set(id, (host.snapshots.get(id) ?? '').replace(/"id":"[^"]*"/, '"id":"../../../..."')),
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

test('ids go on behind those of the depot', async () => {
  const before = makeTestContainers();
  const { id } = await before.create();
  const after = makeTestContainers(before.host);
  await adoptContainers(after.containers);
  assert.ok((await after.create()).id > id);
});
