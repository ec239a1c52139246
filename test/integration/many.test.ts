/* Many containers at once, and many one after another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { openDescriptors, statusField } from '../harness/processes.js';

const server = useServer();

test('the table of descriptors is large before it is needed', () => {
  assert.ok(Number(statusField(server.daemon.pid, 'FDSize')) >= 2048, statusField(server.daemon.pid, 'FDSize'));
});

test('twenty containers at once: made, used and destroyed side by side', async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect()));
  const handles = await Promise.all(clients.map((client) => client.create()));
  assert.equal(new Set(handles).size, 20);
  const names = await Promise.all(clients.map(async (client, index) => output(await client.run(handles[index] ?? '', 'hostname; id -u; hostname -I')).split('\n')));
  assert.deepEqual(names.map(([hostname]) => hostname), handles);
  assert.equal(new Set(names.map(([, uid]) => uid)).size, 20);
  assert.equal(new Set(names.map(([, , address]) => address)).size, 20);
  for (const handle of handles) server.handles.add(handle);
  await Promise.all(clients.map((client, index) => client.destroy(handles[index] ?? '')));
  assert.deepEqual(await (await server.connect()).list(), []);
});

test('jobs of many containers at once do not mix', async () => {
  const containers = await Promise.all(Array.from({ length: 8 }, () => server.container()));
  const results = await Promise.all(containers.flatMap(({ client, handle }) =>
    Array.from({ length: 5 }, async (_, index) => ({ expected: `${handle} ${index}\n`.repeat(200), got: await client.run(handle, `for i in $(seq 200); do echo ${handle} ${index}; done`) }))));
  for (const { expected, got } of results) assert.equal(got.stdout, expected);
});

test('a hundred containers one after another: no descriptors and little memory are kept', async () => {
  const client = await server.connect();
  const cycle = async (): Promise<void> => {
    const handle = await client.create();
    assert.equal((await client.run(handle, 'echo x')).stdout, 'x\n');
    await client.destroy(handle);
  };
  for (let round = 0; round < 10; round++) await cycle();
  const pids = [server.daemon.pid, server.daemon.launcherPid];
  const open = pids.map((pid) => openDescriptors(pid).size);
  const resident = (pid: number): number => Number.parseInt(statusField(pid, 'VmRSS') ?? '0', 10);
  const launcherBefore = resident(server.daemon.launcherPid);
  for (let round = 0; round < 100; round++) await cycle();
  await client.ping();
  for (const [index, pid] of pids.entries()) {
    const now = openDescriptors(pid).size;
    // One or two are in use by what is removed in the background just now; one for each container would be a hundred.
    assert.ok(now <= (open[index] ?? 0) + 5, `descriptors of ${pid}: ${open[index]}, now ${now}`);
  }
  const growth = resident(server.daemon.launcherPid) - launcherBefore;
  assert.ok(growth < 1024, `the launcher grew by ${growth} KiB`);
});
