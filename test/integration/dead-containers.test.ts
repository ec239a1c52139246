/* A container whose processes were killed from outside, while wardend was there or away: what stop, link and info say of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { refused, streamUntil } from '../harness/expect.js';
import { fileAppears } from '../harness/wait.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

for (const [victim, event] of [['PID 1', 'the container\'s init process died'], ['monitor', 'the container\'s monitor died']] as const) {
  test(`when the ${victim} is killed, a link tells of it, and stop answers at once, twice`, async () => {
    const { client, handle } = await server.container();
    const jobId = await client.spawn(handle, 'echo up; exec sleep 1000');
    // Logs leave the job: a stream would take its result, perhaps before the link has come.
    await streamUntil((await server.connect()).logs(handle, jobId, { follow: true }), 'up');
    const { container_path: directory } = await client.info(handle);
    const [init] = await server.pidsOf(handle);
    const monitor = Number.parseInt(readFileSync(`${directory}/run/monitor.pid`, 'utf8'), 10);
    const link = (await server.connect()).link(handle, jobId);
    process.kill(victim === 'PID 1' ? init! : monitor, 'SIGKILL');
    const { status, info } = await link;
    assert.deepEqual([status, info.state, info.events], [255, 'stopped', [event]]);
    const started = performance.now();
    await client.stop(handle);
    await client.stop(handle);
    assert.ok(performance.now() - started < 2000);
    assert.equal((await client.info(handle)).state, 'stopped');
  });
}

for (const [victim, event] of [['PID 1', 'the container\'s init process died'], ['monitor', 'the container\'s monitor died']] as const) {
  test(`when the ${victim} is killed, every way to wait for a job is answered`, async () => {
    const { client, handle } = await server.container();
    const linked = await client.spawn(handle, 'echo up; exec sleep 1000');
    const streamed = await client.spawn(handle, 'echo up; exec sleep 1000');
    const witness = await client.spawn(handle, 'echo up; exec sleep 1000');
    await streamUntil((await server.connect()).stream(handle, witness), 'up');
    const { monitor, init } = await processesOf(handle);
    const link = (await server.connect()).link(handle, linked);
    const stream = (await server.connect()).streamAll(handle, streamed);
    const run = (await server.connect()).run(handle, 'exec sleep 1000');
    const stop = (await server.connect()).stop(handle);
    process.kill(victim === 'PID 1' ? init : monitor, 'SIGKILL');
    const [{ status: linkStatus }, { status: streamStatus }, runStatus] = await Promise.all([link, stream, run.then(({ status }) => status, ({ code }: { code: string }) => code), stop]);
    assert.deepEqual([linkStatus, streamStatus], [255, 255]);
    assert.ok(runStatus === 255 || runStatus === 'wrong_state' || runStatus === 'unavailable', String(runStatus));
    assert.deepEqual((await client.info(handle)).events, [event]);
  });

  test(`when the ${victim} dies while wardend is away, the next one tells so, and the jobs are lost`, async () => {
    const { client, handle } = await server.container();
    const silent = await client.spawn(handle, 'exit 7');
    const running = await client.spawn(handle, 'echo up; exec sleep 1000');
    const watcher = await server.connect();
    await streamUntil(watcher.stream(handle, running), 'up');
    const jobs = `${(await client.info(handle)).container_path}/jobs`;
    await fileAppears(jobs, `${silent}.exit`);
    const { monitor, init } = await processesOf(handle);
    await server.stop('SIGKILL');
    process.kill(victim === 'PID 1' ? init : monitor, 'SIGKILL');
    if (victim === 'PID 1') await fileAppears(jobs, `${running}.exit`);
    for (let restart = 1; restart <= 2; restart++) {
      await server.start();
      const again = await server.connect();
      assert.deepEqual(await again.list(), [handle]);
      const { state, events, job_ids: jobIds } = await again.info(handle);
      assert.deepEqual([state, events, jobIds], ['stopped', [event], []]);
      if (restart === 1) await server.stop('SIGKILL');
    }
    const last = await server.connect();
    const { status, info } = await last.link(handle, running);
    assert.deepEqual([status, info.events], [255, [event]]);
    assert.equal((await last.link(handle, silent)).status, 7);
    await refused(last.link(handle, silent), 'not_found', /^no such job$/);
    await refused(last.spawn(handle, 'true'), 'wrong_state', /current state is 'stopped'/);
    await last.stop(handle);
    await last.destroy(handle);
    await refused(last.info(handle), 'not_found', /^unknown handle$/);
  });
}

async function processesOf(handle: string): Promise<{ monitor: number; init: number }> {
  const { container_path: directory } = await (await server.connect()).info(handle);
  const [init = 0] = await server.pidsOf(handle);
  return { init, monitor: Number.parseInt(readFileSync(`${directory}/run/monitor.pid`, 'utf8'), 10) };
}
