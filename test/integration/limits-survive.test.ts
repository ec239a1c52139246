/* Limits of memory and processors: the kernel has what was answered, and still has it after every end of the daemon. */
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { controllerVersion, readGroupFile } from '../harness/cgroup-files.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();
const MIB = 1n << 20n;

test('what is answered is in the kernel: both limits of memory, raised and lowered', async () => {
  const { client, handle } = await server.container();
  const group = join(server.slot.cgroupParent, basename((await client.info(handle)).container_path));
  for (const bytes of [64n * MIB, 256n * MIB, 32n * MIB]) {
    await client.request('limit_memory', { handle, limit_in_bytes: bytes });
    if (controllerVersion('memory') === 1) {
      assert.equal(readGroupFile('memory', group, 'memory.limit_in_bytes'), String(bytes));
      assert.equal(readGroupFile('memory', group, 'memory.memsw.limit_in_bytes'), String(bytes));
      assert.equal(readGroupFile('memory', group, 'memory.kmem.tcp.limit_in_bytes'), String(bytes));
    } else {
      assert.equal(readGroupFile('memory', group, 'memory.max'), String(bytes));
      assert.equal(readGroupFile('memory', group, 'memory.swap.max'), '0');
    }
  }
  await client.request('limit_cpu', { handle, limit_in_shares: 512n });
  if (controllerVersion('cpu') === 1) assert.equal(readGroupFile('cpu', group, 'cpu.shares'), '512');
  else assert.equal(readGroupFile('cpu', group, 'cpu.weight'), '50');
});

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGUSR2'] as const) {
  test(`limits are in force, and are read, after ${signal}`, async () => {
    const { client, handle } = await server.container();
    await client.request('limit_memory', { handle, limit_in_bytes: 48n * MIB });
    await client.request('limit_cpu', { handle, limit_in_shares: 256n, quota_in_us: 30_000n, cpus: '0' });
    const before = await client.request('limit_cpu', { handle });
    await server.restart({}, signal);
    const again = await server.connect();
    assert.deepEqual(await again.request('limit_memory', { handle }), { limit_in_bytes: 48n * MIB });
    assert.deepEqual(await again.request('limit_cpu', { handle }), before);
    // More than the limit, without anything that a kernel could drop instead.
    const { status } = await again.run(handle, 'exec head -c 60000000 /dev/zero | tail -c 60000000 > /dev/null');
    assert.notEqual(status, 0);
  });
}
