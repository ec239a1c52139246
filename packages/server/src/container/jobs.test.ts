import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { InitDead } from '../host/monitor.js';
import { CollectedOutput } from './collected-output.js';
import type { Container } from './container.js';
import { destroyContainer } from './destroy.js';
import { endLife, initDied } from './end-of-life.js';
import { infoOf } from './info.js';
import { consumeJob } from './forget.js';
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

const request = { handle: 'demo', script: 'true' };

/** Lets promises that are settled already run on. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('a job is described completely: bash, environment, limits, output limit', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, { ...request, script: 'echo ü', rlimits: { nproc: 7n, as: 2n ** 64n - 1n } });
  const job = monitor.jobs.get(id)!.description;
  assert.deepEqual(job.argv, ['/bin/bash']);
  assert.deepEqual(job.environment, ['LANG=en_US.UTF-8', 'HOME=/home/vcap', 'USER=vcap', 'PATH=/bin:/usr/bin']);
  assert.equal(Buffer.from(job.script ?? []).toString(), 'echo ü');
  assert.equal(job.workingDirectory, '/home/vcap');
  assert.equal(job.uid, container.identity.uid);
  assert.equal(job.outputLimitInBytes, 1000n);
  const limit = (resource: number): bigint | undefined => job.rlimits.find((rlimit) => rlimit.resource === resource)?.hard;
  assert.equal(job.rlimits.length, 15);
  assert.equal(limit(6), 7n, 'the request wins');
  assert.equal(limit(7), 8192n, 'then the configuration');
  assert.equal(limit(4), 1n, 'then the defaults: no core dumps, not to a program either');
  assert.equal(limit(9), 2n ** 64n - 1n);
});

test('core dumps that would leave the container are refused, with an event, and nobody asks when a job is to have none', async () => {
  const { containers, container, monitor, host } = await scene();
  const coreOf = async (core: bigint): Promise<bigint | undefined> => {
    const id = await spawnJob(containers, container, { ...request, rlimits: { core } });
    return monitor.jobs.get(id)?.description.rlimits.find(({ resource }) => resource === 4)?.soft;
  };
  assert.equal(await coreOf(4096n), 4096n);
  host.coreDumpsLeave = true;
  assert.equal(await coreOf(0n), 1n);
  assert.deepEqual(infoOf(container).events, []);
  assert.equal(await coreOf(4096n), 1n);
  assert.deepEqual(infoOf(container).events, ['rlimit core clamped to 0']);
});

test('a container that is stopped before its events are received, or while a job waits for them, says so', async () => {
  const wrongState = { code: 'wrong_state', message: /current state is 'stopped'/ };
  for (const start of [spawnJob, async (...[containers, container, job]: Parameters<typeof spawnJob>) => await runJob(containers, container, job, new CollectedOutput(1000), 1000)]) {
    const { containers, container, monitor } = await scene();
    let receive = (): void => assert.fail('nobody waits');
    container.watching = new Promise((resolve) => { receive = resolve; });
    const started = start(containers, container, request);
    endLife(containers, container, initDied);
    receive();
    await assert.rejects(started, wrongState);
    const failed = Promise.reject(new WardenError('unavailable', 'the monitor is gone'));
    for (const watching of [failed, new Promise<void>(() => undefined)]) {
      container.watching = watching;
      await assert.rejects(start(containers, container, request), wrongState);
    }
    assert.deepEqual([monitor.jobs.size, container.jobs.size], [0, 0]);
  }
});

test('limits of one job are not those of the next', async () => {
  const { containers, container, monitor } = await scene();
  await spawnJob(containers, container, { ...request, rlimits: { nofile: 5n } });
  const id = await spawnJob(containers, container, request);
  assert.equal(monitor.jobs.get(id)?.description.rlimits.find(({ resource }) => resource === 7)?.hard, 8192n);
});

test('a privileged job is root at home', async () => {
  const { containers, container, monitor } = await scene();
  const job = monitor.jobs.get(await spawnJob(containers, container, { ...request, privileged: true }))!.description;
  assert.deepEqual(job.environment, ['LANG=en_US.UTF-8', 'HOME=/root', 'USER=root', 'PATH=/sbin:/bin:/usr/sbin:/usr/bin']);
  assert.deepEqual([job.uid, job.gid, job.privileged, job.workingDirectory], [0, 0, true, '/root']);
});

test('a log_tag goes to the monitor with the time zone; an empty one is none', async () => {
  const { containers, container, monitor } = await scene();
  const logOf = async (logTag?: string) => monitor.jobs.get(await spawnJob(containers, container, { ...request, logTag }))?.description.log;
  assert.deepEqual(await logOf('app-1.web_2'), { tag: 'app-1.web_2', timeZone: 'CET-1CEST,M3.5.0,M10.5.0/3' });
  assert.deepEqual([await logOf(''), await logOf()], [undefined, undefined]);
});

test('a log_tag that could be more than a name is refused, and says which characters may be in it', async () => {
  const { containers, container } = await scene();
  for (const logTag of ['a b', 'a:', 'a\nb', '$(id)', 'a/b', 'ü', 'a\0', 'x'.repeat(65), 'x'.repeat(1e6)]) {
    const error = await spawnJob(containers, container, { ...request, logTag }).catch((reason: unknown) => reason);
    assert.ok(error instanceof WardenError && error.code === 'invalid_argument', logTag.slice(0, 80));
    assert.match(error.message, /^log_tag: ".{1,100}" is not 1 to 64 letters, digits, '\.', '_' or '-'$/);
  }
});

test('a job that was linked is gone when the reply was written, not before', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  monitor.write(id, 'stdout', 'out');
  const output = new CollectedOutput(1000);
  const following = await followJob(containers, container, id, output);
  monitor.write(id, 'stderr', 'err');
  monitor.end(id, { kind: 'exited', status: 3 });
  assert.equal(await following.exitStatus, 3);
  assert.deepEqual([output.get('stdout').toString(), output.get('stderr').toString()], ['out', 'err']);
  assert.ok(monitor.jobs.has(id));
  following.delivered();
  await assert.rejects(followJob(containers, container, id, output), { code: 'not_found', message: 'no such job' });
  await turn();
  assert.equal(monitor.jobs.has(id), false);
});

test('a request that broke off leaves the job, with all its output', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  monitor.write(id, 'stdout', 'first');
  (await followJob(containers, container, id, new CollectedOutput(1000))).abandon();
  monitor.end(id, { kind: 'exited', status: 0 });
  const output = new CollectedOutput(1000);
  const following = await followJob(containers, container, id, output);
  assert.equal(await following.exitStatus, 0);
  assert.equal(output.get('stdout').toString(), 'first');
});

test('all that follow a job get its result, the monitor forgets it after the last', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  const both = await Promise.all([followJob(containers, container, id, new CollectedOutput(1000)), followJob(containers, container, id, new CollectedOutput(1000))]);
  monitor.end(id, { kind: 'exited', status: 7 });
  assert.deepEqual(await Promise.all(both.map(({ exitStatus }) => exitStatus)), [7, 7]);
  both[0].delivered();
  await turn();
  assert.ok(monitor.jobs.has(id));
  both[1].abandon();
  await turn();
  assert.equal(monitor.jobs.has(id), false);
});

test('an interrupted run consumes its job when that ends', async () => {
  const { containers, container, monitor } = await scene();
  const following = await runJob(containers, container, request, new CollectedOutput(1000), 1000);
  following.abandon();
  consumeJob(containers, container, following.job);
  await assert.rejects(followJob(containers, container, following.job.id, new CollectedOutput(1000)), { message: 'no such job' });
  assert.deepEqual(infoOf(container).jobIds, [BigInt(following.job.id)]);
  monitor.end(following.job.id, { kind: 'exited', status: 0 });
  await turn();
  assert.equal(monitor.jobs.size, 0);
  assert.deepEqual(infoOf(container).jobIds, []);
});

test('the job of a run goes with its end, and nobody tells the monitor; one with more output than is kept goes when it was read again', async () => {
  const { containers, container, monitor, host } = await scene();
  const forgets = (): number => host.calls.filter((call) => call === 'monitor.forget').length;
  const following = await runJob(containers, container, request, new CollectedOutput(3), 3);
  const stream = await followJob(containers, container, following.job.id, new CollectedOutput(3));
  monitor.write(following.job.id, 'stdout', 'abc');
  monitor.end(following.job.id, { kind: 'exited', status: 7 });
  assert.deepEqual([await following.exitStatus, await stream.exitStatus], [7, 7], 'whoever follows it, too, is told of its end');
  await assert.rejects(followJob(containers, container, following.job.id, new CollectedOutput(3)), { message: 'no such job' }, 'before the reply was written');
  following.delivered();
  stream.delivered();
  await turn();
  assert.deepEqual([monitor.jobs.size, container.jobs.size, forgets()], [0, 0, 0]);

  const large = await runJob(containers, container, request, new CollectedOutput(3), 3);
  monitor.write(large.job.id, 'stdout', 'abcd');
  monitor.end(large.job.id, { kind: 'exited', status: 0 });
  assert.equal(await large.exitStatus, 0);
  assert.equal(monitor.jobs.size, 1, 'it can be read again');
  large.delivered();
  await turn();
  assert.deepEqual([monitor.jobs.size, container.jobs.size, forgets()], [0, 0, 1]);
});

test('a result that reached a client which had ended its side meanwhile was delivered all the same', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  const linked = await followJob(containers, container, id, new CollectedOutput(1000));
  monitor.end(id, { kind: 'exited', status: 0 });
  await linked.exitStatus;
  linked.abandon();
  assert.equal(container.jobs.size, 1);
  linked.delivered();
  await turn();
  assert.deepEqual([monitor.jobs.size, container.jobs.size], [0, 0]);
});

test('a signal and a lost job answer 255', async () => {
  const { containers, container, monitor, host } = await scene();
  const killed = await runJob(containers, container, request, new CollectedOutput(1000), 1000);
  monitor.end(killed.job.id, { kind: 'signalled', signal: 9 });
  assert.equal(await killed.exitStatus, 255);
  const lost = await runJob(containers, container, request, new CollectedOutput(1000), 1000);
  const unlinked = await spawnJob(containers, container, request);
  host.living.delete(container.id);
  monitor.die();
  assert.equal(await lost.exitStatus, 255);
  assert.equal(container.state, 'stopped');
  assert.equal(await (await followJob(containers, container, unlinked, new CollectedOutput(1000))).exitStatus, 255);
});

test('a job that is linked when its container is destroyed is answered, with the last info', async () => {
  const { containers, container, monitor } = await scene();
  monitor.stubborn = true;
  const id = await spawnJob(containers, container, request);
  const following = await followJob(containers, container, id, new CollectedOutput(1000));
  const destroyed = destroyContainer(containers, container);
  await turn();
  const second = assert.rejects(destroyContainer(containers, container), { message: 'unknown handle' });
  await turn();
  (containers.host.clock as unknown as { advance(ms: number): void }).advance(10_000);
  await destroyed;
  await second;
  assert.notEqual(await following.exitStatus, 0);
  assert.equal(infoOf(container).state, 'stopped');
  following.delivered();
});

test('a job whose output goes with its container does not answer as if it had written nothing', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  monitor.write(id, 'stdout', 'lost with the container');
  monitor.end(id, { kind: 'exited', status: 0 });
  monitor.emit({ kind: 'job_ended', jobId: id, exit: { kind: 'exited', status: 0 } });
  // The destroy has got as far as the monitor when the link comes.
  container.lastInfo = infoOf(container);
  monitor.destroy();
  const output = new CollectedOutput(1000);
  const following = await followJob(containers, container, id, output);
  assert.deepEqual([await following.exitStatus, output.get('stdout').length], [255, 0]);
});

test('the last info has no job that ended with the destroy, also when its event is yet to come', async () => {
  const { containers, container, monitor } = await scene();
  const following = await runJob(containers, container, request, new CollectedOutput(1000), 1000);
  monitor.emit = () => undefined;
  await destroyContainer(containers, container);
  assert.equal(await following.exitStatus, 255);
  assert.deepEqual(infoOf(container).jobIds, []);
});

test('stop sends TERM, waits, and KILLs what is left', async () => {
  const { containers, container, monitor, host } = await scene();
  monitor.stubborn = true;
  const id = await spawnJob(containers, container, request);
  const stopped = stopContainer(containers, container, { kill: false });
  await turn();
  assert.deepEqual(monitor.signals, [constants.signals.SIGTERM]);
  host.clock.advance(9_999);
  await turn();
  assert.deepEqual(monitor.signals, [constants.signals.SIGTERM]);
  host.clock.advance(1);
  await stopped;
  assert.deepEqual(monitor.signals, [constants.signals.SIGTERM, constants.signals.SIGKILL]);
  assert.equal(await (await followJob(containers, container, id, new CollectedOutput(1000))).exitStatus, 255);
});

test('a kill does not wait for a stop that is under way', async () => {
  const { containers, container, monitor } = await scene();
  monitor.stubborn = true;
  await spawnJob(containers, container, request);
  const slow = stopContainer(containers, container, { kill: false });
  await turn();
  await stopContainer(containers, container, { kill: true });
  await slow;
});

test('stop of a container whose monitor or PID 1 is dead is answered at once, again and again', async () => {
  for (const kill of [false, true]) {
    const monitorDead = await scene();
    await spawnJob(monitorDead.containers, monitorDead.container, request);
    monitorDead.host.living.delete(monitorDead.container.id);
    monitorDead.monitor.dieSilently();
    for (let times = 0; times < 2; times++) await stopContainer(monitorDead.containers, monitorDead.container, { kill });
    assert.deepEqual([monitorDead.container.state, infoOf(monitorDead.container).jobIds], ['stopped', []]);
    assert.deepEqual(infoOf(monitorDead.container).events, ['the container\'s monitor died']);

    const initDead = await scene();
    initDead.monitor.emit({ kind: 'init_died', status: 9 });
    for (let times = 0; times < 2; times++) await stopContainer(initDead.containers, initDead.container, { kill });
    assert.equal(initDead.container.state, 'stopped');
  }
});

test('a stop that the living monitor refuses is an error', async () => {
  const { containers, container, monitor } = await scene();
  monitor.signalAll = () => {
    throw new WardenError('unavailable', 'out of connections');
  };
  await assert.rejects(stopContainer(containers, container, { kill: true }), { message: 'out of connections' });
});

test('events are kept once and in order', async () => {
  const { container, monitor, host } = await scene();
  monitor.emit({ kind: 'output_limit', jobId: 1 });
  monitor.emit({ kind: 'rlimit_clamped', jobId: 1, resource: 7, hard: 20_000n });
  monitor.emit({ kind: 'output_limit', jobId: 2 });
  assert.deepEqual(infoOf(container).events, ['command exceeded maximum output', 'rlimit nofile clamped to 20000']);
  assert.match(host.snapshots.get(container.id) ?? '', /rlimit nofile clamped/);
});

test('a reply that lacks output is never without its event, though that comes by another connection', async () => {
  const { containers, container, monitor } = await scene();
  const id = await spawnJob(containers, container, request);
  const following = await followJob(containers, container, id, new CollectedOutput(1000));
  monitor.end(id, { kind: 'signalled', signal: 9, outputCut: true });
  assert.equal(await following.exitStatus, 255);
  assert.deepEqual(infoOf(container).events, ['command exceeded maximum output']);
  monitor.emit({ kind: 'output_limit', jobId: id });
  assert.deepEqual(infoOf(container).events, ['command exceeded maximum output']);
});

test('when PID 1 dies the container is stopped, and destroy works', async () => {
  const { containers, container, monitor, host } = await scene();
  monitor.emit({ kind: 'init_died', status: 9 });
  assert.equal(container.state, 'stopped');
  await assert.rejects(spawnJob(containers, container, request), { code: 'wrong_state', message: 'Container state must be one of \'active\', current state is \'stopped\'' });
  await destroyContainer(containers, container);
  assert.deepEqual(host.leftovers(), []);
});

test('what follows a job whose PID 1 or monitor died tells of it, before the event came', async () => {
  const initDead = await scene();
  const id = await spawnJob(initDead.containers, initDead.container, request);
  const following = await followJob(initDead.containers, initDead.container, id, new CollectedOutput(1000));
  initDead.monitor.end(id, { kind: 'lost' });
  assert.equal(await following.exitStatus, 255);
  assert.deepEqual([initDead.container.state, infoOf(initDead.container).events], ['stopped', ['the container\'s init process died']]);
  initDead.monitor.emit({ kind: 'init_died', status: 9 });
  assert.deepEqual(infoOf(initDead.container).events, ['the container\'s init process died']);

  const monitorDead = await scene();
  const run = await runJob(monitorDead.containers, monitorDead.container, request, new CollectedOutput(1000), 1000);
  monitorDead.host.living.delete(monitorDead.container.id);
  monitorDead.monitor.dieSilently();
  assert.equal(await run.exitStatus, 255);
  assert.deepEqual([monitorDead.container.state, infoOf(monitorDead.container).events], ['stopped', ['the container\'s monitor died']]);
});

test('a link over a connection that has not noticed the monitor\'s death is answered as lost', async () => {
  const { containers, container, monitor, host } = await scene();
  const id = await spawnJob(containers, container, request);
  container.monitor.follow = () => Promise.reject(new WardenError('unavailable', 'read ECONNRESET'));
  await assert.rejects(followJob(containers, container, id, new CollectedOutput(1000)), { message: 'read ECONNRESET' });
  host.living.delete(container.id);
  monitor.dieSilently();
  assert.equal(await (await followJob(containers, container, id, new CollectedOutput(1000))).exitStatus, 255);
  assert.deepEqual([container.state, infoOf(container).events], ['stopped', ['the container\'s monitor died']]);
});

test('a job whose start broke off with the connection is no sign that PID 1 is dead', async () => {
  const { containers, container, monitor, host } = await scene();
  monitor.spawn = () => {
    throw new WardenError('unavailable', 'the container\'s monitor closed the connection');
  };
  await assert.rejects(spawnJob(containers, container, request), { code: 'unavailable' });
  assert.deepEqual([container.state, infoOf(container).events], ['active', []]);
  host.living.delete(container.id);
  monitor.dieSilently();
  container.monitor.spawn = () => Promise.reject(new WardenError('unavailable', 'read ECONNRESET'));
  await assert.rejects(spawnJob(containers, container, request), { code: 'unavailable' });
  assert.deepEqual([container.state, infoOf(container).events], ['stopped', ['the container\'s monitor died']]);
});

test('a job that cannot start because the processes are gone stops the container', async () => {
  const { containers, container, monitor, host } = await scene();
  const earlier = await spawnJob(containers, container, request);
  monitor.spawn = () => {
    throw new InitDead('PID 1 is dead');
  };
  await assert.rejects(spawnJob(containers, container, request), { code: 'unavailable' });
  assert.equal(container.state, 'stopped');
  assert.deepEqual([...container.jobs.keys()], [earlier]);
  assert.match(host.snapshots.get(container.id) ?? '', /"state":"stopped"/);
});
