import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputStream } from '../host/monitor.js';
import type { Container } from './container.js';
import { CollectedOutput } from './collected-output.js';
import { destroyContainer } from './destroy.js';
import { followJob, spawnJob } from './jobs.js';
import { readLogs, type Reading } from './logs.js';
import type { RecordingMonitor } from './recording-monitor.js';
import { makeTestContainers, type TestContainers } from './test-containers.js';

interface Scene extends TestContainers {
  readonly container: Container;
  readonly monitor: RecordingMonitor;
  /** A job that has written "out" and "err". */
  readonly id: number;
  read(position: bigint, follow: boolean): Promise<{ reading: Reading; seen: string[] }>;
}

async function scene(): Promise<Scene> {
  const made = makeTestContainers();
  const container = await made.create({ handle: 'demo' });
  await container.watching;
  const monitor = made.host.living.get(container.id);
  assert.ok(monitor !== undefined);
  const id = await spawnJob(made.containers, container, { handle: 'demo', script: 'true' });
  monitor.write(id, 'stdout', 'out');
  monitor.write(id, 'stderr', 'err');
  const read = async (position: bigint, follow: boolean): Promise<{ reading: Reading; seen: string[] }> => {
    const seen: string[] = [];
    const sink = { output: (stream: OutputStream, data: Buffer, at: bigint): boolean => seen.push(`${stream} ${at} ${data.toString()}`) > 0 };
    return { reading: await readLogs(made.containers, container, id, { position, follow }, sink), seen };
  };
  return { ...made, container, monitor, id, read };
}

/** Lets promises that are settled already run on. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('what there is is read from any byte, as often as one likes, and the job stays', async () => {
  const { containers, container, monitor, id, read } = await scene();
  for (const [position, expected] of [[0n, ['stdout 0 out', 'stderr 3 err']], [1n, ['stdout 1 ut', 'stderr 3 err']], [3n, ['stderr 3 err']], [5n, ['stderr 5 r']], [6n, []]] as const) {
    const { reading, seen } = await read(position, false);
    assert.equal(await reading.exit, undefined);
    assert.deepEqual(seen, expected);
  }
  monitor.end(id, { kind: 'exited', status: 4 });
  for (const follow of [false, true]) assert.deepEqual(await (await read(0n, follow)).reading.exit, { kind: 'exited', status: 4 });
  const link = await followJob(containers, container, id, new CollectedOutput(1000));
  assert.equal(await link.exitStatus, 4);
});

test('followed, it goes on to the end of the job', async () => {
  const { monitor, id, read } = await scene();
  const { reading, seen } = await read(4n, true);
  monitor.write(id, 'stdout', 'more');
  monitor.end(id, { kind: 'signalled', signal: 15 });
  assert.deepEqual(await reading.exit, { kind: 'signalled', signal: 15 });
  assert.deepEqual(seen, ['stderr 4 rr', 'stdout 6 more']);
});

test('beyond the end there is nothing, and no such job is one', async () => {
  const { containers, container, id, read } = await scene();
  await assert.rejects(read(7n, false), { code: 'invalid_argument' });
  await assert.rejects(readLogs(containers, container, id + 1, { position: 0n, follow: false }, new CollectedOutput(1000)), { code: 'not_found', message: 'no such job' });
  assert.equal(container.jobs.get(id)?.followers, 0);
});

test('a job that is taken while it is read goes when the reading is over', async () => {
  for (const end of ['ended', 'abandoned']) {
    const { containers, container, monitor, id, read } = await scene();
    const link = await followJob(containers, container, id, new CollectedOutput(1000));
    const { reading } = await read(0n, true);
    if (end === 'ended') {
      monitor.end(id, { kind: 'exited', status: 0 });
      await link.exitStatus;
      link.delivered();
      await reading.exit;
    } else {
      reading.abandon();
      assert.deepEqual(await reading.exit, { kind: 'lost' });
      assert.equal(container.state, 'active', 'who gives up says nothing about the container');
      monitor.end(id, { kind: 'exited', status: 0 });
      await link.exitStatus;
      link.delivered();
    }
    await turn();
    assert.equal(monitor.jobs.has(id), false, end);
    await assert.rejects(read(0n, false), { code: 'not_found' }, end);
  }
});

test('the end of PID 1, of the monitor, and of the container are the end of a job that is followed', async () => {
  const initDead = await scene();
  const first = await initDead.read(0n, true);
  initDead.monitor.end(initDead.id, { kind: 'lost' });
  assert.deepEqual(await first.reading.exit, { kind: 'lost' });
  assert.equal(initDead.container.state, 'stopped');

  const monitorDead = await scene();
  const second = await monitorDead.read(0n, true);
  monitorDead.host.living.delete(monitorDead.container.id);
  monitorDead.monitor.dieSilently();
  assert.deepEqual(await second.reading.exit, { kind: 'lost' });
  assert.equal(monitorDead.container.state, 'stopped');
  const late = await monitorDead.read(0n, false);
  assert.deepEqual([await late.reading.exit, late.seen], [{ kind: 'lost' }, []]);

  const destroyed = await scene();
  const third = await destroyed.read(0n, true);
  await destroyContainer(destroyed.containers, destroyed.container);
  assert.equal((await third.reading.exit)?.kind, 'signalled');
});
