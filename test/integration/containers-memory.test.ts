/* All containers together have the machine's memory without a reserve, and that is in force whatever was there before. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { controllerVersion, readGroupFile } from '../harness/cgroup-files.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();
const MIB = 1 << 20;
const [FILE, SWAP] = controllerVersion('memory') === 1 ? ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'] : ['memory.max', 'memory.swap.max'];

/** A reserve that leaves so many bytes. */
function leaving(bytes: number): { server: { container_memory_reserve: number } } {
  return { server: { container_memory_reserve: totalmem() - bytes } };
}

function limitOfAll(): number {
  return Number(readGroupFile('memory', server.slot.cgroupParent, FILE));
}

function killsOfHost(): number {
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0);
}

test('by default a tenth of the machine is kept, and at least 256 MiB', async () => {
  const kept = totalmem() - limitOfAll();
  assert.ok(kept >= Math.max(totalmem() * 0.1, Math.min(256 * MIB, totalmem() / 2)) - 1 && kept <= Math.max(totalmem() * 0.1, 256 * MIB) + 8192, `${kept} of ${totalmem()}`);
});

test('another reserve counts from the next start on, also for containers that live: lower, higher, and after a kill', async () => {
  const { handle } = await server.container();
  const swap = readGroupFile('memory', server.slot.cgroupParent, SWAP);
  for (const [bytes, signal] of [[512 * MIB, 'SIGTERM'], [256 * MIB, 'SIGKILL'], [1024 * MIB, 'SIGKILL'], [1024 * MIB, 'SIGTERM']] as const) {
    await server.restart(leaving(bytes), signal);
    assert.equal(limitOfAll(), bytes);
    assert.equal(readGroupFile('memory', server.slot.cgroupParent, SWAP), swap);
    assert.equal(output(await (await server.connect()).run(handle, 'echo lives')), 'lives\n');
  }
  await server.restart({ server: { container_memory_reserve: '75%' } });
  assert.ok(Math.abs(limitOfAll() - totalmem() / 4) <= 8192);
  await server.restart({});
});

test('containers that use more than a new reserve leaves them go on, and get no more', async () => {
  const { client, handle } = await server.container();
  // tail keeps the end of what it reads, which is all of it, until there is no more.
  const jobId = await client.spawn(handle, 'mkfifo gate; { head -c 100000000 /dev/zero; echo full >&2; read x < gate; } | tail -c 100000000 | wc -c');
  await streamUntil((await server.connect()).stream(handle, jobId), 'full');
  await server.restart(leaving(64 * MIB), 'SIGKILL');
  assert.match(server.daemon.log, /the containers use more memory than server\.container_memory_reserve leaves them/);
  assert.ok(limitOfAll() > 90_000_000 && limitOfAll() < 150_000_000, `${limitOfAll()}`);
  const again = await server.connect();
  await again.run(handle, 'echo > gate');
  assert.equal((await again.link(handle, jobId)).stdout, '100000000\n');
  await server.restart(leaving(64 * MIB), 'SIGKILL');
  assert.equal(limitOfAll(), 64 * MIB);
  assert.deepEqual((await (await server.connect()).info(handle)).events, []);
  await server.restart({});
});

test('at the limit of all, one of the containers\' processes ends, and no other container hears of it', async () => {
  await server.restart(leaving(128 * MIB));
  const neighbour = await server.container();
  const { client, handle } = await server.container();
  const jobId = await neighbour.client.spawn(neighbour.handle, 'mkfifo gate; read x < gate; echo "$x"');
  const before = killsOfHost();
  const { info, status } = await client.run(handle, 'set -o pipefail; head -c 300000000 /dev/zero | tail -c 300000000 | wc -c');
  assert.notEqual(status, 0);
  assert.deepEqual(info.events, ['out of memory']);
  assert.ok(killsOfHost() > before, 'the kernel has counted it');
  assert.deepEqual((await neighbour.client.info(neighbour.handle)).events, []);
  const other = await server.connect();
  await other.run(neighbour.handle, 'until [ -p gate ]; do :; done; echo unharmed > gate');
  assert.equal((await neighbour.client.link(neighbour.handle, jobId)).stdout, 'unharmed\n');
  await server.destroyAll();
  await server.restart({});
});

test('a reserve that leaves nothing is refused at the start', async () => {
  await server.stop();
  await assert.rejects(server.start({ server: { container_memory_reserve: totalmem() } }), /server\.container_memory_reserve: .* leaves 0 to containers/);
  await server.start({});
});
