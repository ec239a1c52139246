/* The health port of a real daemon: what it answers from the first moment of a start to the last of an end, and its figures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { PORTS } from '../harness/slot.js';

const server = useServer();
const address = (path: string): string => `http://127.0.0.1:${server.slot.startPort + PORTS - 1}${path}`;

async function startWatched(section: Record<string, unknown> = {}): Promise<void> {
  await server.restart({ server: section, health: { port: server.slot.startPort + PORTS - 1, container_metrics: true } });
}

async function statusOf(path: string): Promise<number | 'closed'> {
  try {
    return (await fetch(address(path), { headers: { connection: 'close' } })).status;
  } catch {
    return 'closed';
  }
}

test('figures of requests and of a container that works', async () => {
  await startWatched();
  assert.deepEqual([await statusOf('/healthz'), await statusOf('/readyz')], [200, 200]);
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'echo here; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done')), 'here\n');
  const text = await (await fetch(address('/metrics'))).text();
  const value = (name: string): number => Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.slice(name.length + 1));
  const labelled = (name: string): number => Number(text.split('\n').find((line) => line.startsWith(`${name}{handle="${handle}"`))?.split(' ').at(-1));
  assert.equal(value('warden_requests_total{request="run",code="ok"}'), 1);
  assert.equal(value('warden_containers{state="active"}'), 1);
  assert.ok(value('process_resident_memory_bytes') > 10_000_000);
  assert.ok(labelled('warden_container_memory_bytes') > 0);
  assert.ok(labelled('warden_container_cpu_seconds') > 0);
  assert.equal(labelled('warden_container_pids'), 1);
});

test('a server that ends says that it is not ready, and lives until it is gone', async () => {
  await startWatched({ stop_deadline: 2 });
  const { client, handle } = await server.container();
  await client.run(handle, '(trap "" TERM; while :; do read -t 3600 < /dev/zero || :; done) > /dev/null 2>&1 &');
  // A request that waits for a job keeps the server from ending at once.
  const stop = client.stop(handle);
  await (await server.connect()).ping();
  const { child } = server.daemon;
  const ended = server.endOf(20_000);
  child.kill('SIGTERM');
  const seen = new Set<number | 'closed'>();
  for (let status = await statusOf('/readyz'); status !== 'closed'; status = await statusOf('/readyz')) seen.add(status);
  await stop;
  assert.equal(await ended, 0);
  assert.ok(seen.has(503), [...seen].join(' '));
  await server.start();
});
