import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptContainers } from './adopt.js';
import type { Container } from './container.js';
import { CollectedOutput } from './collected-output.js';
import { destroyContainer } from './destroy.js';
import { consumeJob } from './forget.js';
import { infoOf } from './info.js';
import { resizeTerminal, signalJob, writeInput } from './job-control.js';
import { listJobs } from './job-listing.js';
import { followJob, runJob, spawnJob } from './jobs.js';
import type { RecordingMonitor } from './recording-monitor.js';
import { stopContainer } from './stop.js';
import { makeTestContainers, type TestContainers } from './test-containers.js';

interface Scene extends TestContainers {
  readonly container: Container;
  readonly monitor: RecordingMonitor;
}

async function scene(): Promise<Scene> {
  const made = makeTestContainers();
  const container = await made.create({ handle: 'demo' });
  await container.watching;
  const monitor = made.host.living.get(container.id);
  assert.ok(monitor !== undefined);
  return { ...made, container, monitor };
}

const request = { handle: 'demo', script: 'make test' };

test('input goes to the job in order, and ends when it is said to', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, { ...request, stdin: true });
  await writeInput(containers, container, id, Buffer.from('one '), false).taken;
  await writeInput(containers, container, id, Buffer.from('two'), false).taken;
  assert.deepEqual(monitor.jobs.get(id)?.input, { text: 'one two', closed: false });
  await writeInput(containers, container, id, Buffer.alloc(0), true).taken;
  assert.deepEqual(monitor.jobs.get(id)?.input, { text: 'one two', closed: true });
});

test('input that waits holds up nothing else, and can be given up', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, { ...request, stdin: true });
  monitor.deaf = true;
  const write = writeInput(containers, container, id, Buffer.from('x'), false);
  await spawnJob(containers, container, request);
  await signalJob(containers, container, id, 15);
  write.giveUp();
  await assert.rejects(write.taken, { code: 'unavailable' });
});

test('input that waits when its container is destroyed is told so', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, { ...request, stdin: true });
  monitor.deaf = true;
  const write = writeInput(containers, container, id, Buffer.from('x'), false);
  const told = assert.rejects(write.taken, { code: 'canceled', message: 'the container was destroyed meanwhile' });
  await destroyContainer(containers, container);
  write.giveUp();
  await told;
});

test('what makes no sense is refused before the monitor hears of it', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  assert.throws(() => writeInput(containers, container, id, Buffer.alloc(1024 * 1024 + 1), false), { code: 'invalid_argument', message: /^data has 1048577 bytes, the limit is 1048576/ });
  for (const signal of [0, 65, 2 ** 32 - 1]) await assert.rejects(signalJob(containers, container, id, signal), { code: 'invalid_argument', message: `signal is a number from 1 to 64, not ${signal}` });
  for (const [rows, columns] of [[0, 80], [24, 4097], [2 ** 32 - 1, 1]] as const) {
    await assert.rejects(resizeTerminal(containers, container, id, rows, columns), { code: 'invalid_argument', message: /^(rows|columns) is a number from 1 to 4096, not / });
  }
  assert.throws(() => writeInput(containers, container, id + 1, Buffer.alloc(1), false), { code: 'not_found', message: 'no such job' });
  await assert.rejects(signalJob(containers, container, id + 1, 9), { code: 'not_found', message: 'no such job' });
  await assert.rejects(resizeTerminal(containers, container, id + 1, 1, 1), { code: 'not_found', message: 'no such job' });
  await stopContainer(containers, container, { kill: true });
  assert.throws(() => writeInput(containers, container, id, Buffer.alloc(1), false), { code: 'wrong_state' });
  await assert.rejects(signalJob(containers, container, id, 9), { code: 'wrong_state' });
  await assert.rejects(resizeTerminal(containers, container, id, 1, 1), { code: 'wrong_state' });
  assert.deepEqual([monitor.jobSignals, monitor.resized], [[], []]);
});

test('a signal goes to one job, also to one whose client has gone', async () => {
  const { containers, container, monitor } = await scene();
  const following = await runJob(containers, container, request, new CollectedOutput(1000), 1000);
  following.abandon();
  consumeJob(containers, container, following.job);
  await signalJob(containers, container, following.job.id, 64);
  assert.deepEqual(monitor.jobSignals, [[following.job.id, 64]]);
});

test('a terminal gets its new size', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, { ...request, tty: { rows: 1, columns: 1 } });
  await resizeTerminal(containers, container, id, 50, 132);
  assert.deepEqual(monitor.resized, [[id, 50, 132]]);
});

test('jobs are those that run, and those whose result nobody has taken', async () => {
  const { containers, container, monitor } = await scene();
  const running = await spawnJob(containers, container, request);
  const failed = await spawnJob(containers, container, { ...request, script: 'exit 3' });
  const killed = await spawnJob(containers, container, { ...request, script: '', args: ['sleep', '9'] });
  const taken = await spawnJob(containers, container, request);
  const left = await runJob(containers, container, request, new CollectedOutput(1000), 1000);
  left.abandon();
  consumeJob(containers, container, left.job);
  monitor.write(failed, 'stdout', '12345');
  monitor.end(failed, { kind: 'exited', status: 3 });
  monitor.end(killed, { kind: 'signalled', signal: 9, timedOut: true });
  monitor.end(taken, { kind: 'exited', status: 0 });
  const link = await followJob(containers, container, taken, new CollectedOutput(1000));
  await link.exitStatus;
  link.delivered();
  const common = { startedMs: 1_700_000_000_000n, endedMs: undefined, outputBytes: 0n };
  const ended = { endedMs: 1_700_000_001_500n };
  assert.deepEqual(await listJobs(containers, container), [
    { ...common, id: running, state: 'running', command: 'make test', pid: 100 + running },
    { ...common, ...ended, id: failed, state: 'ended', command: 'exit 3', pid: 100 + failed, outputBytes: 5n, exitStatus: 3 },
    { ...common, ...ended, id: killed, state: 'ended', command: 'sleep 9', pid: 100 + killed, exitStatus: 255, signal: 9, timedOut: true },
    { ...common, id: left.job.id, state: 'running', command: 'make test', pid: 100 + left.job.id },
  ]);
});

test('a job that is just being started is none yet, and one that was taken is none any more, though others still read it', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  const both = await Promise.all([followJob(containers, container, id, new CollectedOutput(1000)), followJob(containers, container, id, new CollectedOutput(1000))]);
  monitor.end(id, { kind: 'exited', status: 0 });
  await both[0].exitStatus;
  assert.deepEqual((await listJobs(containers, container)).map((job) => job.id), [id]);
  both[0].delivered();
  container.jobs.set(id + 1, { id: id + 1, exit: undefined, followers: 0, consumed: false });
  assert.deepEqual(await listJobs(containers, container), []);
});

test('jobs of a container whose monitor is dead are told as lost', async () => {
  const { containers, container, monitor, host } = await scene();
  const id = await spawnJob(containers, container, request);
  host.living.delete(container.id);
  monitor.dieSilently();
  const [job] = await listJobs(containers, container);
  assert.deepEqual([job?.id, job?.state, job?.exitStatus, job?.lost, job?.pid], [id, 'ended', 255, true, undefined]);
  assert.equal(container.state, 'stopped');
});

test('a time-out is an event, once', async () => {
  const { containers, container, monitor, host } = await scene();
  const id = await spawnJob(containers, container, { ...request, timeoutMs: 10n });
  monitor.emit({ kind: 'job_timed_out', jobId: id });
  monitor.end(id, { kind: 'signalled', signal: 9, timedOut: true });
  assert.deepEqual(infoOf(container).events, ['job timed out']);
  assert.match(host.snapshots.get(container.id) ?? '', /job timed out/);
});

test('a time-out that nobody was there to hear of is known after a restart, and recorded', async () => {
  const { containers, container, monitor, host } = await scene();
  const id = await spawnJob(containers, container, { ...request, timeoutMs: 10n });
  monitor.emit = () => undefined;
  monitor.end(id, { kind: 'signalled', signal: 9, timedOut: true });
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  assert.deepEqual(infoOf(after.containers.get('demo')).events, ['job timed out']);
  assert.match(host.snapshots.get(container.id) ?? '', /job timed out/);
  const again = makeTestContainers(host);
  await adoptContainers(again.containers);
  assert.deepEqual(infoOf(again.containers.get('demo')).events, ['job timed out']);
  const [job] = await listJobs(again.containers, again.containers.get('demo'));
  assert.deepEqual([job?.exitStatus, job?.signal, job?.timedOut], [255, 9, true]);
});

test('a time-out is told of even when the monitor has died since, with or without output that is lost', async () => {
  const { container, host } = await scene();
  host.living.delete(container.id);
  const exit = { kind: 'signalled', signal: 9, timedOut: true } as const;
  host.remains.set(container.id, [{ jobId: 1, exit, outputInBytes: 0 }, { jobId: 2, exit, outputInBytes: 5 }]);
  const { containers } = makeTestContainers(host);
  await adoptContainers(containers);
  const again = containers.get('demo');
  assert.deepEqual(infoOf(again).events, ['job timed out', 'the container\'s monitor died']);
  assert.deepEqual((await listJobs(containers, again)).map(({ id, signal, timedOut, lost }) => [id, signal, timedOut, lost]), [[1, 9, true, undefined], [2, undefined, true, true]]);
});
