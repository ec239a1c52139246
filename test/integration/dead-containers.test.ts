/* A container whose processes were killed from outside: what stop, link and info say of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

for (const [victim, event] of [['PID 1', 'the container\'s init process died'], ['monitor', 'the container\'s monitor died']] as const) {
  test(`when the ${victim} is killed, a link tells of it, and stop answers at once, twice`, async () => {
    const { client, handle } = await server.container();
    const jobId = await client.spawn(handle, 'echo up; exec sleep 1000');
    await streamUntil((await server.connect()).stream(handle, jobId), 'up');
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
